"""The section of the ModelDebugger that asks where a model errs, and whether by chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from components.deadline import Deadline
from components.model_debugger import raw_rows
from components.model_debugger.residuals import against, checks, drawn, values, worst
from components.model_debugger.residuals.against import Against
from components.model_debugger.residuals.checks import Check
from components.model_debugger.residuals.config import ResidualsConfig
from components.model_debugger.residuals.values import Series
from components.models.metric_names import REGRESSION
from components.models.subject import Subject

#: Share of rows with the time of the row before, from which their order is doubtful.
MANY_TIES = 0.5


def describe(subject: Subject, config: ResidualsConfig, deadline: Deadline) -> dict[str, Any]:
    """Analyse the residuals of a model.

    Parameters
    ----------
    subject : Subject
    config : ResidualsConfig
    deadline : Deadline
        Looked at between two columns, and before the search for slices.

    Returns
    -------
    dict
        ``task``, ``rows``, ``alpha``, ``label``, ``time`` (whether rows have one), ``time_column``
        (its name, if it is a feature) and ``columns``, their number; ``series``, one for each
        output, with ``name``, ``rate`` (mean label), ``mean`` residual, ``spread`` and
        ``dispersion`` (mean squared Pearson residual; None of a regression); ``tests``, the most
        telling first, each with ``family``, ``series``, ``kind``, ``name``, ``test``,
        ``statistic``, ``degrees``, ``p``, ``q``, whether it is ``found``, and ``low`` and ``high``,
        the groups with the least and the greatest mean or spread; ``untested``, how many tests had
        too few telling rows; ``pictures``, ``correlograms`` and ``quantiles``: see
        `components.model_debugger.residuals.drawn`; ``worst_rows`` and ``worst_slices``: see
        `components.model_debugger.residuals.worst`; and ``notes``.
    """
    notes: list[str] = []
    series = values.series(
        subject.task, subject.labels, subject.scores, subject.classes, config.classes
    )
    if len(series) < len(subject.classes) and len(subject.classes) > 2:
        notes.append(
            f"Of {len(subject.classes)} classes the {len(series)} most frequent are looked at."
        )
    exact = all(each.exact for each in series)
    if exact:
        notes.append("The model is exact up to rounding: there are no residuals to test.")
    columns, left_out = ([], []) if exact else _columns(subject, deadline)
    found, pictures = _tests(subject, [] if exact else series, columns, left_out, deadline)
    if left_out:
        notes.append(
            "The time of the section, debugger.seconds, was over: not tested against "
            + ", ".join(left_out)
            + "."
        )
    correlograms = []
    if subject.time is None:
        notes.append(
            "There is no time column, and the rows of a random split have no order: "
            "autocorrelation is not tested."
        )
    elif not exact:
        notes += _time_notes(subject.time)
        for each in series:
            own, raw = checks.ordered(each, subject.time, config.lags)
            found += own
            if own:
                lags = own[-1].result.degrees
                bars = drawn.correlogram(raw, lags)
                correlograms.append({"series": each.name, "rows": len(raw), "bars": bars})
    tests, untested = _ranked(found, pictures, config.alpha)
    if untested:
        notes.append(
            f"{untested} more tests were left out: too few rows tell anything of them, or all "
            "probabilities are all but certain."
        )
    sections: dict[str, Any] = {"loss": None, "tried": 0, "slices": []}
    if not subject.columns:
        notes.append(
            "There are no raw columns: no slices are searched, and rows are shown by place."
        )
    elif deadline.passed:
        notes.append("The time of the section, debugger.seconds, was over: no slices are searched.")
    else:
        deadline.report(0.8, "worst slices")
        sections = worst.slices(subject, config.worst_slices)
    return {
        "task": subject.task,
        "rows": len(subject),
        "label": subject.label,
        "alpha": config.alpha,
        "time": subject.time is not None,
        "time_column": raw_rows.time_column(subject),
        "columns": len(subject.columns),
        "series": [_series(each, subject) for each in series],
        "tests": tests,
        "untested": untested,
        "pictures": _shown(pictures, tests, config.pictures),
        "correlograms": correlograms,
        "quantiles": [
            {"series": each.name, "points": drawn.quantiles(each, subject.seed)}
            for each in ([] if exact else series)
        ],
        "worst_rows": worst.rows(subject, config.worst_rows),
        "worst_slices": sections,
        "notes": notes,
    }


def _columns(subject: Subject, deadline: Deadline) -> tuple[list[Against], list[str]]:
    """Return what all series are held against, and the columns that there was no time for."""
    found = []
    names = list(subject.columns)
    if subject.time is not None:
        own = raw_rows.time_column(subject)
        found.append(against.of("time", own or "time", subject.time))
        names = [name for name in names if name != own]
    for index, name in enumerate(names):
        if deadline.passed:
            return found, names[index:]
        deadline.report(0.2 * index / len(names), name)
        found.append(against.of("column", name, subject.columns[name]))
    return found, []


_Key = tuple[str | None, str, str]


def _tests(
    subject: Subject,
    series: list[Series],
    columns: list[Against],
    left_out: list[str],
    deadline: Deadline,
) -> tuple[list[Check], dict[_Key, dict[str, Any]]]:
    """Return the tests of all series, and what a picture of each would show."""
    found: list[Check] = []
    pictures: dict[_Key, dict[str, Any]] = {}

    def add(each: Series, other: Against) -> None:
        found.extend(checks.against(each, other))
        pictures[each.name, other.kind, other.name] = {
            "series": each.name,
            "kind": other.kind,
            "name": other.name,
            "numeric": other.numeric,
            "groups": drawn.groups(each, other),
            "points": drawn.points(each, other, subject.seed),
        }

    for each in series:
        found += checks.overall(each)
        add(each, against.of("prediction", "prediction", each.predictions))
    for index, other in enumerate(columns):
        if deadline.passed:
            left_out[:0] = [later.name for later in columns[index:]]
            break
        deadline.report(0.2 + 0.6 * index / len(columns), other.name)
        for each in series:
            add(each, other)
    return found, pictures


def _ranked(
    found: list[Check], pictures: dict[_Key, dict[str, Any]], alpha: float
) -> tuple[list[dict[str, Any]], int]:
    """Return the tests as JSON, the most telling first, and how many could not be made."""
    tests = []
    untested = 0
    for check, q in zip(found, checks.q_values(found), strict=True):
        if math.isnan(q):
            untested += 1
            continue
        statistic = float(check.result.statistic)
        measure = {"trend": "mean", "level": "mean", "spread": "spread"}.get(check.family)
        groups = pictures.get((check.series, check.kind, check.name), {}).get("groups", [])
        low = min(groups, key=lambda group: group[measure], default=None) if measure else None
        high = max(groups, key=lambda group: group[measure], default=None) if measure else None
        tests.append(
            {
                "family": check.family,
                "series": check.series,
                "kind": check.kind,
                "name": check.name,
                "test": check.test,
                "statistic": statistic if math.isfinite(statistic) else None,
                "degrees": check.result.degrees,
                "p": float(check.result.p_value),
                "q": q,
                "found": q <= alpha,
                "low": None if low is None else {"name": low["name"], "value": low[measure]},
                "high": None if high is None else {"name": high["name"], "value": high[measure]},
            }
        )
    tests.sort(key=lambda test: (test["q"], -_strength(test)))
    return tests, untested


def _strength(test: dict[str, Any]) -> float:
    """Return what orders tests whose q values are all 0: the statistic for a degree of freedom."""
    if test["statistic"] is None:
        return math.inf
    size: float = test["statistic"]
    # A normal statistic, of no degrees, is the root of a chi-squared one.
    return size / test["degrees"] if test["degrees"] else size**2


def _shown(
    pictures: dict[_Key, dict[str, Any]], tests: list[dict[str, Any]], most: int
) -> list[dict[str, Any]]:
    """Return the pictures against predictions and time, and of the most telling columns."""
    keys = [key for key in pictures if key[1] != "column"]
    telling = dict.fromkeys(
        (test["series"], test["kind"], test["name"])
        for test in tests
        if test["found"] and test["kind"] == "column"
    )
    return [pictures[key] for key in [*keys, *list(telling)[:most]]]


def _series(each: Series, subject: Subject) -> dict[str, Any]:
    regression = subject.task == REGRESSION
    return {
        "name": each.name,
        "rate": float((each.raw + each.predictions).mean()),
        "mean": float(each.raw.mean()),
        "spread": float(each.raw.std()),
        "dispersion": None if regression else float((each.values**2).mean()),
    }


def _time_notes(time: np.ndarray) -> list[str]:
    known = np.sort(time[~np.isnan(time)])
    if len(known) < checks.MIN_ORDERED:
        return [
            f"Autocorrelation is not tested: {len(known)} rows have a time, "
            f"{checks.MIN_ORDERED} are needed."
        ]
    if (np.diff(known) == 0).mean() > MANY_TIES:
        return ["Most rows share their time with others: their order within a time is arbitrary."]
    return []
