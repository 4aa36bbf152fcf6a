"""The settings, held against the data."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from components.drift_monitor.config import DETECTORS, TASK_ROWS, DriftMonitorConfig
from components.drift_monitor.span import Problem
from components.errors import InputError
from components.models.metric_names import METRIC_NAMES, Task
from components.naming import nearest
from components.slicing import check_columns


def check(
    config: DriftMonitorConfig,
    task: Task,
    columns: Sequence[str],
    splits: Sequence[str],
    excluded: Collection[str] = (),
) -> None:
    """Raise InputError if a setting names what the data do not have, or their task does not know.

    Parameters
    ----------
    config : DriftMonitorConfig
    task : {"binary", "multiclass", "regression"}
    columns : sequence of str
        Features and label.
    splits : sequence of str
    excluded : collection of str
        Columns that are no features.
    """
    check_columns(config.slices, columns, "monitor.slices")
    if config.reference_split not in splits:
        raise InputError(
            f"There is no split {config.reference_split!r}.",
            setting="monitor.reference_split",
            expected=", ".join(splits),
            got=config.reference_split,
        )
    if config.key is not None and config.key not in (*columns, *excluded):
        raise InputError(
            f"There is no column {config.key!r}{nearest(config.key, [*columns, *excluded])}.",
            setting="monitor.key",
            expected="a column of the data",
            got=config.key,
        )
    for name in config.metrics or ():
        if task not in METRIC_NAMES[name].tasks:
            raise InputError(
                f"A {task} task has no metric {name!r}.",
                setting="monitor.metrics",
                expected=", ".join(n for n, m in METRIC_NAMES.items() if task in m.tasks),
                got=name,
            )
    for name in config.detectors or ():
        if DETECTORS[name] not in TASK_ROWS[task]:
            raise InputError(
                f"The detector {name} cannot watch a {task} task.",
                setting=f"monitor.detectors.{name}",
                expected=", ".join(n for n in DETECTORS if DETECTORS[n] in TASK_ROWS[task]),
                got=name,
            )
    if config.detectors:
        # Impossible parameters, before anything runs.
        from components.drift_monitor import error_stream  # SciPy, for whoever sets detectors

        error_stream.make(config.detectors, Problem(task, "", ()), np.zeros(1))
