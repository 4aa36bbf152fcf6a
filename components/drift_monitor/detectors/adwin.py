"""ADWIN: a window that holds as many rows as have one mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.detectors.base import Detector, Scan, check_number, check_whole

_NONE = np.empty(0, np.int64)


@dataclass
class ADWIN(Detector):
    """Adaptive windowing (Bifet and Gavalda 2007, ADWIN2).

    The window is kept as buckets of 1, 2, 4, ... rows, at most `max_buckets` of each size, the
    smallest for the newest rows. Each end of a bucket cuts the window in two. There is an alarm
    where the means of the two parts, of n0 and n1 rows, differ by more than

        sqrt(2 v d / m) + 2 d / (3 m),   d = ln(2 ln(n) / delta),   1/m = 1/n0' + 1/n1',

    where v is the variance in the window of n rows, and n0' and n1' are less by
    `min_window_length` - 1 than n0 and n1.

    Parameters
    ----------
    delta : float
        Level of the test, 0 to 1.
    clock : int
        Rows from one look for a cut to the next.
    max_buckets : int
    min_window_length : int
        Rows that each part must have.
    grace_period : int
        Rows that the window must have more than.

    Attributes
    ----------
    width : int
        Rows in the window.
    estimation : float
        Mean of the window.

    Notes
    -----
    The rule is river's: unlike in the paper, where an alarm drops the oldest buckets, the next row
    begins a new window. River's attributes of the window right after an alarm are those without
    these buckets, and here those with them. It knows no warnings. An alarm is a rise or a fall.

    False alarms: of 100,000 rows with a steady error rate fewer than 0.1 are alarms at a rate of
    0.1, and about 0.1 at 0.3 (`alarm_rate.false_alarms`).

    References
    ----------
    A. Bifet and R. Gavalda, "Learning from time-changing data with adaptive windowing", SDM 2007.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> errors = random.random(2000) < np.repeat([0.1, 0.3], 1000)
    >>> found = ADWIN().update_many(errors)
    >>> found.drifts, found.change_points
    (array([1183]), array([1056]))
    """

    delta: float = 0.002
    clock: int = 32
    max_buckets: int = 5
    min_window_length: int = 5
    grace_period: int = 10

    INPUT: ClassVar[str] = "value"
    NAME: ClassVar[str] = "adwin"
    STATE: ClassVar[tuple[str, ...]] = ("width", "_total", "_squares", "_since", "_levels")
    FIRST_BLOCK: ClassVar[int] = 32768
    LARGEST_BLOCK: ClassVar[int] = 65536

    def _check_parameters(self) -> None:
        check_number(self.delta, "delta", 0, 1)
        check_whole(self.clock, "clock", 1)
        check_whole(self.max_buckets, "max_buckets", 1)
        check_whole(self.min_window_length, "min_window_length", 1)
        check_whole(self.grace_period, "grace_period", 1)

    def _forget(self) -> None:
        self.width = 0
        self._total = 0.0
        #: Sum of the squares of the deviations from the mean.
        self._squares = 0.0
        #: After an alarm the rows behind the cut.
        self._since = 0
        #: By size of the buckets, the smallest first, then by age, the oldest first: the sum of a
        #: bucket's rows and of the squares of their deviations from its mean.
        self._levels: list[list[list[float]]] = [[]]

    @property
    def estimation(self) -> float:
        """Mean of the window."""
        return self._total / self.width if self.width else 0.0

    @property
    def rows_since_change(self) -> int:
        """Rows behind the cut at which the difference is most above the bound."""
        return self._since

    def _update(self, x: float) -> None:
        self._insert(x)
        if self.width % self.clock == 0 and self.width > self.grace_period:
            self._look()

    def _insert(self, x: float) -> None:
        if self.width:
            deviation = x - self._total / self.width
            self._squares += self.width * deviation * deviation / (self.width + 1)
        self.width += 1
        self._total += x
        self._levels[0].append([x, 0.0])
        for level, buckets in enumerate(self._levels):
            if len(buckets) <= self.max_buckets:
                return
            (total, squares), (total_2, squares_2) = buckets[:2]
            del buckets[:2]
            apart = (total - total_2) / 2**level
            merged = [total + total_2, squares + squares_2 + 2**level / 2 * apart * apart]
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].append(merged)

    def _look(self) -> None:
        """Set whether the window is to be cut, and where it is cut best."""
        size, total, _ = self._oldest_first().T
        n = np.cumsum(size)
        excess = self._excess(n, np.cumsum(total), self.width, self._total, self._squares)
        best = int(excess.argmax())
        self.drift_detected = bool(excess[best] > 0)
        if self.drift_detected:
            self._since = self.width - int(n[best])

    def _oldest_first(self) -> NDArray[np.float64]:
        """Return the size, the sum and the squared deviations of each bucket, array [k, 3]."""
        sizes = np.repeat(
            2.0 ** np.arange(len(self._levels) - 1, -1, -1), [len(x) for x in self._levels[::-1]]
        )
        buckets = [bucket for level in reversed(self._levels) for bucket in level]
        return np.column_stack([sizes, np.array(buckets).reshape(-1, 2)])

    def _excess(self, n: Any, head: Any, width: Any, total: Any, squares: Any) -> Any:
        """Return by how much a difference of means is above the bound.

        Parameters
        ----------
        n, head : array [k]
            Rows before a cut, and their sum.
        width, total, squares : float or array [k]
            Rows of the window, their sum and that of the squares of their deviations from the mean.

        Returns
        -------
        array [k]
            Above 0 where there is a cut.
        """
        less = self.min_window_length - 1
        # Both parts less what they must have more than: where either has not, there is no cut.
        n_more, rest_more = n - less, (width - less) - n
        fits = np.minimum(n_more, rest_more) > 0
        apart = (head * width - n * total) / (n * (width - n) + ~fits)
        inverse = 1 / np.maximum(n_more, 1) + 1 / np.maximum(rest_more, 1)
        inverse *= np.log(2 * np.log(np.maximum(width, 2)) / self.delta)
        variance = np.maximum(squares, 0.0) / width
        bound = np.sqrt(2 * variance * inverse) + 2 / 3 * inverse
        return np.where(fits, np.abs(apart) - bound, -np.inf)

    def _scan(self, rows: NDArray[Any]) -> Scan:
        sums = _Sums(self, rows)
        widths = self._looks(len(rows))
        look = self._first_cut(sums, widths) if len(widths) else None
        taken = len(rows) if look is None else int(widths[look]) - self.width
        self._take_in(sums, self.width + taken)
        if look is not None:
            self._look()
            self.drift_detected = True
        return Scan(taken, look is not None, np.empty(0, np.int64))

    def _looks(self, rows: int) -> range:
        """Return the widths of the window at which it is looked at, if so many rows follow."""
        first = max(self.width, self.grace_period) // self.clock + 1
        return range(first * self.clock, self.width + rows + 1, self.clock)

    def _first_cut(self, sums: _Sums, widths: range) -> int | None:
        """Return the index of the first of some widths of the window at which it would be cut."""
        at = np.arange(widths.start, widths.stop, widths.step)
        width = at.astype(np.float64)
        total, squares = sums.at(at)
        mean = total / width
        squares = np.maximum(squares - total * mean, 0.0)

        def first_cut(look: NDArray[np.int64], cuts: NDArray[np.int64], best: int) -> int:
            n, head = cuts + float(self.width), sums.ahead(cuts)
            is_cut = self._excess(n, head, width[look], total[look], squares[look]) > 0
            return min(best, int(look[is_cut].min())) if is_cut.any() else best

        # Were `min_window_length` 1 and the second part of the bound left out, there would be a cut
        # where (s - n mean)^2 > factor n (width - n), s being the sum of the first n rows. The
        # bound is greater than that, so that this rules out nearly all cuts, and cheaply. The
        # factor is a little smaller than it is, for what is lost by rounding.
        factor = (2 - 1e-6) * squares * np.log(2 * np.log(width) / self.delta) / width**2
        best = len(widths)
        tails = _tails(
            widths[0] % _period(self.clock),
            widths[0] - self.width,
            len(widths),
            self.clock,
            self.max_buckets,
            self.min_window_length,
        )
        apart = sums.ahead(tails.cuts)
        np.subtract(total, apart, out=apart)
        product = tails.rows * mean
        apart -= product
        apart *= apart
        np.subtract(width, tails.rows, out=product)
        product *= tails.rows
        product *= factor
        suspect = apart > product
        # After a change most looks have a cut, but only the first counts.
        for some in _batches(np.flatnonzero(suspect.any(axis=0)) if suspect.any() else _NONE):
            cut, column = np.nonzero(suspect[:, some])
            best = first_cut(some[column], tails.cuts[cut, some[column]], best)
            if best < len(widths):
                break
        plan = _plan(widths, self.width, self.max_buckets)
        if not len(plan.begins):
            return best if best < len(widths) else None
        low, high, least = (
            extreme.reduceat(np.append(values, values[-1]), plan.begins)
            for extreme, values in ((np.minimum, mean), (np.maximum, mean), (np.minimum, factor))
        )
        narrowest = width.take(plan.begins, mode="clip")
        head = sums.ahead(plan.cuts)
        n = plan.cuts + float(self.width)
        apart = np.maximum(head - n * low, n * high - head)
        suspect = apart * apart > least * n * (narrowest - n)
        groups = np.flatnonzero(suspect.any(axis=0) & (plan.sizes > 0))
        for some in _batches(groups[np.argsort(plan.begins[groups], kind="stable")]):
            some = some[plan.begins[some] < best]
            if not len(some):
                break
            cut, column = np.nonzero(suspect[:, some])
            group = some[column]
            sizes = plan.sizes[group]
            look = _members(plan.begins[group], sizes)
            best = first_cut(look, np.repeat(plan.cuts[cut, group], sizes), best)
        return best if best < len(widths) else None

    def _take_in(self, sums: _Sums, width: int) -> None:
        """Set the state to that at a greater width."""
        ends, sizes = [0], []
        count, level = width, 0
        by_level: list[list[int]] = []
        while count:
            there, merged = map(int, _buckets(count, self.max_buckets))
            by_level.append([(2 * merged + i) << level for i in range(1, there + 1)])
            sizes.append(there)
            count, level = merged, level + 1
        for of_level in reversed(by_level):
            ends += of_level
        place = np.array(ends)
        total, squares = sums.at(place)
        size = np.diff(place)
        within, squares_within = np.diff(total), np.diff(squares)
        squares_within = np.maximum(squares_within - within * within / size, 0.0)
        squares_within[size == 1] = 0.0
        buckets = np.stack([within + size * sums.shift, squares_within], axis=1).tolist()
        self._levels = []
        for there in sizes:
            self._levels.append(buckets[len(buckets) - there :])
            del buckets[len(buckets) - there :]
        self._squares = max(0.0, float(squares[-1] - total[-1] * total[-1] / width))
        self._total = float(total[-1] + width * sums.shift)
        self.width = width


def _period(clock: int) -> int:
    """Return after how many rows small buckets end at the same distances from the newest row."""
    return 1 << _small_levels(clock)


def _small_levels(clock: int) -> int:
    """Return how many levels have buckets that are not the same at two successive looks."""
    return (2 * clock - 1).bit_length()


@dataclass(frozen=True)
class _Tails:
    """Where small buckets end, at each of some looks.

    Attributes
    ----------
    cuts : array [s, looks] of int
        Rows before such an end, less those of the window that came before the block.
    rows : array [s, looks]
        Rows behind it. A young window may have fewer, and then it has no such end.
    """

    cuts: NDArray[np.int64]
    rows: NDArray[np.float64]


@lru_cache(maxsize=8)
def _tails(phase: int, offset: int, looks: int, clock: int, max_buckets: int, least: int) -> _Tails:
    """Return where small buckets end.

    Parameters
    ----------
    phase : int
        Width of the window at the first look, modulo the period.
    offset : int
        The same, less the width ahead of the block.
    looks : int
    clock : int
        Rows from look to look.
    max_buckets : int
    least : int
        Rows that must follow.
    """
    order = np.arange(1, max_buckets + 1)[:, None]
    later = clock * np.arange(looks)
    # What holds for a wide window holds for a narrow one, but for the ends that it does not have.
    width = phase + later + (4 * max_buckets + 4) * _period(clock)
    counts, found = width, []
    for level in range(_small_levels(clock)):
        there, larger = _buckets(counts, max_buckets)
        there = np.maximum(there - least, 0) if level == 0 else there
        if there.any():
            # Where there are fewer buckets the last end is there twice.
            found.append(width - ((2 * larger + np.minimum(order, there)) << level))
        counts = larger
    rows = np.concatenate(found) if found else np.empty((0, looks), np.int64)
    rows = rows[np.append(True, (rows[1:] != rows[:-1]).any(axis=1))[: len(rows)]]
    return _Tails(offset + later - rows, rows.astype(np.float64))


@dataclass(frozen=True)
class _Plan:
    """Where large buckets end, which do so in the same place at successive looks.

    Attributes
    ----------
    cuts : array [max_buckets, g] of int
        For each group of looks at which they are the same the rows before the end, less those of
        the window that came before the block.
    begins, sizes : array [g] of int
        First look of each group, and number of looks; after the groups of each level there is an
        empty one that begins behind all looks.
    """

    cuts: NDArray[np.int64]
    begins: NDArray[np.int64]
    sizes: NDArray[np.int64]


@lru_cache(maxsize=16)
def _plan(widths: range, before: int, max_buckets: int) -> _Plan:
    """Return where large buckets end.

    Parameters
    ----------
    widths : range
        Of the window at the looks.
    before : int
        Width ahead of the block.
    max_buckets : int
    """
    order = np.arange(1, max_buckets + 1)[:, None]
    counts = np.arange(widths.start, widths.stop, widths.step)
    begins = np.arange(len(counts))
    level, small = 0, _small_levels(widths.step)
    cuts, firsts, sizes = [], [], []
    while counts[-1]:
        if level >= small:
            kept = np.append(0, np.flatnonzero(counts[1:] != counts[:-1]) + 1)
            counts, begins = counts[kept], begins[kept]
        there, larger = _buckets(counts, max_buckets)
        if level >= small:
            ends = (2 * larger + np.minimum(order, there)) << level
            cuts.append(np.append(ends, np.zeros((max_buckets, 1), np.int64), axis=1) - before)
            firsts.append(np.append(begins, len(widths)))
            sizes.append(np.append(np.diff(begins, append=len(widths)), 0))
        counts, level = larger, level + 1
    if not cuts:
        return _Plan(np.empty((max_buckets, 0), np.int64), _NONE, _NONE)
    return _Plan(np.concatenate(cuts, axis=1), np.concatenate(firsts), np.concatenate(sizes))


def _buckets(counts: Any, most: int) -> tuple[Any, Any]:
    """Return how many buckets of a level there are, and how many had become one of the next.

    Parameters
    ----------
    counts : int or array [k] of int
        Buckets of the level that were ever made.
    most : int
        Buckets that a level may have.

    Returns
    -------
    there, merged : int or array [k] of int
        `merged` counts buckets of the next level.
    """
    # A level grows to one bucket too many, and then two become one of the next.
    there = np.minimum(counts, most - 1 + ((counts - most + 1) & 1))
    return there, (counts - there) >> 1


def _batches(values: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield values in parts that grow."""
    at, size = 0, 16
    while at < len(values):
        yield values[at : at + size]
        at, size = at + size, 4 * size


def _members(begins: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return all numbers of some runs: in each so many successive ones from its begin on."""
    skipped = np.repeat(begins - (np.cumsum(sizes) - sizes), sizes)
    return np.asarray(np.arange(len(skipped)) + skipped)


class _Sums:
    """Sums of the first rows of a window, and of their squares, up to where it may be cut.

    Parameters
    ----------
    detector : ADWIN
        Whose window begins the sequence: its sums are known only at the ends of buckets.
    rows : array [k]
        Rows that follow.

    Attributes
    ----------
    shift : float
        What is subtracted from all rows, so that the squares do not swamp the variance.
    """

    def __init__(self, detector: ADWIN, rows: NDArray[np.float64]) -> None:
        # Zeros and ones are their own squares.
        is_binary = rows.dtype == np.bool_ or bool(((rows == 0) | (rows == 1)).all())
        self.shift = 0.0 if is_binary else float(rows[0])
        self.width = detector.width
        size, total, deviations = detector._oldest_first().T
        shifted = total - size * self.shift
        before = np.zeros((3, len(size) + 1))
        np.cumsum([size, shifted, deviations + shifted * shifted / size], axis=1, out=before[:, 1:])
        self._ends, self._old = before[0], before[1:]
        totals, squares = self._old[:, -1].tolist()
        if is_binary:
            self._totals = _cumulated(totals, rows)
            self._squares, self._more = self._totals, squares - totals
        else:
            values = rows - self.shift
            self._totals = _cumulated(totals, values)
            self._squares, self._more = _cumulated(squares, values * values), 0.0

    def at(self, n: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sum of the first n rows and of their squares, for each of increasing n."""
        split = int(np.searchsorted(n, self.width))
        new = n[split:] - self.width
        totals, squares = self._totals[new], self._squares[new] + self._more
        if split:
            old = self._old[:, np.searchsorted(self._ends, n[:split])]
            totals, squares = np.append(old[0], totals), np.append(old[1], squares)
        return totals, squares

    def ahead(self, cuts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the sum of the rows before each cut, which is given as in `_Tails`."""
        found = np.take(self._totals, cuts, mode="clip")
        if self.width:
            old = np.flatnonzero(cuts < 0)
            place = np.searchsorted(self._ends, cuts.ravel()[old] + self.width)
            found.ravel()[old] = self._old[0, place]
        return found


def _cumulated(before: float, values: NDArray[Any]) -> NDArray[np.float64]:
    found = np.empty(len(values) + 1)
    found[0] = before
    found[1:] = values
    return np.cumsum(found, out=found)
