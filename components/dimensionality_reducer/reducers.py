"""The table of methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.dimensionality_reducer import ica, lda, nmf, pca, pls, svd
from components.dimensionality_reducer.basis import Basis, Rows, Statistics, Stream


def _rank(statistics: Statistics) -> int:
    return statistics.rank


@dataclass(frozen=True)
class Reducer:
    """One method.

    Attributes
    ----------
    fit : callable
        Rows in memory, number of components, seed -> Basis, by scikit-learn.
    fit_stream : callable
        The same for rows that are read batch by batch, in bounded memory.
    score : str
        What the score of a component is.
    most : callable
        Returns the largest number of components that the data allow.
    bound : str
        What sets that number, for the error.
    shares : callable or None
        Returns each component's share of the variance, where these are parts of a whole.
    nested : bool
        Whether fewer components are the first of more.
    passes : bool
        Whether `fit_stream` makes passes over the rows, beyond their sums and the sample.
    classes : bool
        Whether the label must be a class.
    targets : bool
        Whether the label is used.
    """

    fit: Callable[[Rows, int, int], Basis]
    fit_stream: Callable[[Stream, int, int], Basis]
    score: str
    most: Callable[[Statistics], int] = _rank
    bound: str = "the rank of the columns"
    shares: Callable[[Statistics], np.ndarray] | None = None
    nested: bool = True
    passes: bool = False
    classes: bool = False
    targets: bool = False


REDUCERS: dict[str, Reducer] = {
    "pca": Reducer(pca.fit, pca.fit_stream, "share of the columns' variance", shares=pca.shares),
    "lda": Reducer(
        lda.fit,
        lda.fit_stream,
        "share of the variance between classes",
        most=lda.most,
        bound="the number of classes less one, or the rank of the columns",
        classes=True,
        targets=True,
    ),
    "pls": Reducer(
        pls.fit,
        pls.fit_stream,
        "share of the targets' variance",
        most=pls.most,
        bound="the directions that vary with the targets",
        targets=True,
    ),
    "svd": Reducer(
        svd.fit,
        svd.fit_stream,
        "share of the columns' variance",
        most=svd.most,
        shares=svd.shares,
    ),
    "ica": Reducer(ica.fit, ica.fit_stream, "share of the columns' variance", nested=False),
    "nmf": Reducer(
        nmf.fit,
        nmf.fit_stream,
        "sum of squares of the component alone, as a share of the columns'",
        most=nmf.most,
        bound="the columns that vary, or the rows",
        nested=False,
        passes=True,
    ),
}
