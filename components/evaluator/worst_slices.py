"""The slices on which a candidate fails most, found among all features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.evaluator import predictions
from components.evaluator.config import EvaluatorConfig
from components.evaluator.eval_config import PREDICTION_COLUMN
from components.models import raw_columns
from components.models.judge import METRICS
from components.models.labelled import LABEL_COLUMN, Layout
from components.models.metric_names import BINARY, REGRESSION, Task
from components.models.metrics import Sample, vectorised
from components.slice_search import search

#: Least probability of which the logarithm is taken.
_EPSILON = 1e-7


def describe(
    split: str,
    models: Mapping[str, str],
    load: Callable[[str], predictions.Model],
    layout: Layout,
    config: EvaluatorConfig,
) -> dict[str, Any]:
    """Search the first rows of a split.

    Parameters
    ----------
    split : str
        Directory of the split's record files.
    models : mapping of str to str
        Where the candidates that are looked at are saved.
    load : callable
        Loads a model.
    layout : Layout
    config : EvaluatorConfig

    Returns
    -------
    dict
        ``rows``, ``loss`` (its name), ``alpha``, ``tried`` and ``models``: name -> list of
        slices, the worst first, with the metrics by which models of the task are compared.
    """
    settings = config.worst_slices
    assert settings is not None
    records = list(
        islice(
            chain.from_iterable(examples.read_records(examples.split_files(split))),
            settings.max_rows,
        )
    )
    batches = [
        records[i : i + examples.BATCH_ROWS] for i in range(0, len(records), examples.BATCH_ROWS)
    ]
    columns = raw_columns.read(batches, _features(layout, settings.columns))
    loaded = {name: load(uri) for name, uri in models.items()}
    table = pa.Table.from_batches([predictions.score(b, loaded, layout) for b in batches])
    labels = table.column(LABEL_COLUMN).to_numpy()
    found = {}
    tried = 0
    for name in models:
        scores = predictions.scores_of(table, PREDICTION_COLUMN.format(name))
        finite = predictions.finite_rows(table, [name])
        kept = {column: values[finite] for column, values in columns.items()}
        result = search(
            kept,
            losses(labels[finite], scores[finite], layout.task),
            max_degree=settings.degree,
            min_share=settings.share,
            alpha=settings.alpha,
            top=settings.top,
        )
        tried = max(tried, result.tried)
        found[name] = [
            {
                "name": each.name,
                "rows": each.rows,
                "share": each.share,
                "mean_loss": each.mean_loss,
                "rest_loss": each.rest_loss,
                "effect_size": each.effect_size,
                "q_value": each.q_value,
                "metrics": _metrics(
                    labels[finite][each.members(kept)],
                    scores[finite][each.members(kept)],
                    layout.task,
                ),
            }
            for each in result.slices
        ]
    return {
        "rows": len(records),
        "loss": "squared error" if layout.task == REGRESSION else "log loss",
        "alpha": settings.alpha,
        "tried": tried,
        "models": found,
    }


def losses(labels: np.ndarray, scores: np.ndarray, task: Task) -> np.ndarray:
    """Return the loss of each row: squared error, or log loss."""
    scores = scores.astype(np.float64)
    if task == REGRESSION:
        return (labels - scores) ** 2
    if task == BINARY:
        said = np.where(labels == 1, scores, 1 - scores)
    else:
        said = scores[np.arange(len(labels)), labels.astype(int)]
    return -np.log(np.clip(said, _EPSILON, 1))


def _features(layout: Layout, columns: tuple[str, ...] | None) -> schema_pb2.Schema:
    """Return the schema of the columns to search: values that are one a row, and not images."""
    return schema_pb2.Schema(
        feature=[
            feature
            for feature in layout.schema.feature
            if (feature.name != layout.label if columns is None else feature.name in columns)
            and not feature.HasField("image_domain")
        ]
    )


def _metrics(labels: np.ndarray, scores: np.ndarray, task: Task) -> dict[str, float | None]:
    sample = Sample(
        labels.astype(np.float64) if task == REGRESSION else labels,
        scores,
        np.ones((len(labels), 1)),
    )
    values = {}
    for name in METRICS[task]:
        metric = vectorised(name, task)
        assert metric is not None
        value = float(metric(sample)[0])
        values[name] = value if np.isfinite(value) else None
    return values
