"""The tests that fit a kind of residuals and what they are held against, and all their q values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from components.model_debugger.residuals import (
    autocorrelation,
    groups,
    heteroscedasticity,
    logistic,
    trend,
)
from components.model_debugger.residuals.against import Against
from components.model_debugger.residuals.result import Result
from components.model_debugger.residuals.values import Series

#: A family of tests: what they look for. q values are those within a family.
Family = Literal["trend", "level", "spread", "autocorrelation"]
FAMILIES: tuple[Family, ...] = ("trend", "level", "spread", "autocorrelation")
#: Least rows that autocorrelation is tested on, and least of them for each lag.
MIN_ORDERED, ROWS_A_LAG = 50, 5


@dataclass(frozen=True)
class Check:
    """A test of one series of residuals.

    Attributes
    ----------
    family : {"trend", "level", "spread", "autocorrelation"}
    series : str or None
        Name of the series.
    kind, name : str
        Of what it is held against; ``zero`` is the mean of all rows.
    test : str
        Name of the test.
    result : Result
        Its p value is NaN where too few rows tell something.
    """

    family: Family
    series: str | None
    kind: str
    name: str
    test: str
    result: Result


def overall(series: Series) -> list[Check]:
    """Return the test of the mean of all rows against 0; none on a single row."""
    if len(series.raw) < 2:
        return []
    if series.variances is None:
        test, result = "Student's t", trend.mean_test(series.raw)
    else:
        test, result = "Score test of a constant", logistic.mean(series.raw, series.variances)
    return [Check("level", series.name, "zero", "zero", test, result)]


def against(series: Series, other: Against) -> list[Check]:
    """Return the tests of trend, level and spread.

    Parameters
    ----------
    series : Series
    other : Against

    Returns
    -------
    list of Check
        None where the values are all alike, or nearly all of them missing.
    """
    found: list[tuple[Family, str, Result]] = []
    if other.numeric:
        known = ~np.isnan(other.values)
        if known.sum() >= groups.MIN_ROWS and np.ptp(other.values[known]) > 0:
            found += _numeric(series, other, known)
    grouped = other.groups >= 0
    if len(other.names) > 1:
        found += _grouped(series, other, grouped)
    return [
        Check(family, series.name, other.kind, other.name, test, result)
        for family, test, result in found
    ]


def ordered(series: Series, time: np.ndarray, lags: int) -> tuple[list[Check], np.ndarray]:
    """Return the tests of autocorrelation, and the residuals in the order of time.

    Parameters
    ----------
    series : Series
    time : ndarray, shape [n]
        NaN where unknown: such rows are left out. Rows of the same time stay in their order.
    lags : int
        At most; fewer where there are few rows.

    Returns
    -------
    list of Check
        None on fewer than `MIN_ORDERED` rows.
    ndarray, shape [m]
    """
    known = np.flatnonzero(~np.isnan(time))
    raw = series.raw[known[np.argsort(time[known], kind="stable")]]
    if len(raw) < MIN_ORDERED:
        return [], raw
    lags = min(lags, len(raw) // ROWS_A_LAG)
    # Neither the residuals of classes nor those of a regression have the same variance in all rows.
    watson = autocorrelation.durbin_watson(raw, robust=True)
    box = autocorrelation.ljung_box(raw, lags, robust=True)
    tests = (("Durbin-Watson", watson), (f"Ljung-Box, {lags} lags", box))
    return [
        Check("autocorrelation", series.name, "time", "time", test, result)
        for test, result in tests
    ], raw


def q_values(checks: Iterable[Check]) -> list[float]:
    """Return Benjamini and Hochberg's q values within each family; NaN where there is no p."""
    checks = list(checks)
    p = np.array([float(check.result.p_value) for check in checks])
    found = np.full(len(checks), np.nan)
    for family in FAMILIES:
        own = [i for i, check in enumerate(checks) if check.family == family and p[i] == p[i]]
        if own:
            found[own] = stats.false_discovery_control(p[own])
    return [float(q) for q in found]


def _numeric(series: Series, other: Against, known: np.ndarray) -> list[tuple[Family, str, Result]]:
    # Ranks do not let a few far values decide.
    ranks = stats.rankdata(other.values[known]) / known.sum() - 0.5
    raw = series.raw[known]
    powers = ranks[:, None] if len(np.unique(ranks)) < 3 else np.stack([ranks, ranks**2], axis=1)
    if series.variances is None:
        own = other.groups[known]
        level = raw - _means(raw, own)
        return [
            ("trend", "Slope on ranks (White's variance)", trend.slope_test(raw, ranks)),
            ("spread", "White on ranks", heteroscedasticity.koenker(level, powers)),
        ]
    variances = series.variances[known]
    found: list[tuple[Family, str, Result]] = [
        ("trend", "Score test on ranks", logistic.trend(raw, variances, ranks))
    ]
    if other.kind != "prediction":  # a label's variance follows from its probability
        test = logistic.spread(raw, series.probabilities[known], powers)
        found.append(("spread", "Davidson-MacKinnon on ranks", test))
    return found


def _grouped(
    series: Series, other: Against, grouped: np.ndarray
) -> list[tuple[Family, str, Result]]:
    own, raw = other.groups[grouped], series.raw[grouped]
    if series.variances is None:
        found: list[tuple[Family, str, Result]] = [("level", "Welch", groups.welch(raw, own))]
        if not other.numeric:
            found.append(("spread", "Brown-Forsythe", groups.brown_forsythe(raw, own)))
        return found
    level = logistic.level(raw, series.variances[grouped], own)
    found = [("level", "Score test of groups", level)]
    if not other.numeric:
        test = logistic.spread(raw, series.probabilities[grouped], logistic.members(own))
        found.append(("spread", "Davidson-MacKinnon", test))
    return found


def _means(values: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the mean of each row's group; rows without one are a group too."""
    own = own + 1
    counts = np.maximum(np.bincount(own), 1)
    found: np.ndarray = (np.bincount(own, values) / counts)[own]
    return found
