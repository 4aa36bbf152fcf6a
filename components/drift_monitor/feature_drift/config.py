"""Settings of the drift of features. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings

NumericMeasure = Literal[
    "kolmogorov_smirnov", "jensen_shannon", "psi", "chi_square", "wasserstein", "l_infinity"
]
CategoricalMeasure = Literal["chi_square", "l_infinity", "jensen_shannon", "psi"]
MultivariateTest = Literal["mmd", "domain_classifier"]


class FeatureDriftConfig(Settings):
    """How newer rows are compared with the reference.

    A feature has drifted by a measure if its adjusted p value is below `alpha` and its size is at
    least the measure's small size: of a million rows, every shift is significant.

    Attributes
    ----------
    alpha : float
        Chance of any alarm in a window without drift, over all tests together.
    correction : {"benjamini_hochberg", "holm", "bonferroni"}
        Over all tests of a window. Benjamini-Hochberg bounds the chance of any alarm without drift
        for tests that are independent or positively dependent, and the share of false ones among
        the features found where there is drift; the others bound the chance of any false one.
    numeric, categorical : tuple of str
        Measures of each kind of feature.
    multivariate : tuple of str
        Tests of all features together.
    sizes : dict of str to float
        Smallest size that counts, where it is not the default of the measure: of its statistic;
        for ``chi_square`` Cohen's w, for ``domain_classifier`` the AUC, for ``margin_density``
        the difference of shares. ``mmd`` has no default.
    margin : float
        Gap between the two greatest probabilities up to which a row is in the margin.
    leave_out : tuple of str
        Features that are not compared.
    min_rows : int
        Rows below which a window is described, but not tested.
    resamples : int
        Least number of resamples behind a p value; more are drawn where there are many tests.
    seed : int
    """

    alpha: float = Field(default=0.01, gt=0, lt=1)
    correction: Literal["benjamini_hochberg", "holm", "bonferroni"] = "benjamini_hochberg"
    numeric: tuple[NumericMeasure, ...] = ("kolmogorov_smirnov", "jensen_shannon")
    categorical: tuple[CategoricalMeasure, ...] = ("chi_square", "l_infinity")
    multivariate: tuple[MultivariateTest, ...] = ("mmd", "domain_classifier")
    sizes: dict[NumericMeasure | MultivariateTest | Literal["margin_density"], float] = Field(
        default={}
    )
    margin: float = Field(default=0.5, gt=0, lt=1)
    leave_out: tuple[str, ...] = ()
    min_rows: int = Field(default=30, ge=2)
    resamples: int = Field(default=999, ge=99, le=100_000)
    seed: int = Field(default=1, ge=0, lt=2**31)
