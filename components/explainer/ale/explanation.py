"""Accumulated local effects of single features and of pairs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from components.deadline import Deadline
from components.errors import InputError
from components.explainer import axes, curve_table
from components.explainer import pairs as pairs_of
from components.explainer.ale import effects, similarity
from components.explainer.ale.config import AleConfig
from components.explainer.ale.effects import Local
from components.explainer.axes import Axis
from components.explainer.decisions import in_words
from components.explainer.method import Explanation, Method
from components.explainer.problem import Problem
from components.models.subject import Columns

#: Share of the method's time for single features.
SINGLE = 0.8
PAIRS_SETTING = "explainer.ale.pairs"


def refuse(problem: Problem, config: AleConfig) -> str | None:
    """Return why there are no accumulated local effects, or None."""
    if not problem.groups:
        return "A single pixel has no accumulated local effect that tells something."
    return None


def explain(problem: Problem, config: AleConfig, deadline: Deadline) -> Explanation:
    """Return how the model's answer changes where rows are moved within their own interval.

    Parameters
    ----------
    problem : Problem
        Of a table.
    config : AleConfig
    deadline : Deadline
        Looked at between two features.

    Returns
    -------
    Explanation
        ``found`` has ``rows``, ``outputs``, ``answers`` (the same in words), ``confidence`` and
        ``importance``: the standard deviation of the effect over the rows, in the mean of the
        outputs; ``features``, by
        falling importance, each with ``name``, ``numeric``, ``grid``, ``labels``, ``effect``
        [outputs][grid], ``output`` (the place of that which varies most), ``low`` and ``high``
        of its interval (None without samples), ``share`` of the rows at each point, and ``rows``
        that have a value; ``pairs``, by falling ``interaction`` (the standard deviation of their
        effect over the rows), each with ``names``, ``labels``, ``output``, ``effect``
        [first][second] and ``rows`` [cells]; ``constant`` (names); and ``notes``. A table
        ``ale``.

    Raises
    ------
    InputError
        A feature of ``pairs`` does not exist, or is no number.
    """
    found_axes = axes.of(problem)
    _check(config, found_axes)
    chosen = axes.sample(problem.background.columns, config.rows, problem.seed)
    columns = axes.taken(problem.background.columns, chosen)
    constant = [name for name, axis in found_axes.items() if axis.constant]
    varying = {name: axis for name, axis in found_axes.items() if not axis.constant}
    coordinates = {name: axis.encode(columns) for name, axis in varying.items()}
    notes: list[str] = []
    described: dict[str, dict[str, Any]] = {}
    flat: list[str] = []
    for index, (name, axis) in enumerate(varying.items()):
        if deadline.passed:
            left = ", ".join(list(varying)[index:])
            notes.append(f"The time was over: there are no local effects of {left}.")
            break
        deadline.report(SINGLE * index / len(varying), name)
        others = {
            other: (varying[other], values)
            for other, values in coordinates.items()
            if other != name
        }
        made = _local(problem, config, axis, columns, coordinates[name], others, notes)
        if made is None:
            flat.append(name)
        else:
            described[name] = _feature(problem, config, axis, *made)
    ranked = sorted(described, key=lambda name: (-described[name]["importance"], name))
    pairs = _pairs(problem, config, varying, columns, described, ranked, notes, deadline)
    if constant:
        notes.append(f"Of one value only in the background, without effect: {', '.join(constant)}.")
    return Explanation(
        found={
            "rows": len(chosen),
            "outputs": list(problem.outputs),
            "answers": in_words(problem),
            "confidence": config.confidence,
            "importance": dict.fromkeys([*constant, *flat], 0.0)
            | {name: each["importance"] for name, each in described.items()},
            "features": [described[name] for name in ranked],
            "pairs": pairs,
            "constant": constant,
            "notes": notes,
        },
        tables={
            "ale": curve_table.table(
                problem.outputs, [described[name] for name in ranked], "effect"
            )
        },
    )


def _check(config: AleConfig, known: dict[str, Axis]) -> None:
    pairs_of.check(config.pairs or (), list(known), PAIRS_SETTING)
    for name in {name for pair in config.pairs or () for name in pair}:
        if not known[name].numeric:
            raise InputError(
                "Local effects of pairs are accumulated over numbers only.",
                setting=PAIRS_SETTING,
                expected="pairs of numeric features",
                got=f"{name}, a category",
                remedy="See explainer.partial_dependence.pairs for categories.",
            )


def _local(
    problem: Problem,
    config: AleConfig,
    axis: Axis,
    columns: Columns,
    values: np.ndarray,
    others: dict[str, tuple[Axis, np.ndarray]],
    notes: list[str],
) -> tuple[np.ndarray, Local] | None:
    """Return the grid of a feature and its local effects; None where rows have one value."""
    if axis.numeric:
        rows = np.flatnonzero(np.isfinite(values))
        edges = axis.grid(config.bins + 1)
        if len(edges) < 2 or not len(rows):
            notes.append(f"{axis.name} has one value only where it has one: it has no effect.")
            return None
        return edges, effects.of_number(problem, axes.taken(columns, rows), axis, edges)
    # Of the sample, which may lack rare categories.
    kinds = np.unique(values[values < config.categories]).astype(np.int64)
    if len(kinds) < 2:
        notes.append(f"{axis.name} has one value only in the rows that are moved.")
        return None
    rows = np.flatnonzero(np.isin(values, kinds))
    if len(kinds) < len(axis.distinct):
        notes.append(
            f"{axis.name}: the effects of {len(kinds)} of {len(axis.distinct)} categories; "
            f"{1 - len(rows) / len(values):.1%} of the rows that are moved have another."
        )
    order = similarity.order(
        np.searchsorted(kinds, values[rows]),
        {name: (other, each[rows]) for name, (other, each) in others.items()},
        len(kinds),
    )
    found = effects.of_category(problem, axes.taken(columns, rows), axis, kinds[order])
    return kinds[order], found


def _feature(
    problem: Problem, config: AleConfig, axis: Axis, grid: np.ndarray, local: Local
) -> dict[str, Any]:
    effect, share = local.effect(), local.share()
    spreads = np.sqrt(share @ effect**2)
    # Of equal spreads the first output counts, but rounding shall not decide.
    output = int(np.argmax(spreads >= spreads.max() * (1 - 1e-9)))
    low = high = None
    if config.bootstrap:
        random = np.random.default_rng(problem.seed)
        rows = len(local.points)
        samples = [
            local.effect(random.multinomial(rows, np.full(rows, 1 / rows)))[:, output]
            for _ in range(config.bootstrap)
        ]
        tail = (1 - config.confidence) / 2
        low, high = np.quantile(samples, (tail, 1 - tail), axis=0).tolist()
    return {
        "name": axis.name,
        "numeric": axis.numeric,
        "grid": np.asarray(grid, np.float64).tolist(),
        "labels": axis.labels(grid),
        "effect": effect.T.tolist(),
        "output": output,
        "low": low,
        "high": high,
        "share": share.tolist(),
        "rows": len(local.points),
        "importance": float(spreads.mean()),
    }


def _pairs(
    problem: Problem,
    config: AleConfig,
    varying: dict[str, Axis],
    columns: Columns,
    described: dict[str, dict[str, Any]],
    ranked: list[str],
    notes: list[str],
    deadline: Deadline,
) -> list[dict[str, Any]]:
    if config.pairs is not None:
        wanted = list(config.pairs)
    else:
        numeric = [name for name in ranked if varying[name].numeric]
        wanted = list(combinations(numeric[: config.pair_features], 2))
    found = []
    for index, pair in enumerate(wanted):
        if deadline.passed:
            left = "; ".join(" and ".join(names) for names in wanted[index:])
            notes.append(f"The time was over: there are no joint effects of {left}.")
            break
        deadline.report(SINGLE + (1 - SINGLE) * index / len(wanted), " and ".join(pair))
        if not set(pair) <= set(described):
            notes.append(f"There is no joint effect of {' and '.join(pair)}: one has no effect.")
            continue
        both = varying[pair[0]], varying[pair[1]]
        values = [axis.encode(columns) for axis in both]
        rows = np.flatnonzero(np.isfinite(values[0]) & np.isfinite(values[1]))
        if not len(rows):
            notes.append(f"No row has both {' and '.join(pair)}.")
            continue
        edges = both[0].grid(config.pair_bins + 1), both[1].grid(config.pair_bins + 1)
        effect, counts = effects.of_pair(problem, axes.taken(columns, rows), both, edges)
        output = described[pair[0]]["output"]
        own = effect[..., output]
        middles = (own[1:, 1:] + own[:-1, 1:] + own[1:, :-1] + own[:-1, :-1]) / 4
        found.append(
            {
                "names": list(pair),
                "labels": [both[0].labels(edges[0]), both[1].labels(edges[1])],
                "output": output,
                "effect": own.tolist(),
                "rows": counts.tolist(),
                "interaction": float(np.sqrt((counts * middles**2).sum() / counts.sum())),
            }
        )
    return sorted(found, key=lambda each: -each["interaction"])


METHOD = Method(
    title="Accumulated local effects (ALE)",
    scope="global",
    kind="model-agnostic",
    assumes="Answers between two neighbouring values are as the rows between them show.",
    source="D. Apley and J. Zhu, Visualizing the Effects of Predictor Variables (2020)",
    refuse=refuse,
    explain=explain,
)
