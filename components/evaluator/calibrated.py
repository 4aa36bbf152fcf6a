"""How far each candidate's scores can be taken as probabilities."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pyarrow as pa

from components import calibration
from components.evaluator import predictions
from components.evaluator.eval_config import PREDICTION_COLUMN
from components.models.labelled import LABEL_COLUMN


def describe(table: pa.Table, models: list[str], bins: int) -> dict[str, Any]:
    """Return the expected calibration error and the reliability diagram of each model.

    Parameters
    ----------
    table : Table
        Of a classification; see `components.evaluator.predictions`; all scores finite.
    models : list of str
    bins : int
        Of equal mass.

    Returns
    -------
    dict
        Model -> ``error`` and ``bins``; see `components.calibration`.
    """
    labels = table.column(LABEL_COLUMN).to_numpy()
    result = {}
    for model in models:
        scores = predictions.scores_of(table, PREDICTION_COLUMN.format(model))
        result[model] = {
            "error": calibration.expected_calibration_error(labels, scores, bins),
            "bins": [asdict(each) for each in calibration.reliability(labels, scores, bins)],
        }
    return result
