"""Non-negative matrix factorization: rows as sums of parts."""

from __future__ import annotations

import functools
import warnings

import numpy as np
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from components.dimensionality_reducer.accumulation import Accumulator
from components.dimensionality_reducer.basis import Basis, Rows, Statistics, Stream
from components.dimensionality_reducer.columns import Batch, Columns
from components.dimensionality_reducer.scaling import Scaling
from components.models import projection

#: Bounds of scikit-learn's coordinate descent.
TOLERANCE, ITERATIONS = 1e-5, 1000
#: Passes over all rows that better the factors of a sample.
PASSES = 5
#: Rounds over the factors after each pass.
ROUNDS = 50


def fit(rows: Rows, components: int, seed: int) -> Basis:
    """Fit with scikit-learn."""
    factors, amounts, notes = _fit(rows.x, components, seed)
    energy = (amounts**2).sum(axis=0)
    return _basis(factors, energy, rows.statistics, notes)


def fit_stream(stream: Stream, components: int, seed: int) -> Basis:
    """Fit to a sample, and go on with all rows.

    Each pass finds the amounts of the factors in each row, and sums up what the best
    factors for these amounts depend on. That is block coordinate descent on the exact
    objective, in memory of the size of the factors.

    References
    ----------
    A. Cichocki, A.-H. Phan: Fast local algorithms for large scale nonnegative matrix and
    tensor factorizations. IEICE Transactions E92-A(3), 2009.
    """
    factors, _, notes = _fit(stream.rows(stream.sample), components, seed)
    sums = None
    for _ in range(PASSES):
        start = functools.partial(_start, stream.columns, stream.scaling, factors)
        sums = stream.accumulate(start)
        assert isinstance(sums, AmountSums)
        factors = _best_factors(factors, sums.gram, sums.products)
    assert sums is not None
    return _basis(factors, np.diag(sums.gram), stream.statistics, notes)


def most(statistics: Statistics) -> int:
    """Return the number of factors that there can be."""
    return min(statistics.count, len(statistics.mean))


class AmountSums(Accumulator):
    """Sums that the best factors depend on, given the amounts Z of the present ones.

    Attributes
    ----------
    gram : array, shape (c, c)
        Z'Z.
    products : array, shape (c, f)
        Z'X.
    """

    ARRAYS = ("gram", "products")

    def __init__(self, columns: Columns, scaling: Scaling, factors: np.ndarray) -> None:
        self._columns, self._scaling, self._factors = columns, scaling, factors
        self._weights, self._bias = scaling.affine(
            factors.T, np.zeros(factors.shape[1]), columns.width
        )
        self.gram = np.zeros((len(factors),) * 2)
        self.products = np.zeros(factors.shape)

    def add(self, batch: Batch) -> None:
        matrix = self._columns.design(batch)
        amounts = projection.solve(self._factors, matrix @ self._weights + self._bias)
        self.gram += amounts.T @ amounts
        self.products += self._scaling.products(matrix, amounts)

    def merge(self, other: AmountSums) -> None:
        self.gram += other.gram
        self.products += other.products


def _start(columns: Columns, scaling: Scaling, factors: np.ndarray, shard: int) -> AmountSums:
    return AmountSums(columns, scaling, factors)


def _best_factors(factors: np.ndarray, gram: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Return better factors for the amounts that the sums come from."""
    factors = factors.copy()
    for _ in range(ROUNDS):
        for number, square in enumerate(np.diag(gram)):
            if square > 0:
                slope = gram[number] @ factors - products[number]
                factors[number] = np.maximum(factors[number] - slope / square, 0.0)
    return factors


def _fit(
    x: np.ndarray, components: int, seed: int
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    model = NMF(components, init="nndsvda", tol=TOLERANCE, max_iter=ITERATIONS, random_state=seed)
    # Threads would wait for each other more than they compute.
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(limits=1):
        warnings.simplefilter("always")
        # The scaling of min_max may leave a zero that is less by rounding.
        amounts = model.fit_transform(np.maximum(x, 0.0))
    slow = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    notes = (f"NMF has not converged in {ITERATIONS} iterations.",) if slow else ()
    return model.components_, amounts, notes


def _basis(
    factors: np.ndarray, energy: np.ndarray, statistics: Statistics, notes: tuple[str, ...]
) -> Basis:
    """Return the factors in the order of their share of the sum of squares."""
    energy = energy * (factors**2).sum(axis=1)
    order = np.argsort(-energy, kind="stable")
    factors = factors[order]
    return Basis(
        factors.T,
        np.zeros(factors.shape[1]),
        factors,
        energy[order] / np.trace(statistics.second_moments),
        inverse=factors,
        non_negative=True,
        notes=notes,
    )
