"""Decision trees as flat tables of nodes, in the order in which they are walked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tree:
    """One binary tree; its root is node 0.

    Attributes
    ----------
    left, right : ndarray of int, shape (nodes,)
        Children of each node; -1 at a leaf.
    feature : ndarray of int, shape (nodes,)
        Column that an inner node looks at.
    threshold : ndarray of float64, shape (nodes,)
        A row goes left if its value is at most this.
    values : ndarray of float64, shape (nodes, k)
        What a leaf predicts.
    goes_right : mapping of int to ndarray of bool, shape (ids,)
        Inner node that looks at a category -> whether each id goes right; the
        threshold of such a node has no meaning.
    """

    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    values: np.ndarray
    goes_right: Mapping[int, np.ndarray]


@dataclass(frozen=True)
class NodeTables:
    """All trees of an ensemble in one table of N nodes.

    The roots of T trees are nodes 0 to T - 1, deep trees first, and the right child of
    a node follows its left child. A leaf is its own left child, and no row goes right.

    Attributes
    ----------
    nodes : ndarray of int32, shape (N, 3)
        Column that the node looks at, left child, start of its mask; 0 if it has none.
    thresholds : ndarray of float32, shape (N,)
        A row goes right if its value is above this; infinity at leaves and masks.
    values : ndarray of float32, shape (N, k)
        What a leaf predicts.
    masks : ndarray of int32
        1 for each id that goes right; entry 0 is 0, and belongs to no mask.
    widths : tuple of int
        How many trees have an inner node on level 0, on level 1, and so on.
    """

    nodes: np.ndarray
    thresholds: np.ndarray
    values: np.ndarray
    masks: np.ndarray
    widths: tuple[int, ...]


def pack(trees: Sequence[Tree], outputs: int = 1) -> NodeTables:
    """Return the tables of an ensemble.

    Parameters
    ----------
    trees : sequence of Tree
        At least one. Each run of `outputs` trees stays together and in order.
    outputs : int
        Trees of one round, one for each output.

    Examples
    --------
    >>> stump = Tree(
    ...     left=np.array([1, -1, -1]), right=np.array([2, -1, -1]), feature=np.array([4, 0, 0]),
    ...     threshold=np.array([0.5, 0, 0]), values=np.array([[0.0], [10], [20]]), goes_right={},
    ... )
    >>> tables = pack([stump])
    >>> tables.nodes.tolist(), tables.widths
    ([[4, 1, 0], [0, 1, 0], [0, 2, 0]], (1,))
    """
    trees = _deep_first(trees, outputs)
    sizes = [len(tree.left) for tree in trees]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    left = np.concatenate([tree.left + (tree.left >= 0) * s for tree, s in _at(trees, starts)])
    right = np.concatenate([tree.right + (tree.right >= 0) * s for tree, s in _at(trees, starts)])

    order, widths, level = [starts], [], starts
    while len(inner := level[left[level] >= 0]):
        # Deep trees come first, so that those with an inner node here are the first ones.
        widths.append(int(np.searchsorted(starts, inner, side="right").max()))
        level = np.stack([left[inner], right[inner]], axis=1).reshape(-1)
        order.append(level)
    source = np.concatenate(order)
    place = np.empty_like(source)
    place[source] = np.arange(len(source))

    leaf = left < 0
    threshold = round_down(np.concatenate([tree.threshold for tree in trees]))
    threshold[leaf] = np.inf
    mask_starts, masks = _masks(trees, starts)
    threshold[mask_starts > 0] = np.inf
    nodes = np.stack(
        [
            np.where(leaf, 0, np.concatenate([tree.feature for tree in trees])),
            np.where(leaf, place, place[left]),
            mask_starts,
        ],
        axis=1,
    )
    return NodeTables(
        nodes=nodes[source].astype(np.int32),
        thresholds=threshold[source],
        values=np.concatenate([tree.values for tree in trees])[source].astype(np.float32),
        masks=masks,
        widths=tuple(widths),
    )


def round_down(numbers: np.ndarray) -> np.ndarray:
    """Return the greatest float32 that is not above each float64.

    A float32 is at most a float64 exactly if it is at most that float64 rounded down.

    Examples
    --------
    >>> float(round_down(np.array([0.3]))[0]) <= 0.3 < float(np.float32(0.3))
    True
    """
    with np.errstate(over="ignore"):
        rounded = numbers.astype(np.float32)
    return np.where(rounded > numbers, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _at(trees: Sequence[Tree], starts: np.ndarray) -> list[tuple[Tree, int]]:
    return list(zip(trees, starts.tolist(), strict=True))


def _deep_first(trees: Sequence[Tree], outputs: int) -> list[Tree]:
    depths = np.array([_depth(tree) for tree in trees]).reshape(-1, outputs).max(axis=1)
    rounds = np.argsort(-depths, kind="stable")
    return [trees[round_ * outputs + i] for round_ in rounds for i in range(outputs)]


def _depth(tree: Tree) -> int:
    """Return the number of levels that have an inner node."""
    depth, level = 0, np.zeros(1, np.int64)
    while len(inner := level[tree.left[level] >= 0]):
        level = np.concatenate([tree.left[inner], tree.right[inner]])
        depth += 1
    return depth


def _masks(trees: Sequence[Tree], starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the mask of each node starts, and the masks, equal ones once."""
    mask_starts = np.zeros(sum(len(tree.left) for tree in trees), np.int64)
    known: dict[bytes, int] = {}
    parts, end = [np.zeros(1, np.int32)], 1
    for tree, start in _at(trees, starts):
        for node, goes_right in tree.goes_right.items():
            key = goes_right.tobytes()
            if key not in known:
                known[key] = end
                parts.append(goes_right.astype(np.int32))
                end += len(goes_right)
            mask_starts[start + node] = known[key]
    return mask_starts, np.concatenate(parts)
