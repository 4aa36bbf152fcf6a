"""The hyperparameters of a model, one flat and typed set for every architecture."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


class HyperParameters(Settings):
    """Architecture and optimisation of a tabular model.

    Attributes
    ----------
    architecture : {"wide_and_deep", "mlp", "linear"}
        See `components.models.architectures`.
    hidden_units : tuple of int
        Width of each hidden layer of the deep part.
    activation : str
        Activation of the hidden layers.
    embedding_dim : int
        Width of the embedding of each categorical feature.
    dropout : float
        Share of units dropped after each hidden layer, in [0, 1).
    l2 : float
        L2 penalty on the kernels.
    optimizer : {"adam", "sgd", "rmsprop", "adagrad"}
    learning_rate : float
    batch_size : int
        Rows per step.
    """

    architecture: Literal["wide_and_deep", "mlp", "linear"] = "wide_and_deep"
    hidden_units: tuple[int, ...] = (128, 64)
    activation: Literal["relu", "elu", "gelu", "selu", "swish", "tanh"] = "relu"
    embedding_dim: int = Field(default=8, ge=1, le=1024)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    l2: float = Field(default=0.0, ge=0)
    optimizer: Literal["adam", "sgd", "rmsprop", "adagrad"] = "adam"
    learning_rate: float = Field(default=2e-3, gt=0)
    batch_size: int = Field(default=128, ge=1)
