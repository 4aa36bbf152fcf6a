"""Training on with further rows, made from those there are.

For a bad slice of a table, SMOTE-NC (Chawla, Bowyer, Hall and Kegelmeyer, "SMOTE", 2002, section
6.1) among the rows of the slice, and for regressions with labels between those of the two rows
(Torgo et al., "SMOTE for Regression", 2013); of images, moved copies. For robustness, copies
with Gaussian noise of the attack's budget (Bishop, "Training with noise is equivalent to
Tikhonov regularization", 1995).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import OneHotEncoder

from components.errors import InputError
from components.models.hyperparameters import ImageHyperParameters
from components.models.transformed import CATEGORICAL, IMAGE, LABEL, NUMERIC, WHITE
from components.remediator import training_on
from components.remediator.candidate import Candidate
from components.remediator.config import AugmentationRemedy, Robustness, SliceGap
from components.remediator.problem import Arrays, Problem
from components.remediator.remedies.weights import in_bad_slices

#: Rows among which neighbours are looked for, drawn by the seed from more.
MOST_SEEDS = 5000


def candidates(
    problem: Problem, check: SliceGap | Robustness, settings: AugmentationRemedy
) -> Iterator[Candidate]:
    """Yield a network for each factor; see `components.remediator.remedies.REMEDIES`."""
    hp = training_on.hyperparameters(problem)
    if isinstance(check, SliceGap):
        inside = np.flatnonzero(in_bad_slices(problem, check, problem.train))
        if not len(inside):
            raise InputError(
                "The train split has no row of the slice to make others from.",
                expected="rows of the slice in the train split",
                got="none",
            )
        if isinstance(hp, ImageHyperParameters) and hp.augmentation == "none":
            hp = hp.model_copy(update={"augmentation": "shift_rotate"})
    arrays = problem.train.arrays
    for factor in settings.factors:
        random = np.random.default_rng(problem.seed)
        if isinstance(check, Robustness):
            made = noisy(arrays, round(factor * len(problem.train)), check.eps, random)
        elif IMAGE in arrays:
            chosen = random.choice(inside, round(factor * len(inside)))
            made = {name: values[chosen] for name, values in arrays.items()}
        else:
            made = between_neighbours(
                {name: values[inside] for name, values in arrays.items()},
                round(factor * len(inside)),
                settings.neighbours,
                random,
                regression=problem.features.regression,
            )
        grown = {name: np.concatenate([values, made[name]]) for name, values in arrays.items()}
        model = training_on.fit(
            problem, grown, np.ones(len(grown[LABEL])), np.ones(len(problem.tuning)), hp=hp
        )
        yield Candidate(model, f"{len(made[LABEL]):,} further rows")


def noisy(arrays: Arrays, number: int, eps: float, random: np.random.Generator) -> Arrays:
    """Return rows drawn from arrays, with Gaussian noise of the deviation eps on their numbers.

    Raises
    ------
    InputError
        There are neither pixels nor numeric columns.
    """
    chosen = random.choice(len(arrays[LABEL]), number)
    made = {name: values[chosen] for name, values in arrays.items()}
    if IMAGE in made:
        pixels = made[IMAGE] + random.normal(0, eps * WHITE, made[IMAGE].shape)
        made[IMAGE] = np.clip(np.round(pixels), 0, WHITE).astype(arrays[IMAGE].dtype)
    elif NUMERIC in made:
        noise = random.normal(0, eps, made[NUMERIC].shape)
        made[NUMERIC] = (made[NUMERIC] + noise).astype(np.float32)
    else:
        raise InputError(
            "There is no number that noise could be added to.",
            expected="pixels or numeric columns",
            got="categories alone",
        )
    return made


def between_neighbours(
    arrays: Arrays,
    number: int,
    neighbours: int,
    random: np.random.Generator,
    *,
    regression: bool = False,
) -> Arrays:
    """Return new rows, each between one of `arrays` and one of its nearest neighbours.

    Numbers lie on the way between the two; categories are those that most of the neighbours
    have. Neighbours have the same class; for regressions the label lies on the way, too. A
    category that differs is as far as the median deviation of the numbers.

    Parameters
    ----------
    arrays : dict of ndarray
        ``numeric``, ``categorical`` or both, and the label.
    number : int
    neighbours : int
    random : Generator
    regression : bool
    """
    labels = arrays[LABEL]
    kinds = np.zeros(len(labels)) if regression else labels
    parts: list[Arrays] = []
    names, counts = np.unique(kinds, return_counts=True)
    shares = np.diff(np.round(np.cumsum(np.r_[0, counts]) / len(labels) * number)).astype(int)
    for name, share in zip(names, shares, strict=True):
        rows = random.permutation(np.flatnonzero(kinds == name))[:MOST_SEEDS]
        of = {key: values[rows] for key, values in arrays.items()}
        parts.append(_made(of, int(share), neighbours, random, regression))
    return {key: np.concatenate([part[key] for part in parts]) for key in arrays}


def _made(
    of: Arrays, number: int, neighbours: int, random: np.random.Generator, regression: bool
) -> Arrays:
    rows = len(of[LABEL])
    near = _nearest(of, min(neighbours, rows - 1))
    start = random.integers(0, rows, number)
    other = near[start, random.integers(0, near.shape[1], number)]
    way = random.random((number, 1))
    made: Arrays = {LABEL: of[LABEL][start]}
    if NUMERIC in of:
        one, two = of[NUMERIC][start], of[NUMERIC][other]
        made[NUMERIC] = (one + way * (two - one)).astype(np.float32)
    if CATEGORICAL in of:
        seen = of[CATEGORICAL][near[start]]
        votes = (seen[:, :, np.newaxis] == seen[:, np.newaxis]).sum(axis=2)
        first = votes.argmax(axis=1)
        made[CATEGORICAL] = np.take_along_axis(seen, first[:, np.newaxis], axis=1)[:, 0]
    if regression:
        one, two = of[LABEL][start], of[LABEL][other]
        made[LABEL] = (one + way[:, 0] * (two - one)).astype(of[LABEL].dtype)
    return made


def _nearest(of: Arrays, neighbours: int) -> np.ndarray:
    """Return the places [n, neighbours] of each row's nearest others; itself if it is alone."""
    rows = len(of[LABEL])
    if neighbours < 1:
        return np.arange(rows)[:, np.newaxis]
    blocks = []
    deviation = 1.0
    if NUMERIC in of:
        deviation = float(np.median(of[NUMERIC].std(axis=0))) or 1.0
        blocks.append(sparse.csr_matrix(of[NUMERIC].astype(np.float64)))
    if CATEGORICAL in of:
        # Two different categories are the square root of 2 apart.
        blocks.append(OneHotEncoder().fit_transform(of[CATEGORICAL]) * (deviation / np.sqrt(2)))
    places = sparse.hstack(blocks).tocsr()
    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(places)
    return np.asarray(search.kneighbors(return_distance=False))
