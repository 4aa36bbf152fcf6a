"""A span is watched once, in the order of time, and appended to the history."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from components.drift_monitor.config import DriftMonitorConfig
from components.drift_monitor.history import NOT_YET, History
from components.drift_monitor.monitoring import Monitor
from components.drift_monitor.span_reader import Read
from components.errors import InputError


def watch(
    read: Read, history: History, monitor: Monitor, config: DriftMonitorConfig
) -> list[dict[str, Any]]:
    """Watch one span, append it to the history and return its alarms.

    Raises
    ------
    InputError
        It was watched before, is older than what was, or has a key of an earlier row.
    """
    span = read.span
    _check_new(read, history)
    first = monitor.stream
    entry = monitor.watch(span)
    entry["notes"] = [*read.notes, *entry["notes"]]
    entry |= {"model": history.models[-1]["id"], "uri": read.uri, "digest": read.digest}
    positions = np.full(len(span), NOT_YET)
    if entry["errors"] is not None:
        [rows] = np.nonzero(span.labelled)
        positions[rows] = first + np.arange(len(rows))
    history.add(entry, span, read.places, positions, config.slices)
    return complete(entry, entry["alarms"], history)


def complete(
    entry: dict[str, Any], alarms: list[dict[str, Any]], history: History
) -> list[dict[str, Any]]:
    """Add to alarms their span and when the change was; return them."""
    for alarm in alarms:
        alarm["span"] = entry["name"]
        change = alarm["change_row"]
        alarm["change_time"] = None if change is None else history.time_of(change)
    return alarms


def _check_new(read: Read, history: History) -> None:
    span = read.span
    # Also under an earlier model: that the rows are old does not change with it.
    for entry in history.spans:
        if entry["digest"] == read.digest:
            raise InputError(
                f"These rows were monitored already, as {entry['name']}.",
                got=span.name,
                remedy="Leave them out.",
            )
    if span.keys is not None:
        known: set[str] = set()
        for keys in (history.span(index).keys for index in range(len(history.spans))):
            known.update(() if keys is None else keys.tolist())
        again = next((key for key in span.keys.tolist() if key in known), None)
        if again is not None:
            raise InputError(
                "A row of an earlier span has the same key.",
                setting="monitor.key",
                expected="a value that no other row has",
                got=again,
                remedy="Take out rows that were monitored already.",
            )
    last = [entry["time"][1] for entry in history.spans if entry["time"]]
    if span.time is None or not last or np.isnan(span.time).all():
        return
    newest = float(np.nanmax(span.time))
    if newest < max(last):
        raise InputError(
            f"The span {span.name} is older than what was monitored already.",
            expected=f"rows later than {_moment(max(last))}",
            got=f"rows up to {_moment(newest)}",
            remedy="Monitor spans in the order of their times.",
        )


def _moment(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M:%S}"
