"""Rates of each candidate by group, the gaps between groups, and bounds on these."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from components import fairness
from components.errors import InputError
from components.evaluator import predictions
from components.evaluator.config import Fairness
from components.evaluator.eval_config import PREDICTION_COLUMN
from components.models.labelled import LABEL_COLUMN

#: The gap whose greater values are the better ones.
_RATIO = "demographic_parity_ratio"


def describe(table: pa.Table, models: list[str], settings: Fairness) -> dict[str, Any]:
    """Return each model's rates and gaps, by sensitive column.

    Parameters
    ----------
    table : Table
        See `components.evaluator.predictions`; all scores finite.
    models : list of str
    settings : Fairness

    Returns
    -------
    dict
        Column -> model -> ``groups`` (group -> rates, null where undefined), ``gaps`` and
        ``reasons`` (a sentence for each bound that is broken).

    Raises
    ------
    InputError
        For a column without two groups that are large enough.
    """
    return {
        column: {model: _of_model(table, column, model, settings, groups) for model in models}
        for column in settings.columns
        for groups in [_groups(table, column, settings)]
    }


def _groups(table: pa.Table, column: str, settings: Fairness) -> np.ndarray:
    """Return each row's group; "" where it has none."""
    values = table.column(column).to_pylist()
    groups = np.array(["" if value is None else str(value) for value in values], object)
    names, counts = np.unique(groups[groups != ""], return_counts=True)
    if (counts >= settings.min_group_size).sum() < 2:
        raise InputError(
            f"The sensitive column {column!r} has no two groups of at least"
            f" {settings.min_group_size} rows in the evaluated split.",
            column=column,
            setting="evaluator.fairness.columns",
            expected="two groups or more",
            got=", ".join(f"{n} ({c})" for n, c in zip(names, counts, strict=True)) or "no value",
            remedy="Lower evaluator.fairness.min_group_size, or name another column.",
        )
    return groups


def _of_model(
    table: pa.Table, column: str, model: str, settings: Fairness, groups: np.ndarray
) -> dict[str, Any]:
    found = fairness.rates(
        table.column(LABEL_COLUMN).to_numpy(),
        predictions.scores_of(table, PREDICTION_COLUMN.format(model)),
        groups,
        settings.threshold,
    )
    large = {name: each for name, each in found.items() if each.rows >= settings.min_group_size}
    gaps = {name: _number(value) for name, value in fairness.gaps(large).items()}
    return {
        "groups": {
            name: {key: _number(value) for key, value in asdict(each).items()}
            for name, each in found.items()
        },
        "gaps": gaps,
        "reasons": [
            reason
            for name, limit in settings.limits.items()
            for reason in _broken(name, gaps[name], limit, column)
        ],
    }


def _broken(name: str, value: float | None, limit: float, column: str) -> list[str]:
    if value is None:
        return [f"{name} between the groups of {column} is undefined; its limit is {limit:g}."]
    if name == _RATIO:
        side = "below the least" if value < limit else ""
    else:
        side = "above the greatest" if value > limit else ""
    between = f"{name} between the groups of {column} is {value:.4g}"
    return [f"{between}, {side} of {limit:g}."] if side else []


def _number(value: float) -> float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value
