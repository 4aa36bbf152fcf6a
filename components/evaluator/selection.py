"""What the settings select: metrics, slices and their columns; checked against the data."""

from __future__ import annotations

from collections.abc import Sequence

from components.errors import InputError
from components.evaluator.config import EvaluatorConfig, Slice
from components.models.metric_names import DEFAULT_METRICS, METRIC_NAMES, Task
from components.slicing import check_columns


def check(
    config: EvaluatorConfig, task: Task, columns: Sequence[str], splits: Sequence[str]
) -> None:
    """Raise InputError if the settings do not fit the data.

    Parameters
    ----------
    config : EvaluatorConfig
    task : {"binary", "multiclass", "regression"}
    columns, splits : sequence of str
        Those that the data have.
    """
    metric_names(config, task)
    check_columns(slice_columns(config), columns, "evaluator.slices")
    if config.split not in splits:
        raise InputError(
            f"The examples have no split {config.split!r} to evaluate the model on.",
            setting="evaluator.split",
            expected=", ".join(splits),
        )


def metric_names(config: EvaluatorConfig, task: Task) -> list[str]:
    """Return the metrics to compute: those configured, and those with a threshold.

    Raises
    ------
    InputError
        For a metric that the task does not have.
    """
    names = list(dict.fromkeys([*(config.metrics or DEFAULT_METRICS[task]), *config.thresholds]))
    valid = [name for name, info in METRIC_NAMES.items() if task in info.tasks]
    for name in names:
        if name not in valid:
            raise InputError(
                f"The metric {name} is not defined for the task {task}.",
                setting="evaluator.thresholds"
                if name in config.thresholds
                else "evaluator.metrics",
                expected=", ".join(valid),
                got=name,
            )
    return names


def slice_columns(config: EvaluatorConfig) -> list[str]:
    """Return the columns that some slice names, in order of appearance."""
    return list(dict.fromkeys(column for part in slices(config) for column in part))


def slices(config: EvaluatorConfig) -> list[Slice]:
    """Return all rows, the configured slices and those that a threshold names."""
    named = [part for of in config.thresholds.values() for t in of for part in t.slices]
    return [(), *config.slices, *named]
