"""Shapley values of decision trees and sums of them, from their leaves instead of coalitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import factorial

import numpy as np

from components.models.tree_tables import Tree

#: Cells, rows times background rows times leaves, that are worked on at once.
CELLS = 1 << 22


def values(
    trees: Sequence[Tree],
    rows: np.ndarray,
    background: np.ndarray,
    players: Sequence[Sequence[int]] | None = None,
) -> np.ndarray:
    """Return Shapley values of the sum of some trees.

    Parameters
    ----------
    trees : sequence of Tree
    rows, background : ndarray, shape [n, columns] and [m, columns]
        Numbers, or ids of categories.
    players : sequence of sequence of int, optional
        The columns of each feature; by default each column is one.

    Returns
    -------
    ndarray, shape [n, features, outputs]

    Notes
    -----
    Interventional TreeSHAP (Lundberg et al. 2020). For a row and a background row, a leaf is
    reached by just those coalitions that hold all of a set A of features, whose conditions on the
    path only the row meets, and none of a set B, whose conditions only the background row meets;
    if a feature's are met by neither, by none at all. The Shapley values of that game are
    ``(a - 1)! b! / (a + b)!`` for those in A, and ``-a! (b - 1)! / (a + b)!`` for those in B, times
    what the leaf says.
    """
    players = [(column,) for column in range(rows.shape[1])] if players is None else players
    total = np.zeros((len(rows), len(players), trees[0].values.shape[1]))
    for tree in trees:
        leaves, met = _met(tree, players)
        usual = met(background)
        step = max(1, CELLS // max(usual.shape[0] * usual.shape[1] * usual.shape[2], 1))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            total[part] += _one(met(rows[part]), usual, tree.values[leaves])
    return total


def _one(own: np.ndarray, usual: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Return the values of a tree from the conditions that are met, each [rows, leaves, d]."""
    here, there = own[:, np.newaxis], usual[np.newaxis]
    joins, leaves_out = here & ~there, there & ~here
    reached = (here | there).all(axis=-1)
    a, b = joins.sum(axis=-1), leaves_out.sum(axis=-1)
    most = own.shape[-1] + 1
    gains, losses = _factors(most)
    gain = np.where(reached, gains[a, b], 0.0)
    loss = np.where(reached, losses[a, b], 0.0)
    # Leaves are summed up last, by what they say.
    by_leaf = np.einsum("rbl,rblj->rlj", gain, joins) - np.einsum("rbl,rblj->rlj", loss, leaves_out)
    return np.asarray(np.einsum("rlj,lk->rjk", by_leaf, said) / len(usual))


def _factors(most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of features in A and in B by the sizes of both."""
    gains, losses = np.zeros((most, most)), np.zeros((most, most))
    for a in range(most):
        for b in range(most - a):
            if a:
                gains[a, b] = factorial(a - 1) * factorial(b) / factorial(a + b)
            if b:
                losses[a, b] = factorial(a) * factorial(b - 1) / factorial(a + b)
    return gains, losses


def _met(
    tree: Tree, players: Sequence[Sequence[int]]
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Return the leaves, and a function of rows to what they meet, [n, leaves, players]."""
    owner = {column: index for index, player in enumerate(players) for column in player}
    paths: list[tuple[int, list[tuple[int, bool]]]] = []
    stack: list[tuple[int, list[tuple[int, bool]]]] = [(0, [])]
    while stack:
        node, path = stack.pop()
        if tree.left[node] < 0:
            paths.append((node, path))
            continue
        stack.append((int(tree.right[node]), [*path, (node, True)]))
        stack.append((int(tree.left[node]), [*path, (node, False)]))

    def goes_right(rows: np.ndarray, node: int) -> np.ndarray:
        column = rows[:, tree.feature[node]]
        if node in tree.goes_right:
            return tree.goes_right[node][column.astype(np.int64)].astype(bool)
        return np.asarray(~(column <= tree.threshold[node]))

    def met(rows: np.ndarray) -> np.ndarray:
        found = np.ones((len(rows), len(paths), len(players)), bool)
        turned = {node: goes_right(rows, node) for node in map(int, np.flatnonzero(tree.left >= 0))}
        for place, (_, path) in enumerate(paths):
            for node, right in path:
                found[:, place, owner[int(tree.feature[node])]] &= turned[node] == right
        return found

    return np.array([leaf for leaf, _ in paths]), met
