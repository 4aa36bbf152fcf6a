"""Save a trained model with its transform graph: the served signatures, and itself."""

from __future__ import annotations

import os
from pathlib import Path

import tensorflow as tf
import tf_keras

from components import files
from components.models import architectures, image_architectures, own_model, scores
from components.models.featurizing import EXAMPLES, Featurizer, Raw, argument_names
from components.models.specification import Member, Specification
from components.models.transformed import Features

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
        # What the functions below capture must be tracked: the variables, and the featurizer.
        # The Keras model itself must not: saving it would trace every layer once more, for a
        # reader that knows Keras, and take as long again.
        self.weights = list(model.variables)
        self.featurizer = Featurizer(transform_graph, projection)
        inputs = {
            tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype, name=tensor.name)
            for tensor in model.inputs
        }
        self._inputs = self.featurizer.specifications if self.featurizer.reduces else inputs
        self.columns = tuple(self.featurizer.raw_specification)
        classes = list(features.classes)

        def score(transformed: dict[str, tf.Tensor]) -> tf.Tensor:
            taken = self.featurizer.reduce(transformed)
            outputs = model({name: taken[name] for name in inputs}, training=False)
            return scores.from_outputs(outputs, features.task)

        def serve(raw: Raw) -> dict[str, tf.Tensor]:
            result = {"scores": score(self.featurizer.transform(raw))}
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
            Raw columns by their names (see `featurizing.argument_names`), [n] each: text as
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

        # None of them branches on a tensor, and AutoGraph takes seconds to find that out.
        @tf.function(autograph=False)
        def serving_default(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._serve(self.featurizer.parse(examples))

        @tf.function(autograph=False)
        def predict(**columns: tf.Tensor) -> dict[str, tf.Tensor]:
            return self._serve(self.featurizer.from_arguments(columns))

        @tf.function(autograph=False)
        def transformed_features(**features: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"scores": self._score(features)}

        signatures = {
            "serving_default": serving_default.get_concrete_function(EXAMPLES),
            "predict": predict.get_concrete_function(**self.featurizer.arguments),
            "transformed_features": transformed_features.get_concrete_function(**self._inputs),
        }
        if self.featurizer.reduces:
            reduced_features = tf.function(
                lambda **each: self.featurizer.reduce(each), autograph=False
            )
            signatures["reduced_features"] = reduced_features.get_concrete_function(**self._inputs)
        return signatures


def save_served(
    model: tf_keras.Model,
    features: Features,
    transform_graph: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    projection: str | os.PathLike[str] | None = None,
) -> None:
    """Write of a Model artifact what is served alone: of a model that no component trains on.

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
    save_served(model, features, transform_graph, directory, projection)
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
