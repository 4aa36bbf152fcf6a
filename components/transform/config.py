"""Settings of Transform."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from components.settings import Settings


class TransformConfig(Settings):
    """How raw columns become features.

    Images are decoded and, where the data set asks for it, resized; of these settings, an own
    function alone applies to them, which takes the encoded images as ``image``.

    Attributes
    ----------
    preprocessing_fn : str or None
        Dotted path of an own preprocessing function of TensorFlow Transform; None
        makes one from the schema. It takes the raw columns by name and returns a dict
        with ``numeric`` (float, shape ``[n, k]``) or ``categorical`` (integer ids,
        shape ``[n, m]``: 0 for a missing value, 1 for an unknown one) or both, and
        ``label`` if the default label will not do. Neither feature may depend on the
        label, which serving has not. Ids that the train split does not have become 1.
        A change of the function's module reruns the node; one of what it imports does not.
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

    USES: ClassVar[tuple[str, ...]] = ("models/transformed.py",)
    LIBRARIES: ClassVar[tuple[str, ...]] = ("tensorflow-transform", "tfx-bsl")

    preprocessing_fn: str | None = None
    vocabulary_size: int = Field(default=10_000, ge=1)
    min_frequency: int = Field(default=1, ge=1)
    clip: float = Field(default=5.0, gt=0)
    quantiles: int = Field(default=64, ge=0, le=1024)
    quantile_error: float = Field(default=0.002, gt=0, lt=0.5)

    @property
    def own_functions(self) -> tuple[str, ...]:
        return () if self.preprocessing_fn is None else (self.preprocessing_fn,)
