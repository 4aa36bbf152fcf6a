"""The coefficient of determination as a TFMA metric, which TFMA does not have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util


class R2Score(metric_types.Metric):
    """One minus the sum of squared errors over that of a model that predicts the mean.

    It is 1 for a perfect model, 0 for the mean of the labels, and below 0 for worse.
    """

    def __init__(self, name: str = "r2_score") -> None:
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


def _computations(
    name: str = "r2_score",
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
    **_: Any,
) -> metric_types.MetricComputations:
    key = metric_types.MetricKey(
        name=name,
        model_name=model_name,
        output_name=output_name,
        example_weighted=example_weighted,
    )
    combiner = _Combiner(key, eval_config)
    return [metric_types.MetricComputation(keys=[key], preprocessors=None, combiner=combiner)]


class _Combiner(beam.CombineFn):
    """Accumulates the sums of: 1, label, label squared, error squared."""

    def __init__(self, key: metric_types.MetricKey, eval_config: Any) -> None:
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> np.ndarray:
        return np.zeros(4)

    def add_input(self, sums: np.ndarray, element: metric_types.StandardMetricInputs) -> np.ndarray:
        for label, prediction, weight in metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=self._key.model_name,
            output_name=self._key.output_name,
            example_weighted=self._key.example_weighted,
        ):
            y, error = label.item(), (label - prediction).item()
            sums = sums + weight.item() * np.array([1, y, y * y, error * error])
        return sums

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return sum(accumulators, self.create_accumulator())

    def extract_output(self, sums: np.ndarray) -> dict[metric_types.MetricKey, float]:
        n, label, squares, residual = sums
        total = squares - label**2 / n if n > 0 else 0.0
        return {self._key: 1 - residual / total if total > 0 else float("nan")}


metric_types.register_metric(R2Score)
