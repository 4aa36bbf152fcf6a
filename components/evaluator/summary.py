"""An evaluation as plain JSON, which needs no TFMA to be read."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.post_export_metrics import metric_keys as tfma_names
from tensorflow_model_analysis.proto import (
    config_pb2,
    metrics_for_slice_pb2,
    validation_result_pb2,
)
from tensorflow_model_analysis.slicer import slicer_lib

from components.evaluator.config import BEATS
from components.evaluator.eval_config import (
    BASELINE,
    Bound,
    candidates,
    has_baseline,
    metric_keys,
)
from components.evaluator.slices import SliceKey
from components.models.metric_names import RANKINGS

#: Slices that a note names.
_NAMED = 5

Measured = dict[str, Any]
ByName = dict[str, dict[str, dict[str, Measured]]]


def slice_name(key: SliceKey) -> str:
    """Return a slice's name.

    Examples
    --------
    >>> slice_name(()), slice_name((("company", "Flash"), ("hour", 3)))
    ('Overall', 'company=Flash, hour=3')
    """
    return ", ".join(f"{column}={value}" for column, value in key) or "Overall"


def sort_slices(
    metrics: Iterable[metrics_for_slice_pb2.MetricsForSlice],
) -> list[metrics_for_slice_pb2.MetricsForSlice]:
    """Return the slices in an order that no engine decides: Overall, then by key."""

    def order(of_slice: metrics_for_slice_pb2.MetricsForSlice) -> list[tuple[str, bool, Any]]:
        key = slicer_lib.deserialize_slice_key(of_slice.slice_key)
        return [(column, isinstance(value, str), value) for column, value in key]

    return sorted(metrics, key=lambda of_slice: (len(order(of_slice)), order(of_slice)))


def summarise(
    metrics: list[metrics_for_slice_pb2.MetricsForSlice],
    validation: validation_result_pb2.ValidationResult,
    bounds: list[Bound],
    eval_config: config_pb2.EvalConfig,
    rows: int,
    unusable: dict[str, int],
    of_one_class: Collection[SliceKey] = (),
) -> dict[str, Any]:
    """Return metrics, verdicts and reasons as values that JSON can hold.

    Parameters
    ----------
    metrics : list of MetricsForSlice
        What an engine computed.
    validation : ValidationResult
        TFMA's judgement of it.
    bounds : list of Bound
        Every configured bound.
    eval_config : EvalConfig
    rows : int
        Rows that were scored.
    unusable : dict of str to int
        Rows without a finite score, by model.
    of_one_class : collection of SliceKey
        Slices on which `RANKINGS` are undefined.

    Returns
    -------
    dict
        ``candidates`` (model -> ``kept``, and ``reasons``: a sentence for each bound that it
        breaks), ``notes``, ``rows``, ``slices``, ``intervals`` (how they were made),
        ``metrics`` (model -> slice -> metric -> ``value`` and ``interval``, null where
        undefined), ``differences`` (the same, of each candidate less the baseline) and
        ``thresholds`` with their verdicts.
    """
    names = metric_keys(eval_config)
    models = candidates(eval_config)
    measured: ByName = {}
    differences: ByName = {}
    slices: dict[str, dict[str, Any]] = {}
    for of_slice in metrics:
        key = slicer_lib.deserialize_slice_key(of_slice.slice_key)
        listed: dict[str, Any] = {"name": slice_name(key), "key": dict(key)}
        # The same rows are there twice if a text such as "3", which TFMA also reads as
        # a number, is named beside its column.
        slices[listed["name"]] = listed
        if tfma_names.ERROR_METRIC in of_slice.metrics:
            listed["note"] = of_slice.metrics[tfma_names.ERROR_METRIC].debug_message
        for kv in of_slice.metric_keys_and_values:
            tfma_key = metric_types.MetricKey.from_proto(kv.key)
            name = names.get(tfma_key._replace(is_diff=False))
            if name is None:  # TFMA's own note on intervals that it left out
                listed["note"] = kv.value.bytes_value.decode()
                continue
            model = tfma_key.model_name or models[0]
            place = differences if tfma_key.is_diff else measured
            one_class = name in RANKINGS and key in of_one_class
            place.setdefault(model, {}).setdefault(listed["name"], {})[name] = {
                "value": None if one_class else _number(kv.value),
                "interval": None if one_class else _interval(kv),
            }
    compared = has_baseline(eval_config)
    broken = _broken(validation, names, models[0])
    verdicts = [
        verdict
        for model in models
        for bound in bounds
        if compared or not bound.of_change
        for verdict in _verdicts(
            bound, model, list(slices.values()), measured, differences, broken, of_one_class
        )
    ]
    told: dict[str, dict[str, Any]] = {
        model: {"reasons": [v["reason"] for v in verdicts if v["model"] == model and not v["kept"]]}
        for model in models
    }
    notes = []
    if not bounds:
        notes.append("No thresholds are set, so no metric was held against a bound.")
    if not compared and any(bound.of_change for bound in bounds):
        notes.append("There is no blessed model yet, so no change was held against a bound.")
    notes += _gaps_in_slices(eval_config, slices, measured[models[0]])
    for model, number in unusable.items():
        if number:
            sentence = (
                f"{number} of {rows} scores of the {model} model are not finite; their rows are"
                " left out of every metric."
            )
            (told[model]["reasons"] if model in told else notes).append(sentence)
    for each in told.values():
        each["kept"] = not each["reasons"]
    return {
        "candidates": told,
        "notes": notes,
        "rows": rows,
        "slices": list(slices.values()),
        "intervals": _method(eval_config),
        "metrics": measured,
        "differences": differences,
        "thresholds": verdicts,
    }


def _gaps_in_slices(
    eval_config: config_pb2.EvalConfig,
    slices: dict[str, dict[str, Any]],
    measured: dict[str, dict[str, Measured]],
) -> list[str]:
    """Return notes on slices without rows, and on metrics that no slice of one class has."""
    notes = []
    for spec in eval_config.slicing_specs:
        wanted = slicer_lib.SingleSliceSpec(spec=spec)
        keys = (tuple(each["key"].items()) for each in slices.values())
        if spec.feature_values and not any(wanted.is_slice_applicable(key) for key in keys):
            fixed = ", ".join(f"{c}={v}" for c, v in sorted(spec.feature_values.items()))
            notes.append(f"No row is in the slice {fixed}.")
    undefined: dict[str, list[str]] = {}
    for name, found in measured.items():
        for metric, value in found.items():
            if value["value"] is None:
                undefined.setdefault(metric, []).append(name)
    together: dict[tuple[str, ...], list[str]] = {}
    for metric, slices_without in undefined.items():
        together.setdefault(tuple(slices_without), []).append(metric)
    for where, metrics in together.items():
        more = f" and {len(where) - _NAMED} more" if len(where) > _NAMED else ""
        notes.append(
            f"Undefined on {', '.join(where[:_NAMED])}{more}, so that no bound is judged there: "
            f"{', '.join(metrics)}. The rows are of one class, or none is decided for."
        )
    return notes


def _method(eval_config: config_pb2.EvalConfig) -> str | None:
    """Return how the confidence intervals were made; None if there are none."""
    options = eval_config.options
    if not options.compute_confidence_intervals.value:
        return None
    method = options.confidence_intervals.method
    names = config_pb2.ConfidenceIntervalOptions.ConfidenceIntervalMethod
    return str(names.Name(method)).lower()


def _number(value: metrics_for_slice_pb2.MetricValue) -> float | None:
    number = value.double_value.value
    return number if value.HasField("double_value") and math.isfinite(number) else None


def _interval(
    kv: metrics_for_slice_pb2.MetricsForSlice.MetricKeyAndValue,
) -> list[float] | None:
    if not kv.HasField("confidence_interval"):
        return None
    low, high = (
        _number(kv.confidence_interval.lower_bound),
        _number(kv.confidence_interval.upper_bound),
    )
    return None if low is None or high is None else [low, high]


def _broken(
    validation: validation_result_pb2.ValidationResult,
    names: dict[metric_types.MetricKey, str],
    alone: str,
) -> set[tuple[str, str, str, bytes]]:
    """Return each broken threshold as model, metric, slice and serialized threshold."""
    return {
        (
            failure.metric_key.model_name or alone,
            names[metric_types.MetricKey.from_proto(failure.metric_key)._replace(is_diff=False)],
            slice_name(slicer_lib.deserialize_slice_key(of_slice.slice_key)),
            failure.metric_threshold.SerializeToString(),
        )
        for of_slice in validation.metric_validations_per_slice
        for failure in of_slice.failures
    }


def _verdicts(
    bound: Bound,
    model: str,
    slices: list[dict[str, Any]],
    measured: ByName,
    differences: ByName,
    broken: set[tuple[str, str, str, bytes]],
    of_one_class: Collection[SliceKey],
) -> list[dict[str, Any]]:
    """Return what became of a bound on a model on each slice on which it holds."""
    base = {"model": model, "metric": bound.metric, "bound": bound.kind, "limit": bound.limit}
    spec = slicer_lib.SingleSliceSpec(spec=bound.slicing_spec)
    threshold = bound.threshold().SerializeToString()
    result = []
    for name, key in ((of_slice["name"], of_slice["key"]) for of_slice in slices):
        found = (differences if bound.of_change else measured).get(model, {}).get(name, {})
        if bound.metric in found and spec.is_slice_applicable(tuple(key.items())):
            if bound.metric in RANKINGS and tuple(sorted(key.items())) in of_one_class:
                continue
            kept = (model, bound.metric, name, threshold) not in broken
            verdict = {**base, "slice": name, **found[bound.metric], "kept": kept}
            if not kept:
                verdict["reason"] = _reason(bound, model, name, measured, differences)
            result.append(verdict)
    if not result:
        fixed = sorted(bound.slicing_spec.feature_values.items())
        where = [*bound.slicing_spec.feature_keys, *(f"{c}={v}" for c, v in fixed)]
        name = ", ".join(where) or "Overall"
        reason = f"{bound.metric} has a bound on {name}, where too few rows could be measured."
        lacking = {"slice": name, "value": None, "interval": None, "kept": False}
        result.append({**base, **lacking, "reason": reason})
    return result


def _reason(bound: Bound, model: str, where: str, measured: ByName, differences: ByName) -> str:
    """Return why a bound is broken, with the metric, the slice, the value and the limit."""
    place = "overall" if where == "Overall" else f"on {where}"
    value = measured[model][where][bound.metric]["value"]
    if value is None:
        return f"{bound.metric} {place} is not a number; its {bound.kind} is {bound.limit:g}."
    if not bound.of_change:
        side = "below the minimum" if bound.kind == "min" else "above the maximum"
        return f"{bound.metric} {place} is {value:.6g}, {side} of {bound.limit:g}."
    baseline = measured[BASELINE][where][bound.metric]["value"]
    change = differences[model][where][bound.metric]["value"]
    if baseline is None or change is None:
        return (
            f"{bound.metric} {place} is not a number for the baseline;"
            f" its {bound.kind} is {bound.limit:g}."
        )
    if bound.kind == "min_gain":
        least = f"at least {bound.limit:g} better" if bound.limit > BEATS else "better at all"
        return (
            f"{bound.metric} {place} is {value:.6g} and the baseline's {baseline:.6g}; it must be"
            f" {least}."
        )
    side = "below" if bound.kind == "max_drop" else "above"
    return (
        f"{bound.metric} {place} is {value:.6g}, {abs(change):.3g} {side} the baseline's"
        f" {baseline:.6g}; at most {bound.limit:g} is allowed."
    )
