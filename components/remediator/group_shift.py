"""Logits that are shifted by the group of a row, and the served model that does so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

from components import files
from components.models.export import SERVING_DIRECTORY, ServedModel
from components.models.featurizing import Raw, argument_names
from components.models.transformed import Features
from components.remediator.groups import texts


@dataclass(frozen=True)
class GroupShift:
    """What is added to the logit of each row of some groups.

    Attributes
    ----------
    column : str
        Raw column whose values are the groups.
    shifts : mapping of str to float
        By the value as text; a row of any other, or of none, stays as it is.
    """

    column: str
    shifts: Mapping[str, float]

    def of(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the shift [n] of each row of raw columns."""
        distinct, places = np.unique(texts(columns[self.column]).astype(str), return_inverse=True)
        return np.array([self.shifts.get(name, 0.0) for name in distinct])[places.reshape(-1)]

    def tensor(self, values: tf.Tensor) -> tf.Tensor:
        """Return the shifts, float32 of the same shape, of raw values of any type."""
        names = list(self.shifts)
        keys = tf.constant(
            names if values.dtype == tf.string else [float(name) for name in names],
            tf.string if values.dtype == tf.string else tf.float64,
        )
        if values.dtype != tf.string:
            values = tf.cast(values, tf.float64)
        shifts = tf.constant(list(self.shifts.values()), tf.float32)
        same = tf.equal(values[..., tf.newaxis], keys)
        return tf.reduce_sum(tf.where(same, shifts, 0.0), axis=-1)


class ShiftedModel(ServedModel):
    """A served model of two classes whose logits are shifted by the group of the row.

    It has no signature ``transformed_features``: these do not say which group a row is of.

    Parameters
    ----------
    shift : GroupShift
        By a raw column that the model takes.
    model, features, transform_graph, projection
        As of `ServedModel`.
    """

    def __init__(
        self,
        shift: GroupShift,
        model: tf_keras.Model,
        features: Features,
        transform_graph: str | os.PathLike[str],
        projection: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__(model, features, transform_graph, projection)
        serve = self._serve

        def shifted(raw: Raw) -> dict[str, tf.Tensor]:
            result = serve(raw)
            negative, positive = tf.unstack(result["scores"], num=2, axis=1)
            logit = tf.math.log(positive) - tf.math.log(negative) + _of(shift, raw[shift.column])
            positive = tf.sigmoid(logit)
            scores = tf.stack([1.0 - positive, positive], axis=1)
            classes = tf.constant(list(features.classes))
            return {"scores": scores, "class": tf.gather(classes, tf.argmax(scores, axis=1))}

        self._serve = shifted

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Return those of `ServedModel` but ``transformed_features``."""
        found = super().signatures()
        del found["transformed_features"]
        return found


def save(
    shift: GroupShift,
    model: tf_keras.Model,
    features: Features,
    transform_graph: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    projection: str | os.PathLike[str] | None = None,
) -> None:
    """Write of a Model artifact what is served: see `ShiftedModel`, `export.save_served`."""
    served = ShiftedModel(shift, model, features, transform_graph, projection)
    target = Path(directory) / SERVING_DIRECTORY
    tf.saved_model.save(served, str(target), signatures=served.signatures())
    files.write_json(
        target / "assets.extra" / "predict_arguments.json", argument_names(served.columns)
    )


def _of(shift: GroupShift, values: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    """Return the shift [n] of each row of a raw column; 0 where it has no value."""
    if isinstance(values, tf.SparseTensor):
        values = tf.sparse.to_dense(
            tf.SparseTensor(values.indices, shift.tensor(values.values), values.dense_shape)
        )
    else:
        values = shift.tensor(values)
    return tf.reduce_sum(values, axis=1)
