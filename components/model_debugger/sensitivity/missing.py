"""What a model says if a column is missing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from components.model_debugger.sensitivity.answers import Answers
from components.model_debugger.sensitivity.domains import Domain
from components.models.judge import Judge


def describe(answers: Answers, domain: Domain, judge: Judge) -> dict[str, Any]:
    """Measure what the loss of a column does.

    Parameters
    ----------
    answers : Answers
    domain : Domain
    judge : Judge
        Of the same rows.

    Returns
    -------
    dict
        ``column``; ``share`` of the rows that lack it already; ``distance``, the mean change of a
        prediction, and ``greatest``, ``row`` and ``distance`` of the one that changes most;
        ``changed``, the share whose class is another (or whose value differs notably); and
        ``metric`` without the column. All of these are None where a prediction is not a number.
    """
    [scores] = answers.with_column(domain.name, [domain.nothing])
    described: dict[str, Any] = {
        "column": domain.name,
        "share": float(domain.is_missing.mean()),
        **dict.fromkeys(("distance", "greatest", "changed", "metric")),
    }
    if not np.isfinite(scores).all():
        return described
    distance = answers.distance(scores)
    row = int(distance.argmax())
    metric = judge.measure(scores)[judge.metric]
    return described | {
        "distance": float(distance.mean()),
        "greatest": {
            "row": int(answers.subject.row_ids[row]),
            "distance": float(distance[row]),
        },
        "changed": float(answers.changed(scores).mean()),
        "metric": metric if math.isfinite(metric) else None,
    }
