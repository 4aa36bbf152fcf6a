"""What every recipe is: a step from one draft of a model to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import tf_keras

from components.compressor.config import (  # noqa: F401 (recipes import the stages from here)
    CLUSTER,
    CONVERT,
    QUANTIZE_AWARE,
    REMOVE,
    SPARSIFY,
    RecipesConfig,
)
from components.errors import InputError
from components.models.hyperparameters import HyperParameters, ImageHyperParameters
from components.models.training_config import TrainingConfig
from components.models.transformed import Features

Arrays = dict[str, np.ndarray]
Hyper = HyperParameters | ImageHyperParameters
#: How numbers are kept in the TF Lite file.
Conversion = Literal["float32", "dynamic_range", "float16", "int8", "int16x8"]


@dataclass(frozen=True)
class Work:
    """What recipes work with.

    Attributes
    ----------
    features : Features
        What the model takes.
    train, validation : dict of array
        Features and label (`components.models.transformed.LABEL`).
    training : TrainingConfig
        How the model was trained: seed, class weights.
    hp : HyperParameters or ImageHyperParameters
        Of the model: optimizer, learning rate, batch size, augmentation.
    config : RecipesConfig
    """

    features: Features
    train: Arrays
    validation: Arrays
    training: TrainingConfig
    hp: Hyper
    config: RecipesConfig


@dataclass(frozen=True)
class Draft:
    """A model on its way through a chain of recipes.

    Attributes
    ----------
    model : tf_keras.Model
        From features to outputs (logits, or values). Float, but after quantization-aware
        training, which puts nodes of simulated quantization into it.
    steps : tuple of str
        Names of the recipes so far.
    conversion : str
        How its TF Lite file keeps numbers.
    """

    model: tf_keras.Model
    steps: tuple[str, ...] = ()
    conversion: Conversion = "float32"

    def after(
        self, step: str, model: tf_keras.Model | None = None, conversion: Conversion | None = None
    ) -> Draft:
        """Return the draft that a recipe makes of this one."""
        return replace(
            self,
            model=self.model if model is None else model,
            steps=(*self.steps, step),
            conversion=conversion or self.conversion,
        )


@dataclass(frozen=True)
class Recipe:
    """A way to make a model smaller.

    Attributes
    ----------
    stage : int
        One of `REMOVE` to `CONVERT`; along a chain they rise.
    apply : callable
        Takes a draft and the work, and returns the next draft. It changes no weight and no layer
        of the model that it is given.
    title : str
        For people.
    """

    stage: int
    apply: Callable[[Draft, Work], Draft]
    title: str


def copy_model(model: tf_keras.Model) -> tf_keras.Model:
    """Return a model with layers and weights of its own, and the same outputs.

    TensorFlow Model Optimization changes the layers of the model that it is given.
    """
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def unsupported(layer: tf_keras.layers.Layer, recipe: str) -> InputError:
    """Return the error for a layer that a recipe cannot do anything with."""
    return InputError(
        f"The recipe {recipe} cannot handle the layer {layer.name!r}.",
        setting="compressor.recipes",
        expected="a network of dense layers, convolutions and embeddings",
        got=type(layer).__name__,
        remedy="Switch on the Distiller, whose student is such a network, or leave the recipe out.",
    )
