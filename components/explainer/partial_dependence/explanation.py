"""Partial dependence on one and two features, with the curves of single rows."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from components.deadline import Deadline
from components.explainer import association, axes, curve_table
from components.explainer import pairs as pairs_of
from components.explainer.axes import Axis
from components.explainer.decisions import in_words
from components.explainer.method import Explanation, Method
from components.explainer.partial_dependence import curves, grids, pairs
from components.explainer.partial_dependence.config import PartialDependenceConfig
from components.explainer.problem import Problem
from components.models.subject import Columns

#: Part of the spread of all curves that single rows must differ by to be grouped.
LEAST_DIFFERENCE = 0.02
#: Rows of the background on which features are held against each other.
ASSOCIATION_ROWS = 2000
#: Share of the method's time for the curves of single features.
SINGLE = 0.75


def refuse(problem: Problem, config: PartialDependenceConfig) -> str | None:
    """Return why there is no partial dependence, or None."""
    if not problem.groups:
        return "A single pixel has no partial dependence that tells something."
    return None


def explain(problem: Problem, config: PartialDependenceConfig, deadline: Deadline) -> Explanation:
    """Return what the model says in the mean over the background, for each value of a feature.

    Parameters
    ----------
    problem : Problem
        Of a table.
    config : PartialDependenceConfig
    deadline : Deadline
        Looked at between two features.

    Returns
    -------
    Explanation
        ``found`` has ``rows``, ``outputs``, ``answers`` (the same in words) and ``importance``: the
        standard deviation of the partial dependence over the background's own values (after
        Greenwell et al. 2018), in the mean of the outputs; ``features``, by falling importance,
        each with ``name``, ``numeric``, ``grid``, ``labels``, ``dependence`` [outputs][grid],
        ``missing`` (that of a missing number, or None), ``output`` (the place of that which varies
        most; what follows is about it), ``low`` and ``high`` (between which 80 % of the rows lie),
        ``ice`` (centred curves of some rows), ``spread`` (how much single rows' centred curves
        differ from their mean), ``clusters`` (``share``, ``curve``, centred), ``cluster_feature``
        (``name`` and ``strength`` of what tells them apart, or None), ``deciles`` of a number, and
        ``correlated`` (``name``, ``strength``); ``pairs``, by falling ``interaction``, each with
        ``names``, ``labels``, ``output``, ``dependence`` [first][second], ``rows`` near each point,
        ``interaction`` and ``share``: see `.pairs.interaction`; ``constant`` (names); and
        ``notes``. Tables: ``partial_dependence``, and ``ice``, not centred, of the rows of the
        background that are averaged over.

    Raises
    ------
    InputError
        A feature of ``pairs`` does not exist, or is paired with itself.
    """
    found_axes = axes.of(problem)
    pairs_of.check(config.pairs or (), list(found_axes), "explainer.partial_dependence.pairs")
    rows = axes.sample(problem.background.columns, config.rows, problem.seed)
    columns = axes.taken(problem.background.columns, rows)
    constant = [name for name, axis in found_axes.items() if axis.constant]
    varying = {name: axis for name, axis in found_axes.items() if not axis.constant}
    related = _related(problem, varying, config.correlated)
    notes: list[str] = []
    described: dict[str, dict[str, Any]] = {}
    tables: list[pa.Table] = []
    for index, (name, axis) in enumerate(varying.items()):
        if deadline.passed:
            left = ", ".join(list(varying)[index:])
            notes.append(f"The time was over: there is no partial dependence on {left}.")
            break
        deadline.report(SINGLE * index / len(varying), name)
        described[name], ice = _feature(problem, config, axis, rows, columns)
        described[name]["correlated"] = sorted(
            (
                {"name": other, "strength": size}
                for pair, size in related.items()
                for other in pair
                if name in pair and other != name
            ),
            key=lambda each: (-each["strength"], each["name"]),
        )
        _tell_clusters(described[name], name, varying, columns)
        tables.append(ice)
    importance = {name: each["importance"] for name, each in described.items()}
    ranked = sorted(described, key=lambda name: (-importance[name], name))
    found_pairs = pairs.describe(
        problem, config, varying, columns, described, ranked, notes, deadline, SINGLE
    )
    if constant:
        notes.append(f"Of one value only in the background, and not drawn: {', '.join(constant)}.")
    notes += _doubts(related)
    return Explanation(
        found={
            "rows": len(rows),
            "outputs": list(problem.outputs),
            "answers": in_words(problem),
            "importance": importance | dict.fromkeys(constant, 0.0),
            "features": [described[name] for name in ranked],
            "pairs": found_pairs,
            "constant": constant,
            "notes": notes,
        },
        tables={
            "partial_dependence": curve_table.table(
                problem.outputs, [described[name] for name in ranked], "dependence"
            ),
            **({"ice": pa.concat_tables(tables)} if tables else {}),
        },
    )


def _feature(
    problem: Problem,
    config: PartialDependenceConfig,
    axis: Axis,
    rows: np.ndarray,
    columns: Columns,
) -> tuple[dict[str, Any], pa.Table]:
    grid = axis.grid(config.grid if axis.numeric else config.categories)
    # A missing number is one more point, beside the curve.
    points = np.append(grid, np.nan) if axis.lacking else grid
    answers = curves.individual(problem, columns, axis, points)
    means = answers.mean(axis=0)
    ice, dependence = answers[:, : len(grid)], means[: len(grid)]
    weights = grids.weights(axis, grid)
    spreads = np.sqrt(_variance(dependence, weights))
    # Of equal spreads the first output counts, but rounding shall not decide.
    output = int(np.argmax(spreads >= spreads.max() * (1 - 1e-9)))
    own = ice[..., output]
    low, high = np.quantile(own, (0.1, 0.9), axis=0)
    centred = own - own[:, :1]
    different = float(np.sqrt(((centred - centred.mean(axis=0)) ** 2).mean()))
    reach = float(np.sqrt((centred**2).mean()))
    several = different > LEAST_DIFFERENCE * reach and reach > 1e-9
    groups = (
        curves.clusters(centred, config.clusters, config.clustering, problem.seed)
        if several
        else np.zeros(len(own), np.int64)
    )
    shown = np.unique(np.linspace(0, len(own) - 1, min(config.curves, len(own))).astype(int))
    described = {
        "name": axis.name,
        "numeric": axis.numeric,
        "grid": grid.tolist(),
        "labels": axis.labels(grid),
        "dependence": dependence.T.tolist(),
        "missing": means[-1].tolist() if axis.lacking else None,
        "output": output,
        "low": low.tolist(),
        "high": high.tolist(),
        "ice": centred[shown].tolist(),
        "spread": different,
        "clusters": [
            {
                "share": float((groups == group).mean()),
                "curve": centred[groups == group].mean(axis=0).tolist(),
            }
            for group in range(groups.max() + 1)
            if several
        ],
        "groups": groups,
        "deciles": np.quantile(axis.known, np.linspace(0.1, 0.9, 9)).tolist()
        if axis.numeric
        else None,
        "importance": float(spreads.mean()),
    }
    return described, _ice_table(problem, axis, grid, rows, ice)


def _variance(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    mean = weights @ values
    return np.asarray(weights @ (values - mean) ** 2)


def _related(
    problem: Problem, varying: dict[str, Axis], least: float
) -> dict[tuple[str, str], float]:
    """Return the association of each two features that are strongly associated."""
    usual = problem.background.columns
    rows = axes.taken(usual, axes.sample(usual, ASSOCIATION_ROWS, problem.seed))
    coordinates = {name: axis.encode(rows) for name, axis in varying.items()}
    found = {}
    for first, second in combinations(varying, 2):
        size = association.strength(
            coordinates[first],
            varying[first].numeric,
            coordinates[second],
            varying[second].numeric,
        )
        if size >= least:
            found[first, second] = size
    return found


def _tell_clusters(
    described: dict[str, Any], name: str, varying: dict[str, Axis], columns: Columns
) -> None:
    """Put in which other feature differs most between the groups of curves."""
    groups = described.pop("groups").astype(np.float64)
    strengths: list[dict[str, Any]] = [
        {
            "name": other,
            "strength": association.strength(groups, False, axis.encode(columns), axis.numeric),
        }
        for other, axis in varying.items()
        if other != name
    ]
    best = max(strengths, key=lambda each: each["strength"], default=None)
    described["cluster_feature"] = best if best is not None and best["strength"] > 0 else None


def _doubts(related: dict[tuple[str, str], float]) -> list[str]:
    """Return a note on the pairs of features that are correlated."""
    if not related:
        return []
    texts = [
        f"{first} and {second} ({size:.2f})"
        for (first, second), size in sorted(related.items(), key=lambda each: (-each[1], each[0]))
    ]
    return [
        "Strongly correlated, so that partial dependence asks the model about rows that do not "
        f"occur; look at their accumulated local effects (ALE) instead: {', '.join(texts)}."
    ]


def _ice_table(
    problem: Problem, axis: Axis, grid: np.ndarray, rows: np.ndarray, answers: np.ndarray
) -> pa.Table:
    """Return the curves [n, grid, outputs] of a feature, one value a row."""
    count, points, outputs = answers.shape
    ids = problem.background.row_ids[rows]
    labels = np.array(axis.labels(grid), object)
    return pa.table(
        {
            "feature": pa.array([axis.name] * answers.size, pa.string()),
            "background_row": pa.array(np.repeat(ids, points * outputs), pa.int64()),
            "value": pa.array(np.tile(np.repeat(labels, outputs), count), pa.string()),
            "output": pa.array(
                np.tile(np.array(problem.outputs, object), count * points), pa.string()
            ),
            "answer": pa.array(answers.ravel(), pa.float64()),
        }
    )


METHOD = Method(
    title="Partial dependence and ICE",
    scope="global",
    kind="model-agnostic",
    assumes="Features vary independently: else the model is asked about rows that do not occur.",
    source=(
        "J. Friedman, Greedy Function Approximation (2001); A. Goldstein et al., Peeking Inside "
        "the Black Box (2015)"
    ),
    refuse=refuse,
    explain=explain,
)
