"""What a benchmark model is to learn, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import tensorflow as tf
import tf_keras

from components.model_debugger.benchmark_models.config import BenchmarkModelsConfig
from components.models import scores
from components.models.transformed import (
    CATEGORICAL,
    IMAGE,
    LABEL,
    NUMERIC,
    RESERVED_IDS,
    WHITE,
    Features,
)

Arrays = Mapping[str, np.ndarray]

#: Numbers that a model is given at most, rows times columns: for tables of up to 200 columns
#: `BenchmarkModelsConfig.max_rows` decides; of images there are fewer rows.
MOST_NUMBERS = 10_000_000


@dataclass(frozen=True)
class Fitted:
    """A trained model.

    Attributes
    ----------
    model : tf_keras.Model
        From transformed features to logits, or values.
    learned : tuple of str
        What it has learned, in short sentences for people.
    rows : int
        Training rows that it was given.
    notes : tuple of str
        What was left out in training it.
    """

    model: tf_keras.Model
    learned: tuple[str, ...]
    rows: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """Why there is no model."""

    reason: str


class Stopper:
    """Ends a training in rounds when the time is over.

    Parameters
    ----------
    out_of_time : callable

    Attributes
    ----------
    notes : tuple of str
        Says so, if it has.
    """

    def __init__(self, out_of_time: Callable[[], bool]) -> None:
        self._out_of_time = out_of_time
        self.notes: tuple[str, ...] = ()

    def __call__(self, _round: int, _loss: float) -> bool:
        """Return whether to end after the round."""
        if self._out_of_time():
            self.notes = ("Its training was cut off: the time, debugger.seconds, was over.",)
        return bool(self.notes)


@dataclass(frozen=True)
class Problem:
    """Transformed examples, as a table.

    Attributes
    ----------
    features : Features
        As the model is fed: images stay images.
    train, validation : mapping
        ``numeric`` float32 [n, k] and ``categorical`` int64 [n, m], each absent if it has no
        column, and ``label`` [n]. The pixels of images are numeric columns.
    config : BenchmarkModelsConfig
    seed : int
    out_of_time : callable
        Whether a training in rounds is to end with those that it has.
    vocabularies : mapping
        See `components.models.vocabularies`.
    """

    features: Features
    train: Arrays
    validation: Arrays
    config: BenchmarkModelsConfig
    seed: int
    out_of_time: Callable[[], bool]
    vocabularies: Mapping[str, Sequence[str]]

    @classmethod
    def of(
        cls,
        features: Features,
        train: Arrays,
        validation: Arrays,
        config: BenchmarkModelsConfig,
        seed: int,
        out_of_time: Callable[[], bool],
        vocabularies: Mapping[str, Sequence[str]],
    ) -> Problem:
        """Return the problem of arrays as `components.models.transformed` loads them."""
        parts = [train, validation]
        if features.image is not None:
            parts = [
                {NUMERIC: _flat(part[IMAGE], features.image.shape), LABEL: part[LABEL]}
                for part in parts
            ]
        return cls(features, parts[0], parts[1], config, seed, out_of_time, vocabularies)

    def __len__(self) -> int:
        return len(self.train[LABEL])

    @property
    def table(self) -> Features:
        """Description of `train`: pixels are numeric columns."""
        return self.features.as_table()

    @property
    def outputs(self) -> int:
        """Width of a model's output."""
        return scores.outputs(self.features.task, len(self.features.classes))

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels of `train`: int64 class indices, or float64 values."""
        labels = self.train[LABEL]
        return labels.astype(np.float64 if self.features.regression else np.int64)

    def sample(self, rows: int) -> Problem:
        """Return the problem with at most so many training rows, drawn by the seed.

        Each class keeps a row, and there are no more than `MOST_NUMBERS` numbers.
        """
        width = sum(
            self.train[name].shape[1] for name in (NUMERIC, CATEGORICAL) if name in self.train
        )
        rows = min(rows, MOST_NUMBERS // width)
        if rows >= len(self):
            return self
        order = np.random.default_rng(self.seed).permutation(len(self))
        if not self.features.regression:
            firsts = np.unique(self.labels[order], return_index=True)[1]
            order = np.concatenate([order[firsts], np.delete(order, firsts)])
            rows = max(rows, len(firsts))
        chosen = np.sort(order[:rows])
        return replace(self, train={name: array[chosen] for name, array in self.train.items()})

    def inputs(self) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Return a model's inputs, and the table that is made of them."""
        image = self.features.image
        if image is not None:
            pixels = tf_keras.Input(image.shape, dtype=tf.float32, name=IMAGE)
            return {IMAGE: pixels}, {NUMERIC: tf_keras.layers.Flatten(name="pixels")(pixels)}
        types = {NUMERIC: tf.float32, CATEGORICAL: tf.int64}
        inputs = {
            name: tf_keras.Input(shape, dtype=types[name], name=name)
            for name, shape in self.features.shapes.items()
        }
        return inputs, inputs

    def scaling(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the means of the numeric columns, and by what a deviation is multiplied.

        A column that does not vary in training is multiplied by 0. Pixels share one scale,
        because those that hardly vary would count most otherwise.
        """
        values = self.train[NUMERIC].astype(np.float64)
        means, deviations = values.mean(axis=0), values.std(axis=0)
        # The deviation of equal numbers is what double precision makes of it.
        varies = deviations > 1e-9 * np.abs(means)
        if self.features.image is not None:
            deviations = np.full_like(deviations, WHITE)
        return means, np.where(varies, 1.0 / np.where(varies, deviations, 1.0), 0.0)

    def id_name(self, column: int, index: int) -> str:
        """Return how a category is called: by its value, or without a vocabulary by its place."""
        name = self.features.categorical[column].name
        if index < RESERVED_IDS:
            return f"{name} = {('missing', 'unknown')[index]}"
        place, values = index - RESERVED_IDS, self.vocabularies.get(name, ())
        return f"{name} = {values[place] if place < len(values) else f'#{place + 1}'}"


def _flat(images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return images.reshape(-1, int(np.prod(shape))).astype(np.float32)
