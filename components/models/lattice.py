"""Lattice networks, whose output may only rise, or only fall, with chosen columns.

Each column is calibrated to [0, 1] by a piecewise linear function, or by a number for each
category; an ensemble of small lattices (tables that are interpolated) looks at random subsets
of them; the output is their weighted sum. Where all steps are monotonic, so is the whole. After
Gupta et al., "Monotonic Calibrated Interpolated Look-Up Tables" (JMLR 2016), and Canini et al.,
"Fast and Flexible Monotonic Functions with Ensembles of Lattices" (NeurIPS 2016); the layers are
those of TensorFlow Lattice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_lattice as tfl
import tf_keras

from components.errors import InputError
from components.models import measuring, training
from components.models.hyperparameters import HyperParameters
from components.models.inputs import RANK_SUFFIX, CapIds, SelectColumns, selected_numeric
from components.models.scores import outputs
from components.models.transformed import CATEGORICAL, LABEL, NUMERIC, Features
from components.naming import nearest

#: Directions of a monotonic column.
INCREASING, DECREASING = 1, -1
#: Lattices, and columns that each looks at.
LATTICES, RANK = 24, 4
#: Points of a calibrator, and quantiles of a column's distinct values between which it sees
#: these as uniform.
KEYPOINTS, QUANTILES = 10, 16
#: Ids from here on count as unknown.
MOST_CATEGORIES = 1000
EPOCHS, PATIENCE, LEARNING_RATE = 30, 4, 0.02
#: Batches of an epoch, whose rows are within `BATCH_ROWS`.
BATCHES, BATCH_ROWS = 80, (64, 1024)
#: Rows and values of the column at which `largest_violation` looks.
PROBED_ROWS, PROBED_VALUES = 200, 33

Arrays = Mapping[str, np.ndarray]


@tf_keras.utils.register_keras_serializable("modelworks")
class QuantileRanks(tf_keras.layers.Layer):
    """Maps each column to its rank in [0, 1]: [n, k] -> [n, k], never falling.

    A rank is the share of a column's quantiles that lie below a value, interpolated between
    them; one that equals several quantiles counts all of them.

    Parameters
    ----------
    points : int
        Quantiles; at least 2. They are the layer's weight, [points, k], not falling.
    """

    def __init__(self, points: int, **arguments: Any) -> None:
        super().__init__(**{**arguments, "trainable": False})
        self.points = points

    def build(self, shape: tf.TensorShape) -> None:
        self.quantiles = self.add_weight(
            name="quantiles", shape=(self.points, shape[-1]), initializer="zeros", trainable=False
        )
        super().build(shape)

    def call(self, values: tf.Tensor) -> tf.Tensor:
        low, high = self.quantiles[:-1], self.quantiles[1:]
        values = values[:, tf.newaxis]
        within = tf.math.divide_no_nan(values - low, high - low)
        shares = tf.where(high > low, tf.clip_by_value(within, 0.0, 1.0), _number(values >= low))
        return tf.reduce_mean(shares, axis=1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "points": self.points}


@tf_keras.utils.register_keras_serializable("modelworks")
class Flip(tf_keras.layers.Layer):
    """Turns ranks in [0, 1] around, so that what rises falls."""

    def call(self, ranks: tf.Tensor) -> tf.Tensor:
        return 1.0 - ranks


# AutoGraph leaves the layers of TensorFlow Lattice as they are: none branches on a tensor, and it
# takes seconds to find that out. Keras looks at the arguments of `call`, which stay.
_PLAIN = tf.autograph.experimental.do_not_convert


class _NumericCalibration(tfl.layers.PWLCalibration):
    def call(self, values: tf.Tensor) -> tf.Tensor:
        return _PLAIN(tfl.layers.PWLCalibration.call)(self, values)


class _CategoricalCalibration(tfl.layers.CategoricalCalibration):
    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return _PLAIN(tfl.layers.CategoricalCalibration.call)(self, ids)


class _Lattices(tfl.layers.RTL):
    def call(self, groups: dict[str, tf.Tensor]) -> tf.Tensor:
        return _PLAIN(tfl.layers.RTL.call)(self, groups)


def build(
    features: Features,
    arrays: Arrays,
    monotonic: Mapping[str, int],
    *,
    seed: int,
    lattices: int = LATTICES,
    rank: int = RANK,
) -> tf_keras.Model:
    """Return an untrained lattice network for tables.

    Parameters
    ----------
    features : Features
    arrays : mapping
        Training rows, of which the quantiles of the columns are taken, and the moments of a
        regression's label.
    monotonic : mapping of str to {1, -1}
        Raw numeric column -> `INCREASING` or `DECREASING`.
    seed : int
        Of the columns that each lattice looks at, and the initial weights.
    lattices, rank : int
        Lattices, and columns of each; of fewer columns, all.

    Returns
    -------
    tf_keras.Model
        Takes and returns what the models of `components.models.architectures` do.

    Raises
    ------
    InputError
        The features are images or there are none, `monotonic` names what is no numeric column,
        or the task is multiclass, where it says nothing.
    """
    if features.image is not None or not features.shapes:
        raise InputError(
            "A lattice network takes numeric and categorical columns.",
            expected="a table",
            got="images" if features.image is not None else "no column",
        )
    directions = monotonic_columns(features, monotonic)
    tf_keras.utils.set_random_seed(seed)
    inputs: dict[str, tf.Tensor] = {}
    free: list[tf.Tensor] = []
    rising: list[tf.Tensor] = []
    if features.numeric:
        inputs[NUMERIC] = tf_keras.Input((len(features.numeric),), dtype=tf.float32, name=NUMERIC)
        _calibrate_numeric(inputs[NUMERIC], arrays[NUMERIC], features, directions, free, rising)
    if features.categorical:
        inputs[CATEGORICAL] = tf_keras.Input(
            (len(features.categorical),), dtype=tf.int64, name=CATEGORICAL
        )
        free.append(_calibrate_categorical(inputs[CATEGORICAL], features))
    groups = {
        name: _joined(parts, f"all_{name}")
        for name, parts in (("unconstrained", free), ("increasing", rising))
        if parts
    }
    columns = sum(group.shape[-1] for group in groups.values())
    rank = min(rank, columns)
    looked = _Lattices(
        num_lattices=max(lattices, -(-columns // rank)),
        lattice_rank=rank,
        init_min=-1.0,
        init_max=1.0,
        random_seed=seed,
        name="lattices",
    )(groups)
    # Weights below zero would turn a rising lattice around.
    result = tf_keras.layers.Dense(
        outputs(features.task, len(features.classes)),
        kernel_initializer=tf_keras.initializers.Constant(1.0 / looked.shape[-1]),
        kernel_constraint=tf_keras.constraints.NonNeg() if rising else None,
        name="weighted",
    )(looked)
    if features.regression:
        label = arrays[LABEL].astype(np.float64)
        result = tf_keras.layers.Rescaling(
            float(label.std()) or 1.0, float(label.mean()), name="target"
        )(result)
    return tf_keras.Model(inputs, result, name="lattice")


def fit(
    features: Features,
    train: Arrays,
    validation: Arrays,
    monotonic: Mapping[str, int],
    seed: int,
    on_epoch: Callable[[int, float], bool] | None = None,
) -> tf_keras.Model:
    """Return a lattice network trained with early stopping.

    Parameters
    ----------
    features, train, monotonic, seed
        See `build`.
    validation : mapping
        Rows by which the training stops.
    on_epoch : callable, optional
        See `components.models.training.train`.
    """
    model = build(features, train, monotonic, seed=seed)
    rows = int(np.clip(len(train[LABEL]) // BATCHES, *BATCH_ROWS))
    training.train(
        model,
        train,
        validation,
        label=LABEL,
        task=features.task,
        hp=HyperParameters(learning_rate=LEARNING_RATE, batch_size=rows),
        epochs=EPOCHS,
        patience=PATIENCE,
        seed=seed,
        on_epoch=on_epoch,
    )
    return model


def monotonic_columns(features: Features, monotonic: Mapping[str, int]) -> dict[int, int]:
    """Return the direction of columns of the input ``numeric``, by their index.

    Raises
    ------
    InputError
        `monotonic` names what is no numeric column, or the task is multiclass.
    """
    if monotonic and features.task == "multiclass":
        raise InputError(
            "No class of several can be said to rise with a column.",
            setting="monotonic",
            expected="a task binary or regression",
            got=features.task,
            remedy="Remove monotonic.",
        )
    found: dict[int, int] = {}
    bases = [name.removesuffix(RANK_SUFFIX) for name in features.numeric]
    plain = sorted({name for name in bases if ":" not in name})
    for name, direction in monotonic.items():
        if name not in plain:
            raise InputError(
                f"The monotonic column {name!r} is no numeric feature{nearest(name, plain)}.",
                setting="monotonic",
                expected="one of " + (", ".join(plain) or "none: there is no numeric feature"),
                got=name,
            )
        found |= {index: direction for index, base in enumerate(bases) if base == name}
    return found


def largest_violation(
    model: tf_keras.Model,
    features: Features,
    arrays: Arrays,
    monotonic: Mapping[str, int],
    seed: int,
) -> float:
    """Return the longest way that the output goes against `monotonic` in one step; 0 if none.

    In up to `PROBED_ROWS` rows, drawn by the seed, each monotonic column goes through
    `PROBED_VALUES` values from its least to its greatest, all else being equal.

    Parameters
    ----------
    model : tf_keras.Model
        From transformed features to one logit or value.
    features, arrays, monotonic, seed
        As of `build`.
    """
    rows = len(arrays[LABEL])
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(rows, min(rows, PROBED_ROWS), replace=False))
    worst = 0.0
    for column, direction in monotonic_columns(features, monotonic).items():
        values = arrays[NUMERIC][:, column]
        grid = np.linspace(values.min(), values.max(), PROBED_VALUES, dtype=np.float32)
        probes = {
            name: np.repeat(arrays[name][chosen], PROBED_VALUES, axis=0) for name in features.shapes
        }
        probes[NUMERIC][:, column] = np.tile(grid, len(chosen))
        found = measuring.outputs(model, probes).reshape(len(chosen), PROBED_VALUES)
        worst = max(worst, float((-direction * np.diff(found, axis=1)).max()))
    return worst


def _calibrate_numeric(
    numbers: tf.Tensor,
    rows: np.ndarray,
    features: Features,
    directions: Mapping[int, int],
    free: list[tf.Tensor],
    rising: list[tf.Tensor],
) -> None:
    """Add the calibrated columns to those that are free, and to those that must rise."""
    selected = selected_numeric(features.numeric, "standardized")
    groups = {
        "free": [index for index in selected if index not in directions],
        "increasing": [index for index in selected if directions.get(index) == INCREASING],
        "decreasing": [index for index in selected if directions.get(index) == DECREASING],
    }
    for name, columns in groups.items():
        if not columns:
            continue
        ranks = QuantileRanks(QUANTILES, name=f"{name}_ranks")
        part = ranks(SelectColumns(columns, name=name)(numbers))
        points = np.linspace(0, 1, QUANTILES)
        # Of distinct values: where most rows have the same, all quantiles would be that one.
        quantiles = [np.quantile(np.unique(rows[:, column]), points) for column in columns]
        ranks.set_weights([np.stack(quantiles, axis=1).astype(np.float32)])
        if name == "decreasing":
            part = Flip(name="flipped")(part)
        calibrated = _NumericCalibration(
            input_keypoints=np.linspace(0.0, 1.0, KEYPOINTS),
            units=len(columns),
            output_min=0.0,
            output_max=1.0,
            monotonicity="none" if name == "free" else "increasing",
            name=f"{name}_calibrated",
        )(part)
        (free if name == "free" else rising).append(calibrated)


def _calibrate_categorical(ids: tf.Tensor, features: Features) -> tf.Tensor:
    largest = max(column.size for column in features.categorical)
    if largest > MOST_CATEGORIES:
        ids = CapIds(MOST_CATEGORIES, name="capped")(ids)
    return _CategoricalCalibration(
        num_buckets=min(largest, MOST_CATEGORIES),
        units=len(features.categorical),
        output_min=0.0,
        output_max=1.0,
        name="categories_calibrated",
    )(ids)


def _joined(parts: list[tf.Tensor], name: str) -> tf.Tensor:
    return parts[0] if len(parts) == 1 else tf_keras.layers.Concatenate(name=name)(parts)


def _number(truth: tf.Tensor) -> tf.Tensor:
    return tf.cast(truth, tf.float32)
