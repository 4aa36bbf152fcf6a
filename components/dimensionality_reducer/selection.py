"""The choice of a method and a number of components by what a linear model makes of them.

Three folds of a bounded sample of the train split; the methods are fitted to two thirds
of it, and so is the model, on the components and on the categorical columns that are not
reduced (see `components.dimensionality_reducer.judgement`). It is judged by its log
loss, or its squared error for regression.

The choice is the smallest number of components whose score is within one standard error
of the best, that of the difference, row by row. It is made among the first of these
groups that has any candidate:

1. at most half of the dimensions, and metrics (accuracy, and AUC for two classes; R2)
   that fall by less than 0.5 points against no reduction, with one standard error over
   the folds to spare;
2. at most half of the dimensions, and metrics that fall by less than that;
3. at most half of the dimensions, and metrics that fall by less but for one standard
   error;
4. metrics that fall by less than 0.5 points;
5. no reduction; or all candidates, if a method is asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from components import progress
from components.dimensionality_reducer import checks
from components.dimensionality_reducer.basis import Basis, Rows, Statistics, Stream
from components.dimensionality_reducer.columns import Batch, Columns, one_hot
from components.dimensionality_reducer.config import SECTION, ReducerConfig
from components.dimensionality_reducer.judgement import Judgement, Part, judge
from components.dimensionality_reducer.moments import Moments
from components.dimensionality_reducer.reducers import REDUCERS, Reducer
from components.dimensionality_reducer.scaling import Scaling
from components.errors import InputError
from components.models import projection

#: Rows that are looked at.
ROWS = 12_000
FOLDS = 3
#: Rows times columns times components that a method may have which is fitted anew for each
#: number of components, by iteration.
ITERATED = 1 << 25
#: Metrics may fall by this much: 0.5 points.
DROP = 0.005


@dataclass(frozen=True)
class Candidate:
    """A method with a number of components, and how it did.

    Attributes
    ----------
    method : str
    components : int
    score : float
        Minus the mean of the losses of all rows; see `judgement.Judgement`.
    metrics : dict of tuple
        Values of each metric, fold by fold.
    losses : array, shape (n,)
        Of each row, when it was not fitted to.
    """

    method: str
    components: int
    score: float
    metrics: dict[str, tuple[float, ...]]
    losses: np.ndarray = field(compare=False, repr=False)

    def equals(self, best: Candidate) -> bool:
        """Return whether the score is within one standard error of that of the best."""
        difference = self.losses - best.losses
        return bool(difference.mean() <= difference.std() / np.sqrt(len(difference)))

    def keeps(self, reference: Candidate, errors: float = 0.0) -> bool:
        """Return whether no metric falls by more than `DROP`, less some standard errors."""
        for name, values in self.metrics.items():
            drops = np.subtract(reference.metrics[name], values)
            error = drops.std(ddof=1) / np.sqrt(len(drops))
            if drops.mean() - errors * error > DROP:
                return False
        return True


@dataclass(frozen=True)
class Selection:
    """The choice and what it was made from.

    Attributes
    ----------
    method : str
    components : int
    candidates : tuple of Candidate
        The one without reduction, of method ``none``, comes first.
    notes : tuple of str
    """

    method: str
    components: int
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]


# The matrices are small: threads would wait for each other more than they compute.
@threadpool_limits.wrap(limits=1)
def select(
    config: ReducerConfig,
    columns: Columns,
    scaling: Scaling,
    statistics: Statistics,
    sample: Batch,
) -> Selection:
    """Choose the method, the number of components, or both.

    Parameters
    ----------
    config : ReducerConfig
        At least one of the two is ``auto``.
    columns : Columns
    scaling : Scaling
    statistics : Statistics
        Of the whole train split; they tell which methods are possible.
    sample : Batch
        Rows of the train split in a random order, of which the first `ROWS` are used.

    Raises
    ------
    InputError
        If there are fewer rows than folds, or no method makes the configured number.
    """
    rows = sample.take(slice(ROWS))
    if len(rows) < 2 * FOLDS:
        raise InputError(
            "There are too few rows to choose by cross-validation.",
            setting=f"{SECTION}.components",
            expected=f"at least {2 * FOLDS} in the train split",
            got=len(rows),
            remedy=f"Set {SECTION}.method and {SECTION}.components.",
        )
    methods, notes = _methods(config.method, columns, scaling, statistics)
    folds = [
        _Fold(columns, scaling, rows.take(train), rows.take(test), config.seed)
        for train, test in _split(rows, columns, config.seed)
    ]
    limits: dict[str, int] = {}
    if config.method == "auto":
        limits, further = _limits(methods, len(rows) * (FOLDS - 1) // FOLDS, columns.width)
        notes += further
    reference = _summary("none", columns.width, [fold.reference() for fold in folds])
    half = max(columns.width // 2, 1)
    candidates = [reference]
    if isinstance(config.components, int):
        sizes = [config.components]
        candidates += _candidates(methods, sizes, folds, limits)
        if len(candidates) == 1:
            raise InputError(
                "No method can make that many components of these data.",
                setting=f"{SECTION}.components",
                expected=f"at most {statistics.rank}: the rank of the columns",
                got=config.components,
            )
    else:
        candidates += _candidates(methods, ladder(half), folds, limits)
        if not _keeping(candidates[1:], reference, errors=1):
            larger = sorted({(half + columns.width) // 2, columns.width} - {half})
            candidates += _candidates(methods, larger, folds, limits)
    chosen = choose(candidates, half, or_none=config.method == config.components == "auto")
    return Selection(chosen.method, chosen.components, tuple(candidates), notes)


def ladder(most: int) -> list[int]:
    """Return the numbers of components that are tried.

    Examples
    --------
    >>> ladder(10)
    [1, 2, 4, 8, 10]
    """
    return [*(1 << power for power in range(most.bit_length()) if 1 << power < most), most]


def choose(candidates: Sequence[Candidate], half: int, *, or_none: bool) -> Candidate:
    """Return the candidate to take; see the module.

    Parameters
    ----------
    candidates : sequence of Candidate
        The one without reduction comes first.
    half : int
        Half of the dimensions.
    or_none : bool
        Whether no reduction is a choice.
    """
    reference, *others = candidates
    small = [candidate for candidate in others if candidate.components <= half]
    pool = (
        _keeping(small, reference, errors=-1)
        or _keeping(small, reference)
        or _keeping(small, reference, errors=1)
        or _keeping(others, reference)
        or ([reference] if or_none else others)
    )
    best = max(pool, key=lambda candidate: candidate.score)
    near = [candidate for candidate in pool if candidate.equals(best)]
    return min(near, key=lambda candidate: (candidate.components, -candidate.score))


def _keeping(
    candidates: Sequence[Candidate], reference: Candidate, errors: float = 0.0
) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.keeps(reference, errors)]


def _methods(
    method: str, columns: Columns, scaling: Scaling, statistics: Statistics
) -> tuple[list[str], tuple[str, ...]]:
    """Return the methods to try, and why the others are not."""
    if method != "auto":
        return [method], ()
    methods, notes = [], []
    for name in REDUCERS:
        try:
            checks.check(name, columns, scaling, statistics)
        except InputError as error:
            notes.append(f"Not tried: {name}. {error.problem}")
        else:
            methods.append(name)
    return methods, tuple(notes)


def _limits(
    methods: Sequence[str], rows: int, width: int
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the most components of each method that would take too long with more."""
    most = ITERATED // max(rows * width, 1)
    limits = {name: most for name in methods if not REDUCERS[name].nested and most < width}
    notes = [
        f"Not tried: {name} with more than {most} components, which takes long on {width} columns."
        for name in limits
    ]
    return limits, tuple(notes)


def _split(rows: Batch, columns: Columns, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    kind = StratifiedKFold if columns.classes else KFold
    with warnings.catch_warnings():
        # Of classes with fewer rows than folds.
        warnings.simplefilter("ignore")
        yield from kind(FOLDS, shuffle=True, random_state=seed).split(rows.label, rows.label)


def _candidates(
    methods: Sequence[str], sizes: Sequence[int], folds: Sequence[_Fold], limits: dict[str, int]
) -> list[Candidate]:
    """Judge each method with each number of components that it can make of every fold."""
    found = []
    for number, method in enumerate(methods):
        progress.report(0.2 + 0.3 * number / len(methods), f"trying {method}")
        most = min(REDUCERS[method].most(fold.statistics) for fold in folds)
        possible = sorted({min(size, most) for size in sizes} if len(sizes) > 1 else set(sizes))
        possible = [size for size in possible if 1 <= size <= min(most, limits.get(method, most))]
        if possible:
            results = [fold.judge(method, possible) for fold in folds]
            found += [
                _summary(method, size, [result[size] for result in results]) for size in possible
            ]
    return found


def _summary(method: str, components: int, folds: Sequence[Judgement]) -> Candidate:
    losses = np.concatenate([fold.losses for fold in folds])
    metrics = {name: tuple(fold.metrics[name] for fold in folds) for name in folds[0].metrics}
    return Candidate(method, components, -float(losses.mean()), metrics, losses)


class _Fold:
    """Two thirds of the rows to fit to, one to judge by."""

    def __init__(
        self, columns: Columns, scaling: Scaling, train: Batch, test: Batch, seed: int
    ) -> None:
        moments = Moments(columns)
        moments.add(train)
        self.statistics = Statistics.of(moments, scaling)
        self._classes = len(columns.classes)
        self._seed = seed
        # Faster than going over the rows again. Besides, scikit-learn's ICA fails where the
        # first column is constant, which one can be in two thirds of the rows.
        self._sums = Stream(columns, scaling, self.statistics, train, accumulate=_no_pass)
        x, self._test_x = (scaling.dense(columns.design(part)) for part in (train, test))
        self._rows = Rows(x, train.label, columns.target(train), self.statistics)
        self._test_label = test.label
        sizes = [column.size for column in columns.kept]
        self._kept = [one_hot(part.categorical, sizes) if sizes else None for part in (train, test)]

    def judge(self, method: str, sizes: Sequence[int]) -> dict[int, Judgement]:
        """Return how it did by number of components."""
        reducer = REDUCERS[method]
        whole = self._fit(reducer, max(sizes)) if reducer.nested else None
        results = {}
        for size in sizes:
            basis = whole.first(size) if whole else self._fit(reducer, size)
            results[size] = self._evaluate(*(reduce(basis, x) for x in self._both()))
        return results

    def _fit(self, reducer: Reducer, size: int) -> Basis:
        if reducer.passes:
            return reducer.fit(self._rows, size, self._seed)
        return reducer.fit_stream(self._sums, size, self._seed)

    def reference(self) -> Judgement:
        """Return how no reduction did."""
        return self._evaluate(*self._both())

    def _both(self) -> tuple[np.ndarray, np.ndarray]:
        return self._rows.x, self._test_x

    def _evaluate(self, train: np.ndarray, test: np.ndarray) -> Judgement:
        return judge(
            Part(train, self._kept[0], self._rows.label),
            Part(test, self._kept[1], self._test_label),
            classes=self._classes,
            seed=self._seed,
        )


def _no_pass(start: object) -> NoReturn:
    raise AssertionError("this method makes no pass over the rows")


def reduce(basis: Basis, x: np.ndarray) -> np.ndarray:
    """Return the components [n, c] of scaled columns [n, f]."""
    if basis.non_negative:
        return projection.solve(basis.loadings, x @ basis.loadings.T)
    return np.asarray((x - basis.centre) @ basis.weights)
