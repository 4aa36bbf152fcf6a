"""Small Keras models of tables and images, and problems of theirs."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.explainer.problem import Problem
from components.models import architectures, measuring
from components.models.hyperparameters import HyperParameters
from components.models.metric_names import BINARY, MULTICLASS, REGRESSION
from components.models.subject import Columns, Subject
from components.models.transformed import (
    CATEGORICAL,
    IMAGE,
    NUMERIC,
    CategoricalColumn,
    Features,
    ImageFeature,
)

CLASSES = {REGRESSION: (), BINARY: ("no", "yes"), MULTICLASS: ("a", "b", "c")}
#: Ids of the values of each text column, after the reserved ones.
COLOURS = ("", "?", "red", "green", "blue")


def table_columns(rows: int, seed: int = 0, texts: Sequence[str] = ("colour",)) -> Columns:
    """Return numbers ``x`` and ``y``, and text columns."""
    random = np.random.default_rng(seed)
    drawn: Columns = {name: random.normal(size=rows) for name in ("x", "y")}
    for name in texts:
        drawn[name] = np.array(COLOURS, object)[random.integers(2, len(COLOURS), rows)]
    return drawn


def table_arrays(columns: Columns) -> dict[str, np.ndarray]:
    """Return what the columns become: ``x``, ``y``, ``x:cdf`` and ids."""
    numbers = [columns[name] for name in ("x", "y") if name in columns]
    arrays = {}
    if numbers:
        with np.errstate(invalid="ignore"):
            rank = np.tanh(numbers[0])
        arrays[NUMERIC] = np.stack([*numbers, rank], axis=1).astype(np.float32)
    texts = [values for values in columns.values() if values.dtype == object]
    if texts:
        ids = {value: place for place, value in enumerate(COLOURS)}
        arrays[CATEGORICAL] = np.array(
            [[ids.get(value, 1) for value in row] for row in zip(*texts, strict=True)], np.int64
        ).reshape(-1, len(texts))
    return arrays


def table_features(columns: Columns, task: str) -> Features:
    """Return what `table_arrays` are."""
    numbers = [name for name in ("x", "y") if name in columns]
    return Features(
        numeric=(*numbers, f"{numbers[0]}:cdf") if numbers else (),
        categorical=tuple(
            CategoricalColumn(name=name, size=len(COLOURS))
            for name, values in columns.items()
            if values.dtype == object
        ),
        label="label",
        task=task,
        classes=CLASSES[task],
    )


def table_problem(
    model: tf_keras.Model,
    columns: Columns,
    background: Columns,
    *,
    task: str = BINARY,
    link: str = "log_odds",
    groups: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
) -> Problem:
    """Return a problem of a model on `table_arrays` of columns."""

    def predict(asked: Columns) -> np.ndarray:
        return measuring.scores(measuring.outputs(model, table_arrays(asked)), task)

    def subject(rows: Columns) -> Subject:
        scores = predict(rows)
        return Subject(
            task=task,
            classes=CLASSES[task],
            label="label",
            columns=rows,
            labels=scores[:, 0] if task == REGRESSION else scores.argmax(axis=1),
            scores=scores,
            predict=predict,
            images=None,
            model=model,
            arrays=table_arrays(rows),
            features=table_features(rows, task),
            time=None,
            row_ids=np.arange(len(scores)),
            seed=seed,
        )

    named = {name: (name,) for name in columns}
    return Problem(
        subject=subject(columns),
        background=subject(background),
        groups={k: tuple(v) for k, v in (groups or named).items()},
        link=link,
        seed=seed,
    )


def bent_model(
    architecture: str = "wide_and_deep",
    *,
    numbers: int = 3,
    texts: int = 2,
    outputs: int = 1,
    seed: int = 0,
    scale: float = 2.0,
) -> tf_keras.Model:
    """Return a model of a table with weights of some size: no training is needed to bend it."""
    tf_keras.utils.set_random_seed(seed)
    hp = HyperParameters(architecture=architecture, hidden_units=(16, 8))
    model = architectures.build(
        hp,
        numeric=[f"x{place}" for place in range(numbers)],
        vocabulary_sizes=[len(COLOURS)] * texts,
        outputs=outputs,
    )
    model.set_weights([scale * weight for weight in model.get_weights()])
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.Embedding):
            layer.set_weights([20 * weight for weight in layer.get_weights()])
    return model


def image_model(
    body: Sequence[tf_keras.layers.Layer], size: int = 16, channels: int = 1
) -> tf_keras.Model:
    """Return a model of images as a chain of layers."""
    image = x = tf_keras.Input((size, size, channels), name=IMAGE)
    for layer in body:
        x = layer(x)
    return tf_keras.Model({IMAGE: image}, x)


def image_problem(
    model: tf_keras.Model,
    pixels: np.ndarray,
    labels: np.ndarray | None = None,
    background: np.ndarray | None = None,
    *,
    task: str = BINARY,
    link: str = "log_odds",
    seed: int = 0,
) -> Problem:
    """Return a problem of a model on pixels [n, h, w, c] of 0 to 255."""

    def subject(images: np.ndarray, known: np.ndarray | None) -> Subject:
        scores = measuring.scores(measuring.outputs(model, {IMAGE: images}), task)
        if known is None:
            known = scores[:, 0] if task == REGRESSION else scores.argmax(axis=1)
        height, width, channels = images.shape[1:]
        return Subject(
            task=task,
            classes=CLASSES[task],
            label="label",
            columns={},
            labels=known,
            scores=scores,
            predict=None,
            images=images,
            model=model,
            arrays={IMAGE: images},
            features=Features(
                label="label",
                task=task,
                classes=CLASSES[task],
                image=ImageFeature(
                    height=height,
                    width=width,
                    channels=channels,
                    mean=(0.0,) * channels,
                    deviation=(1.0,) * channels,
                ),
            ),
            time=None,
            row_ids=np.arange(len(images)),
            seed=seed,
        )

    return Problem(
        subject=subject(pixels, labels),
        background=subject(pixels if background is None else background, None),
        groups={},
        link=link,
        seed=seed,
    )


def patches(rows: int, size: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return dark noisy images, half of them with a bright patch; whether, and where it is.

    Returns
    -------
    images : ndarray of uint8, shape [rows, size, size, 1]
    labels : ndarray of int, shape [rows]
    where : ndarray of bool, shape [rows, size, size]
    """
    random = np.random.default_rng(seed)
    side = size // 4
    images = random.integers(0, 60, (rows, size, size, 1))
    where = np.zeros((rows, size, size), bool)
    labels = np.arange(rows) % 2
    for row in np.flatnonzero(labels):
        top, left = random.integers(1, size - side, 2)
        where[row, top : top + side, left : left + side] = True
        images[row][where[row]] = random.integers(200, 256, (side * side, 1))
    return images.astype(np.uint8), labels, where


@functools.cache
def patch_model(size: int = 16, seed: int = 0) -> tf_keras.Model:
    """Return a trained convolutional network that tells `patches`."""
    tf_keras.utils.set_random_seed(seed)
    layers = tf_keras.layers
    model = image_model(
        [
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1),
        ],
        size,
    )
    images, labels, _ = patches(200, size, seed)
    model.compile(
        tf_keras.optimizers.Adam(0.02), tf_keras.losses.BinaryCrossentropy(from_logits=True)
    )
    model.fit(images.astype(np.float32), labels, batch_size=25, epochs=10, verbose=0)
    return model


def linear_model(weights: np.ndarray, bias: float = 0.5) -> tf_keras.Model:
    """Return the logit ``w x + b`` of images of the shape of `weights`, [h, w, c]."""
    model = image_model(
        [tf_keras.layers.Flatten(), tf_keras.layers.Dense(1)], weights.shape[0], weights.shape[2]
    )
    model.layers[-1].set_weights([weights.reshape(-1, 1), np.array([bias])])
    return model


def permuted(problem: Problem, order: np.ndarray) -> Problem:
    """Return the problem with the explained rows in another order."""
    return Problem(
        subject=problem.subject.take(order),
        background=problem.background,
        groups=problem.groups,
        link=problem.link,
        seed=problem.seed,
    )


def not_finite(model: tf_keras.Model) -> tf_keras.Model:
    """Return a model whose outputs are not numbers."""
    return tf_keras.Model(
        model.inputs,
        tf_keras.layers.Lambda(lambda x: x * tf.constant(np.nan, x.dtype))(model.output),
    )
