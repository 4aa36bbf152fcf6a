"""Shapley values as what is kept of them: JSON for pictures, and a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.explainer.problem import Problem
from components.explainer.shapley.estimate import Estimate

#: Normal quantile of intervals of 95 %.
NORMAL = 1.96
#: Features and rows of the picture of single values.
MOST_DRAWN, MOST_POINTS = 10, 150


def features(problem: Problem, estimate: Estimate) -> list[dict[str, Any]]:
    """Return how much each feature counts in the mean, the most important first."""
    absolute = np.abs(estimate.values).mean(axis=2)
    mean = absolute.mean(axis=0)
    # Rows are few, and their values estimated, with errors that all rows share.
    sampling = absolute.var(axis=0, ddof=1) / len(absolute) if len(absolute) > 1 else 0.0 * mean
    error = np.sqrt(sampling + estimate.errors.mean(axis=(0, 2)) ** 2)
    described = [
        {
            "name": name,
            "columns": list(problem.groups[name]),
            "importance": float(mean[place]),
            "low": float(max(mean[place] - NORMAL * error[place], 0.0)),
            "high": float(mean[place] + NORMAL * error[place]),
        }
        for place, name in enumerate(problem.features)
    ]
    return sorted(described, key=lambda each: (-each["importance"], each["name"]))


def _output(estimate: Estimate) -> int:
    """Return the place of the output whose values are greatest."""
    return int(np.abs(estimate.values).mean(axis=(0, 1)).argmax())


def points(problem: Problem, rows: np.ndarray, estimate: Estimate) -> dict[str, Any]:
    """Return single values of the most important features, to be drawn."""
    output = _output(estimate)
    order = np.argsort(-np.abs(estimate.values[:, :, output]).mean(axis=0), kind="stable")
    # By their predictions: the same rows in whatever order they are.
    by_prediction = np.argsort(estimate.predictions[:, output], kind="stable")
    places = np.linspace(0, len(rows) - 1, min(len(rows), MOST_POINTS)).round().astype(int)
    chosen = by_prediction[places]
    drawn = []
    for place in order[:MOST_DRAWN]:
        name = problem.features[place]
        ranks = _ranks(problem, name, rows)
        drawn.append(
            {
                "name": name,
                "values": estimate.values[chosen, place, output].tolist(),
                "ranks": None if ranks is None else ranks[chosen].tolist(),
            }
        )
    return {"output": problem.outputs[output], "features": drawn}


def _ranks(problem: Problem, name: str, rows: np.ndarray) -> np.ndarray | None:
    """Return where a number is among all, from 0 to 1; None if the feature is no number."""
    columns = problem.groups[name]
    values = problem.subject.columns[columns[0]]
    if len(columns) > 1 or values.dtype == object:
        return None
    own = values[rows]
    known = np.sort(own[~np.isnan(own)])
    if not len(known):
        return None
    ranks = (np.searchsorted(known, own) + np.searchsorted(known, own, "right")) / 2 / len(known)
    return np.where(np.isnan(own), 0.5, np.clip(ranks, 0, 1))


def shown(
    problem: Problem, rows: np.ndarray, estimate: Estimate, count: int
) -> list[dict[str, Any]]:
    """Return some rows one by one: from the lowest to the highest prediction."""
    output = _output(estimate)
    order = np.argsort(estimate.predictions[:, output], kind="stable")
    places = np.linspace(0, len(rows) - 1, min(len(rows), count)).round().astype(int)
    return [_row(problem, rows, estimate, int(place), output) for place in order[places]]


def _row(
    problem: Problem, rows: np.ndarray, estimate: Estimate, place: int, output: int
) -> dict[str, Any]:
    subject, values = problem.subject, estimate.values[place, :, output]
    order = np.argsort(-np.abs(values), kind="stable")
    return {
        "row": int(subject.row_ids[rows[place]]),
        "output": problem.outputs[output],
        "base": float(estimate.base[place, output]),
        "prediction": float(estimate.predictions[place, output]),
        "parts": [
            {
                "name": problem.features[index],
                "cells": [
                    _plain(subject.columns[column][rows[place]])
                    for column in problem.groups[problem.features[index]]
                ],
                "value": float(values[index]),
                "error": float(estimate.errors[place, index, output]),
            }
            for index in order
        ],
    }


def _plain(value: Any) -> float | str | None:
    """Return a raw value for JSON: None is a missing one."""
    if isinstance(value, str):
        return value or None
    return float(value) if np.isfinite(value) else None


def table(
    features: Sequence[str], outputs: Sequence[str], row_ids: np.ndarray, estimate: Estimate
) -> pa.Table:
    """Return all values, a line for each row and output.

    Parameters
    ----------
    features, outputs : sequence of str
        Names, in the order of the estimate.
    row_ids : ndarray of int, shape [rows]
    estimate : Estimate
    """
    columns: dict[str, Any] = {
        "row": np.repeat(row_ids, len(outputs)),
        "output": pa.array(list(outputs) * len(row_ids), pa.string()),
        "base": estimate.base.ravel(),
        "prediction": estimate.predictions.ravel(),
    }
    for place, name in enumerate(features):
        columns[f"value:{name}"] = estimate.values[:, place].ravel()
        columns[f"error:{name}"] = estimate.errors[:, place].ravel()
    return pa.table(columns)
