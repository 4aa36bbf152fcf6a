"""How a model is trained: what the Trainer and the Tuner's trials have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.models.hyperparameters import HyperParameters, ModelHyperParameters
from components.settings import Settings


class TrainingConfig(Settings):
    """How the model is built and trained.

    Attributes
    ----------
    model : HyperParameters, TreesHyperParameters or ImageHyperParameters
        Architecture and optimisation; if a config gives none, that of the kind of data.
    build_model : str or None
        Dotted path of an own function ``build_model(features, hyperparameters)``
        that returns an uncompiled tf_keras model; None builds `model.architecture`.
    epochs : int
        Upper bound on passes over the train split.
    patience : int
        Epochs without a better validation loss after which training stops and the
        best weights are restored.
    class_weights : {"none", "balanced"}
        ``balanced`` weighs each class by the inverse of its frequency.
    seed : int
        Seed of the initial weights, the order of the rows and dropout.
    """

    model: ModelHyperParameters = HyperParameters()
    build_model: str | None = None
    epochs: int = Field(default=30, ge=1)
    patience: int = Field(default=4, ge=1)
    class_weights: Literal["none", "balanced"] = "none"
    seed: int = Field(default=1, ge=0, lt=2**31)
