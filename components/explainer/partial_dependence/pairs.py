"""Partial dependence on pairs of features, and how far it is from a sum."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from components.deadline import Deadline
from components.explainer import axes
from components.explainer.axes import Axis
from components.explainer.partial_dependence import grids as near
from components.explainer.partial_dependence.config import PartialDependenceConfig
from components.explainer.problem import Problem
from components.models.subject import Columns


def describe(
    problem: Problem,
    config: PartialDependenceConfig,
    varying: dict[str, Axis],
    columns: Columns,
    described: dict[str, dict[str, Any]],
    ranked: list[str],
    notes: list[str],
    deadline: Deadline,
    start: float,
) -> list[dict[str, Any]]:
    """Return the joint dependence on pairs of features, by falling interaction.

    Parameters
    ----------
    problem : Problem
    config : PartialDependenceConfig
    varying : dict of str to Axis
        Features of more than one value.
    columns : dict of str to ndarray
        Rows that may be averaged over.
    described : dict of str to dict
        What was found of single features.
    ranked : list of str
        Their names, the most important first.
    notes : list of str
        To which is added what is left out.
    deadline : Deadline
        Looked at between two pairs.
    start : float
        Share of the method's work that is done.

    Returns
    -------
    list of dict
        See `components.explainer.partial_dependence.explanation.explain`.
    """
    if config.pairs is not None:
        wanted = [pair for pair in config.pairs if set(pair) <= set(varying)]
        for pair in config.pairs:
            if pair not in wanted:
                notes.append(
                    f"Not drawn, as one of the two has one value only: {' and '.join(pair)}."
                )
    else:
        wanted = list(combinations(ranked[: config.pair_features], 2))
    rows = axes.taken(columns, axes.sample(columns, config.pair_rows, problem.seed))
    found = []
    for index, pair in enumerate(wanted):
        if deadline.passed:
            left = "; ".join(" and ".join(names) for names in wanted[index:])
            notes.append(f"The time was over: there is no joint dependence on {left}.")
            break
        deadline.report(start + (1 - start) * index / len(wanted), " and ".join(pair))
        both = varying[pair[0]], varying[pair[1]]
        grids = both[0].grid(config.pair_grid), both[1].grid(config.pair_grid)
        surface = joint(problem, rows, both, grids)
        counts = counts_of(problem, both, grids)
        output = described[pair[0]]["output"] if pair[0] in described else 0
        size, share = interaction(surface[..., output], counts)
        found.append(
            {
                "names": list(pair),
                "labels": [both[0].labels(grids[0]), both[1].labels(grids[1])],
                "output": output,
                "dependence": surface[..., output].tolist(),
                "rows": counts.astype(int).tolist(),
                "interaction": size,
                "share": share,
            }
        )
    return sorted(found, key=lambda each: -each["interaction"])


def counts_of(
    problem: Problem, pair: tuple[Axis, Axis], grids: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Return the background's rows nearest to each point of two grids, [r, c]."""
    coordinates = [axis.encode(problem.background.columns) for axis in pair]
    known = np.ones(len(coordinates[0]), bool)
    for axis, values, grid in zip(pair, coordinates, grids, strict=True):
        known &= np.isfinite(values) if axis.numeric else values < len(grid)
    places = [
        near.nearest(axis, values[known], grid)
        for axis, values, grid in zip(pair, coordinates, grids, strict=True)
    ]
    counts = np.zeros((len(grids[0]), len(grids[1])))
    np.add.at(counts, tuple(places), 1)
    # Without a row that has both values, every point counts the same.
    return counts if counts.any() else np.ones_like(counts)


def joint(
    problem: Problem, columns: Columns, pair: tuple[Axis, Axis], grids: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Return the partial dependence on two features, [first grid, second grid, outputs]."""
    first, second = (values.ravel() for values in np.meshgrid(*grids, indexing="ij"))
    found = axes.at(problem, columns, pair, np.stack([first, second], axis=1)).mean(axis=1)
    return np.asarray(found.reshape(len(grids[0]), len(grids[1]), -1))


def interaction(surface: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return how far a joint dependence is from the sum of one of each feature.

    Parameters
    ----------
    surface : ndarray, shape [r, c]
    weights : ndarray, shape [r, c]
        Rows near each point; those without data do not count.

    Returns
    -------
    float, float
        The root of the weighted mean square of what is left of it when the weighted least
        squares fit of a function of the one plus a function of the other is taken away; and its
        share of the surface's own. The square of the latter is near Friedman and Popescu's H
        squared (2008, eq. 44), and equals it for a full grid.
    """
    weight = weights / weights.sum()
    r, c = surface.shape
    design = np.zeros((r, c, r + c))
    design[np.arange(r), :, np.arange(r)] = 1.0
    design[:, np.arange(c), r + np.arange(c)] = 1.0
    root = np.sqrt(weight.ravel())
    matrix = design.reshape(r * c, -1) * root[:, None]
    values = surface.ravel() * root
    left = values - matrix @ np.linalg.lstsq(matrix, values, rcond=None)[0]
    mean = float((surface * weight).sum())
    size = float(np.sqrt((left**2).sum()))
    total = float(np.sqrt((((surface - mean) ** 2) * weight).sum()))
    # What is left by rounding alone is nothing.
    if size <= 1e-9 * max(1.0, float(np.abs(surface).max())):
        return 0.0, 0.0
    return size, min(1.0, size / total)
