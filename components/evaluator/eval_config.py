"""The settings as TFMA's EvalConfig, the same for either engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from components.evaluator import r2_score, selection
from components.evaluator.config import EvaluatorConfig, Slice, Threshold
from components.models.labelled import LABEL_COLUMN
from components.models.metric_names import METRIC_NAMES, MULTICLASS, Task

#: The last blessed model.
BASELINE: str = constants.BASELINE_KEY

#: Column of the stored predictions of a model.
PREDICTION_COLUMN = "__prediction__{}"

#: Metrics that TFMA lacks, by the module that adds them.
_OWN_METRICS = {"R2Score": r2_score.__name__}

BoundKind = Literal["min", "max", "max_drop", "max_rise", "min_gain"]


@dataclass(frozen=True)
class Bound:
    """One bound on one metric over one slicing spec."""

    metric: str
    kind: BoundKind
    limit: float
    slicing_spec: config_pb2.SlicingSpec

    @property
    def of_change(self) -> bool:
        """Whether it bounds the difference from the baseline."""
        return self.kind in ("max_drop", "max_rise", "min_gain")

    def threshold(self) -> config_pb2.MetricThreshold:
        """Return the bound as TFMA writes it."""
        if self.kind == "min":
            return config_pb2.MetricThreshold(
                value_threshold=config_pb2.GenericValueThreshold(lower_bound={"value": self.limit})
            )
        if self.kind == "max":
            return config_pb2.MetricThreshold(
                value_threshold=config_pb2.GenericValueThreshold(upper_bound={"value": self.limit})
            )
        # TFMA takes the least change of what is better when higher, or else the greatest.
        least = self.kind == "max_drop"
        limit = -self.limit if least else self.limit
        if self.kind == "min_gain":
            least = METRIC_NAMES[self.metric].better == "higher"
            limit = self.limit if least else -self.limit
        return config_pb2.MetricThreshold(
            change_threshold=config_pb2.GenericChangeThreshold(
                direction=(
                    config_pb2.MetricDirection.HIGHER_IS_BETTER
                    if least
                    else config_pb2.MetricDirection.LOWER_IS_BETTER
                ),
                absolute={"value": limit},
            )
        )


def slicing_spec(of: Slice) -> config_pb2.SlicingSpec:
    """Return TFMA's form of a configured slice."""
    if isinstance(of, dict):
        return config_pb2.SlicingSpec(feature_values={c: str(v) for c, v in of.items()})
    return config_pb2.SlicingSpec(feature_keys=of)


def bounds(config: EvaluatorConfig) -> list[Bound]:
    """Return every configured bound, one for each slice it holds on."""

    def of(metric: str, threshold: Threshold) -> Iterator[Bound]:
        kinds: tuple[BoundKind, ...] = ("min", "max", "max_drop", "max_rise", "min_gain")
        for part in threshold.slices:
            for kind in kinds:
                limit = getattr(threshold, kind)
                if limit is not None:
                    yield Bound(metric, kind, limit, slicing_spec(part))

    return [
        bound
        for metric, thresholds in config.thresholds.items()
        for threshold in thresholds
        for bound in of(metric, threshold)
    ]


def build(
    config: EvaluatorConfig, task: Task, classes: int, names: Sequence[str]
) -> config_pb2.EvalConfig:
    """Return the EvalConfig, complete with the defaults that TFMA would add.

    Parameters
    ----------
    config : EvaluatorConfig
    task : {"binary", "multiclass", "regression"}
    classes : int
        Number of classes; 0 for regression.
    names : sequence of str
        Those of the candidates and, if there is one, of the baseline. Without it, bounds
        on change are left out.

    Raises
    ------
    InputError
        For a metric that the task does not have.
    """
    compared = BASELINE in names
    plain, averaged = config_pb2.MetricsSpec(), config_pb2.MetricsSpec()
    averaged.aggregate.macro_average = True
    averaged.aggregate.class_weights.update(dict.fromkeys(range(classes), 1.0))
    active = [b for b in bounds(config) if compared or not b.of_change]
    for name in selection.metric_names(config, task):
        across_classes = task == MULTICLASS and METRIC_NAMES[name].of_two_classes
        (averaged if across_classes else plain).metrics.add(
            class_name=name,
            module=_OWN_METRICS.get(name, ""),
            per_slice_thresholds=[
                config_pb2.PerSliceMetricThreshold(
                    slicing_specs=[bound.slicing_spec], threshold=bound.threshold()
                )
                for bound in active
                if bound.metric == name
            ],
        )
    specs = {
        spec.SerializeToString(deterministic=True): spec
        for spec in map(slicing_spec, selection.slices(config))
    }
    result = config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                name=model,
                label_key=LABEL_COLUMN,
                prediction_key=PREDICTION_COLUMN.format(model),
                is_baseline=model == BASELINE,
            )
            for model in names
        ],
        metrics_specs=[spec for spec in (plain, averaged) if spec.metrics],
        slicing_specs=specs.values(),
    )
    result.options.min_slice_size.value = config.min_slice_size
    result.options.compute_confidence_intervals.value = config.confidence_intervals
    result.options.confidence_intervals.method = config_pb2.ConfidenceIntervalOptions.JACKKNIFE
    return config_util.update_eval_config_with_defaults(
        result, has_baseline=compared, rubber_stamp=True
    )


def models(eval_config: config_pb2.EvalConfig) -> list[str]:
    """Return the names of all models.

    TFMA takes the name from a model that is alone; its column still has it.
    """
    prefix = PREDICTION_COLUMN.format("")
    return [spec.prediction_key.removeprefix(prefix) for spec in eval_config.model_specs]


def candidates(eval_config: config_pb2.EvalConfig) -> list[str]:
    """Return the names of the models without the baseline."""
    return [name for name in models(eval_config) if name != BASELINE]


def has_baseline(eval_config: config_pb2.EvalConfig) -> bool:
    """Whether a baseline is scored too."""
    return BASELINE in models(eval_config)


def metric_keys(eval_config: config_pb2.EvalConfig) -> dict[metric_types.MetricKey, str]:
    """Return the configured name of the metric behind each of TFMA's keys."""
    return {
        key: metric.class_name
        for key, metric, _ in metric_specs.keys_and_metrics_from_specs(
            eval_config, eval_config.metrics_specs
        )
    }
