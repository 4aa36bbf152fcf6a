"""A whole evaluation: score the models, measure them, judge them, write it all down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa

from components.errors import InputError
from components.evaluator import (
    beam_evaluation,
    blessing,
    calibrated,
    eval_config,
    fairness_indicators,
    judgement,
    local_evaluation,
    output_files,
    predictions,
    selection,
    slices,
    summary,
    worst_slices,
)
from components.evaluator.config import EvaluatorConfig
from components.models.candidates import TRAINED
from components.models.labelled import LABEL_COLUMN, Layout
from components.models.metric_names import REGRESSION
from components.models.served import served_bytes

#: Directory of the stored predictions, below the evaluation.
PREDICTIONS = "predictions"


def evaluate(
    split: str,
    models: Mapping[str, str],
    load: Callable[[str], predictions.Model],
    layout: Layout,
    config: EvaluatorConfig,
    output: Path,
    *,
    on_beam: bool,
    make_pipeline: Callable[[], beam.Pipeline],
) -> dict[str, Any]:
    """Evaluate models on a split.

    Parameters
    ----------
    split : str
        Directory of the split's record files.
    models : dict of str to str
        Where each candidate and, if there is one, ``baseline`` is saved.
    load : callable
        Loads a model; must be picklable for Beam.
    layout : Layout
        What the examples hold.
    config : EvaluatorConfig
    output : Path
        Directory for the predictions and for the files that TFMA's loaders read.
    on_beam : bool
        Whether to work on Beam even if all metrics can be had without.
    make_pipeline : callable
        Makes a Beam pipeline.

    Returns
    -------
    dict
        ``blessed``, ``chosen`` (name or None), ``names`` (all, in order), ``reasons`` (why
        none is), ``rule``, ``task``, ``split``, ``calibration``, ``fairness``, ``worst_slices``
        and what `components.evaluator.summary.summarise` returns; each of ``candidates`` also
        has its ``bytes``.

    Raises
    ------
    InputError
        For a metric that the task does not have, an unknown class and an empty split.
    """
    stored = output / PREDICTIONS
    stored.mkdir(parents=True, exist_ok=True)
    # Settings that do not fit the task are told before the work.
    eval_config.build(config, layout.task, len(layout.classes), list(models))
    if on_beam:
        predictions.score_on_beam(split, models, load, layout, stored, make_pipeline)
    else:
        loaded = {name: load(uri) for name, uri in models.items()}
        predictions.score_in_memory(split, loaded, layout, stored)
    rows, unusable = predictions.count(stored, list(models))
    if not rows:
        raise InputError(
            "The split to evaluate the model on has no rows.",
            setting="evaluator.split",
            got=config.split,
        )
    # The others are not to be measured on fewer rows for a further candidate's sake.
    broken = {
        name: number
        for name, number in unusable.items()
        if number and name not in (TRAINED, eval_config.BASELINE)
    }
    measured = [name for name in models if name not in broken]
    wanted = eval_config.build(config, layout.task, len(layout.classes), measured)
    table = predictions.read(stored)
    lacking = local_evaluation.not_vectorised(wanted, layout.task)
    if on_beam or lacking:
        if not on_beam:
            logging.warning(
                "The metrics are computed on Beam, which takes longer: only TFMA itself has %s.",
                ", ".join(lacking),
            )
        metrics = beam_evaluation.evaluate(stored, wanted, str(output), make_pipeline)
    else:
        wanted.options.confidence_intervals.method = local_evaluation.INTERVALS
        metrics = local_evaluation.evaluate(
            table, wanted, layout.task, config.replicates, config.seed
        )
        output_files.write_metrics(summary.sort_slices(metrics), output)
    of_one_class: set[slices.SliceKey] = set()
    if layout.task != REGRESSION:
        of_one_class = slices.of_one_class(table, wanted.slicing_specs, LABEL_COLUMN)
    validation = judgement.judge(metrics, wanted, of_one_class)
    result = summary.summarise(
        summary.sort_slices(metrics),
        validation,
        eval_config.bounds(config),
        wanted,
        rows,
        {name: unusable[name] for name in measured},
        of_one_class,
    )
    for name, number in broken.items():
        reason = f"{number} of {rows} scores are not finite, so that it is not measured."
        result["candidates"][name] = {"kept": False, "reasons": [reason]}
        result["notes"].append(f"{name}: {reason}")
    _describe_scores(result, table, measured, layout, config)
    metric = selection.blessing_metric(config, layout.task)
    chosen, reasons = blessing.choose(
        {
            name: blessing.Candidate(
                _overall(result, name, metric), served_bytes(models[name]), tuple(each["reasons"])
            )
            for name, each in result["candidates"].items()
        },
        config.blessing,
        metric,
    )
    for name, each in result["candidates"].items():
        each["bytes"] = served_bytes(models[name])
    result["worst_slices"] = None
    if config.worst_slices is not None:
        looked_at = dict.fromkeys([chosen or TRAINED, TRAINED])
        result["worst_slices"] = worst_slices.describe(
            split, {name: models[name] for name in looked_at}, load, layout, config
        )
    # Bounds that TFMA does not know refuse a model too, and its file must say the same.
    validation.validation_ok = chosen is not None
    output_files.write_validation(validation, output)
    output_files.write_eval_config(wanted, split, {name: models[name] for name in measured}, output)
    return {
        "blessed": chosen is not None,
        "chosen": chosen,
        "names": list(models),
        "reasons": reasons,
        "rule": config.blessing.model_dump(mode="json") | {"metric": metric},
        "task": layout.task,
        "split": config.split,
        **result,
    }


def _describe_scores(
    result: dict[str, Any],
    table: pa.Table,
    measured: list[str],
    layout: Layout,
    config: EvaluatorConfig,
) -> None:
    """Add calibration and fairness to the result, and bounds that are broken to the reasons."""
    table = table.filter(pa.array(predictions.finite_rows(table, measured)))
    result["calibration"] = result["fairness"] = None
    if not table.num_rows:
        return
    if layout.task != REGRESSION:
        result["calibration"] = calibrated.describe(table, measured, config.calibration_bins)
    if config.fairness is not None:
        found = fairness_indicators.describe(table, measured, config.fairness)
        result["fairness"] = found
        for name, each in result["candidates"].items():
            reasons = (
                [r for by_model in found.values() for r in by_model[name]["reasons"]]
                if (name in measured)
                else []
            )
            each["reasons"] += reasons
            each["kept"] = not each["reasons"]


def _overall(result: dict[str, Any], model: str, metric: str) -> float | None:
    found = result["metrics"].get(model, {}).get("Overall", {}).get(metric, {})
    value: float | None = found.get("value")
    return value
