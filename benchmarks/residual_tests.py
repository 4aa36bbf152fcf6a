"""How often the tests of residuals reject: on white noise, and where something is planted.

    python -m benchmarks.residual_tests [--quick] [--seeds N] [--rows N]

For each seed residuals are made of a regression and of a classifier: right ones (white noise, also
with the heavy tails of Student's t with 4 degrees of freedom, or a variance that changes in time;
probabilities that are right), ones whose spread follows a column, and ones that follow an AR(1)
process in time. The ModelDebugger's
own tests look at them, as it calls them, and those of statsmodels beside them. On right residuals
a test should reject at its nominal level, within the bounds that chance leaves over so many seeds
in 999 of 1,000 cases; elsewhere it should reject often.

Standard output has a table and, as its last line, one JSON object: for each kind of residuals the
rate of each test, ``ours`` and ``statsmodels``; ``level``, ``bounds``, ``seeds`` and ``rows``;
``within_bounds``, whether all of our rates on right residuals are; and ``false_findings``, the
share of seeds of right residuals on which any of the tests of a family, over several columns
together, remains after correction for their number.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from components.model_debugger.residuals import against, checks, values
from components.model_debugger.residuals.against import Against
from components.model_debugger.residuals.values import Series

SEEDS, QUICK_SEEDS = 200, 40
ROWS = 500
LEVEL = 0.05
#: Cases of chance in which a rate may lie outside the bounds.
OUTSIDE = 1e-3
LAGS = 20
#: What is planted: the logarithm of the spread's ratio between high and low values of the column,
#: the factor by which it shrinks the log-odds there, and the first autocorrelation.
LOG_SPREAD, SHRINKING, AUTOCORRELATION = 0.8, 0.25, 0.25
#: Autocorrelation of what is behind the labels: labels show less of it.
LATENT = 0.5
#: Rows after which a variance that changes in time does so again.
PERIOD = 125


@dataclass(frozen=True)
class Sample:
    """Residuals of one seed, and what they are held against.

    Attributes
    ----------
    series : Series
    columns : dict of str to ndarray
        The spread follows the first.
    """

    series: Series
    columns: dict[str, np.ndarray]


def columns_of(random: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Return columns of several kinds: skewed numbers, few numbers with gaps, categories."""
    few = random.integers(0, 6, rows).astype(float)
    return {
        "x": random.lognormal(size=rows),
        "few": np.where(random.random(rows) < 0.1, np.nan, few),
        "category": random.choice(list("abcd"), rows, p=[0.5, 0.25, 0.15, 0.1]).astype(object),
    }


def high(values_: np.ndarray) -> np.ndarray:
    """Return ranks from -1/2 to 1/2."""
    found: np.ndarray = stats.rankdata(values_) / len(values_) - 0.5
    return found


def follow(noise: np.ndarray, correlation: float) -> np.ndarray:
    """Return an AR(1) process of variance 1 from standard normal noise."""
    found = noise.copy()
    for i in range(1, len(found)):
        found[i] = correlation * found[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
    return found


def regression(kind: str, seed: int, rows: int) -> Sample:
    """Return residuals of a regression.

    Parameters
    ----------
    kind : {"white", "heavy_tailed", "changing", "heteroscedastic", "autocorrelated"}
        What they are: ``changing`` is a variance that rises and falls in time.
    seed, rows : int
    """
    random = np.random.default_rng(seed)
    columns = columns_of(random, rows)
    predictions = random.normal(size=rows)
    error = random.normal(size=rows)
    if kind == "heavy_tailed":
        error = random.standard_t(4, rows)
    elif kind == "changing":
        error *= np.exp(np.sin(np.arange(rows) * 2 * np.pi / PERIOD))
    elif kind == "heteroscedastic":
        error *= np.exp(LOG_SPREAD * high(columns["x"]))
    elif kind == "autocorrelated":
        error = follow(error, AUTOCORRELATION)
    [series] = values.series("regression", predictions + error, predictions[:, None], (), 1)
    return Sample(series, columns)


def classes(kind: str, seed: int, rows: int) -> Sample:
    """Return residuals of probabilities: white (right ones), heteroscedastic or autocorrelated."""
    random = np.random.default_rng(seed)
    columns = columns_of(random, rows)
    odds = -1 + 2 * random.normal(size=rows)
    p, truth = stats.logistic.cdf(odds), stats.logistic.cdf(odds)
    if kind == "heteroscedastic":
        truth = stats.logistic.cdf(odds * np.where(high(columns["x"]) > 0, SHRINKING, 1.0))
    behind = random.normal(size=rows)
    if kind == "autocorrelated":
        behind = follow(behind, LATENT)
    labels = (stats.norm.cdf(behind) < truth).astype(int)
    scores = np.stack([1 - p, p], axis=1)
    [series] = values.series("binary", labels, scores, ("no", "yes"), 1)
    return Sample(series, columns)


#: By name: how residuals are made, what is planted, and whether there is nothing to find.
KINDS: Mapping[str, tuple[Callable[[str, int, int], Sample], str, bool]] = {
    "white_noise": (regression, "white", True),
    "heavy_tails": (regression, "heavy_tailed", True),
    "variance_in_time": (regression, "changing", True),
    "heteroscedastic": (regression, "heteroscedastic", False),
    "autocorrelated": (regression, "autocorrelated", False),
    "classes_right": (classes, "white", True),
    "classes_heteroscedastic": (classes, "heteroscedastic", False),
    "classes_autocorrelated": (classes, "autocorrelated", False),
}


def ours(sample: Sample) -> tuple[dict[str, float], set[checks.Family]]:
    """Return the p values of the tests against x and in time, and the families with findings."""
    others: list[Against] = [
        against.of("column", name, column) for name, column in sample.columns.items()
    ]
    others.append(against.of("prediction", "prediction", sample.series.predictions))
    found = checks.overall(sample.series)
    found += [check for other in others for check in checks.against(sample.series, other)]
    time = np.arange(len(sample.series.raw)).astype(float)
    found += checks.ordered(sample.series, time, LAGS)[0]
    p = {
        _title(check): float(check.result.p_value)
        for check in found
        if check.name in ("zero", "x", "time")
    }
    families = {
        check.family for check, q in zip(found, checks.q_values(found), strict=True) if q <= LEVEL
    }
    return p, families


def _title(check: checks.Check) -> str:
    if check.kind == "zero":
        return "mean"
    return check.test.split(",")[0] if check.family == "autocorrelation" else check.family


def theirs(sample: Sample) -> dict[str, float]:
    """Return the p values of statsmodels, on the residuals that it would be given."""
    import statsmodels.api as sm
    from statsmodels.stats import diagnostic

    # Of classes these are Pearson residuals, which are the usual choice.
    residuals = sample.series.values
    regressors = sm.add_constant(high(sample.columns["x"]))
    fitted = sm.OLS(residuals, regressors).fit()
    box = diagnostic.acorr_ljungbox(residuals, lags=[LAGS])
    godfrey = diagnostic.acorr_breusch_godfrey(sm.OLS(residuals, np.ones(len(residuals))).fit(), 1)
    return {
        "trend: OLS": float(fitted.pvalues[1]),
        "spread: het_white": float(diagnostic.het_white(fitted.resid, regressors)[1]),
        "Breusch-Godfrey, 1 lag": float(godfrey[1]),
        "Ljung-Box": float(box["lb_pvalue"].iloc[0]),
    }


def bounds(seeds: int) -> tuple[float, float]:
    """Return between which rates a test of the nominal level lies, but for chance."""
    least, greatest = stats.binom.ppf([OUTSIDE / 2, 1 - OUTSIDE / 2], seeds, LEVEL)
    return float(least / seeds), float(greatest / seeds)


def rates(of: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Return the share of seeds on which each test rejects."""
    found = list(of)
    return {name: float(np.mean([p[name] < LEVEL for p in found])) for name in found[0]}


def measure(seeds: int, rows: int) -> dict[str, Any]:
    """Return the rates of all tests on all kinds of residuals."""
    result: dict[str, Any] = {"level": LEVEL, "bounds": bounds(seeds), "seeds": seeds, "rows": rows}
    right: list[float] = []
    false: dict[str, float] = {}
    for name, (make, kind, is_right) in KINDS.items():
        print(f"{name}: {seeds} seeds", file=sys.stderr)
        samples = [make(kind, seed, rows) for seed in range(seeds)]
        found = [ours(sample) for sample in samples]
        own = rates(p for p, _ in found)
        result[name] = {"ours": own, "statsmodels": rates(theirs(sample) for sample in samples)}
        if is_right:
            right += own.values()
            false[name] = max(
                float(np.mean([family in families for _, families in found]))
                for family in checks.FAMILIES
            )
    low, upper = result["bounds"]
    result["within_bounds"] = all(low <= rate <= upper for rate in right)
    result["false_findings"] = false
    return result


def table(result: Mapping[str, Any]) -> list[str]:
    """Return the rates as lines of text."""
    low, upper = result["bounds"]
    lines = [
        f"Rates of rejection at the level {result['level']}, {result['seeds']} seeds, "
        f"{result['rows']} rows; right residuals within {low:.3f} and {upper:.3f}"
    ]
    for name in KINDS:
        lines.append(name.replace("_", " "))
        for who in ("ours", "statsmodels"):
            shown = "  ".join(f"{test} {rate:.3f}" for test, rate in result[name][who].items())
            lines.append(f"  {who:<12} {shown}")
    return lines


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SEEDS} seeds")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    result = measure(QUICK_SEEDS if options.quick else options.seeds, options.rows)
    print("\n".join(table(result)))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
