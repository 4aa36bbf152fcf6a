"""Anchors of some rows: short rules that hold the model's decision fast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from components.deadline import Deadline
from components.explainer import axes, chosen
from components.explainer.anchors import search
from components.explainer.anchors.config import AnchorsConfig
from components.explainer.decisions import Decisions
from components.explainer.intervals import Intervals
from components.explainer.method import Explanation, Method
from components.explainer.problem import Problem


def refuse(problem: Problem, config: AnchorsConfig) -> str | None:
    """Return why there are no anchors, or None."""
    if not problem.groups:
        return "Rules on single pixels tell nothing."
    return None


def explain(problem: Problem, config: AnchorsConfig, deadline: Deadline) -> Explanation:
    """Return a rule for each of some rows.

    Parameters
    ----------
    problem : Problem
        Of a table.
    config : AnchorsConfig
    deadline : Deadline
        Looked at within the search of each row.

    Returns
    -------
    Explanation
        ``found`` has ``outputs``, ``wanted`` (the precision asked for), ``tolerance`` (of a
        regression, or None), ``rows``, each with ``row``, ``decision`` (what the model decides),
        ``conditions`` (texts; none if it always decides alike), ``features``, ``precision``,
        ``low`` (its lower bound), ``coverage``, ``samples`` and ``holds``; and ``notes``. A
        table ``anchors`` of the same.
    """
    given = axes.of(problem)
    # A condition on what never varies is none.
    intervals = [Intervals.of(axis, config.parts) for axis in given.values() if not axis.constant]
    decisions = Decisions.of(problem, config.regression_tolerance)
    usual = axes.taken(problem.background.columns, axes.in_order(problem.background.columns))
    rows = len(next(iter(usual.values())))
    usual_codes = _codes(intervals, usual, rows)
    wanted = chosen.rows(problem, config.rows)
    own_codes = _codes(intervals, problem.subject.columns, len(problem.subject))
    said = problem.of_scores(problem.subject.scores)
    found: list[dict[str, Any]] = []
    notes = []
    for index, row in enumerate(wanted):
        if deadline.passed:
            notes.append(f"The time was over: {index} of {len(wanted)} rows are explained.")
            break
        deadline.report(index / len(wanted), f"row {index + 1} of {len(wanted)}")
        own = axes.taken(problem.subject.columns, np.array([row]))
        sampler = search.Sampler(problem, intervals, usual, usual_codes, own, own_codes[row])
        rule = search.anchor(sampler, decisions, said[row], config, deadline)
        found.append(
            {
                "row": int(problem.subject.row_ids[row]),
                "decision": decisions.name(said[row]),
                "conditions": [
                    intervals[each].text(int(own_codes[row, each]), own) for each in rule.features
                ],
                "features": [intervals[each].axis.name for each in rule.features],
                "precision": rule.precision,
                "low": rule.low,
                "coverage": rule.coverage,
                "samples": sampler.drawn,
                "holds": rule.holds,
            }
        )
    failed = sum(not each["holds"] for each in found)
    if failed:
        notes.append(
            f"For {failed} of {len(found)} rows no rule of at most {config.max_conditions} "
            f"conditions was shown to have a precision of {config.precision:.0%} within "
            f"{config.samples:,} samples and the time: the most precise one is told."
        )
    if len(wanted) < len(problem.subject):
        notes.append(
            f"Of {len(problem.subject):,} rows {len(wanted)} are explained, evenly from the "
            "least to the greatest answer."
        )
    return Explanation(
        found={
            "outputs": list(problem.outputs),
            "wanted": config.precision,
            "tolerance": decisions.tolerance,
            "rows": found,
            "notes": notes,
        },
        tables={"anchors": _table(found)},
    )


def _codes(intervals: list[Intervals], columns: dict[str, np.ndarray], rows: int) -> np.ndarray:
    if not intervals:
        return np.zeros((rows, 0), np.int64)
    return np.stack([each.codes(columns) for each in intervals], axis=1)


def _table(found: list[dict[str, Any]]) -> pa.Table:
    kinds = {
        "row": pa.int64(),
        "decision": pa.string(),
        "conditions": pa.list_(pa.string()),
        "precision": pa.float64(),
        "low": pa.float64(),
        "coverage": pa.float64(),
        "samples": pa.int64(),
        "holds": pa.bool_(),
    }
    return pa.table(
        {name: pa.array([each[name] for each in found], kind) for name, kind in kinds.items()}
    )


METHOD = Method(
    title="Anchors",
    scope="local",
    kind="model-agnostic",
    assumes="Rows of the background, with what a rule says put in, are rows that may occur.",
    source="M. Ribeiro, S. Singh and C. Guestrin, Anchors (2018)",
    refuse=refuse,
    explain=explain,
)
