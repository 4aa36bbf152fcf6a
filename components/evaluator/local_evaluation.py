"""TFMA's metrics and their confidence intervals by NumPy, for data that fit in memory."""

from __future__ import annotations

import logging

import numpy as np
import pyarrow as pa
from tensorflow_model_analysis.api.types import ValueWithTDistribution
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.post_export_metrics import metric_keys as tfma_names
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer

from components.evaluator import predictions, slices
from components.evaluator.eval_config import (
    BASELINE,
    PREDICTION_COLUMN,
    has_baseline,
    metric_keys,
    models,
)
from components.models.bootstrap import poisson_weights
from components.models.labelled import LABEL_COLUMN
from components.models.metric_names import REGRESSION, Task
from components.models.metrics import Metric, Sample, Values, vectorised

#: How intervals are made, in TFMA's terms.
INTERVALS = config_pb2.ConfidenceIntervalOptions.POISSON_BOOTSTRAP


def not_vectorised(eval_config: config_pb2.EvalConfig, task: Task) -> list[str]:
    """Return the configured metrics that only TFMA on Beam computes."""
    names = dict.fromkeys(metric_keys(eval_config).values())
    return [name for name in names if vectorised(name, task) is None]


def evaluate(
    table: pa.Table, eval_config: config_pb2.EvalConfig, task: Task, replicates: int, seed: int
) -> list[metrics_for_slice_pb2.MetricsForSlice]:
    """Return what TFMA would compute on a table of predictions.

    Parameters
    ----------
    table : Table
        See `components.evaluator.predictions`. Rows with a score that is not finite
        are left out.
    eval_config : EvalConfig
        Of metrics that all have a vectorised form.
    task : {"binary", "multiclass", "regression"}
    replicates : int
        Bootstrap replicates behind an interval.
    seed : int
        Seed of the bootstrap.

    Notes
    -----
    An interval is made as by TFMA's Poisson bootstrap: each replicate weighs each row
    by a draw from Poisson(1), and the 95 % interval is the replicates' mean plus and
    minus their standard deviation times the quantile of Student's t. All models and
    slices share the draws, so that a difference of models is that of the same sample.
    As in TFMA, a slice with a replicate that has no row gets no intervals.
    """
    names = models(eval_config)
    table = table.filter(pa.array(predictions.finite_rows(table, names)))
    groups = slices.group(table, eval_config.slicing_specs)
    minimum = eval_config.options.min_slice_size.value
    judged = {key: rows for key, rows in groups.items() if not key or len(rows) >= minimum}
    computation = _Computation(table, eval_config, task)
    values = {key: computation.run(rows, np.ones((len(rows), 1))) for key, rows in judged.items()}
    samples: dict[slices.SliceKey, dict[metric_types.MetricKey, Values]] = {}
    if eval_config.options.compute_confidence_intervals.value:
        samples = _bootstrap(computation, judged, table.num_rows, replicates, seed)
    without_interval = metric_specs.metric_keys_to_skip_for_confidence_intervals(
        eval_config.metrics_specs, eval_config=eval_config
    )
    result = []
    for key in groups:
        if key not in judged:
            too_small = _proto(key, {})
            too_small.metrics[
                tfma_names.ERROR_METRIC
            ].debug_message = f"The slice has {len(groups[key])} rows, fewer than {minimum}."
            result.append(too_small)
            continue
        of_slice: dict[metric_types.MetricKey, object] = {}
        for metric, [value] in values[key].items():
            sample = samples.get(key, {}).get(metric)
            of_slice[metric] = value
            if sample is not None and metric not in without_interval:
                of_slice[metric] = ValueWithTDistribution(
                    sample_mean=sample.mean(),
                    sample_standard_deviation=sample.std(ddof=1),
                    sample_degrees_of_freedom=len(sample) - 1,
                    unsampled_value=value,
                )
        result.append(_proto(key, of_slice))
    return result


class _Computation:
    """All metrics of all models on some rows of a table."""

    def __init__(self, table: pa.Table, eval_config: config_pb2.EvalConfig, task: Task) -> None:
        self._labels = table.column(LABEL_COLUMN).to_numpy()
        if task == REGRESSION:
            self._labels = self._labels.astype(np.float64)
        self._has_baseline = has_baseline(eval_config)
        names = models(eval_config)
        self._scores = {
            model: predictions.scores_of(table, PREDICTION_COLUMN.format(model)) for model in names
        }
        # TFMA leaves out the name of a model that is alone.
        self._alone = names[0]
        self._metrics: list[tuple[metric_types.MetricKey, Metric]] = []
        for key, name in metric_keys(eval_config).items():
            metric = vectorised(name, task)
            assert metric is not None, name
            self._metrics.append((key, metric))

    def run(self, rows: np.ndarray, weights: Values) -> dict[metric_types.MetricKey, Values]:
        """Return each metric's value under each of the weightings (one per column)."""
        samples = {
            model: Sample(self._labels[rows], scores[rows], weights)
            for model, scores in self._scores.items()
        }
        result = {
            key: metric(samples[key.model_name or self._alone]) for key, metric in self._metrics
        }
        if self._has_baseline:
            for key, _ in self._metrics:
                if key.model_name != BASELINE:
                    baseline = result[key.make_baseline_key(BASELINE)]
                    result[key.make_diff_key()] = result[key] - baseline
        return result


def _bootstrap(
    computation: _Computation,
    groups: dict[slices.SliceKey, np.ndarray],
    rows: int,
    replicates: int,
    seed: int,
) -> dict[slices.SliceKey, dict[metric_types.MetricKey, Values]]:
    """Return each metric's values over the replicates, by slice."""
    parts: dict[slices.SliceKey, list[dict[metric_types.MetricKey, Values]]] = {}
    empty: set[slices.SliceKey] = set()
    for weights in poisson_weights(rows, replicates, seed):
        for key, members in groups.items():
            of_slice = weights[members]
            if (of_slice.sum(axis=0) == 0).any():
                empty.add(key)
            if key not in empty:
                parts.setdefault(key, []).append(computation.run(members, of_slice))
    if empty:
        logging.info("%d slices are too small for confidence intervals.", len(empty))
    return {
        key: {metric: np.concatenate([part[metric] for part in of_slice]) for metric in of_slice[0]}
        for key, of_slice in parts.items()
        if key not in empty
    }


def _proto(key: slices.SliceKey, values: dict) -> metrics_for_slice_pb2.MetricsForSlice:
    return metrics_plots_and_validations_writer.convert_slice_metrics_to_proto(
        (key, values), add_metrics_callbacks=None
    )
