"""How much each hyperparameter decides a trial's score: functional analysis of variance.

A random forest learns the score from the hyperparameters. Each of its trees is constant on
boxes, so that its mean over all other hyperparameters, and the variance of that mean, are exact
sums over its leaves: no sampling.

References
----------
F. Hutter, H. Hoos, K. Leyton-Brown. An Efficient Approach for Assessing Hyperparameter
Importance. ICML 2014.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.tuner.trials import Trial

#: With fewer scored trials, shares would be noise.
MIN_TRIALS = 8
#: A hyperparameter that spans more than this factor may be taken on a log scale.
LOG_SPAN = 100.0
#: Numbers that recur this often on average are levels, each as likely; others are continuous.
LEVEL_RECURRENCE = 2
#: Scores further below the lower quartile than this many interquartile ranges count as there:
#: one failed trial must not be all there is to explain.
OUTLIER_RANGES = 1.5
#: Share of the hyperparameters among which each node of a tree looks for its split.
SPLIT_SHARE = 0.8
#: Trials in each leaf.
LEAF_TRIALS = 2
#: Prefix of what a strategy notes among a trial's values, such as Hyperband's epochs.
STRATEGY_PREFIX = "tuner/"

Floats = NDArray[np.float64]
Rng = np.random.Generator


@dataclass(frozen=True)
class Importance:
    """What one hyperparameter decides by itself.

    Attributes
    ----------
    name : str
    share : float
        Mean over the trees of its share of the score's variance, in [0, 1]. What is missing
        from a sum of one is due to hyperparameters acting together.
    deviation : float
        Standard deviation of the share over the trees.
    """

    name: str
    share: float
    deviation: float


@dataclass(frozen=True)
class Axis:
    """One hyperparameter as a column that a tree can split.

    Attributes
    ----------
    name : str
    codes : array [n]
        A level from 0 on, or a number in [0, 1]; NaN where the hyperparameter is inactive.
    levels : int
        Number of equally likely levels; 0 for a number that is uniform on [0, 1].
    ordered : bool
        Whether the order of the levels means anything.
    """

    name: str
    codes: Floats
    levels: int
    ordered: bool

    def column(self, targets: Floats, held_out: NDArray[np.bool_], rng: Rng) -> Floats:
        """Return the codes as one tree sees them.

        Categories are put in the order of their mean target among the trials that the tree is
        not fitted to, so that one split tells the good from the bad ones, and a category that
        means nothing does not look as if it did.

        Where the hyperparameter is inactive it has a random value. What turned it off is
        itself a hyperparameter, and so gets all of that effect: a level of its own would
        share it out among everything that is inactive at the same time.

        Parameters
        ----------
        targets : array [n]
            Centred scores.
        held_out : array [n] of bool
        rng : numpy.random.Generator

        Returns
        -------
        array [n]
        """
        codes, count = self.codes, len(self.codes)
        drawn = rng.integers(self.levels, size=count) if self.levels else rng.random(count)
        codes = np.where(np.isnan(codes), drawn, codes)
        if self.levels and not self.ordered:
            used = held_out & ~np.isnan(self.codes)
            shape = {"minlength": self.levels}
            sums = np.bincount(codes[used].astype(np.int64), targets[used], **shape)
            counts = np.bincount(codes[used].astype(np.int64), **shape)
            # Random among equals, such as categories that were not held out.
            order = np.lexsort((rng.random(self.levels), sums / np.maximum(counts, 1)))
            codes = np.argsort(order)[codes.astype(np.int64)].astype(np.float64)
        return codes


def importance(trials: Sequence[Trial], *, seed: int = 0, trees: int = 64) -> list[Importance]:
    """Return each hyperparameter's share of the variance of the score, the largest first.

    Parameters
    ----------
    trials : sequence of Trial
        Those without a finite score, or without values, are left out.
    seed : int
        The same trials and seed give the same shares.
    trees : int
        Size of the forest, at least 1.

    Returns
    -------
    list of Importance
        Of each hyperparameter with at least two values among the scored trials; all zero if
        all scores are equal, and empty if fewer than `MIN_TRIALS` trials have a score.
    """
    from sklearn.tree import DecisionTreeRegressor

    scored = [t for t in trials if t.values and t.score is not None and math.isfinite(t.score)]
    axes = encode(scored)
    if len(scored) < MIN_TRIALS or not axes:
        return []
    scores = _without_outliers(np.array([trial.score for trial in scored], dtype=np.float64))
    scale = np.ptp(scores)
    targets = (scores - scores.mean()) / scale if scale > 0 else np.zeros_like(scores)
    shares = []
    for rng in np.random.default_rng(seed).spawn(trees):
        tree = DecisionTreeRegressor(
            min_samples_leaf=LEAF_TRIALS,
            max_features=SPLIT_SHARE,
            random_state=int(rng.integers(2**31)),
        )
        drawn = rng.integers(len(targets), size=len(targets))
        held_out = np.bincount(drawn, minlength=len(targets)) == 0
        points = np.stack([axis.column(targets, held_out, rng) for axis in axes], axis=1)
        tree.fit(points[drawn], targets[drawn])
        total, main = variances(tree.tree_, [axis.levels for axis in axes])
        if total > 0:
            shares.append(main / total)
    found = np.array(shares) if shares else np.zeros((1, len(axes)))
    result = [
        Importance(axis.name, float(share), float(deviation))
        for axis, share, deviation in zip(axes, found.mean(0), found.std(0), strict=True)
    ]
    return sorted(result, key=lambda item: (-item.share, item.name))


def encode(trials: Sequence[Trial]) -> list[Axis]:
    """Return an axis for each hyperparameter with at least two values, in order of appearance."""
    names = dict.fromkeys(
        name for trial in trials for name in trial.values if not name.startswith(STRATEGY_PREFIX)
    )
    axes = [_axis(name, [trial.values.get(name) for trial in trials]) for name in names]
    return [axis for axis in axes if axis is not None]


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number, and not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_logarithmic(numbers: Sequence[float]) -> bool:
    """Return whether numbers are better seen on a log scale.

    They are if all are positive, they span more than two decades, and their median is nearer
    to the middle of their range there than on a linear scale.

    Examples
    --------
    >>> is_logarithmic([0.0001, 0.002, 0.03, 0.1]), is_logarithmic([0.001, 0.4, 0.6, 0.9])
    (True, False)
    """
    if min(numbers) <= 0 or max(numbers) / min(numbers) <= LOG_SPAN:
        return False
    return _skew(np.log(numbers)) < _skew(np.asarray(numbers, dtype=np.float64))


def _skew(numbers: Floats) -> float:
    """Return how far the median is from the middle of the range, as a share of the range."""
    return float(abs((np.median(numbers) - numbers.min()) / np.ptp(numbers) - 0.5))


def variances(tree: Any, levels: Sequence[int]) -> tuple[float, Floats]:
    """Return the variance of a regression tree, and that of its mean given each column alone.

    The columns are independent, and uniform on their levels or on [0, 1].

    Parameters
    ----------
    tree : sklearn.tree._tree.Tree
        With one output.
    levels : sequence of k int
        Of each column the number of levels, coded from 0 on; 0 if it is continuous.

    Returns
    -------
    total : float
    main : array [k]
    """
    # Each column falls into cells on which the tree does not change: a box is a set of them.
    places, weights = zip(
        *[
            _cells(tree.threshold[tree.feature == column], count)
            for column, count in enumerate(levels)
        ],
        strict=True,
    )
    ends = np.cumsum([len(place) for place in places])
    cells = [slice(end - len(place), end) for end, place in zip(ends, places, strict=True)]
    inside = np.ones((tree.node_count, ends[-1]), dtype=np.bool_)
    # A node comes before its children.
    for node in np.flatnonzero(tree.children_left >= 0):
        column = tree.feature[node]
        left, right = tree.children_left[node], tree.children_right[node]
        below = places[column] <= tree.threshold[node]
        inside[left] = inside[right] = inside[node]
        inside[left, cells[column]] &= below
        inside[right, cells[column]] &= ~below

    leaves = np.flatnonzero(tree.children_left < 0)
    inside = inside[leaves]
    widths = np.stack(
        [inside[:, cell] @ weight for cell, weight in zip(cells, weights, strict=True)], axis=1
    )
    volumes = widths.prod(axis=1)
    values = tree.value[leaves, 0, 0]
    values = values - volumes @ values
    main = np.empty(len(levels))
    for column, (cell, weight) in enumerate(zip(cells, weights, strict=True)):
        others = np.delete(widths, column, axis=1).prod(axis=1)
        means = (values * others) @ inside[:, cell]
        main[column] = weight @ means**2
    return float(volumes @ values**2), main


def _cells(thresholds: Floats, levels: int) -> tuple[Floats, Floats]:
    """Return a point in each cell of a column, and each cell's probability."""
    if levels:
        return np.arange(levels, dtype=np.float64), np.full(levels, 1 / levels)
    edges = np.concatenate([[0.0], np.unique(thresholds), [1.0]])
    return (edges[1:] + edges[:-1]) / 2, np.diff(edges)


def _axis(name: str, values: list[Any]) -> Axis | None:
    known = [value for value in values if value is not None]
    numeric = all(is_number(value) for value in known)
    if not numeric:
        known = [str(value) for value in known]
    distinct = sorted(set(known))
    if len(distinct) < 2:
        return None
    codes = np.full(len(values), math.nan)
    active = [value is not None for value in values]
    if not numeric or len(distinct) * LEVEL_RECURRENCE <= len(known):
        level = {value: index for index, value in enumerate(distinct)}
        codes[active] = [level[value] for value in known]
        return Axis(name, codes, levels=len(distinct), ordered=numeric)
    numbers = np.array(known, dtype=np.float64)
    if is_logarithmic(known):
        numbers = np.log(numbers)
    codes[active] = (numbers - numbers.min()) / np.ptp(numbers)
    return Axis(name, codes, levels=0, ordered=True)


def _without_outliers(scores: Floats) -> Floats:
    low, high = np.quantile(scores, [0.25, 0.75])
    return np.maximum(scores, low - OUTLIER_RANGES * (high - low)) if high > low else scores
