"""From raw examples to what a model takes: the transform graph, and the projection after it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved import saved_transform_io_v2

from components import naming
from components.models.projection import Projection
from components.models.transformed import CATEGORICAL, Features

Raw = dict[str, tf.Tensor | tf.SparseTensor]
#: The argument of signatures that take serialized tf.Examples.
EXAMPLES = tf.TensorSpec([None], tf.string, name="examples")


class Featurizer(tf.Module):
    """A transform graph and, if there is one, a projection.

    Parameters
    ----------
    transform_graph : path
        TransformGraph artifact.
    projection : path, optional
        Projection artifact, by which the transformed features were reduced.
    """

    def __init__(
        self,
        transform_graph: str | os.PathLike[str],
        projection: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        graph = tft.TFTransformOutput(str(transform_graph))
        self._loader = saved_transform_io_v2.SavedModelLoader(graph.transform_savedmodel_dir)
        # What functions of it capture must be tracked: here the tables of the graph.
        self.transform_graph = self._loader._imported
        transformed = Features.read(transform_graph)
        self.raw_specification = {
            name: spec
            for name, spec in graph.raw_feature_spec().items()
            if name != transformed.label
        }
        self.specifications = _specifications(transformed)
        self._reduce = None if projection is None else Projection.read(projection).apply

    @property
    def reduces(self) -> bool:
        """Whether there is a projection."""
        return self._reduce is not None

    def transform(self, raw: Raw) -> dict[str, tf.Tensor]:
        """Return the transformed features of raw columns."""
        transformed: dict[str, tf.Tensor] = self._loader.apply_transform_model(raw)
        return transformed

    def reduce(self, transformed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return what the model takes of transformed features."""
        if self._reduce is None:
            return transformed
        return self._reduce({name: transformed[name] for name in self.specifications})

    @property
    def arguments(self) -> dict[str, tf.TensorSpec]:
        """What `from_arguments` takes: raw columns by their names (see `argument_names`)."""
        names = argument_names(self.raw_specification)
        return {
            names[column]: tf.TensorSpec(
                [None], tf.string if spec.dtype == tf.string else tf.float64, name=names[column]
            )
            for column, spec in self.raw_specification.items()
        }

    def from_arguments(self, arguments: dict[str, tf.Tensor]) -> Raw:
        """Return the raw columns of dense ones [n]: "" and NaN are missing values."""
        names = argument_names(self.raw_specification)
        return {
            column: _column(arguments[names[column]], spec)
            for column, spec in self.raw_specification.items()
        }

    def parse(self, examples: tf.Tensor) -> Raw:
        """Return the raw columns of serialized tf.Examples [n]."""
        return tf.io.parse_example(examples, self.raw_specification)


def featurized(
    featurizer: Featurizer, batches: Iterable[Sequence[bytes]], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return what a model takes of serialized tf.Examples.

    Parameters
    ----------
    featurizer : Featurizer
    batches : iterable of sequence of bytes
    names : sequence of str
        Of the features.

    Returns
    -------
    dict of ndarray
        Rows in their order.
    """

    @tf.function(autograph=False)
    def featurize(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        reduced = featurizer.reduce(featurizer.transform(featurizer.parse(examples)))
        return {name: reduced[name] for name in names}

    parts = [featurize(tf.constant(batch)) for batch in batches]
    return {name: np.concatenate([part[name].numpy() for part in parts]) for name in names}


def argument_names(columns: Iterable[str]) -> dict[str, str]:
    """Return the argument of the signature ``predict`` that takes each column.

    TensorFlow allows letters, digits and ``_`` in them; anything else becomes ``_``.

    Examples
    --------
    >>> argument_names(["fare", "mean radius", "mean-radius", "2nd"])
    {'fare': 'fare', 'mean radius': 'mean_radius', 'mean-radius': 'mean_radius_2', '2nd': '_2nd'}
    """
    return naming.distinct(
        columns, lambda name: re.sub(r"^(?=\d|$)", "_", re.sub(r"[^A-Za-z0-9_]", "_", name))
    )


def _specifications(features: Features) -> dict[str, tf.TensorSpec]:
    """Return what transformed features are as arguments of a function."""
    return {
        name: tf.TensorSpec(
            [None, *shape], tf.int64 if name == CATEGORICAL else tf.float32, name=name
        )
        for name, shape in features.shapes.items()
    }


def _column(values: tf.Tensor, spec: tf.io.VarLenFeature | tf.io.FixedLenFeature) -> tf.Tensor:
    """Turn a column as an argument into what the transform graph takes."""
    if spec.dtype == tf.string:
        present = tf.not_equal(values, "")
    else:
        present = tf.logical_not(tf.math.is_nan(values))
    if isinstance(spec, tf.io.FixedLenFeature):  # the schema says that it is never missing
        return tf.reshape(tf.cast(values, spec.dtype), [-1, *spec.shape])
    rows = tf.where(present)
    return tf.SparseTensor(
        tf.concat([rows, tf.zeros_like(rows)], axis=1),
        tf.cast(tf.boolean_mask(values, present), spec.dtype),
        tf.stack([tf.size(values, tf.int64), 1]),
    )
