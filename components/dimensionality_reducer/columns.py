"""Which columns are reduced, and batches of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse

from components.dimensionality_reducer.config import SECTION
from components.errors import InputError
from components.models.transformed import CATEGORICAL, NUMERIC, CategoricalColumn, Features

#: Most columns that are reduced at once, indicators included: their covariance takes
#: 134 MB, and each worker needs one.
MOST_COLUMNS = 4096


@dataclass(frozen=True)
class Batch:
    """Some rows.

    Attributes
    ----------
    numeric : float32 array, shape (n, k)
    categorical : int64 array, shape (n, m)
    label : array, shape (n,)
        Class indices, or numbers for regression.
    """

    numeric: np.ndarray
    categorical: np.ndarray
    label: np.ndarray

    def __len__(self) -> int:
        return len(self.label)

    def features(self) -> dict[str, np.ndarray]:
        """Return the features by kind, as models take them."""
        kinds = {NUMERIC: self.numeric, CATEGORICAL: self.categorical}
        return {name: array for name, array in kinds.items() if array.shape[1]}

    def take(self, rows: np.ndarray | slice) -> Batch:
        """Return some of the rows."""
        return Batch(self.numeric[rows], self.categorical[rows], self.label[rows])

    @classmethod
    def join(cls, batches: Sequence[Batch]) -> Batch:
        """Return the rows of all batches, of which there is at least one."""
        return cls(
            *(
                np.concatenate([getattr(batch, name) for batch in batches])
                for name in ("numeric", "categorical", "label")
            )
        )


#: Reads a part of the data; it is called anew for each pass, and Beam has to pickle it.
Shard = Callable[[], Iterable[Batch]]


@dataclass(frozen=True)
class Columns:
    """The columns that are reduced.

    Attributes
    ----------
    numeric : tuple of str
    one_hot : tuple of CategoricalColumn
        Categorical columns that are reduced as indicators.
    kept : tuple of CategoricalColumn
        Those that pass through.
    classes : tuple of str
        Of the label; empty for regression.
    """

    numeric: tuple[str, ...]
    one_hot: tuple[CategoricalColumn, ...] = ()
    kept: tuple[CategoricalColumn, ...] = ()
    classes: tuple[str, ...] = ()

    @classmethod
    def of(cls, features: Features, categorical: str) -> Columns:
        """Return the columns that are to be reduced.

        Parameters
        ----------
        features : Features
        categorical : {"keep", "one_hot"}

        Raises
        ------
        InputError
            If there are none, or more than `MOST_COLUMNS`.
        """
        one_hot = features.categorical if categorical == "one_hot" else ()
        columns = cls(
            numeric=features.numeric,
            one_hot=one_hot,
            kept=() if one_hot else features.categorical,
            classes=features.classes,
        )
        if not columns.width:
            raise InputError(
                "There is no numeric column to reduce.",
                setting=f"{SECTION}.categorical",
                expected="numeric columns, or one_hot for the categorical ones",
                got=f"{len(columns.kept)} categorical columns, which are kept",
                remedy=f"Set {SECTION}.categorical to one_hot, or {SECTION}.method to none.",
            )
        if columns.width > MOST_COLUMNS:
            widest = max(one_hot, key=lambda column: column.size, default=None)
            raise InputError(
                "There are too many columns to reduce at once.",
                column=widest.name if widest else None,
                setting=f"{SECTION}.categorical",
                expected=f"at most {MOST_COLUMNS}",
                got=f"{columns.width}"
                + (f", of which {widest.size} are values of one column" if widest else ""),
                remedy="Lower transform.vocabulary_size, or keep the categorical columns."
                if widest
                else None,
            )
        return columns

    @property
    def width(self) -> int:
        """Number of columns, indicators included."""
        return len(self.numeric) + sum(column.size for column in self.one_hot)

    @property
    def names(self) -> list[str]:
        """Names of the columns; ``color=7`` is the indicator of an id of a category."""
        return [
            *self.numeric,
            *(f"{column.name}={value}" for column in self.one_hot for value in range(column.size)),
        ]

    @property
    def targets(self) -> int:
        """Number of targets: one for each class, or the number of a regression."""
        return len(self.classes) or 1

    def indicators(self, batch: Batch) -> scipy.sparse.csr_matrix | None:
        """Return the indicators of the reduced categories [n, width - k]; None without any."""
        if not self.one_hot:
            return None
        return one_hot(batch.categorical, [column.size for column in self.one_hot])

    def target(self, batch: Batch) -> np.ndarray:
        """Return the targets of the rows: indicators of the class, or the number."""
        if self.classes:
            return np.eye(len(self.classes))[batch.label.astype(np.int64)]
        return batch.label.astype(np.float64)[:, np.newaxis]

    def design(self, batch: Batch) -> np.ndarray | scipy.sparse.csr_matrix:
        """Return the columns as one matrix [n, width], sparse if there are indicators."""
        indicators = self.indicators(batch)
        if indicators is None:
            return batch.numeric.astype(np.float64)
        numbers = scipy.sparse.csr_matrix(batch.numeric.astype(np.float64))
        return scipy.sparse.hstack([numbers, indicators], format="csr")


def one_hot(ids: np.ndarray, sizes: Sequence[int]) -> scipy.sparse.csr_matrix:
    """Return ids [n, m] as indicators [n, sum(sizes)].

    Examples
    --------
    >>> one_hot(np.array([[0, 1], [1, 2]]), [2, 3]).toarray().astype(int).tolist()
    [[1, 0, 0, 1, 0], [0, 1, 0, 0, 1]]
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    places = (ids + starts).reshape(-1)
    rows, width = ids.shape
    return scipy.sparse.csr_matrix(
        (np.ones(len(places)), places, np.arange(rows + 1) * width), shape=(rows, int(sum(sizes)))
    )
