"""A Model artifact's own model, for components that go on from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import tf_keras

# Imported for the layers that they register.
from components.models import (  # noqa: F401
    architectures,
    ensemble,
    export,
    image_architectures,
    inputs,
    projection,
    tree_layer,
)
from components.models.specification import Specification
from components.models.transformed import Features


@dataclass(frozen=True)
class Loaded:
    """A trained model, and what it was made of.

    Attributes
    ----------
    model : tf_keras.Model
        From transformed or reduced features to outputs.
    features : Features
        Description of these.
    specification : Specification
    """

    model: tf_keras.Model
    features: Features
    specification: Specification


def is_model(directory: str | os.PathLike[str]) -> bool:
    """Tell whether `load` can read a directory: it is a Model artifact's."""
    return (Path(directory) / export.KERAS_DIRECTORY / "model.weights.h5").is_file()


def load(directory: str | os.PathLike[str]) -> Loaded:
    """Read what `export.save` has written.

    A network of a user's own is built by the user's function anew; all others are made from
    the description of their layers, in which no function has a place.
    """
    keras = Path(directory) / export.KERAS_DIRECTORY
    features, specification = Features.read(keras), Specification.read(keras)
    graph = keras / export.GRAPH_FILE
    if graph.is_file():
        model = tf_keras.models.model_from_json(graph.read_text(encoding="utf-8"))
    else:
        [member] = specification.members
        model = export.build(features, member)
    model.load_weights(str(keras / "model.weights.h5"))
    return Loaded(model, features, specification)
