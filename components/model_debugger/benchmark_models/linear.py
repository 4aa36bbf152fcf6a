"""Linear regression with a small ridge, or logistic regression, on indicators of categories."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse
import tf_keras
from sklearn.linear_model import LogisticRegression, Ridge

from components.model_debugger.benchmark_models.layers import Constant
from components.model_debugger.benchmark_models.problem import Arrays, Fitted, Problem
from components.models.architectures import OffsetIds, SumFeatures
from components.models.transformed import CATEGORICAL, NUMERIC

#: L2 penalty, beside the sum of the losses of all rows; columns have deviation 1.
PENALTY = 1.0
STEPS = 300
#: Weights that are told of.
SHOWN = 8


def fit(problem: Problem) -> Fitted:
    """Return scikit-learn's `Ridge` or `LogisticRegression` as a model: see `estimator`."""
    problem = problem.sample(problem.config.max_rows)
    with warnings.catch_warnings():
        # That it has not converged is told of in the notes.
        warnings.simplefilter("ignore")
        fitted = estimator(problem).fit(design(problem, problem.train), problem.labels)
    notes = []
    if not problem.features.regression and fitted.n_iter_.max() >= STEPS:
        notes.append(f"Its weights were still moving after {STEPS} steps.")
    weights, bias = np.atleast_2d(fitted.coef_).T, np.atleast_1d(fitted.intercept_)
    if weights.shape[1] < problem.outputs:  # of two classes, scikit-learn keeps the second's
        weights, bias = np.pad(weights, ((0, 0), (1, 0))), np.pad(bias, (1, 0))
    return Fitted(
        _model(problem, weights, bias), _learned(problem, weights), len(problem), tuple(notes)
    )


def estimator(problem: Problem) -> Ridge | LogisticRegression:
    """Return what is fitted."""
    if problem.features.regression:
        return Ridge(alpha=PENALTY)
    return LogisticRegression(C=1 / PENALTY, max_iter=STEPS)


def design(problem: Problem, arrays: Arrays) -> np.ndarray | scipy.sparse.csr_matrix:
    """Return scaled numeric columns and an indicator for each category: [n, k + ids]."""
    parts = []
    if NUMERIC in arrays:
        means, scales = problem.scaling()
        numbers = (arrays[NUMERIC] - means) * scales
        if CATEGORICAL not in arrays:
            return numbers
        parts.append(scipy.sparse.csr_matrix(numbers))
    if CATEGORICAL in arrays:
        sizes = [column.size for column in problem.features.categorical]
        ids = arrays[CATEGORICAL] + _offsets(problem)
        rows, columns = ids.shape
        starts = np.arange(rows + 1) * columns
        parts.append(
            scipy.sparse.csr_matrix(
                (np.ones(ids.size), ids.reshape(-1), starts), shape=(rows, sum(sizes))
            )
        )
    return scipy.sparse.hstack(parts).tocsr()


def _offsets(problem: Problem) -> np.ndarray:
    sizes = [column.size for column in problem.features.categorical]
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)


def _model(problem: Problem, weights: np.ndarray, bias: np.ndarray) -> tf_keras.Model:
    inputs, parts = problem.inputs()
    terms = []
    if NUMERIC in parts:
        means, scales = problem.scaling()
        width = len(scales)
        kernel = weights[:width] * scales[:, np.newaxis]
        bias = bias - means @ kernel
        dense = tf_keras.layers.Dense(problem.outputs, use_bias=False, name="numbers")
        terms.append(dense(parts[NUMERIC]))
        dense.set_weights([kernel.astype(np.float32)])
        weights = weights[width:]
    if CATEGORICAL in parts:
        rows = OffsetIds(_offsets(problem).tolist(), name="rows")(parts[CATEGORICAL])
        table = tf_keras.layers.Embedding(len(weights), problem.outputs, name="categories")
        terms.append(SumFeatures(name="of_categories")(table(rows)))
        table.set_weights([weights.astype(np.float32)])
    constant = Constant(problem.outputs, name="bias")
    terms.append(constant(next(iter(parts.values()))))
    constant.set_weights([bias.astype(np.float32)])
    return tf_keras.Model(inputs, tf_keras.layers.Add(name="sum")(terms), name="linear")


def _learned(problem: Problem, weights: np.ndarray) -> tuple[str, ...]:
    names = list(problem.table.numeric) + [
        problem.id_name(column, index)
        for column, described in enumerate(problem.features.categorical)
        for index in range(described.size)
    ]
    of_class = [""]
    if weights.shape[1] > 1:
        of_class = [f" for {name}" for name in problem.features.classes]
    largest = np.argsort(-np.abs(weights), axis=None, kind="stable")[:SHOWN]
    places = zip(*np.unravel_index(largest, weights.shape), strict=True)
    return tuple(
        f"{names[row]}: {weights[row, output]:+.3g}{of_class[output]}"
        for row, output in places
        if weights[row, output]
    )
