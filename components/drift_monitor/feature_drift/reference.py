"""What the reference rows look like, small enough to be kept in JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.feature_drift import margin_density
from components.drift_monitor.feature_drift.columns import Columns, Kind, clean, kind_of
from components.errors import InputError

#: Of the JSON: that of another version is refused.
VERSION = 1
#: Rows that are kept, of all columns together, and values that they are at most.
SAMPLE_ROWS = 2000
SAMPLE_VALUES = 400_000
#: Values of a categorical feature that are counted by themselves.
TOP_VALUES = 500


@dataclass(frozen=True)
class Feature:
    """One column of the reference.

    Attributes
    ----------
    kind : {"numeric", "categorical"}
    edges : ndarray of float64, shape [e]
        Ends of the cells of a numeric feature; cell i holds ``edges[i - 1] <= x < edges[i]``.
    values : tuple of str
        Values of a categorical feature, the most frequent first.
    counts : ndarray of int64, shape [k]
        Rows in each cell or of each value, then those of other values, then those without a value.
    mean, deviation : float
        Of a numeric feature's values; NaN if there are none.
    """

    kind: Kind
    edges: NDArray[np.float64]
    values: tuple[str, ...]
    counts: NDArray[np.int64]
    mean: float
    deviation: float

    @classmethod
    def of(cls, column: NDArray[Any], bins: int) -> Feature:
        """Sum up a cleaned column."""
        if kind_of(column) == "numeric":
            present = column[~np.isnan(column)]
            edges = _edges(present, bins)
            bare = cls("numeric", edges, (), np.empty(0, np.int64), *_moments(present))
        else:
            found = Counter(column.tolist())
            found.pop("", None)
            ranked = sorted(found, key=lambda value: (-found[value], value))
            values = tuple(ranked[:TOP_VALUES])
            bare = cls("categorical", np.empty(0), values, np.empty(0, np.int64), np.nan, np.nan)
        return bare.counted(bare.count(column)[0])

    def counted(self, counts: NDArray[np.int64]) -> Feature:
        """Return the same feature with counts."""
        return Feature(self.kind, self.edges, self.values, counts, self.mean, self.deviation)

    def count(self, column: NDArray[Any]) -> tuple[NDArray[np.int64], dict[str, int]]:
        """Return the counts of other rows in the same cells, and those of other values by name."""
        if self.kind == "numeric":
            missing = np.isnan(column)
            cells = np.searchsorted(self.edges, column[~missing], side="right")
            counts = np.bincount(cells, minlength=len(self.edges) + 1)
            return np.append(counts, missing.sum()).astype(np.int64), {}
        found = Counter(column.tolist())
        missing_rows = found.pop("", 0)
        known = [found.pop(value, 0) for value in self.values]
        return np.array([*known, sum(found.values()), missing_rows], np.int64), dict(found)

    @property
    def knows_all_values(self) -> bool:
        """Whether the reference has no value of a categorical feature that is not kept."""
        return bool(self.counts[-2] == 0)

    def cell(self, place: int) -> str:
        """Return how the cell of a count is called."""
        if place == len(self.counts) - 1:
            return "missing"
        if self.kind == "categorical":
            return self.values[place] if place < len(self.values) else "other values"
        if not len(self.edges):
            return "any number"
        low = self.edges[place - 1] if place else -math.inf
        high = self.edges[place] if place < len(self.edges) else math.inf
        if high == np.nextafter(low, math.inf):
            return f"{low:.6g}"
        if low == -math.inf:
            return f"below {high:.6g}"
        return f"{low:.6g} and above" if high == math.inf else f"{low:.6g} to {high:.6g}"


@dataclass(frozen=True)
class Reference:
    """The rows that others are compared with.

    Attributes
    ----------
    rows : int
    features : dict of str to Feature
    sample : dict of str to ndarray
        The cleaned columns of at most `SAMPLE_ROWS` rows, drawn by a seed.
    predictions : Reference or None
        The scores of a model, as columns; maybe of other rows.
    margin : dict or None
        Gaps that `margin_density` needs.
    """

    rows: int
    features: dict[str, Feature]
    sample: dict[str, NDArray[Any]]
    predictions: Reference | None = None
    margin: dict[str, Any] | None = None

    @classmethod
    def of(
        cls,
        columns: Columns,
        *,
        bins: int = 10,
        seed: int = 1,
        scores: NDArray[np.float64] | None = None,
    ) -> Reference:
        """Sum up rows.

        Parameters
        ----------
        columns : dict of str to ndarray, shape [n]
            Numbers where NaN is missing, or text where "" is.
        bins : int
            Cells of equal share that the values of a number are cut into. A value that by itself
            has half such a share gets its own cell.
        seed : int
            By which the sample is drawn.
        scores : ndarray of float64, shape [r] or [r, k], optional
            Probabilities or values that a model gives to rows, which may be others.

        Raises
        ------
        InputError
            There is no row, or a column is not one of numbers or text.
        """
        if bins < 2:
            raise InputError(
                "Too few bins.", setting="bins", expected="a whole number of at least 2", got=bins
            )
        cleaned, rows = clean(columns, "reference")
        features = {name: Feature.of(column, bins) for name, column in cleaned.items()}
        kept = max(100, min(SAMPLE_ROWS, SAMPLE_VALUES // len(cleaned)))
        chosen = np.arange(rows)
        if rows > kept:
            chosen = np.random.default_rng(seed).choice(rows, kept, replace=False)
        sample = {name: column[chosen] for name, column in cleaned.items()}
        if scores is None:
            return cls(rows, features, sample)
        predictions = cls.of(score_columns(scores), bins=bins, seed=seed)
        return cls(rows, features, sample, predictions, margin_density.gaps_to_json(scores, seed))

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain values that JSON can hold."""
        return {
            "version": VERSION,
            "rows": self.rows,
            "features": {
                name: {
                    "kind": f.kind,
                    "edges": f.edges.tolist(),
                    "values": list(f.values),
                    "counts": f.counts.tolist(),
                    "mean": _plain(f.mean),
                    "deviation": _plain(f.deviation),
                    "sample": [
                        v if isinstance(v, str) else _plain(v) for v in self.sample[name].tolist()
                    ],
                }
                for name, f in self.features.items()
            },
            "predictions": None if self.predictions is None else self.predictions.to_json(),
            "margin": self.margin,
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Reference:
        """Return the reference that was saved.

        Raises
        ------
        InputError
            It is of another version, or not whole.
        """
        version = saved.get("version") if isinstance(saved, Mapping) else type(saved).__name__
        if version != VERSION:
            raise _bad_state(f"version {VERSION}", version)
        try:
            return cls._restored(saved)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _bad_state("what to_json returned", f"{type(error).__name__}: {error}") from None

    @classmethod
    def _restored(cls, saved: Mapping[str, Any]) -> Reference:
        features, sample = {}, {}
        for name, of in saved["features"].items():
            features[name] = Feature(
                of["kind"],
                np.array(of["edges"], np.float64),
                tuple(of["values"]),
                np.array(of["counts"], np.int64),
                _number(of["mean"]),
                _number(of["deviation"]),
            )
            numeric = of["kind"] == "numeric"
            sample[name] = np.array(of["sample"], np.float64 if numeric else object)
        predictions = saved["predictions"]
        return cls(
            int(saved["rows"]),
            features,
            sample,
            None if predictions is None else cls.from_json(predictions),
            saved["margin"],
        )


def score_columns(scores: NDArray[np.float64]) -> Columns:
    """Return the scores of a model as columns.

    Of one column, and of two classes, it is ``prediction``, the last column; of more classes the
    most probable one, ``predicted class``, and its probability, ``confidence``.

    Parameters
    ----------
    scores : ndarray of float64, shape [n] or [n, k]
    """
    scores = np.asarray(scores, np.float64)
    scores = scores[:, None] if scores.ndim == 1 else scores
    if scores.ndim != 2 or not scores.size:
        raise InputError(
            "The scores of the model are not one row a row of data.",
            expected="an array of shape [n, k]",
            got=list(scores.shape),
        )
    if scores.shape[1] <= 2:
        return {"prediction": scores[:, -1]}
    names = np.array([str(k) for k in range(scores.shape[1])], object)
    return {"predicted class": names[scores.argmax(axis=1)], "confidence": scores.max(axis=1)}


def _edges(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    if not len(values):
        return np.empty(0)
    ordered = np.sort(values)
    places = np.ceil(np.arange(1, bins) / bins * len(ordered)).astype(int) - 1
    starts = np.append(0, np.flatnonzero(np.diff(ordered)) + 1)
    sizes = np.diff(starts, append=len(ordered))
    # What is frequent by itself must not hide what is near it.
    atoms = ordered[starts[sizes >= max(2, len(ordered) / (2 * bins))]]
    atoms = ordered[:1] if len(starts) == 1 else atoms
    cuts = ordered[places]
    cuts = cuts if len(starts) > 1 else cuts[:0]
    return np.unique(np.concatenate([cuts, atoms, np.nextafter(atoms, math.inf)]))


def _moments(values: NDArray[np.float64]) -> tuple[float, float]:
    return (float(values.mean()), float(values.std())) if len(values) else (np.nan, np.nan)


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _bad_state(expected: str, got: object) -> InputError:
    return InputError(
        "This is no reference to compare with.",
        setting="state",
        expected=expected,
        got=got,
        remedy="Sum up the reference rows anew, or use the version that saved it.",
    )
