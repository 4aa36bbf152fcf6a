"""The contract of all novelty detectors, and the spheres that most of them know classes by."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans

from components.errors import InputError

UNKNOWN_CLASS = -1
#: What a row is: of a class as it was learned, of one whose region grew or moved, of a class that
#: was found, or not yet explained.
KNOWN, EXTENSION, DRIFT, NOVEL, UNKNOWN = range(5)
KINDS = ("known", "extension", "drift", "novel", "unknown")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Decisions:
    """What a detector says of rows.

    Attributes
    ----------
    labels, kinds : array [n] of int
        For each row, as it came: a class or `UNKNOWN_CLASS`, and an index of `KINDS`.
    resolved_rows : array [m] of int
        Rows, counted from the end of `fit`, that were unknown and are now explained by a cluster.
    resolved_labels, resolved_kinds : array [m] of int
        What they are now taken for.
    """

    labels: Ints
    kinds: Ints
    resolved_rows: Ints
    resolved_labels: Ints
    resolved_kinds: Ints


class NoveltyDetector(ABC):
    """A detector of new classes in a stream without labels.

    A subclass is a dataclass whose fields are its parameters. Between two trials (when unknown rows
    are clustered) the model stands still; thus a block up to the next trial is handled at once.

    Attributes
    ----------
    NAME : str
    VERSION : int
        Of the state: that of another version is refused.
    STATE : dict of str to (type, int)
        State besides that of this class: name -> type, and number of dimensions (0: a scalar). The
        second dimension is always the features.
    """

    NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1
    STATE: ClassVar[dict[str, tuple[type, int]]] = {}
    _COMMON: ClassVar[dict[str, tuple[type, int]]] = {
        "features": (int, 0),
        "rows": (int, 0),
        "next_class": (int, 0),
        "since_trial": (int, 0),
        "known_classes": (int, 1),
        "buffer": (float, 2),
        "buffer_rows": (int, 1),
    }
    #: Rows handled at once.
    BLOCK: ClassVar[int] = 2048

    seed: int
    #: Unknown rows needed for a trial, and those that must have come since the last one.
    minimum: int
    trial_every: int
    #: Rows after which an unknown row is forgotten.
    window: int

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value, low = getattr(self, field.name), field.metadata["low"]
            whole = isinstance(field.default, int)
            kind = (int, np.integer) if whole else (int, float, np.integer, np.floating)
            if (
                isinstance(value, bool)
                or not isinstance(value, kind)
                or not low <= value < math.inf
            ):
                raise InputError(
                    f"The novelty detector {self.NAME} has an impossible parameter.",
                    setting=field.name,
                    expected=f"{'an integer' if whole else 'a number'} of at least {low}",
                    got=value,
                    remedy="Give a value in that range.",
                )
        self.features = 0

    def fit(self, x: ArrayLike, y: ArrayLike) -> Self:
        """Learn the known classes and forget all else.

        Parameters
        ----------
        x : array [n, features] of float
            Finite; features should be of like scale.
        y : array [n] of int
            Classes, from 0.

        Raises
        ------
        InputError
            They are not such arrays.
        """
        rows = self._matrix(x)
        labels = np.asarray(y)
        if (
            not len(rows)
            or labels.shape != (len(rows),)
            or labels.dtype.kind not in "iu"
            or labels.min() < 0
        ):
            raise InputError(
                "The labels of the known classes are unusable.",
                setting="y",
                expected=f"{max(len(rows), 1)} integers of at least 0, one for each row",
                got=f"{labels.dtype} of shape {labels.shape}",
                remedy="Number the classes from 0 and give at least one row.",
            )
        labels = labels.astype(np.int64)
        self.features = rows.shape[1]
        self.rows = self.since_trial = 0
        self.known_classes = np.unique(labels)
        self.next_class = int(labels.max()) + 1
        self.buffer = np.empty((0, self.features))
        self.buffer_rows = np.empty(0, np.int64)
        self._fit(rows, labels)
        return self

    def update(self, x: ArrayLike) -> Decisions:
        """Take in one row [features]: as `update_many` of it alone."""
        return self.update_many(np.asarray(x, dtype=object)[None])

    def update_many(self, x: ArrayLike) -> Decisions:
        """Take in rows.

        Parameters
        ----------
        x : array [n, features] of float

        Returns
        -------
        Decisions
            The same as of the rows one by one.

        Raises
        ------
        InputError
            They are not such rows, or `fit` was not called. No row is taken in then.
        """
        if not self.features:
            raise InputError(
                "The novelty detector knows no classes yet.",
                setting=self.NAME,
                expected="a detector that was fitted",
                got="one that was not",
                remedy="Call fit(x, y) first.",
            )
        rows = self._matrix(x, self.features)
        labels, kinds = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
        resolved: list[tuple[Ints, Ints, Ints]] = []
        at = 0
        while at < len(rows):
            block = rows[at : at + self.BLOCK]
            found, kind, where = self._assign(block)
            unknown = np.flatnonzero(kind == UNKNOWN)
            needed = max(self.minimum - len(self.buffer), self.trial_every - self.since_trial, 1)
            trial = len(unknown) >= needed
            size = int(unknown[needed - 1]) + 1 if trial else len(block)
            unknown = unknown[:needed]
            labels[at : at + size], kinds[at : at + size] = found[:size], kind[:size]
            self._seen(where[:size])
            self.buffer = np.concatenate([self.buffer, block[unknown]])
            self.buffer_rows = np.concatenate([self.buffer_rows, unknown + self.rows])
            self.rows += size
            self.since_trial += len(unknown)
            at += size
            if trial:
                resolved.append(self._trial())
        ends = [
            np.concatenate([r[i] for r in resolved] or [np.empty(0, np.int64)]) for i in (0, 1, 2)
        ]
        return Decisions(labels, kinds, *ends)

    def _trial(self) -> tuple[Ints, Ints, Ints]:
        self.since_trial = 0
        self._keep(self.buffer_rows >= self.rows - self.window)
        if len(self.buffer) < self.minimum:
            return (np.empty(0, np.int64),) * 3
        labels, kinds = self._discover()
        explained = kinds != UNKNOWN
        result = self.buffer_rows[explained], labels[explained], kinds[explained]
        self._keep(~explained)
        return result

    def _keep(self, mask: NDArray[np.bool_]) -> None:
        self.buffer, self.buffer_rows = self.buffer[mask], self.buffer_rows[mask]

    def _new_class(self) -> int:
        self.next_class += 1
        return self.next_class - 1

    def to_json(self) -> dict[str, Any]:
        """Return the parameters and the state as plain values that JSON can hold."""
        names = {**self._COMMON, **self.STATE} if self.features else {}
        return {
            "detector": self.NAME,
            "version": self.VERSION,
            "parameters": {
                f.name: getattr(self, f.name)
                for f in dataclasses.fields(self)  # type: ignore[arg-type]
            },
            "state": {n: np.asarray(getattr(self, n)).tolist() for n in names},
        }

    @classmethod
    def from_json(cls, saved: Any) -> Self:
        """Return a detector that goes on where the one that was saved ended.

        Raises
        ------
        InputError
            It is the state of another detector or version, is not whole, or has an impossible
            parameter.
        """
        for key, expected in (("detector", cls.NAME), ("version", cls.VERSION)):
            got = saved.get(key) if isinstance(saved, Mapping) else type(saved).__name__
            if got != expected:
                raise _bad_state(f"{key} {expected}", got)
        parameters, state = saved.get("parameters"), saved.get("state")
        known = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if not isinstance(parameters, Mapping) or set(parameters) != known:
            raise _bad_state(f"the parameters {', '.join(sorted(known))}", parameters)
        detector = cls(**parameters)
        if state == {}:
            return detector
        names = {**cls._COMMON, **cls.STATE}
        if not isinstance(state, Mapping) or set(state) != set(names):
            raise _bad_state(f"the keys {', '.join(sorted(names))}", state and sorted(state))
        width = state["features"]
        if not isinstance(width, int) or width < 1:
            raise _bad_state("a number of features of at least 1", width)
        for name, (kind, dimensions) in names.items():
            setattr(detector, name, _restored(name, state[name], kind, dimensions, width))
        detector._check_state()
        return detector

    def _check_state(self) -> None:
        self._same_length("buffer", "buffer_rows")

    def _same_length(self, *names: str) -> None:
        lengths = {len(getattr(self, name)) for name in names}
        if len(lengths) > 1:
            raise _bad_state(f"{', '.join(names)} of one length", sorted(lengths))

    @staticmethod
    def _matrix(x: ArrayLike, features: int | None = None) -> Floats:
        try:
            rows = np.array(x, dtype=np.float64)
        except (TypeError, ValueError):
            rows = np.empty(0)
        if (
            rows.ndim != 2
            or not rows.shape[1]
            or (features is not None and rows.shape[1] != features)
            or not np.isfinite(rows).all()
        ):
            raise InputError(
                "These rows are not what the novelty detector takes.",
                setting="x",
                expected=f"finite numbers in rows of {features or 'one or more'} features",
                got=f"an array of shape {rows.shape}" if rows.ndim == 2 else "no such array",
                remedy="Fill in missing values and encode categories first.",
            )
        return rows

    @abstractmethod
    def _fit(self, rows: Floats, labels: Ints) -> None:
        """Learn the known classes."""

    @abstractmethod
    def _assign(self, rows: Floats) -> tuple[Ints, Ints, Ints]:
        """Return for each row its label, its kind, and the part of the model that explains it."""

    def _seen(self, where: Ints) -> None:  # noqa: B027 - most keep no note of it
        """Note which parts of the model explained the rows that come next."""

    @abstractmethod
    def _discover(self) -> tuple[Ints, Ints]:
        """Cluster the buffer, extend the model; return labels and kinds of the buffered rows."""


class SphereDetector(NoveltyDetector):
    """A detector whose classes are spheres: a row within the nearest one is of its class.

    The state of sphere i is its ``centres[i]``, ``radii[i]``, ``spreads[i]`` (root mean square
    distance of its rows), ``sizes[i]`` (rows), ``labels[i]`` and ``kinds[i]``.
    """

    STATE: ClassVar[dict[str, tuple[type, int]]] = {
        "centres": (float, 2),
        "radii": (float, 1),
        "spreads": (float, 1),
        "sizes": (int, 1),
        "labels": (int, 1),
        "kinds": (int, 1),
    }

    def _check_state(self) -> None:
        super()._check_state()
        self._same_length(*SphereDetector.STATE)

    def _empty(self) -> None:
        self.centres = np.empty((0, self.features))
        self.radii, self.spreads = np.empty(0), np.empty(0)
        self.sizes, self.labels, self.kinds = (np.empty(0, np.int64) for _ in range(3))

    def _add(self, rows: Floats, radius: float, label: int, kind: int) -> None:
        centre = rows.mean(axis=0)
        self.centres = np.vstack([self.centres, centre])
        self.radii = np.append(self.radii, radius)
        self.spreads = np.append(self.spreads, spread(rows))
        self.sizes = np.append(self.sizes, len(rows))
        self.labels = np.append(self.labels, label)
        self.kinds = np.append(self.kinds, kind)

    def _assign(self, rows: Floats) -> tuple[Ints, Ints, Ints]:
        gaps = distances(rows, self.centres)
        nearest = gaps.argmin(axis=1)
        inside = gaps[np.arange(len(rows)), nearest] <= self.radii[nearest]
        return (
            np.where(inside, self.labels[nearest], UNKNOWN_CLASS),
            np.where(inside, self.kinds[nearest], UNKNOWN),
            np.where(inside, nearest, -1),
        )


def distances(rows: Floats, centres: Floats) -> Floats:
    """Return Euclidean distances [n, k].

    Each feature by itself, not by a product of matrices: the same to the last bit whether rows
    come one by one or many at once.
    """
    squares = np.zeros((len(rows), len(centres)))
    for feature in range(rows.shape[1]):
        squares += (rows[:, feature, None] - centres[None, :, feature]) ** 2
    return np.sqrt(squares)


def spread(rows: Floats) -> float:
    """Return the root mean square distance of rows from their mean."""
    return float(np.sqrt(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).mean()))


def farthest(rows: Floats) -> float:
    """Return the largest distance of rows from their mean."""
    return float(np.sqrt(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).max()))


def cluster(rows: Floats, clusters: int, seed: int) -> list[Ints]:
    """Return the rows' indices by k-means clusters, of which none is empty."""
    distinct = len(np.unique(rows, axis=0))
    clusters = max(1, min(clusters, distinct))
    found = KMeans(clusters, n_init=1, random_state=seed, max_iter=100).fit_predict(rows)
    return [np.flatnonzero(found == one) for one in np.unique(found)]


def _restored(name: str, value: Any, kind: type, dimensions: int, width: int) -> Any:
    if dimensions == 0:
        if isinstance(value, bool) or not isinstance(value, (int, kind)):
            raise _bad_state(f"{name} as {kind.__name__}", value)
        return kind(value)
    dtype = np.float64 if kind is float else np.int64
    try:
        array = np.array(value, dtype=dtype)
        array = array.reshape(-1, width) if dimensions == 2 and not array.size else array
    except (TypeError, ValueError, OverflowError):
        array = np.empty((0,) * 3)
    if (
        array.ndim != dimensions
        or (dimensions == 2 and array.shape[1] != width)
        or not np.isfinite(array).all()
    ):
        raise _bad_state(f"{name} as finite numbers in {dimensions} dimensions", type(value))
    return array


def _bad_state(expected: str, got: Any) -> InputError:
    return InputError(
        "The saved state of a novelty detector cannot be used.",
        setting="state",
        expected=expected,
        got=got,
        remedy="Fit the detector anew.",
    )


def parameter(default: float, low: float) -> Any:
    """Return a dataclass field of a parameter with its smallest value."""
    return dataclasses.field(default=default, metadata={"low": low})
