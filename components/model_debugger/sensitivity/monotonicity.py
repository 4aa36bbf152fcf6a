"""Does a prediction only rise, or only fall, with a column?"""

from __future__ import annotations

from typing import Any

import numpy as np

from components.model_debugger.sensitivity.answers import Answers
from components.model_debugger.sensitivity.domains import Domain

#: Values over the range of a column that a declared direction is checked at, at least.
LEAST_STEPS = 31
#: Parts of the predictions' size, and of their range, that scores err by: they are float32.
ROUNDING, SMOOTHING = 1e-6, 1e-5
#: Share of rows that make a direction, where it is looked for, and the part of a row's own swing
#: by which its prediction may go back.
MOST_ROWS, SLACK = 0.95, 0.1


def describe(
    answers: Answers, domain: Domain, direction: str | None, steps: int
) -> dict[str, Any] | None:
    """Check the direction of each row's response to a numeric column.

    Parameters
    ----------
    answers : Answers
        Of one output.
    domain : Domain
    direction : {"increasing", "decreasing"} or None
        None looks for the direction.
    steps : int
        Values over the range of the column that rows are given; more where a direction is declared.

    Returns
    -------
    dict or None
        ``column``, ``declared``, ``observed`` ("increasing", "decreasing", "none" where it does
        not matter, or "mixed": the direction that `MOST_ROWS` of the rows have); ``rising`` and
        ``falling``, the shares of rows whose prediction ever rises, or falls, with the column; and
        where a direction is declared ``violations``, the share of rows that disobey, and
        ``greatest``, the worst of them: its ``row``, ``size`` of the change in the wrong direction,
        and the values ``start`` and ``end`` of the column between which it is; None without any.
        None for a column of one value.
    """
    values = domain.steps(steps if direction is None else max(steps, LEAST_STEPS))
    if len(values) < 2:
        return None
    scores = answers.with_column(domain.name, list(values))[..., answers.output]
    tolerance = ROUNDING * float(np.abs(scores).max()) + SMOOTHING * float(np.ptp(scores))
    # The greatest fall of a row ends anywhere after its start.
    falls = np.maximum.accumulate(scores, axis=0) - scores
    rises = scores - np.minimum.accumulate(scores, axis=0)
    least = np.maximum(tolerance, SLACK * np.ptp(scores, axis=0))
    rising, falling = (moves.max(axis=0) > least for moves in (rises, falls))
    described: dict[str, Any] = {
        "column": domain.name,
        "declared": direction,
        "observed": _observed(rising, falling),
        "rising": float(rising.mean()),
        "falling": float(falling.mean()),
        "violations": None,
        "greatest": None,
    }
    if direction is None:
        return described
    wrong = falls if direction == "increasing" else rises
    bad = wrong.max(axis=0) > tolerance
    described["violations"] = float(bad.mean())
    if bad.any():
        row = int(wrong.max(axis=0).argmax())
        end = int(wrong[:, row].argmax())
        before = scores[: end + 1, row]
        start = int(before.argmax() if direction == "increasing" else before.argmin())
        described["greatest"] = {
            "row": int(answers.subject.row_ids[row]),
            "size": float(wrong[end, row]),
            "start": float(values[start]),
            "end": float(values[end]),
        }
    return described


def _observed(rising: np.ndarray, falling: np.ndarray) -> str:
    if (~rising & ~falling).mean() >= MOST_ROWS:
        return "none"
    if (~falling).mean() >= MOST_ROWS:
        return "increasing"
    if (~rising).mean() >= MOST_ROWS:
        return "decreasing"
    return "mixed"
