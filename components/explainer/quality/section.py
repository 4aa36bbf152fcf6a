"""The section that checks the explanations of the other methods, and holds them together."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from components.deadline import Deadline
from components.explainer import chosen, maps
from components.explainer.method import Explanation
from components.explainer.problem import Problem
from components.explainer.quality import additivity, agreement
from components.explainer.quality.asking import Images, Rows, outputs
from components.explainer.quality.config import QualityConfig
from components.explainer.quality.faithfulness import curves, interval, scored
from components.explainer.quality.stability import sensitivities


class Again(Protocol):
    """A method that explains a problem anew."""

    def __call__(self, problem: Problem, deadline: Deadline) -> Explanation: ...


#: By method, the places of the rows that it explains, [n], and its values,
#: [n, features or pixels, outputs].
Local = dict[str, tuple[np.ndarray, np.ndarray]]

#: Name of the orders by chance among the methods.
CHANCE = "chance"
#: Methods whose attributions should sum up to the value, and the error from which on it is said
#: that they do not.
ADDITIVE, LARGEST_ERROR = ("integrated_gradients", "shapley"), 0.01
#: Parts of the section's time: where faithfulness and stability begin.
_STARTS = 0.1, 0.6


def describe(
    problem: Problem,
    explanations: Mapping[str, Explanation],
    config: QualityConfig,
    deadline: Deadline,
    again: Mapping[str, Again] | None = None,
) -> dict[str, Any]:
    """Measure how good explanations are, and whether they agree.

    Parameters
    ----------
    problem : Problem
        That they explain.
    explanations : mapping of str to Explanation
        By the name of the method.
    config : QualityConfig
    deadline : Deadline
        Looked at before each method of each part.
    again : mapping of str to callable, optional
        Methods that are quick enough to explain a few changed rows anew; see `Again`.

    Returns
    -------
    dict
        ``additivity``, by method; see `components.explainer.quality.additivity`. ``faithfulness``
        with ``rows``, ``shares`` and ``methods``, best first: ``method``, what
        `components.explainer.quality.faithfulness.scored` returns with the mean ``gain``, and the
        ``interval`` of how much it is above that of an order by chance, which is among them; or
        None. ``stability`` with ``noise``, ``repeats`` and ``methods``: ``method``, ``rows``,
        ``median`` and ``largest`` (see `components.explainer.quality.stability.sensitivities`); or
        None, if no methods are to explain anew. ``importance`` and ``local``, pairs of methods; see
        `components.explainer.quality.agreement`. ``importances`` by method and feature. And
        ``notes``, with a warning where methods disagree.
    """
    notes: list[str] = []
    importances = {
        name: each.found["importance"]
        for name, each in explanations.items()
        if each.found.get("importance")
    }
    local = _attributions(problem, explanations)
    pairs = agreement.of_importances(importances, config.top)
    # Of maps, some tell what speaks against from what speaks for, and some do not.
    sized = (lambda values: values) if problem.subject.images is None else np.abs
    of_rows = agreement.of_rows(
        {name: rows for name, (rows, _) in local.items()},
        {name: sized(values) for name, (_, values) in local.items()},
    )
    notes += agreement.warnings(pairs, config.disagreement, "which features count")
    single = "single rows" if problem.subject.images is None else "which pixels count"
    notes += agreement.warnings(of_rows, config.disagreement, single)
    found: dict[str, Any] = {
        "kind": "table" if problem.subject.images is None else "images",
        "additivity": _additivity(problem, explanations, notes),
        "faithfulness": _faithfulness(problem, local, importances, config, deadline, notes),
        "stability": _stability(problem, again or {}, config, deadline, notes),
        "importance": pairs,
        "local": of_rows,
        "importances": {name: dict(values) for name, values in importances.items()},
        "disagreement": config.disagreement,
        "notes": notes,
    }
    return found


def _attributions(problem: Problem, explanations: Mapping[str, Explanation]) -> Local:
    found = {}
    for name, each in explanations.items():
        if each.attributions is not None and len(each.attributions.rows):
            found[name] = each.attributions.rows, each.attributions.values
        for title, table in each.tables.items():
            if problem.subject.images is not None and title.endswith(maps.MAPS):
                places, drawn = maps.read(table)
                if len(places):
                    found[name] = places, drawn.reshape(len(drawn), -1, 1)
    return found


def _additivity(
    problem: Problem, explanations: Mapping[str, Explanation], notes: list[str]
) -> list[dict[str, Any]]:
    found = []
    for name, each in explanations.items():
        if each.attributions is None or len(each.attributions.rows) < 2:
            continue
        rows = each.attributions.rows
        values = problem.of_scores(problem.subject.scores[rows])
        told = additivity.describe(values, each.attributions.values)
        found.append({"method": name, "rows": len(rows), **told})
        if name in ADDITIVE and told["error"] is not None and told["error"] > LARGEST_ERROR:
            notes.append(
                f"The attributions of {name.replace('_', ' ')} do not sum up to what the model "
                f"says: they miss it by {told['error']:.1%} of its standard deviation."
            )
    return found


def _faithfulness(
    problem: Problem,
    local: Local,
    importances: Mapping[str, Mapping[str, float]],
    config: QualityConfig,
    deadline: Deadline,
    notes: list[str],
) -> dict[str, Any] | None:
    images = problem.subject.images is not None
    rows = _common_rows(problem, local, config.rows)
    if not len(rows) or not (local or (importances and not images)):
        notes.append("No row is explained by all methods: faithfulness is not measured.")
        return None
    if deadline.passed:
        notes.append("No time was left for faithfulness.")
        return None
    ask = Images(problem, rows) if images else Rows(problem, rows, config.background)
    orders = _orders(problem, rows, ask, local, {} if images else importances)
    shares, chance = _by_chance(problem, rows, ask, config)
    gains = chance.pop("gains")
    told: list[dict[str, Any]] = [
        {"method": CHANCE, **chance, "gain": float(gains.mean()), "interval": None}
    ]
    for place, (name, order) in enumerate(orders.items()):
        if deadline.passed:
            left = ", ".join(each.replace("_", " ") for each in list(orders)[place:])
            notes.append(f"No time was left for the faithfulness of {left}.")
            break
        start, end = _STARTS
        deadline.report(start + (end - start) * place / len(orders), f"faithfulness of {name}")
        each = scored(*curves(order, config.steps, ask))
        own = each.pop("gains")
        between = interval(own, gains)
        told.append({"method": name, **each, "gain": float(own.mean()), "interval": between})
        if between is not None and between[0] <= 0:
            notes.append(
                f"The order of {name.replace('_', ' ')} is not surely more faithful than one by "
                "chance."
            )
    told.sort(key=lambda each: -each["gain"])
    return {"rows": len(rows), "shares": shares.tolist(), "methods": told}


def _common_rows(problem: Problem, local: Local, count: int) -> np.ndarray:
    """Return the places of at most so many rows that all methods explain."""
    common = np.arange(len(problem.subject))
    for rows, _ in local.values():
        common = np.intersect1d(common, rows)
    if not len(common):
        return common
    some = replace(problem, subject=problem.subject.take(common))
    taken: np.ndarray = common[chosen.rows(some, count)]
    return taken


def _orders(
    problem: Problem,
    rows: np.ndarray,
    ask: Rows | Images,
    local: Local,
    importances: Mapping[str, Mapping[str, float]],
) -> dict[str, np.ndarray]:
    """Return the order in which each method says that features count, [r, features]."""
    # What counts is what moves a value to where it is: up or down from that of no feature.
    ends = ask(np.repeat([[[True], [False]]], len(rows), axis=0).repeat(ask.features, axis=2))
    sign = np.where(ends[:, :1] >= ends[:, 1:], 1.0, -1.0)
    looked_at = outputs(problem, rows)
    found = {}
    for name, (explained, values) in local.items():
        places = [int(np.flatnonzero(explained == row)[0]) for row in rows]
        own = values[places]
        # A map is of the predicted class already, and has one output.
        which = looked_at if own.shape[2] > 1 else np.zeros(len(rows), int)
        taken = np.take_along_axis(own, which[:, None, None], axis=2)[:, :, 0]
        towards = 1.0 if problem.subject.images is not None else sign
        found[name] = np.argsort(-towards * taken, axis=1, kind="stable")
    for name, importance in importances.items():
        if name not in found and set(problem.features) <= set(importance):
            ranked = np.argsort([-importance[each] for each in problem.features], kind="stable")
            found[name] = np.tile(ranked, (len(rows), 1))
    return found


def _by_chance(
    problem: Problem, rows: np.ndarray, ask: Rows | Images, config: QualityConfig
) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the shares of a curve, and what `scored` says in the mean over random orders."""
    found = []
    for repeat in range(config.random_orders):
        # The order of a row belongs to the row.
        drawn = [
            np.random.default_rng([problem.seed, repeat, int(row)]).permutation(ask.features)
            for row in problem.subject.row_ids[rows]
        ]
        shares, *said = curves(np.stack(drawn), config.steps, ask)
        found.append(scored(shares, *said))
    means = {key: np.mean([each[key] for each in found], axis=0) for key in found[0]}
    told = {key: value.tolist() for key, value in means.items() if key != "gains"}
    return shares, {**told, "gains": means["gains"]}


def _stability(
    problem: Problem,
    again: Mapping[str, Again],
    config: QualityConfig,
    deadline: Deadline,
    notes: list[str],
) -> dict[str, Any] | None:
    if not again:
        return None
    rows = chosen.rows(problem, config.stability_rows)
    some = replace(problem, subject=problem.subject.take(rows))
    told: list[dict[str, Any]] = []
    for place, (name, explain) in enumerate(again.items()):
        if deadline.passed:
            left = ", ".join(each.replace("_", " ") for each in list(again)[place:])
            notes.append(f"No time was left for the stability of {left}.")
            break
        start = _STARTS[1]
        deadline.report(start + (1 - start) * place / len(again), f"stability of {name}")
        found = sensitivities(
            some,
            functools.partial(explain, deadline=deadline),
            config.noise,
            config.repeats,
            lambda: deadline.passed,
        )
        if found is not None:
            told.append(
                {
                    "method": name,
                    "rows": len(found),
                    "median": float(np.median(found)),
                    "largest": float(found.max()),
                }
            )
    told.sort(key=lambda each: each["median"])
    return {"noise": config.noise, "repeats": config.repeats, "methods": told}
