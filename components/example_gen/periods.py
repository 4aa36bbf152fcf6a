"""Later rows of the data, cut into calendar periods that are there to be monitored."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from components.example_gen.config import Every, Periods
from components.spans import PREFIX


def start_of(periods: Periods) -> int:
    """Return the first second (UTC, since 1970) that is monitored."""
    return _seconds(periods.start)


def cut(times: Iterable[int], periods: Periods) -> dict[str, int]:
    """Return the first second of each period that has a row, by the name of its split.

    Parameters
    ----------
    times : iterable of int
        Seconds since 1970, UTC; those before the first monitored one are left out.
    periods : Periods

    Examples
    --------
    >>> periods = Periods(column="at", start=datetime.date(2016, 2, 1), every="quarter")
    >>> list(cut([1454284800, 1459468800, 1475280000, 0], periods))
    ['span-2016-Q1', 'span-2016-Q2', 'span-2016-Q4']
    """
    first = start_of(periods)
    found: dict[str, int] = {}
    for time in sorted(set(times)):
        if time < first:
            continue
        day = datetime.datetime.fromtimestamp(time, datetime.UTC).date()
        name, begin = _period(day, periods.every)
        found.setdefault(PREFIX + name, max(_seconds(begin), first))
    return found


def _period(day: datetime.date, every: Every) -> tuple[str, datetime.date]:
    """Return the name and the first day of the period that a day lies in."""
    if every == "day":
        return day.isoformat(), day
    if every == "week":
        year, week, weekday = day.isocalendar()
        return f"{year}-W{week:02d}", day - datetime.timedelta(days=weekday - 1)
    if every == "month":
        return f"{day:%Y-%m}", day.replace(day=1)
    if every == "quarter":
        quarter = (day.month - 1) // 3
        return f"{day.year}-Q{quarter + 1}", day.replace(month=3 * quarter + 1, day=1)
    return f"{day.year}", day.replace(month=1, day=1)


def _seconds(day: datetime.date) -> int:
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp())
