"""Labels that come after their rows, joined with them by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from components.drift_monitor.history import History
from components.drift_monitor.monitoring import Monitor
from components.drift_monitor.watching import complete
from components.errors import InputError


def join(
    labels: Mapping[str, float], history: History, monitor: Monitor
) -> tuple[list[str], list[dict[str, Any]]]:
    """Give rows of the history their labels.

    Errors enter the stream in the order in which labels become known.

    Parameters
    ----------
    labels : mapping
        Index of the class, or the number, by key. A row may have the same label already.
    history : History
    monitor : Monitor

    Returns
    -------
    names : list of str
        Spans with new labels.
    alarms : list of dict
        Of the errors that the labels tell.

    Raises
    ------
    InputError
        A label is of no row that was monitored, or contradicts the row's own.
    """
    waiting = dict(labels)
    names: list[str] = []
    alarms: list[dict[str, Any]] = []
    for index in history.of_model():
        span = history.span(index)
        if span.keys is None or not waiting:
            continue
        joined = span.labels.copy()
        for row, key in enumerate(span.keys.tolist()):
            label = waiting.pop(key, None)
            if label is None:
                continue
            if not np.isnan(joined[row]) and joined[row] != label:
                raise InputError(
                    "A label contradicts the one that its row has already.",
                    setting="monitor.key",
                    got=f"the row {key} of {span.name}",
                    remedy="Take the row out of the file of labels.",
                )
            joined[row] = label
        new = np.isnan(span.labels) & ~np.isnan(joined)
        if not new.any():
            continue
        first, entry = monitor.stream, history.spans[index]
        before = len(entry["alarms"])
        names.append(entry["name"])
        monitor.evaluate(replace(span, labels=joined), entry, new)
        positions = history.positions(index).copy()
        positions[new] = first + np.arange(int(new.sum()))
        history.relabel(index, joined, positions)
        alarms += complete(entry, entry["alarms"][before:], history)
    if waiting:
        raise InputError(
            f"{len(waiting):,} of {len(labels):,} labels are of rows that were never monitored.",
            setting="monitor.key",
            got=f"the key {next(iter(waiting))}",
            remedy="Monitor the rows first, or take the labels out.",
        )
    return names, alarms
