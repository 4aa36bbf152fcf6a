"""The response of a model to one column, all others as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.model_debugger import raw_rows
from components.model_debugger.sensitivity.answers import Answers
from components.model_debugger.sensitivity.domains import Domain

#: Quantiles of the rows between which the band of responses lies.
BAND = (0.1, 0.9)


def describe(answers: Answers, domain: Domain, steps: int) -> dict[str, Any] | None:
    """Measure the response to a column.

    Parameters
    ----------
    answers : Answers
    domain : Domain
        Of the column.
    steps : int
        Values that each row is given at most.

    Returns
    -------
    dict or None
        ``column``; whether it is ``numeric``, and whether the ``time`` in seconds; ``steps`` (the
        values); ``means``, by output the mean prediction at each step (partial dependence, Friedman
        2001), and ``low`` and ``high`` of the first output, between which 80 % of the rows lie;
        ``swing``, by how much a row's prediction moves over all steps, in the mean, and
        ``greatest``, ``row`` and ``swing`` of the row that moves most; ``changed``, the share of
        rows whose class is another at any step (or whose value differs notably); and ``nudges``:
        of numbers, what it does to move each row's own value ``by`` a little, up and down, with
        the ``mean`` change of the first output, the mean ``distance`` and the share ``changed``.
        None for a column of one value.
    """
    values = domain.steps(steps)
    if len(values) < 2:
        return None
    # A column whose values are whole is not moved by less than 1.
    by = [domain.step, -domain.step] if domain.numeric and domain.step else []
    nudged = [domain.moved(each) for each in by]
    scores = answers.with_column(domain.name, [*values, *nudged])
    course = scores[: len(values)]
    swing = np.ptp(course, axis=0).max(axis=1)
    first = course[..., answers.output]
    low, high = np.quantile(first, BAND, axis=1)
    worst = int(swing.argmax())
    nudges = scores[len(values) :]
    difference = nudges[..., answers.output] - answers.scores[:, answers.output]
    return {
        "column": domain.name,
        "numeric": domain.numeric,
        "time": domain.name == raw_rows.time_column(answers.subject),
        "steps": values.tolist(),
        "means": {
            name: course[..., place].mean(axis=1).tolist()
            for name, place in answers.outputs.items()
        },
        "low": low.tolist(),
        "high": high.tolist(),
        "swing": float(swing.mean()),
        "greatest": {
            "row": int(answers.subject.row_ids[worst]),
            "swing": float(swing[worst]),
        },
        "changed": float(answers.changed(course).any(axis=0).mean()),
        "nudges": [
            {
                "by": step,
                "mean": float(difference[index].mean()),
                "distance": float(answers.distance(nudges[index]).mean()),
                "changed": float(answers.changed(nudges[index]).mean()),
            }
            for index, step in enumerate(by)
        ],
    }
