"""Settings of DimensionalityReducer."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from components.settings import Settings

#: Section of the config, for errors.
SECTION = "reducer"

Method = Literal["pca", "lda", "pls", "svd", "ica", "nmf", "none", "auto"]


class ReducerConfig(Settings):
    """How features are projected to fewer dimensions.

    Attributes
    ----------
    method : str
        ``pca`` principal components, ``lda`` linear discriminants (labels), ``pls``
        partial least squares (targets), ``svd`` truncated singular vectors, ``ica``
        independent components, ``nmf`` non-negative factors, ``none``, or ``auto``:
        chosen by the cross-validated score of a linear model. All but ``none`` make a table
        of images, whose columns are the pixels as numbers from 0 to 1.
    components : int, float or "auto"
        Number of dimensions; for ``pca`` and ``svd`` also the share of the variance to
        keep, in (0, 1); or chosen by the same score.
    categorical : {"keep", "one_hot"}
        Whether categorical columns pass through beside the components, or are reduced
        with the numbers, as indicators of their values.
    standardize : bool or "min_max"
        Whether each column is first brought to unit variance, indicators too: z-scores
        have it already, but ranks, cycles and indicators are on smaller scales. It is not
        centred by that; ``pca``, ``lda``, ``pls`` and ``ica`` do so themselves. With
        ``min_max`` each column is brought to [0, 1] on the train split, which ``nmf``
        needs for columns with negative numbers, as z-scores are.
    seed : int
        Of samples, folds, and the starts of ``ica`` and ``nmf``.
    """

    USES: ClassVar[tuple[str, ...]] = ("models/projection.py", "models/transformed.py")
    LIBRARIES: ClassVar[tuple[str, ...]] = ("scikit-learn", "scipy", "numpy", "tfx-bsl")

    method: Method = "auto"
    components: (
        Annotated[int, Field(ge=1, strict=True)]
        | Annotated[float, Field(gt=0, lt=1, strict=True)]
        | Literal["auto"]
    ) = "auto"
    categorical: Literal["keep", "one_hot"] = "keep"
    standardize: bool | Literal["min_max"] = True
    seed: int = Field(default=0, ge=0)
