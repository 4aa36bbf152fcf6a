"""Settings of Transform."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from components.settings import Settings


class TransformConfig(Settings):
    """How raw columns become features.

    Attributes
    ----------
    preprocessing_fn : str or None
        Dotted path of an own preprocessing function of TensorFlow Transform; None
        makes one from the schema. It returns a dict of ``numeric`` (float, shape
        ``[n, k]``), ``categorical`` (int64 ids, shape ``[n, m]``, 0 for a missing
        value and 1 for an unknown one) and, unless the default label will do,
        ``label``; one of the first two may be absent. It must have any value for a
        missing label, because serving has none.
    vocabulary_size : int
        Most frequent values kept of each categorical column; the others share the
        id of unknown values.
    min_frequency : int
        Least number of training rows that a kept value occurs in.
    clip : float
        Bound on z-scores, in standard deviations.
    quantiles : int
        Number of quantile buckets of the rank copy that each number column has
        beside its z-score; 0 for no such copy.
    quantile_error : float
        Bound on the error of a quantile's rank, as a share of the rows.
    """

    USES: ClassVar[tuple[str, ...]] = ("models/transformed.py", "dotted.py")
    LIBRARIES: ClassVar[tuple[str, ...]] = ("tensorflow-transform", "tfx-bsl")

    preprocessing_fn: str | None = None
    vocabulary_size: int = Field(default=10_000, ge=1)
    min_frequency: int = Field(default=1, ge=1)
    clip: float = Field(default=5.0, gt=0)
    quantiles: int = Field(default=64, ge=0, le=1024)
    quantile_error: float = Field(default=0.002, gt=0, lt=0.5)
