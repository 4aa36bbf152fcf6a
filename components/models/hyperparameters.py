"""The hyperparameters of a model: one flat and typed set for networks, one for trees."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag

from components.settings import Settings

NetworkArchitecture = Literal["wide_and_deep", "mlp", "residual", "cross", "linear"]
TreesArchitecture = Literal["boosted_trees", "random_forest", "extra_trees"]


class HyperParameters(Settings):
    """Architecture and optimisation of a tabular neural network.

    Attributes
    ----------
    architecture : {"wide_and_deep", "mlp", "residual", "cross", "linear"}
        See `components.models.architectures`.
    hidden_units : tuple of int
        Width of each hidden layer of the deep part.
    cross_layers : int
        Layers of feature crosses of the architecture ``cross``.
    activation : str
        Activation of the hidden layers.
    initializer : str
        Distribution of the initial kernels.
    normalization : {"none", "batch", "layer"}
        Normalization of each hidden layer, before its activation.
    numeric : {"all", "standardized", "ranks"}
        Which copy of each number column is an input: both, the z-score or the rank.
        Columns that have one copy alone are an input whatever this says.
    max_categories : int or None
        Most frequent values of each categorical column that are told apart; the others
        count as unknown. None keeps the vocabulary.
    embedding_dim : int
        Width of the embedding of each categorical feature.
    dropout : float
        Share of units dropped after each hidden layer, in [0, 1).
    l2 : float
        L2 penalty on the kernels.
    optimizer : {"adam", "adamw", "sgd", "rmsprop", "adagrad"}
    momentum : float
        Nesterov momentum of ``sgd``, in [0, 1).
    weight_decay : float
        Decoupled weight decay of ``adamw``.
    learning_rate : float
        At the start.
    schedule : {"constant", "cosine", "exponential"}
        How the learning rate falls over the epochs: not, along half a cosine to nothing,
        or by the same factor each step to a hundredth.
    batch_size : int
        Rows per step.
    epochs, patience : int or None
        As those of the Trainer, which apply where these are None.
    """

    architecture: NetworkArchitecture = "wide_and_deep"
    hidden_units: tuple[Annotated[int, Field(ge=1)], ...] = (128, 64)
    cross_layers: int = Field(default=2, ge=1, le=16)
    activation: Literal["relu", "elu", "gelu", "selu", "swish", "tanh"] = "relu"
    initializer: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal", "orthogonal"
    ] = "glorot_uniform"
    normalization: Literal["none", "batch", "layer"] = "none"
    numeric: Literal["all", "standardized", "ranks"] = "all"
    max_categories: int | None = Field(default=None, ge=1)
    embedding_dim: int = Field(default=8, ge=1, le=1024)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    l2: float = Field(default=0.0, ge=0)
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adagrad"] = "adam"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=4e-3, ge=0)
    learning_rate: float = Field(default=2e-3, gt=0)
    schedule: Literal["constant", "cosine", "exponential"] = "constant"
    batch_size: int = Field(default=128, ge=1)
    epochs: int | None = Field(default=None, ge=1)
    patience: int | None = Field(default=None, ge=1)


class TreesHyperParameters(Settings):
    """An ensemble of decision trees.

    Attributes
    ----------
    architecture : {"boosted_trees", "random_forest", "extra_trees"}
        Gradient boosting on histograms, bagged trees, or trees with random thresholds;
        see `components.models.trees`.
    trees : int
        Number of trees for each output; for ``boosted_trees`` an upper bound.
    learning_rate : float
        Share of each boosted tree's prediction that is added; others do without.
    max_leaves : int
        Leaves of each tree.
    max_depth : int
        Longest way from the root to a leaf.
    min_samples_leaf : int
        Training rows in each leaf.
    l2 : float
        L2 penalty on the leaves of boosted trees.
    max_features : float
        Share of the features among which each split is sought, in (0, 1].
    numeric : {"all", "standardized", "ranks"}
        As for networks. Trees see order alone, and gain nothing from both copies.
    max_categories : int or None
        As for networks.
    patience : int
        Boosted trees after the one with the least validation loss, before the boosting
        ends and they are dropped.
    """

    architecture: TreesArchitecture
    trees: int = Field(default=500, ge=1, le=10_000)
    learning_rate: float = Field(default=0.1, gt=0, le=1)
    max_leaves: int = Field(default=31, ge=2, le=4096)
    max_depth: int = Field(default=12, ge=1, le=32)
    min_samples_leaf: int = Field(default=20, ge=1)
    l2: float = Field(default=0.0, ge=0)
    max_features: float = Field(default=1.0, gt=0, le=1)
    numeric: Literal["all", "standardized", "ranks"] = "standardized"
    max_categories: int | None = Field(default=None, ge=1)
    patience: int = Field(default=50, ge=1)


#: Tags of the two sets, which pydantic puts into the place of an error.
NETWORK_TAG, TREES_TAG = "<network>", "<trees>"
#: The set that goes with a tag.
TAGGED: dict[str, type[Settings]] = {
    NETWORK_TAG: HyperParameters,
    TREES_TAG: TreesHyperParameters,
}


def _tag(value: Any) -> str:
    architecture = (
        value.get("architecture")
        if isinstance(value, dict)
        else getattr(value, "architecture", None)
    )
    return TREES_TAG if architecture in get_args(TreesArchitecture) else NETWORK_TAG


#: Either set, told apart by the architecture; without one it is a network's.
ModelHyperParameters = Annotated[
    Annotated[HyperParameters, Tag(NETWORK_TAG)] | Annotated[TreesHyperParameters, Tag(TREES_TAG)],
    Discriminator(_tag),
]
