"""The rows and the slices that are predicted worst."""

from __future__ import annotations

from typing import Any

import numpy as np

from components import slice_search
from components.model_debugger import raw_rows
from components.model_debugger.residuals import values
from components.models.metric_names import REGRESSION
from components.models.subject import Subject


def rows(subject: Subject, most: int) -> list[dict[str, Any]]:
    """Return the worst rows, the worst first.

    Parameters
    ----------
    subject : Subject
    most : int

    Returns
    -------
    list of dict
        ``row`` (its place in its split), ``label`` and ``prediction`` (text, or a number),
        ``probability`` of the label (None for a regression), ``residual`` (label less value; or
        the deviance residual, from 0), and ``columns``, where a missing value is None.
    """
    size = values.sizes(subject.task, subject.labels, subject.scores)
    order = np.argsort(-size, kind="stable")[:most]
    found = []
    for row in order:
        label, scores = subject.labels[row], subject.scores[row]
        regression = subject.task == REGRESSION
        found.append(
            {
                "row": int(subject.row_ids[row]),
                "label": float(label) if regression else subject.classes[int(label)],
                "prediction": raw_rows.prediction(subject, row),
                "probability": None if regression else float(scores[int(label)]),
                "residual": float(label - scores[0]) if regression else float(size[row]),
                "columns": raw_rows.columns(subject, row),
            }
        )
    return found


def slices(subject: Subject, most: int) -> dict[str, Any]:
    """Return the slices of the raw columns whose rows are predicted worst.

    Parameters
    ----------
    subject : Subject
    most : int

    Returns
    -------
    dict
        ``loss`` ("absolute residual" or "log loss"), ``tried`` slices, and ``slices``, each with
        ``name``, ``rows``, ``share``, ``mean_loss``, ``rest_loss``, ``effect_size`` and
        ``q_value``: see `components.slice_search.FoundSlice`.
    """
    size = values.sizes(subject.task, subject.labels, subject.scores)
    regression = subject.task == REGRESSION
    losses = size if regression else size**2 / 2
    found = slice_search.search(subject.columns, losses, top=most)
    return {
        "loss": "absolute residual" if regression else "log loss",
        "tried": found.tried,
        "slices": [
            {
                "name": each.name,
                "rows": each.rows,
                "share": each.share,
                "mean_loss": each.mean_loss,
                "rest_loss": each.rest_loss,
                "effect_size": each.effect_size,
                "q_value": each.q_value,
            }
            for each in found.slices
        ],
    }
