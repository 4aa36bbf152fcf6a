"""What to change of some rows so that the model decides otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from components.deadline import Deadline
from components.errors import InputError
from components.explainer import axes, chosen
from components.explainer.axes import Axis
from components.explainer.counterfactuals.config import CounterfactualsConfig
from components.explainer.counterfactuals.search import Found, Search
from components.explainer.counterfactuals.space import Space
from components.explainer.decisions import Decisions
from components.explainer.method import Explanation, Method
from components.explainer.problem import Problem
from components.naming import nearest

SETTING = "explainer.counterfactuals"
#: Rows of the background among which neighbours are looked for.
NEIGHBOURHOOD = 1000


def refuse(problem: Problem, config: CounterfactualsConfig) -> str | None:
    """Return why there are no counterfactuals, or None."""
    if not problem.groups:
        return "What to change of an image is what an adversarial attack finds: see the debugger."
    return None


def explain(problem: Problem, config: CounterfactualsConfig, deadline: Deadline) -> Explanation:
    """Return the least changes of some rows that flip what the model decides.

    Parameters
    ----------
    problem : Problem
        Of a table.
    config : CounterfactualsConfig
    deadline : Deadline
        Looked at between two rows, and before larger sets of changes.

    Returns
    -------
    Explanation
        ``found`` has ``outputs``, ``tolerance`` (of a regression, the change of the answer that
        counts), ``rows``, each with ``row``, ``decision``, ``value`` and ``ways``, the best
        first, each with ``decision`` and ``value`` after it, ``distance``, ``isolation``,
        ``plausible`` and ``changes`` (``feature``, ``before``, ``after``: texts in the units of
        the data); ``changed``, the share of rows with a way whose best one changes a feature;
        and ``notes``. A table ``counterfactuals``, a change a row.

    Raises
    ------
    InputError
        ``immutable`` or ``directions`` name what does not exist or cannot rise or fall.
    """
    given = axes.of(problem)
    free = _free(config, given)
    usual = problem.background.columns
    neighbours = axes.taken(usual, axes.sample(usual, NEIGHBOURHOOD, problem.seed))
    names, made = list(given), list(given.values())
    space = Space(made, np.stack([axis.encode(neighbours) for axis in made], axis=1))
    decisions = Decisions.of(problem, config.regression_change)
    search = Search(problem, made, free, space, decisions, config)
    wanted = chosen.rows(problem, config.rows)
    origins = np.stack([axis.encode(problem.subject.columns) for axis in made], axis=1)
    said = problem.of_scores(problem.subject.scores)
    found: list[dict[str, Any]] = []
    notes: list[str] = []
    for index, row in enumerate(wanted):
        if deadline.passed:
            notes.append(f"The time was over: {index} of {len(wanted)} rows are explained.")
            break
        deadline.report(index / len(wanted), f"row {index + 1} of {len(wanted)}")
        own = axes.taken(problem.subject.columns, np.array([row]))
        ways = search.of(own, origins[row], said[row], deadline)
        found.append(
            {
                "row": int(problem.subject.row_ids[row]),
                "decision": decisions.name(said[row]),
                "value": _value(decisions, said[row], said[row]),
                "ways": [
                    _way(each, made, own, origins[row], decisions, said[row]) for each in ways
                ],
            }
        )
    notes += _notes(problem, config, names, free, found, len(wanted))
    flipped = [each["ways"][0]["changes"] for each in found if each["ways"]]
    changed = {
        name: sum(change["feature"] == name for changes in flipped for change in changes)
        / len(flipped)
        for name in names
        if flipped
    }
    return Explanation(
        found={
            "outputs": list(problem.outputs),
            "tolerance": decisions.tolerance,
            "rows": found,
            "changed": dict(sorted(changed.items(), key=lambda each: -each[1])),
            "notes": notes,
        },
        tables={"counterfactuals": _table(found)},
    )


def _free(config: CounterfactualsConfig, given: dict[str, Axis]) -> list[int | None]:
    known = {*given, *(name for axis in given.values() for name in axis.columns)}
    for setting, names in [
        ("immutable", config.immutable),
        ("directions", tuple(config.directions)),
    ]:
        for name in names:
            if name not in known:
                raise InputError(
                    f"There is no feature {name!r}{nearest(name, sorted(known))}.",
                    setting=f"{SETTING}.{setting}",
                    expected="some of " + ", ".join(given),
                    got=name,
                )
    for name in config.directions:
        if name not in given or not given[name].numeric:
            raise InputError(
                "Only a number can rise or fall.",
                setting=f"{SETTING}.directions",
                column=name,
                expected="a feature of one numeric column",
                got="a category",
            )
    signs = {"up": 1, "down": -1}
    return [
        None
        if axis.constant or {name, *axis.columns} & set(config.immutable)
        else signs.get(config.directions.get(name, ""), 0)
        for name, axis in given.items()
    ]


def _value(decisions: Decisions, values: np.ndarray, own: np.ndarray) -> float:
    """Return the answer that is about the decision on a row."""
    place = 0 if len(values) == 1 else int(decisions.classes(own[None])[0])
    return float(values[place])


def _way(
    each: Found,
    given: list[Axis],
    own: dict[str, np.ndarray],
    origin: np.ndarray,
    decisions: Decisions,
    said: np.ndarray,
) -> dict[str, Any]:
    return {
        "decision": decisions.name(each.values),
        "value": _value(decisions, each.values, said),
        "distance": each.distance,
        "isolation": each.isolation,
        "plausible": each.plausible,
        "changes": [
            {
                "feature": given[place].name,
                "before": _before(given[place], own, float(origin[place])),
                "after": _after(given[place], float(each.point[place]), float(origin[place])),
            }
            for place in each.changed
        ],
    }


def _before(axis: Axis, own: dict[str, np.ndarray], coordinate: float) -> str:
    if axis.numeric or coordinate >= 0:
        return axis.label(coordinate)
    return ", ".join(str(own[name][0]) for name in axis.columns)


def _after(axis: Axis, coordinate: float, before: float) -> str:
    """Return the new value, with more digits where it would else read as the old one."""
    text = axis.label(coordinate)
    if axis.numeric and text == axis.label(before):
        return repr(coordinate)
    return text


def _notes(
    problem: Problem,
    config: CounterfactualsConfig,
    names: list[str],
    free: list[int | None],
    found: list[dict[str, Any]],
    wanted: int,
) -> list[str]:
    notes = []
    fixed = [name for name, direction in zip(names, free, strict=True) if direction is None]
    if fixed:
        notes.append(f"Never changed, as immutable or of one value: {', '.join(fixed)}.")
    stuck = [each["row"] for each in found if not each["ways"]]
    if stuck:
        notes.append(
            f"Nothing was found that flips {len(stuck)} of {len(found)} rows "
            f"({', '.join(map(str, stuck[:10]))}) by at most {config.max_features} features."
        )
    odd = [each["row"] for each in found if each["ways"] and not each["ways"][0]["plausible"]]
    if odd:
        notes.append(
            "All that was found is far from any row of the background for rows "
            f"{', '.join(map(str, odd[:10]))}: whether such rows occur is in doubt."
        )
    if wanted < len(problem.subject):
        notes.append(
            f"Of {len(problem.subject):,} rows {wanted} are explained, evenly from the least to "
            "the greatest answer."
        )
    return notes


def _table(found: list[dict[str, Any]]) -> pa.Table:
    rows = [
        (
            each["row"],
            place,
            each["decision"],
            way["decision"],
            change["feature"],
            change["before"],
            change["after"],
            way["distance"],
            way["isolation"],
            way["plausible"],
        )
        for each in found
        for place, way in enumerate(each["ways"])
        for change in way["changes"]
    ]
    kinds = {
        "row": pa.int64(),
        "way": pa.int64(),
        "decision": pa.string(),
        "decision_after": pa.string(),
        "feature": pa.string(),
        "before": pa.string(),
        "after": pa.string(),
        "distance": pa.float64(),
        "isolation": pa.float64(),
        "plausible": pa.bool_(),
    }
    return pa.table(
        {
            name: pa.array([row[place] for row in rows], kind)
            for place, (name, kind) in enumerate(kinds.items())
        }
    )


METHOD = Method(
    title="Counterfactuals",
    scope="local",
    kind="model-agnostic",
    assumes="A feature can be changed without the others: what causes what is not asked.",
    source="S. Wachter, B. Mittelstadt and C. Russell, Counterfactual Explanations (2017)",
    refuse=refuse,
    explain=explain,
)
