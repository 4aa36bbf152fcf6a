"""Thresholds held against metrics, by TFMA's own validator."""

from __future__ import annotations

from collections.abc import Collection

from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import (
    config_pb2,
    metrics_for_slice_pb2,
    validation_result_pb2,
)
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer

from components.evaluator import slices
from components.evaluator.eval_config import has_baseline
from components.models.metric_names import RANKINGS


def judge(
    metrics: list[metrics_for_slice_pb2.MetricsForSlice],
    eval_config: config_pb2.EvalConfig,
    of_one_class: Collection[slices.SliceKey] = (),
) -> validation_result_pb2.ValidationResult:
    """Return whether every threshold is kept; without any, that all are.

    Slices without metrics, being too small, are not judged: TFMA's validator would
    refuse a model for lack of each threshold's metric on them, wherever it holds. Metrics
    of a ranking of two classes are not judged on slices of one class.
    """
    of_two = _without_rankings(eval_config)
    thresholds = [
        threshold
        for spec in eval_config.metrics_specs
        for metric in spec.metrics
        for threshold in metric.per_slice_thresholds
    ]
    specs = [slicer_lib.SingleSliceSpec(spec=spec) for t in thresholds for spec in t.slicing_specs]
    combine = metrics_plots_and_validations_writer.CombineValidations(
        eval_config, rubber_stamp=not has_baseline(eval_config) or not thresholds
    )
    result = combine.create_accumulator()
    for of_slice in metrics:
        key = slicer_lib.deserialize_slice_key(of_slice.slice_key)
        # The validator reads all thresholds anew for each slice, which is slow.
        if of_slice.metric_keys_and_values and slicer_lib.slice_key_matches_slice_specs(key, specs):
            values = {
                metric_types.MetricKey.from_proto(kv.key): kv.value.double_value.value
                for kv in of_slice.metric_keys_and_values
                if kv.value.HasField("double_value")
            }
            wanted = of_two if key in of_one_class else eval_config
            result = combine.add_input(
                result, metrics_validator.validate_metrics((key, values), wanted)
            )
    return combine.extract_output(result)


def _without_rankings(eval_config: config_pb2.EvalConfig) -> config_pb2.EvalConfig:
    """Return the config without thresholds on metrics that a single class does not have."""
    result = config_pb2.EvalConfig()
    result.CopyFrom(eval_config)
    for spec in result.metrics_specs:
        for metric in spec.metrics:
            if metric.class_name in RANKINGS:
                metric.ClearField("per_slice_thresholds")
    return result
