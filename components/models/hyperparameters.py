"""The hyperparameters of a model: one flat and typed set for each family of models."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Discriminator, Field, Tag

from components.errors import InputError
from components.settings import Settings

NetworkArchitecture = Literal["wide_and_deep", "mlp", "residual", "cross", "linear"]
TreesArchitecture = Literal["boosted_trees", "random_forest", "extra_trees"]
ImageArchitecture = Literal["lenet300", "lenet5", "cnn"]

Optimizer = Literal["adam", "adamw", "sgd", "rmsprop", "adagrad"]
Schedule = Literal["constant", "cosine", "exponential"]


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
    optimizer: Optimizer = "adam"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=4e-3, ge=0)
    learning_rate: float = Field(default=2e-3, gt=0)
    schedule: Schedule = "constant"
    batch_size: int = Field(default=128, ge=1)
    epochs: int | None = Field(default=None, ge=1)
    patience: int | None = Field(default=None, ge=1)


class ImageHyperParameters(Settings):
    """Architecture and optimisation of a network on images.

    Attributes
    ----------
    architecture : {"lenet300", "lenet5", "cnn"}
        LeNet-300-100, LeNet-5, or a stack of cells; see
        `components.models.image_architectures`.
    stages : int
        Of ``cnn``: each but the first halves height and width and doubles the filters.
    cells : int
        Of ``cnn``: cells in each stage.
    cell : {"plain", "residual", "depthwise"}
        Of ``cnn``: two convolutions, the same with a shortcut, or depthwise separable
        convolutions with a shortcut.
    filters : int
        Of ``cnn``: channels of the first stage.
    kernel : int
        Of ``cnn``: side of the convolutions, in pixels; odd.
    normalization : {"none", "batch"}
        Of ``cnn``: of what leaves each convolution, before the activation.
    scaling : {"unit", "standard"}
        What the first layer makes of pixels from 0 to 255: numbers from 0 to 1, or with mean
        0 and deviation 1 over the train split, each channel by itself.
    dropout : float
        Share of units dropped before each dense layer but the first of ``lenet300``, in
        [0, 1).
    l2 : float
        L2 penalty on the kernels.
    augmentation : {"none", "shift", "shift_rotate", "flip"}
        How each image is changed anew in each epoch; see `components.models.augmentation`.
        ``flip`` mirrors left and right, which changes what digits and letters mean.
    shift : float
        Largest shift, as a share of height and width.
    rotation : float
        Largest rotation of ``shift_rotate``, in degrees.
    optimizer, momentum, weight_decay, learning_rate, schedule, batch_size, epochs, patience
        As of `HyperParameters`.
    """

    architecture: ImageArchitecture = "cnn"
    stages: int = Field(default=2, ge=1, le=6)
    cells: int = Field(default=1, ge=1, le=8)
    cell: Literal["plain", "residual", "depthwise"] = "residual"
    filters: int = Field(default=16, ge=1, le=512)
    kernel: Literal[1, 3, 5, 7] = 3
    normalization: Literal["none", "batch"] = "batch"
    scaling: Literal["unit", "standard"] = "standard"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    l2: float = Field(default=0.0, ge=0)
    augmentation: Literal["none", "shift", "shift_rotate", "flip"] = "none"
    shift: float = Field(default=0.1, ge=0, lt=1)
    rotation: float = Field(default=10.0, ge=0, le=180)
    optimizer: Optimizer = "adam"
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=4e-3, ge=0)
    learning_rate: float = Field(default=2e-3, gt=0)
    schedule: Schedule = "cosine"
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


#: Tags of the sets, which pydantic puts into the place of an error.
NETWORK_TAG, TREES_TAG, IMAGE_TAG = "<network>", "<trees>", "<image>"
#: The set that goes with a tag.
TAGGED: dict[str, type[Settings]] = {
    NETWORK_TAG: HyperParameters,
    TREES_TAG: TreesHyperParameters,
    IMAGE_TAG: ImageHyperParameters,
}


def tag(value: Any) -> str:
    """Return the tag of the set that hyperparameters, or the values of some, belong to."""
    architecture = (
        value.get("architecture")
        if isinstance(value, dict)
        else getattr(value, "architecture", None)
    )
    if architecture in get_args(TreesArchitecture):
        return TREES_TAG
    return IMAGE_TAG if architecture in get_args(ImageArchitecture) else NETWORK_TAG


#: Any set, told apart by the architecture; without one it is that of a network on tables.
ModelHyperParameters = Annotated[
    Annotated[HyperParameters, Tag(NETWORK_TAG)]
    | Annotated[TreesHyperParameters, Tag(TREES_TAG)]
    | Annotated[ImageHyperParameters, Tag(IMAGE_TAG)],
    Discriminator(tag),
]


def check_kind(
    architecture: str, *, images: bool, setting: str = "trainer.model.architecture"
) -> None:
    """Raise an `InputError` if an architecture does not take images, or takes nothing else.

    Parameters
    ----------
    architecture : str
    images : bool
        Whether the features are images; otherwise they are tables.
    setting : str
        Dotted key of the config that names it.
    """
    if (architecture in get_args(ImageArchitecture)) == images:
        return
    kinds = [ImageArchitecture] if images else [NetworkArchitecture, TreesArchitecture]
    raise InputError(
        f"The architecture {architecture} does not take {'images' if images else 'tables'}.",
        setting=setting,
        expected="one of " + ", ".join(name for kind in kinds for name in get_args(kind)),
        got=architecture,
    )
