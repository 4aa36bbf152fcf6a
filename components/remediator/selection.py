"""Whether the declared checks and remedies fit the data. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.errors import InputError
from components.models.metric_names import BINARY, METRIC_NAMES, MULTICLASS, REGRESSION, Task
from components.remediator.config import (
    FairnessGap,
    GroupThresholdsRemedy,
    RemediatorConfig,
    SliceGap,
)
from components.slicing import check_columns

#: Distinct values from which a column is no column of groups.
MAX_GROUPS = 100
#: Tasks for which each kind of check is.
TASKS: dict[str, tuple[Task, ...]] = {
    "slice_gap": (BINARY, MULTICLASS, REGRESSION),
    "fairness_gap": (BINARY,),
    "robustness": (BINARY, MULTICLASS),
    "calibration": (BINARY, MULTICLASS),
    "monotonic": (BINARY, REGRESSION),
}
#: The gap that no threshold of a group can close alone [Hardt et al. 2016, section 3.2].
RANDOMISED = "equalized_odds_difference"


def check(
    config: RemediatorConfig,
    task: Task,
    columns: Sequence[str],
    distinct: Mapping[str, int | None],
) -> None:
    """Raise InputError if the settings do not fit the data.

    Parameters
    ----------
    config : RemediatorConfig
    task : {"binary", "multiclass", "regression"}
    columns : sequence of str
        Those that the data have.
    distinct : mapping
        Number of values of columns; None where they are too many to count.
    """
    for index, each in enumerate(config.checks):
        setting = f"remediator.checks.{index}"
        if task not in TASKS[each.check]:
            raise InputError(
                f"The check {each.check} is not one for the task {task}.",
                setting=setting,
                expected=f"a task {' or '.join(TASKS[each.check])}",
                got=task,
                remedy="Remove the check.",
            )
        check_columns(each.columns_named, columns, setting)
        for column in each.group_columns:
            number = distinct.get(column, 0)
            if number is None or number > MAX_GROUPS:
                told = "more than 10,000" if number is None else f"{number:,}"
                raise InputError(
                    f"The column {column!r} has {told} values, each of which would be a group.",
                    column=column,
                    setting=setting,
                    expected=f"at most {MAX_GROUPS} values",
                    got=told,
                    remedy="Name a column of coarser groups, or a single slice.",
                )
        if isinstance(each, SliceGap) and each.metric is not None:
            valid = [name for name, info in METRIC_NAMES.items() if task in info.tasks]
            if each.metric not in valid:
                raise InputError(
                    f"The metric {each.metric} is not defined for the task {task}.",
                    setting=f"{setting}.metric",
                    expected=", ".join(valid),
                    got=each.metric,
                )
    _check_thresholds(config)
    _check_recalibration(config, task)


def _check_thresholds(config: RemediatorConfig) -> None:
    """Refuse thresholds that are declared for a gap alone which they cannot close."""
    declared = any(isinstance(each, GroupThresholdsRemedy) for each in config.remedies or ())
    gaps = {each.gap for each in config.checks if isinstance(each, FairnessGap)}
    if declared and gaps == {RANDOMISED}:
        raise InputError(
            "Equalized odds take decisions by lot, which thresholds by group are not.",
            setting="remediator.remedies",
            expected="group_thresholds for another gap, such as equal_opportunity_difference",
            got=RANDOMISED,
            remedy="Take min_diff, or check another gap.",
        )


def _check_recalibration(config: RemediatorConfig, task: Task) -> None:
    for each in config.remedies or ():
        if each.remedy == "recalibration" and each.method == "platt" and task != BINARY:
            raise InputError(
                "Platt's offset is that of one logit.",
                setting="remediator.remedies.recalibration.method",
                expected="temperature, for a multiclass task",
                got="platt",
            )
