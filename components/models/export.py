"""Save a trained model with its transform graph: the served signatures, and itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from tensorflow_transform.saved import saved_transform_io_v2

from components import files, naming
from components.models import architectures, image_architectures, own_model, scores
from components.models.projection import Projection
from components.models.specification import Member, Specification
from components.models.transformed import CATEGORICAL, Features

#: Directories of a Model artifact: TFX's name for what is served, and the model itself
#: as specification, layers and weights, from which components that train go on.
SERVING_DIRECTORY = "Format-Serving"
KERAS_DIRECTORY = "keras"
#: The layers, as tf_keras writes them, in the directory `KERAS_DIRECTORY`.
GRAPH_FILE = "layers.json"


class ServedModel(tf.Module):
    """A model behind its transform graph and, if there is one, its projection.

    Parameters
    ----------
    model : tf_keras.Model
        From transformed or reduced features to outputs.
    features : Features
        Description of these.
    transform_graph : path
        TransformGraph artifact.
    projection : path, optional
        Projection artifact, by which they were reduced.
    """

    def __init__(
        self,
        model: tf_keras.Model,
        features: Features,
        transform_graph: str | os.PathLike[str],
        projection: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        graph = tft.TFTransformOutput(str(transform_graph))
        loader = saved_transform_io_v2.SavedModelLoader(graph.transform_savedmodel_dir)
        # What the functions below capture must be tracked: the variables, and the tables
        # of the transform graph. The Keras model itself must not: saving it would trace
        # every layer once more, for a reader that knows Keras, and take as long again.
        self.weights = list(model.variables)
        self.transform = loader._imported
        self._raw_specification = {
            name: spec for name, spec in graph.raw_feature_spec().items() if name != features.label
        }
        inputs = {
            tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name)
            for tensor in model.inputs
        }
        self._reduce = None if projection is None else Projection.read(projection).apply
        self._inputs = (
            inputs if projection is None else _specifications(Features.read(transform_graph))
        )
        self.columns = tuple(self._raw_specification)
        classes = list(features.classes)

        def score(transformed: dict[str, tf.Tensor]) -> tf.Tensor:
            if self._reduce is not None:
                transformed = self._reduce({name: transformed[name] for name in self._inputs})
            outputs = model({name: transformed[name] for name in inputs}, training=False)
            return scores.from_outputs(outputs, features.task)

        def serve(raw: dict[str, tf.Tensor | tf.SparseTensor]) -> dict[str, tf.Tensor]:
            result = {"scores": score(loader.apply_transform_model(raw))}
            if classes:
                most_probable = tf.argmax(result["scores"], axis=1)
                result["class"] = tf.gather(tf.constant(classes), most_probable)
            return result

        self._score = score
        self._serve = serve

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Return the signatures by their names.

        ``serving_default``
            ``examples``: serialized tf.Examples [n].
        ``predict``
            Raw columns by their names (see `argument_names`), [n] each: text as
            strings, where "" is a missing value; all else as float64, where NaN is one.
            Of images ``image`` alone: PNG or JPEG files [n].
        ``transformed_features``
            ``numeric`` float32 [n, k] and ``categorical`` int64 [n, m], or ``image``
            float32 [n, height, width, channels]: pixels from 0 to 255.
        ``reduced_features``
            If there is a projection: the same, of which it returns what the model itself
            takes.

        The others return ``scores`` float32 [n, k]; the first two also ``class``, the name
        of the most probable class, for classification.
        """
        specification = self._raw_specification
        arguments = argument_names(specification)

        # None of them branches on a tensor, and AutoGraph takes seconds to find that out.
        @tf.function(autograph=False)
        def serving_default(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._serve(tf.io.parse_example(examples, specification))

        @tf.function(autograph=False)
        def predict(**columns: tf.Tensor) -> dict[str, tf.Tensor]:
            raw = {
                name: _column(columns[arguments[name]], spec)
                for name, spec in specification.items()
            }
            return self._serve(raw)

        @tf.function(autograph=False)
        def transformed_features(**features: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"scores": self._score(features)}

        columns = {
            arguments[name]: tf.TensorSpec(
                [None],
                tf.string if spec.dtype == tf.string else tf.float64,
                name=arguments[name],
            )
            for name, spec in specification.items()
        }
        signatures = {
            "serving_default": serving_default.get_concrete_function(
                tf.TensorSpec([None], tf.string, name="examples")
            ),
            "predict": predict.get_concrete_function(**columns),
            "transformed_features": transformed_features.get_concrete_function(**self._inputs),
        }
        if self._reduce is not None:
            reduced_features = tf.function(lambda **each: self._reduce(each), autograph=False)
            signatures["reduced_features"] = reduced_features.get_concrete_function(**self._inputs)
        return signatures


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
    """Turn a column as `predict` takes it into what the transform graph takes."""
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


def save(
    model: tf_keras.Model,
    features: Features,
    transform_graph: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    *,
    specification: Specification,
    projection: str | os.PathLike[str] | None = None,
) -> None:
    """Write a Model artifact: what is served, and what components that train go on from.

    See `ServedModel` for the parameters.
    """
    served = ServedModel(model, features, transform_graph, projection)
    tf.saved_model.save(
        served,
        str(Path(directory) / SERVING_DIRECTORY),
        signatures=served.signatures(),
    )
    # Where TensorFlow Serving keeps what is not part of the graph.
    files.write_json(
        Path(directory) / SERVING_DIRECTORY / "assets.extra" / "predict_arguments.json",
        argument_names(served.columns),
    )
    keras = Path(directory) / KERAS_DIRECTORY
    keras.mkdir(parents=True)
    model.save_weights(str(keras / "model.weights.h5"))
    features.write(keras)
    specification.write(keras)
    # A user's own layers can be made anew only by the user's function.
    if all(member.build_model is None for member in specification.members):
        files.write_bytes(keras / GRAPH_FILE, model.to_json(indent=1).encode())


def build(
    features: Features,
    member: Member,
    *,
    target_mean: float = 0.0,
    target_deviation: float = 1.0,
) -> tf_keras.Model:
    """Return an untrained network for `features`.

    See `architectures.build` and `image_architectures.build`.

    Parameters
    ----------
    features : Features
    member : Member
        With the hyperparameters of a network.
    target_mean, target_deviation : float
        Moments of a regression's target.

    Raises
    ------
    InputError
        If `build_model` is no function's dotted path, or returns no tf_keras model.
    """
    if member.build_model is None and features.image is not None:
        return image_architectures.build(
            member.model,
            features.image,
            outputs=scores.outputs(features.task, len(features.classes)),
            target_mean=target_mean,
            target_deviation=target_deviation,
        )
    if member.build_model is None:
        return architectures.build(
            member.model,
            numeric=features.numeric,
            vocabulary_sizes=[column.size for column in features.categorical],
            outputs=scores.outputs(features.task, len(features.classes)),
            target_mean=target_mean,
            target_deviation=target_deviation,
        )
    if member.values is None:
        return own_model.build(
            member.build_model, features, member.model, setting="trainer.build_model"
        )
    return own_model.build_searched(member.build_model, member.values, features)
