"""Compare newer rows with the reference, feature by feature and all together."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.feature_drift import domain_classifier, margin_density, mmd
from components.drift_monitor.feature_drift.base import Comparison
from components.drift_monitor.feature_drift.columns import Columns, as_kind, clean
from components.drift_monitor.feature_drift.config import FeatureDriftConfig
from components.drift_monitor.feature_drift.correction import adjust
from components.drift_monitor.feature_drift.encoding import encode
from components.drift_monitor.feature_drift.pair import Pair, by_value
from components.drift_monitor.feature_drift.reference import Feature, Reference, score_columns
from components.drift_monitor.feature_drift.table import MEASURES
from components.errors import InputError
from components.naming import nearest
from components.page import count

#: Resamples are at most so many, and so many times the least that could be significant.
MOST_RESAMPLES = 20_000
#: New values of a feature that are named.
NAMED = 20
#: Cells of a feature whose shares are told: those of the greatest shares.
TOLD_CELLS = 30
_SMALL = {
    **{name: measure.small for name, measure in MEASURES.items()},
    "mmd": 0.0,
    "domain_classifier": domain_classifier.SMALL,
    "margin_density": margin_density.SMALL,
}
_WORDS = {
    "drift": {
        "one": "drifted",
        "all": "The features together drifted",
        "margin": "The share of rows near the decision drifted",
    },
    "skew": {
        "one": "differs between training and serving",
        "all": "The features together differ between training and serving",
        "margin": "The share of rows near the decision differs between training and serving",
    },
}


def detect(
    reference: Reference,
    columns: Columns,
    config: FeatureDriftConfig | None = None,
    *,
    scores: NDArray[np.float64] | None = None,
    reference_scores: NDArray[np.float64] | None = None,
    against: Literal["drift", "skew"] = "drift",
) -> dict[str, Any]:
    """Compare newer rows with the reference.

    Parameters
    ----------
    reference : Reference
    columns : dict of str to ndarray, shape [m]
        Numbers where NaN is missing, or text where "" is. Columns that the reference does not have
        are left out, and a note says so.
    config : FeatureDriftConfig, optional
    scores : ndarray of float64, shape [m] or [m, k], optional
        What the model gives to these rows.
    reference_scores : ndarray of float64, shape [r] or [r, k], optional
        What it gives to reference rows, where the reference itself holds no scores, or others.
    against : {"drift", "skew"}
        How findings are worded.

    Returns
    -------
    dict
        Plain values that JSON can hold. ``features`` and ``predictions`` are lists, the most
        severe first, of ``name``, ``kind``, ``rank``, ``drifted``, ``severity`` (size over the
        smallest size that counts, of the measure where it is greatest), ``measures`` (by name
        ``statistic``, ``size``, ``smallest``, ``p_value``, ``adjusted_p_value``, ``drifted``; the
        p values are None in a window that is too small), ``moved`` (``cell`` whose share moved
        most with the shares ``before`` and ``after``; ``missing`` before and after; of a number
        ``mean`` and ``deviation`` before and after), ``shares`` of the most frequent cells, and
        ``new_values`` (those that the reference does not have, with their rows).
        ``multivariate`` has ``mmd``, ``domain_classifier`` and ``margin_density``, where run.
        ``alarm``, its ``reasons``, and ``notes`` on what was left out.

    Raises
    ------
    InputError
        There is no row, a column is not there, or is of another kind than in the reference.

    Notes
    -----
    All tests of a window are corrected together, so that without drift the chance of an alarm is
    at most ``alpha``. A p value by resampling, or of a sample of the reference, is random by the
    seed.
    """
    config = config or FeatureDriftConfig()
    _check_left_out(reference, config)
    watched = [name for name in reference.features if name not in config.leave_out]
    if not watched:
        raise InputError(
            "No feature is left to compare.", setting="leave_out", got=len(config.leave_out)
        )
    current, rows = _aligned(reference, columns, watched)
    notes = []
    extra = sorted(set(columns) - set(reference.features))
    if extra:
        notes.append(f"Not in the reference, and so not compared: {_listed(extra)}.")
    small_window = min(rows, reference.rows) < config.min_rows
    if small_window:
        notes.append(
            f"No test was made: {count(min(rows, reference.rows), 'row')}, fewer than "
            f"{config.min_rows}."
        )
    past, margin = reference.predictions, reference.margin
    if reference_scores is not None:
        past = Reference.of(score_columns(reference_scores), seed=config.seed)
        margin = margin_density.gaps_to_json(reference_scores, config.seed)
    predicted: dict[str, NDArray[Any]] = {}
    if scores is not None and past is None:
        notes.append("Predictions were not compared: the reference has none.")
    elif scores is not None and past is not None:
        predicted, scored = _aligned(past, score_columns(scores), list(past.features))
        if scored != rows:
            raise InputError("Not every row has a score.", expected=f"{rows} rows", got=scored)
    tests: list[_Test] = []
    resamples = _resamples(config, reference, watched, past if predicted else None)
    features = [
        _feature(name, reference, current[name], config, resamples, tests) for name in watched
    ]
    predictions = [
        _feature(name, past, predicted[name], config, resamples, tests)
        for name in (predicted if past is not None else ())
        if past is not None
    ]
    together: dict[str, Any] = {}
    if not small_window:
        sample = {name: reference.sample[name] for name in watched}
        together = _together(sample, current, config, resamples, tests, notes)
    if predicted and scores is not None and margin is not None:
        found = margin_density.compare(margin, scores, config.margin)
        if found is not None:
            together["margin_density"] = found
            p_value = found["p_value"]
            tests.append(_Test(found, Comparison(found["current"], found["size"], p_value)))
            found["smallest"] = config.sizes.get("margin_density", _SMALL["margin_density"])
    _conclude(tests, config, small_window)
    for group in (features, predictions):
        _rank(group)
    reasons = _reasons(features, predictions, together, _WORDS[against])
    return {
        "rows": rows,
        "reference_rows": reference.rows,
        "against": against,
        "alpha": config.alpha,
        "correction": config.correction,
        "tests": 0 if small_window else len(tests),
        "resamples": resamples,
        "features": features,
        "predictions": predictions,
        "multivariate": together,
        "alarm": bool(reasons),
        "reasons": reasons,
        "notes": notes,
    }


def skew(
    training: Reference, serving: Columns, config: FeatureDriftConfig | None = None, **more: Any
) -> dict[str, Any]:
    """Compare rows as they are served with training rows of the same time, as `detect` does."""
    return detect(training, serving, config, against="skew", **more)


@dataclass
class _Test:
    """A comparison, and the JSON that says what came of it."""

    found: dict[str, Any]
    comparison: Comparison


def _check_left_out(reference: Reference, config: FeatureDriftConfig) -> None:
    for name in config.leave_out:
        if name not in reference.features:
            raise InputError(
                f"There is no feature {name!r}{nearest(name, reference.features)}.",
                setting="leave_out",
                expected=", ".join(reference.features),
                got=name,
            )


def _aligned(
    reference: Reference, columns: Columns, names: list[str]
) -> tuple[dict[str, NDArray[Any]], int]:
    for name in names:
        if name not in columns:
            raise InputError(
                "A column of the reference is missing.",
                column=name,
                expected=", ".join(names),
                got=", ".join(columns) or "no column",
                remedy="Give the column, or leave it out of the comparison.",
            )
    cleaned, rows = clean({name: columns[name] for name in names}, "window")
    kinds = {name: reference.features[name].kind for name in names}
    return {name: as_kind(name, cleaned[name], kinds[name]) for name in names}, rows


def _resamples(
    config: FeatureDriftConfig, reference: Reference, watched: list[str], past: Reference | None
) -> int:
    """Return how many resamples it takes for one feature alone to be significant."""
    compared = [reference.features[name] for name in watched]
    compared += list(past.features.values()) if past is not None else []
    tests = sum(
        len(config.numeric if feature.kind == "numeric" else config.categorical)
        for feature in compared
    ) + len(config.multivariate)
    return max(config.resamples, min(MOST_RESAMPLES, math.ceil(2 * tests / config.alpha)))


def _feature(
    name: str,
    reference: Reference,
    column: NDArray[Any],
    config: FeatureDriftConfig,
    resamples: int,
    tests: list[_Test],
) -> dict[str, Any]:
    feature = reference.features[name]
    counts, others = feature.count(column)
    before, after = feature.counts / feature.counts.sum(), counts / counts.sum()
    most = int(np.abs(after - before).argmax())
    found: dict[str, Any] = {
        "name": name,
        "kind": feature.kind,
        "moved": {
            "cell": feature.cell(most),
            "before": float(before[most]),
            "after": float(after[most]),
            "missing": {"before": float(before[-1]), "after": float(after[-1])},
        },
        "shares": [
            {
                "cell": feature.cell(place),
                "before": float(before[place]),
                "after": float(after[place]),
            }
            for place in _told_cells(before, after)
        ],
        "new_values": [],
        "measures": {},
    }
    empty = np.empty(0)
    pair = Pair(feature.counts, counts, empty, empty, 1.0, resamples, config.seed)
    if feature.kind == "numeric":
        values, past = np.sort(column[~np.isnan(column)]), reference.sample[name]
        found["moved"] |= {
            "mean": {"before": _plain(feature.mean), "after": _mean(values)},
            "deviation": {
                "before": _plain(feature.deviation),
                "after": float(values.std()) if len(values) else None,
            },
        }
        pair = replace(
            pair,
            reference_values=np.sort(past[~np.isnan(past)]),
            current_values=values,
            scale=feature.deviation if feature.deviation > 0 else 1.0,
        )
    else:
        first, second = _by_value(feature, counts, others, reference.sample[name])
        pair = replace(pair, reference=first, current=second)
    if feature.kind == "categorical" and feature.knows_all_values:
        ranked = sorted(others.items(), key=lambda item: (-item[1], item[0]))
        found["new_values"] = [{"value": v, "rows": n} for v, n in ranked[:NAMED]]
        if others and most == len(counts) - 2:
            found["moved"]["cell"] = "values not in the reference"
    for measure in config.numeric if feature.kind == "numeric" else config.categorical:
        comparison = MEASURES[measure].compare(pair)
        if comparison is not None:
            found["measures"][measure] = told = {
                "statistic": comparison.statistic,
                "size": comparison.size,
                "smallest": config.sizes.get(measure, _SMALL[measure]),
            }
            tests.append(_Test(told, comparison))
    return found


def _told_cells(before: NDArray[np.float64], after: NDArray[np.float64]) -> list[int]:
    greatest = np.maximum(before, after)
    chosen = np.argsort(-greatest, kind="stable")[:TOLD_CELLS]
    return sorted(int(place) for place in chosen if greatest[place] > 0)


def _by_value(
    feature: Feature, counts: NDArray[np.int64], others: dict[str, int], sample: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the counts that are tested of a categorical feature."""
    current = dict(zip(feature.values, counts.tolist(), strict=False)) | others
    if feature.knows_all_values:
        past = dict(zip(feature.values, feature.counts.tolist(), strict=False))
        missing = int(feature.counts[-1])
    else:
        # Only the sample has the rare values as well.
        past = Counter(sample.tolist())
        missing = past.pop("", 0)
    return by_value(past, current, (missing, int(counts[-1])))


def _together(
    reference: dict[str, NDArray[Any]],
    current: dict[str, NDArray[Any]],
    config: FeatureDriftConfig,
    resamples: int,
    tests: list[_Test],
    notes: list[str],
) -> dict[str, Any]:
    together: dict[str, Any] = {}
    for name in config.multivariate:
        most = mmd.ROWS if name == "mmd" else domain_classifier.ROWS
        points, n, m = encode(reference, current, most, config.seed)
        least = 2 if name == "mmd" else domain_classifier.LEAST_ROWS
        if not points or min(n, m) < least:
            notes.append(f"{name} was not run: no feature has two values, or too few rows.")
            continue
        told: dict[str, Any] = {"rows": [n, m]}
        if name == "mmd":
            both = np.concatenate(list(points.values()), axis=1)
            squared, p_value = mmd.mmd(both[:n], both[n:], resamples=resamples, seed=config.seed)
            size = max(squared, 0.0)
            told |= {"statistic": squared, "size": size}
        else:
            found = domain_classifier.separate(points, n, m, seed=config.seed)
            size, p_value = found.auc, found.p_value
            told |= {
                "statistic": size,
                "size": size,
                "features": [{"name": k, "fall": fall} for k, fall in found.features[:NAMED]],
            }
        told["smallest"] = config.sizes.get(name, _SMALL[name])
        together[name] = told
        tests.append(_Test(told, Comparison(told["statistic"], size, p_value)))
    return together


def _conclude(tests: list[_Test], config: FeatureDriftConfig, small_window: bool) -> None:
    p_values = [test.comparison.p_value for test in tests]
    for test, adjusted in zip(tests, adjust(p_values, config.correction), strict=True):
        big = test.comparison.size >= test.found["smallest"]
        test.found["p_value"] = None if small_window else test.comparison.p_value
        test.found["adjusted_p_value"] = None if small_window else float(adjusted)
        test.found["drifted"] = bool(not small_window and big and adjusted < config.alpha)


def _rank(features: list[dict[str, Any]]) -> None:
    for found in features:
        measures = found["measures"].values()
        found["drifted"] = any(m["drifted"] for m in measures)
        ratios = [m["size"] / m["smallest"] if m["smallest"] > 0 else m["size"] for m in measures]
        found["severity"] = max(ratios, default=0.0)
    features.sort(key=lambda found: (not found["drifted"], -found["severity"], found["name"]))
    for rank, found in enumerate(features, start=1):
        found["rank"] = rank


def _reasons(
    features: list[dict[str, Any]],
    predictions: list[dict[str, Any]],
    together: dict[str, Any],
    words: dict[str, str],
) -> list[str]:
    reasons = [
        f"{found['name']} {words['one']}: {_told(found)}"
        for found in [*features, *predictions]
        if found["drifted"]
    ]
    for name in ("mmd", "domain_classifier"):
        if together.get(name, {}).get("drifted"):
            found = together[name]
            told = f"{words['all']} ({name}, p {found['adjusted_p_value']:.2g})"
            if found.get("features"):
                told += f": most {_listed([each['name'] for each in found['features']][:3])}"
            reasons.append(told)
    margin = together.get("margin_density", {})
    if margin.get("drifted"):
        told = f"from {margin['reference']:.1%} to {margin['current']:.1%}"
        reasons.append(f"{words['margin']} {told}")
    return reasons


def _told(found: dict[str, Any]) -> str:
    moved = found["moved"]
    told = f"the share of {moved['cell']} was {moved['before']:.1%} and is {moved['after']:.1%}"
    mean = moved.get("mean")
    if mean and None not in mean.values():
        told += f", the mean was {mean['before']:.4g} and is {mean['after']:.4g}"
    if found["new_values"]:
        told += f", new: {_listed([each['value'] for each in found['new_values']])}"
    return told


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
