"""A decision tree in place of the model (Breiman et al. 1984; Craven and Shavlik 1996)."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from components.explainer.surrogates.conditions import Column

#: Part of the variance that a condition must explain: more than rounding.
LEAST_GAIN = 1e-6


def fit(
    matrix: np.ndarray, answers: np.ndarray, leaves: int, leaf_share: float, seed: int
) -> DecisionTreeRegressor:
    """Return the tree of least squared difference from the model's answers [n, outputs]."""
    return DecisionTreeRegressor(
        max_leaf_nodes=leaves,
        min_samples_leaf=max(1, round(leaf_share * len(matrix))),
        min_impurity_decrease=LEAST_GAIN * float(answers.var(axis=0).mean()),
        random_state=seed,
    ).fit(matrix, answers)


def nodes(fitted: DecisionTreeRegressor, columns: list[Column]) -> list[dict[str, Any]]:
    """Return the nodes in the order in which a tree is read, the root first.

    Returns
    -------
    list of dict
        ``depth``, ``way`` (what leads here from the node above; "" for the root), ``condition``
        (what is asked; None of a leaf: where it holds, the next node follows), ``share`` of the
        rows, and ``values`` by output.
    """
    tree = fitted.tree_
    found: list[dict[str, Any]] = []

    def visit(node: int, depth: int, way: str) -> None:
        leaf = tree.children_left[node] < 0
        column = None if leaf else columns[tree.feature[node]]
        threshold = float(tree.threshold[node])
        # A category is asked for, not denied: that it is above the threshold comes first.
        asked = column is not None and column.kind != "number"
        condition = None if column is None else column.condition(threshold, above=asked)
        found.append(
            {
                "depth": depth,
                "way": way,
                "condition": condition,
                "share": float(tree.n_node_samples[node] / tree.n_node_samples[0]),
                "values": np.ravel(tree.value[node]).tolist(),
            }
        )
        if column is None:
            return
        low, high = int(tree.children_left[node]), int(tree.children_right[node])
        for child, above in ((high, True), (low, False)) if asked else ((low, False), (high, True)):
            visit(child, depth + 1, column.condition(threshold, above=above))

    visit(0, 0, "")
    return found


def importance(fitted: DecisionTreeRegressor, columns: list[Column]) -> dict[str, float]:
    """Return the share of each feature in what the tree's conditions explain."""
    found: dict[str, float] = {}
    for column, size in zip(columns, fitted.feature_importances_, strict=True):
        found[column.axis.name] = found.get(column.axis.name, 0.0) + float(size)
    return found
