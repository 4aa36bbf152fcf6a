"""Slices of the data on which a model fails, found among all columns.

The lattice of conjunctions, the effect size and its test are those of Chung, Kraska, Polyzotis,
Tae and Whang, "Slice Finder" (2019); slices are ranked by the score of Sagadeeva and Boehm,
"SliceLine" (2021, eq. 1), and q values are Benjamini and Hochberg's (1995). All pairs of conditions
are measured at once, by three products of matrices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

#: One array [n] a column: float64 where NaN is a missing value, or text where "" is one.
Columns = Mapping[str, np.ndarray]

#: Values of a column that get a condition each: the most frequent.
MAX_VALUES = 24
#: Parts of equal size into which a numeric column is cut; every run of parts is a condition.
QUANTILES = 6
#: Slices from which those of a further column are made.
BEAM = 200
#: Weight of the loss against that of the size in the rank.
WEIGHT = 0.95
#: Effect sizes, small and medium by Cohen's words: from which a slice counts, and by which one of
#: several conditions must be worse than it would be without any of them.
EFFECT_SIZE, EXTRA_EFFECT_SIZE = 0.2, 0.5


@dataclass(frozen=True)
class Condition:
    """What rows of a slice have in a column.

    Attributes
    ----------
    column : str
    value : str or float or None
        Equal to it; None is a missing value.
    low, high : float or None
        Where `is_range`: at least `low` and less than `high`.
    is_range : bool
    """

    column: str
    value: str | float | None = None
    low: float | None = None
    high: float | None = None
    is_range: bool = False

    def rows(self, columns: Columns) -> np.ndarray:
        """Return which rows fulfil it."""
        values = columns[self.column]
        if self.is_range:
            low = -np.inf if self.low is None else self.low
            high = np.inf if self.high is None else self.high
            with np.errstate(invalid="ignore"):
                return (values >= low) & (values < high)
        if self.value is None:
            return _missing(values)
        found: np.ndarray = values == self.value
        return found

    def __str__(self) -> str:
        if self.is_range:
            if self.low is None:
                return f"{self.column} < {_text(self.high)}"
            if self.high is None:
                return f"{self.column} >= {_text(self.low)}"
            return f"{_text(self.low)} <= {self.column} < {_text(self.high)}"
        if self.value is None:
            return f"{self.column} is missing"
        return f"{self.column}={_text(self.value)}"


@dataclass(frozen=True)
class FoundSlice:
    """A slice on which the loss is greater than elsewhere.

    Attributes
    ----------
    conditions : tuple of Condition
        All of them hold.
    rows : int
    share : float
        Part of all rows.
    mean_loss, rest_loss : float
        On the slice, and on all other rows.
    effect_size : float
        Difference of the two in units of the root of their mean variance.
    p_value, q_value : float
        Of Welch's one-sided test, and of it among all slices that were tried.
    """

    conditions: tuple[Condition, ...]
    rows: int
    share: float
    mean_loss: float
    rest_loss: float
    effect_size: float
    p_value: float
    q_value: float

    @property
    def name(self) -> str:
        """The conditions in words."""
        return ", ".join(map(str, self.conditions))

    def members(self, columns: Columns) -> np.ndarray:
        """Return which rows are in the slice."""
        return _all(self.conditions, columns)


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes
    ----------
    slices : tuple of FoundSlice
        The worst first.
    tried : int
        Slices that were measured.
    """

    slices: tuple[FoundSlice, ...]
    tried: int


def search(
    columns: Columns,
    losses: np.ndarray,
    *,
    max_degree: int = 2,
    min_share: float = 0.01,
    min_rows: int = 30,
    alpha: float = 0.05,
    top: int = 10,
) -> Search:
    """Find the slices whose rows have the greatest losses.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape [n]
        Float64 with NaN for missing values, or text with "" for them.
    losses : ndarray, shape [n]
        Loss of each row; finite.
    max_degree : int
        Columns that a slice may cross.
    min_share, min_rows : float, int
        Least rows of a slice, as a part of all and in number.
    alpha : float
        Greatest q value of a slice that is listed.
    top : int
        At most so many are listed. A slice that is only bad because it overlaps with those
        before it is left out, and so is one that a condition less describes as well.

    Returns
    -------
    Search

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> town = random.choice(["A", "B"], 1000).astype(object)
    >>> age = random.integers(20, 60, 1000).astype(float)
    >>> losses = random.random(1000) + 2 * ((town == "B") & (age >= 40))
    >>> search({"town": town, "age": age}, losses).slices[0].name
    'town=B, age >= 40'
    """
    losses = np.asarray(losses, np.float64)
    least = max(min_rows, int(np.ceil(min_share * len(losses))))
    conditions = [c for name in columns for c in _conditions(name, columns[name], least)]
    if not conditions or len(losses) < 2 * least:
        return Search((), 0)
    singles = np.stack([c.rows(columns) for c in conditions]).astype(np.float32)
    powers = np.stack([np.ones_like(losses), losses, losses**2]).astype(np.float32)
    tables = [_Level([(i,) for i in range(len(conditions))], (singles @ powers.T).astype(float))]
    for _ in range(1, max_degree):
        tables.append(_crossed(tables[-1], conditions, singles, powers, least))
    members = [each for table in tables for each in table.members]
    sums = np.concatenate([table.sums for table in tables])
    measured = _Measured.of(sums, losses)
    return Search(
        tuple(_listed(members, conditions, columns, losses, measured, alpha, top, least)),
        len(members),
    )


def _listed(
    members: list[tuple[int, ...]],
    conditions: list[Condition],
    columns: Columns,
    losses: np.ndarray,
    measured: _Measured,
    alpha: float,
    top: int,
    least: int,
) -> Iterable[FoundSlice]:
    """Yield the slices by rank, each of which is also bad without those before it."""
    counted = (measured.q <= alpha) & (measured.effect >= EFFECT_SIZE)
    order = np.lexsort((np.arange(len(members)), -measured.score))
    covered = np.zeros(len(losses), bool)
    yielded = 0
    for index in order[counted[order]]:
        if yielded == top:
            return
        of = tuple(conditions[i] for i in members[index])
        rows = _all(of, columns)
        if not _needs_all(of, rows, columns, losses):
            continue
        if yielded:
            left = rows & ~covered
            others = ~rows & ~covered
            if left.sum() < least or others.sum() < 2:
                continue
            if _effect(losses[left], losses[others]) < EFFECT_SIZE:
                continue
        covered |= rows
        yielded += 1
        yield FoundSlice(
            of,
            int(rows.sum()),
            float(rows.mean()),
            float(losses[rows].mean()),
            float(losses[~rows].mean()),
            float(measured.effect[index]),
            float(measured.p[index]),
            float(measured.q[index]),
        )


@dataclass(frozen=True)
class _Level:
    """Slices of as many columns each.

    Attributes
    ----------
    members : list of tuple of int
        Indices of each slice's conditions, ascending.
    sums : ndarray, shape [slices, 3]
        Rows, and sums of the loss and of its square.
    """

    members: list[tuple[int, ...]]
    sums: np.ndarray


def _crossed(
    level: _Level,
    conditions: list[Condition],
    singles: np.ndarray,
    powers: np.ndarray,
    least: int,
) -> _Level:
    """Return the slices with one more column: of all conditions, or of the best slices."""
    kept = np.arange(len(level.members))
    if len(level.members[0]) > 1:
        kept = np.argsort(-_score(level.sums, powers.sum(axis=1)), kind="stable")[:BEAM]
    masks = np.ones((len(kept), singles.shape[1]), np.float32)
    for position, index in enumerate(kept):
        for member in level.members[index]:
            masks[position] *= singles[member]
    sums = np.stack([(masks * power) @ singles.T for power in powers], axis=-1).astype(float)
    # Conditions lie column by column: in this order each slice is made once.
    names = list(dict.fromkeys(c.column for c in conditions))
    place = np.array([names.index(c.column) for c in conditions])
    last = np.array([place[level.members[index][-1]] for index in kept])
    allowed = (sums[..., 0] >= least) & (place[None, :] > last[:, None])
    # With the rows of one of its parts a slice says nothing new.
    allowed &= sums[..., 0] < masks.sum(axis=1)[:, None]
    allowed &= sums[..., 0] < singles.sum(axis=1)[None, :]
    first, second = np.nonzero(allowed)
    members = [(*level.members[kept[f]], int(s)) for f, s in zip(first, second, strict=True)]
    return _Level(members, sums[first, second])


@dataclass(frozen=True)
class _Measured:
    """Of each slice: its score, effect size, p value and q value."""

    score: np.ndarray
    effect: np.ndarray
    p: np.ndarray
    q: np.ndarray

    @classmethod
    def of(cls, sums: np.ndarray, losses: np.ndarray) -> _Measured:
        total = np.array([len(losses), losses.sum(), (losses**2).sum()])
        (n, mean, variance), (m, rest, rest_variance) = _moments(sums), _moments(total - sums)
        spread = np.sqrt((variance + rest_variance) / 2)
        error, rest_error = variance / n, rest_variance / m
        with np.errstate(divide="ignore", invalid="ignore"):
            effect = np.where(spread > 0, (mean - rest) / spread, 0.0)
            t = (mean - rest) / np.sqrt(error + rest_error)
            freedom = (error + rest_error) ** 2 / (error**2 / (n - 1) + rest_error**2 / (m - 1))
        p = np.where(np.isfinite(t), stats.t.sf(t, np.maximum(np.nan_to_num(freedom), 1)), 1.0)
        q = stats.false_discovery_control(p) if len(p) else p
        return cls(_score(sums, total), effect, p, q)


def _moments(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, mean and variance."""
    n = np.maximum(sums[..., 0], 2)
    mean = sums[..., 1] / n
    return n, mean, np.maximum(sums[..., 2] - n * mean**2, 0) / (n - 1)


def _score(sums: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Return SliceLine's score: the relative loss of a slice against its relative smallness."""
    n, loss, _ = total
    overall = max(loss / n, np.finfo(float).tiny)
    relative = sums[:, 1] / np.maximum(sums[:, 0], 1) / overall - 1
    smallness = n / np.maximum(sums[:, 0], 1) - 1
    score: np.ndarray = WEIGHT * relative - (1 - WEIGHT) * smallness
    return score


def _effect(losses: np.ndarray, rest: np.ndarray) -> float:
    spread = np.sqrt((losses.var(ddof=1) + rest.var(ddof=1)) / 2)
    return float((losses.mean() - rest.mean()) / spread) if spread > 0 else 0.0


def _needs_all(
    conditions: tuple[Condition, ...], rows: np.ndarray, columns: Columns, losses: np.ndarray
) -> bool:
    """Tell whether a slice is worse than what each of its conditions cuts off."""
    for index in range(len(conditions) if len(conditions) > 1 else 0):
        wider = _all(conditions[:index] + conditions[index + 1 :], columns)
        cut_off = losses[wider & ~rows]
        if len(cut_off) < 2 or _effect(losses[rows], cut_off) < EXTRA_EFFECT_SIZE:
            return False
    return True


def _all(conditions: Iterable[Condition], columns: Columns) -> np.ndarray:
    found: np.ndarray = np.logical_and.reduce([each.rows(columns) for each in conditions])
    return found


def _conditions(name: str, values: np.ndarray, least: int) -> list[Condition]:
    """Return the conditions on a column that enough rows fulfil, and not nearly all."""
    missing = _missing(values)
    known = values[~missing]
    distinct, counts = np.unique(known, return_counts=True)
    found = [Condition(name)] if missing.any() else []
    if values.dtype == object or len(distinct) <= MAX_VALUES:
        frequent = np.sort(np.argsort(-counts, kind="stable")[:MAX_VALUES])
        found += [Condition(name, value=_scalar(distinct[i])) for i in frequent]
    if values.dtype != object and len(distinct) > 2:
        found += _ranges(name, known)
    sizes = [int(condition.rows({name: values}).sum()) for condition in found]
    return [
        condition
        for condition, size in zip(found, sizes, strict=True)
        if least <= size <= len(values) - least
    ]


def _ranges(name: str, known: np.ndarray) -> list[Condition]:
    """Return the runs of parts of equal size, without the whole."""
    cuts = np.unique(np.quantile(known, np.arange(1, QUANTILES) / QUANTILES, method="higher"))
    borders: list[float | None] = [None, *(float(cut) for cut in cuts), None]
    last = len(borders) - 1
    return [
        Condition(name, low=borders[i], high=borders[j], is_range=True)
        for i in range(last)
        for j in range(i + 1, last + 1)
        if (i, j) != (0, last)
    ]


def _missing(values: np.ndarray) -> np.ndarray:
    missing: np.ndarray = values == "" if values.dtype == object else np.isnan(values)
    return missing


def _scalar(value: object) -> str | float:
    return str(value) if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def _text(value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.6g}"
    return str(value)
