"""What the settings select: metrics, slices and their columns; checked against the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.errors import InputError
from components.evaluator.config import EvaluatorConfig, Slice
from components.models.judge import METRICS
from components.models.metric_names import BINARY, DEFAULT_METRICS, METRIC_NAMES, Task
from components.slicing import check_columns

#: Distinct values from which a column makes more slices than anybody reads.
MAX_SLICE_VALUES = 1000
#: Distinct values from which a column is no column of groups.
MAX_GROUPS = 100


def check(
    config: EvaluatorConfig,
    task: Task,
    columns: Sequence[str],
    splits: Sequence[str],
    distinct: Mapping[str, int | None],
) -> None:
    """Raise InputError if the settings do not fit the data.

    Parameters
    ----------
    config : EvaluatorConfig
    task : {"binary", "multiclass", "regression"}
    columns, splits : sequence of str
        Those that the data have.
    distinct : mapping
        Number of values of columns; None where they are too many to count.
    """
    metric_names(config, task)
    blessing_metric(config, task)
    check_columns(slice_columns(config), columns, "evaluator.slices")
    for column in slice_columns(config):
        if config.min_slice_size == 1 and _more(distinct, column, MAX_SLICE_VALUES):
            raise InputError(
                f"The column {column!r} has {_number(distinct[column])} values, each of which"
                " would be a slice.",
                column=column,
                setting="evaluator.slices",
                expected=f"at most {MAX_SLICE_VALUES:,} values",
                got=_number(distinct[column]),
                remedy="Slice by single values, such as {" + column + ": VALUE}, by a coarser"
                " column, or raise evaluator.min_slice_size.",
            )
    if config.worst_slices is not None and config.worst_slices.columns is not None:
        check_columns(config.worst_slices.columns, columns, "evaluator.worst_slices.columns")
    if config.fairness is not None:
        check_columns(config.fairness.columns, columns, "evaluator.fairness.columns")
        if task != BINARY:
            raise InputError(
                "Fairness is measured on decisions between two classes.",
                setting="evaluator.fairness",
                expected="a binary task",
                got=task,
                remedy="Leave the section out, and slice by the column instead.",
            )
        for column in config.fairness.columns:
            if _more(distinct, column, MAX_GROUPS):
                raise InputError(
                    f"The sensitive column {column!r} has {_number(distinct[column])} values,"
                    " each of which would be a group.",
                    column=column,
                    setting="evaluator.fairness.columns",
                    expected=f"at most {MAX_GROUPS} values",
                    got=_number(distinct[column]),
                    remedy="Add a column with coarser groups to the data.",
                )
    if config.split not in splits:
        raise InputError(
            f"The examples have no split {config.split!r} to evaluate the model on.",
            setting="evaluator.split",
            expected=", ".join(splits),
        )


def _more(distinct: Mapping[str, int | None], column: str, limit: int) -> bool:
    number = distinct.get(column, 0)
    return number is None or number > limit


def _number(number: int | None) -> str:
    return "more than 10,000" if number is None else f"{number:,}"


def blessing_metric(config: EvaluatorConfig, task: Task) -> str:
    """Return the metric by which candidates are compared.

    Raises
    ------
    InputError
        For one that is not computed.
    """
    metric = config.blessing.metric or METRICS[task][0]
    names = metric_names(config, task)
    if metric not in names and config.blessing.rule != "trained":
        raise InputError(
            f"The blessed model is chosen by {metric}, which is not computed.",
            setting="evaluator.blessing.metric",
            expected=", ".join(names),
            remedy="Add it to evaluator.metrics.",
        )
    return metric


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


def columns(config: EvaluatorConfig) -> list[str]:
    """Return the columns that some slice or group is made by, in order of appearance."""
    groups = config.fairness.columns if config.fairness else ()
    return list(dict.fromkeys([*slice_columns(config), *groups]))


def slices(config: EvaluatorConfig) -> list[Slice]:
    """Return all rows, the configured slices and those that a threshold names."""
    named = [part for of in config.thresholds.values() for t in of for part in t.slices]
    return [(), *config.slices, *named]
