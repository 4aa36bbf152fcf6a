"""A whole evaluation: score the models, measure them, judge them, write it all down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam

from components.errors import InputError
from components.evaluator import (
    beam_evaluation,
    eval_config,
    judgement,
    local_evaluation,
    output_files,
    predictions,
    summary,
)
from components.evaluator.config import EvaluatorConfig
from components.models.labelled import Layout

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
        Where ``candidate`` and, if there is one, ``baseline`` are saved.
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
        See `components.evaluator.summary.summarise`.

    Raises
    ------
    InputError
        For a metric that the task does not have, an unknown class and an empty split.
    """
    has_baseline = eval_config.BASELINE in models
    wanted = eval_config.build(config, layout.task, len(layout.classes), has_baseline=has_baseline)
    stored = output / PREDICTIONS
    stored.mkdir(parents=True, exist_ok=True)
    lacking = local_evaluation.not_vectorised(wanted, layout.task)
    if on_beam:
        predictions.score_on_beam(split, models, load, layout, stored, make_pipeline)
    else:
        loaded = {name: load(uri) for name, uri in models.items()}
        table = predictions.score_in_memory(split, loaded, layout, stored)
    rows, unusable = predictions.count(stored, list(models))
    if not rows:
        raise InputError(
            "The split to evaluate the model on has no rows.",
            setting="evaluator.split",
            got=config.split,
        )
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
    validation = judgement.judge(metrics, wanted, has_baseline=has_baseline)
    result = summary.summarise(
        summary.sort_slices(metrics),
        validation,
        eval_config.bounds(config),
        wanted,
        rows,
        unusable,
    )
    # A score that is not finite refuses the model too, and TFMA's file must say the same.
    validation.validation_ok = result["blessed"]
    output_files.write_validation(validation, output)
    output_files.write_eval_config(wanted, split, dict(models), output)
    return result | {"task": layout.task, "split": config.split}
