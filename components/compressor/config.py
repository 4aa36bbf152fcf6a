"""Settings of Compressor."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from components.compressor.deep_compression.config import DeepCompressionConfig
from components.errors import InputError
from components.models.training_config import TrainingConfig
from components.naming import nearest
from components.settings import Settings

#: Stages of a chain of recipes, in the order in which they make sense: whole units, then single
#: weights, then the values that are left, then their arithmetic, and the file at last.
REMOVE, SPARSIFY, CLUSTER, QUANTIZE_AWARE, CONVERT = range(5)
#: The recipes, by name, with their stages: see `components.compressor.recipes.table`, which
#: holds the same names. Here, because reading a config imports no TensorFlow.
STAGES = {
    "structured_pruning": REMOVE,
    "pruning": SPARSIFY,
    "pruning_2_4": SPARSIFY,
    "lottery_ticket": SPARSIFY,
    "deep_compression": SPARSIFY,
    "clustering": CLUSTER,
    "quantization_aware_training": QUANTIZE_AWARE,
    "dynamic_range": CONVERT,
    "float16": CONVERT,
    "int8": CONVERT,
    "int16x8": CONVERT,
}
#: Joins the names of a chain's recipes.
JOIN = "+"
#: The chains that are tried if a config names none: those without training come first, so that
#: the search ends soon where they suffice.
DEFAULT_CHAINS = (
    "float16",
    "dynamic_range",
    "int8",
    "structured_pruning+int8",
    "quantization_aware_training+int8",
    "pruning+int8",
    "pruning+clustering+quantization_aware_training+int8",
    "structured_pruning+quantization_aware_training+int8",
)
Strategy = Literal["grid", "random", "bayesian", "evolution", "reinforcement", "local_search"]
Export = Literal["core_ml", "ml_kit", "onnx", "container"]


class FineTuningConfig(Settings):
    """How a model is trained on while it is compressed.

    Attributes
    ----------
    epochs : int
        Of each recipe that trains.
    learning_rate : float
        As a share of that which the model was trained with.
    """

    epochs: int = Field(default=4, ge=1)
    learning_rate: float = Field(default=0.3, gt=0)


class PruningConfig(Settings):
    """How single weights are pruned.

    Attributes
    ----------
    sparsity : float
        Share of each kernel's weights that end as zeros, in (0, 1).
    schedule : {"polynomial_decay", "constant"}
        Whether the share grows over the first three quarters of the training, or is there from
        its first step [Zhu & Gupta 2017, To prune, or not to prune].
    """

    sparsity: float = Field(default=0.8, gt=0, lt=1)
    schedule: Literal["polynomial_decay", "constant"] = "polynomial_decay"


class StructuredPruningConfig(Settings):
    """How whole units and filters are removed.

    Attributes
    ----------
    share : float
        Of the units of each hidden layer that go, in (0, 1).
    """

    share: float = Field(default=0.5, gt=0, lt=1)


class LotteryTicketConfig(Settings):
    """How winning tickets are sought [Frankle & Carbin 2019].

    Attributes
    ----------
    rounds : int
        Trainings after each of which weights are pruned and the others rewound.
    share : float
        Of the remaining weights that each round prunes, in (0, 1); of the output layer half
        as many.
    rewind_epoch : int
        Epoch of the first training to whose end the weights are rewound; 0 is their start.
    """

    rounds: int = Field(default=7, ge=1, le=50)
    share: float = Field(default=0.2, gt=0, lt=1)
    rewind_epoch: int = Field(default=0, ge=0)


class ClusteringConfig(Settings):
    """How weights come to share few values.

    Attributes
    ----------
    clusters : int
        Values of each kernel; the zeros of a pruned one count as one of them.
    """

    clusters: int = Field(default=16, ge=2, le=256)


class RecipesConfig(Settings):
    """The settings of all recipes; see `components.compressor.recipes`.

    Attributes
    ----------
    fine_tuning : FineTuningConfig
    pruning : PruningConfig
    structured_pruning : StructuredPruningConfig
    lottery_ticket : LotteryTicketConfig
    deep_compression : DeepCompressionConfig
    clustering : ClusteringConfig
    """

    fine_tuning: FineTuningConfig = FineTuningConfig()
    pruning: PruningConfig = PruningConfig()
    structured_pruning: StructuredPruningConfig = StructuredPruningConfig()
    lottery_ticket: LotteryTicketConfig = LotteryTicketConfig()
    deep_compression: DeepCompressionConfig = DeepCompressionConfig()
    clustering: ClusteringConfig = ClusteringConfig()


class ConstraintConfig(Settings):
    """What a candidate must keep to.

    Attributes
    ----------
    max_bytes : int or None
        Size of the TF Lite file on disk.
    max_latency_ms : float or None
        Median time of one row in LiteRT, warm, on one thread.
    max_metric_drop : float
        By how much the metric may be worse than the source model's on the eval split, in
        units of the metric (AUC, accuracy, or the root of the mean squared error).
    max_slice_drop : float or None
        The same on each slice.
    """

    max_bytes: int | None = Field(default=None, ge=1)
    max_latency_ms: float | None = Field(default=None, gt=0)
    max_metric_drop: float = Field(default=0.005, ge=0)
    max_slice_drop: float | None = Field(default=None, ge=0)

    @property
    def ends_the_search(self) -> bool:
        """Whether a candidate can be good enough: there is no smallest one otherwise."""
        return self.max_bytes is not None or self.max_latency_ms is not None


class BudgetConfig(Settings):
    """When the search ends, if no candidate meets the constraint before.

    Attributes
    ----------
    candidates : int or None
    seconds : float or None
        Of wall time; the candidate that is being made is finished.
    """

    candidates: int | None = Field(default=None, ge=1)
    seconds: float | None = Field(default=None, gt=0)


class CompressorConfig(Settings):
    """How a model is made smaller, and what it must still be good for.

    Attributes
    ----------
    constraint : ConstraintConfig
    chains : tuple of str
        Recipes joined by ``+``, applied in this order to the model one after the other.
    space : dict of str to tuple
        Values to try of the recipes' settings, such as ``{"pruning.sparsity": [0.5, 0.8]}``:
        in each chain that has the recipe.
    strategy : str
        How chains and values are searched: all of them in their order (``grid``), or by one of
        the Tuner's strategies that can do without epochs.
    budget : BudgetConfig
    slices : tuple of str
        Raw columns; each of their values is a slice.
    min_slice_size : int
        Rows of the eval split below which a slice is not judged.
    exports : tuple of str
        Formats in which the chosen candidate is written besides.
    recipes : RecipesConfig
        The settings of the recipes.
    seed : int
        Of the strategy.
    """

    USES: ClassVar[tuple[str, ...]] = ("models", "strategies")
    LIBRARIES: ClassVar[tuple[str, ...]] = (
        "tf-keras",
        "tensorflow-model-optimization",
        "ai-edge-litert",
        "coremltools",
    )

    constraint: ConstraintConfig = ConstraintConfig()
    chains: tuple[str, ...] = Field(default=DEFAULT_CHAINS, min_length=1)
    space: dict[str, tuple[Any, ...]] = Field(default={})
    strategy: Strategy = "grid"
    budget: BudgetConfig = BudgetConfig()
    slices: tuple[str, ...] = ()
    min_slice_size: int = Field(default=50, ge=1)
    exports: tuple[Export, ...] = ()
    recipes: RecipesConfig = RecipesConfig()
    seed: int = Field(default=1, ge=0, lt=2**31)
    #: How the source model was trained; the pipeline fills it in.
    training: TrainingConfig | None = None

    @field_validator("chains")
    @classmethod
    def _chains_make_sense(cls, chains: tuple[str, ...]) -> tuple[str, ...]:
        for chain in chains:
            check_chain(chain)
        return tuple(dict.fromkeys(chains))

    @model_validator(mode="after")
    def _space_is_of_the_recipes(self) -> Self:
        for setting, values in self.space.items():
            valid = list(tunable())
            if setting not in valid:
                raise InputError(
                    f"No recipe has the setting {setting!r}{nearest(setting, valid)}.",
                    setting=f"compressor.space.{setting}",
                    expected=", ".join(valid),
                )
            if not values:
                raise InputError("There is nothing to try.", setting=f"compressor.space.{setting}")
            for value in values:
                try:
                    self.recipes_with({setting: value})
                except ValueError as error:
                    raise InputError(
                        f"{value!r} is no value of the setting {setting}.",
                        setting=f"compressor.space.{setting}",
                        expected=str(getattr(error, "errors", list)()[0]["msg"])
                        if hasattr(error, "errors")
                        else str(error),
                        got=value,
                    ) from None
        if self.constraint.max_slice_drop is not None and not self.slices:
            raise InputError(
                "A drop on slices is bounded, but there are no slices.",
                setting="compressor.slices",
                expected="names of raw columns",
            )
        return self

    def recipes_with(self, values: dict[str, Any]) -> RecipesConfig:
        """Return the settings of the recipes with some of them replaced."""
        settings = self.recipes.model_dump()
        for setting, value in values.items():
            section, _, name = setting.partition(".")
            settings[section][name] = value
        return RecipesConfig.model_validate(settings)

    @property
    def own_functions(self) -> tuple[str, ...]:
        path = self.training.build_model if self.training else None
        return () if path is None else (path,)


def check_chain(chain: str) -> tuple[str, ...]:
    """Return the recipes of a chain.

    Raises
    ------
    InputError
        There is no such recipe, or their order makes no sense.
    """
    names = tuple(name.strip() for name in chain.split(JOIN))
    for name in names:
        if name not in STAGES:
            raise InputError(
                f"There is no recipe {name!r}{nearest(name, STAGES)}.",
                setting="compressor.chains",
                expected=", ".join(STAGES),
                got=chain,
            )
    for first, second in pairwise(names):
        if STAGES[first] >= STAGES[second]:
            raise InputError(
                f"{second} cannot come after {first}: {_why(first, second)}.",
                setting="compressor.chains",
                expected="whole units first, then single weights, clusters, quantization-aware "
                "training, and at most one conversion at the end",
                got=chain,
            )
    if "deep_compression" in names and "clustering" in names:
        raise InputError(
            "deep_compression clusters the weights itself.",
            setting="compressor.chains",
            got=chain,
            remedy="Leave clustering out of the chain.",
        )
    if "quantization_aware_training" in names and names[-1] != "int8":
        raise InputError(
            "A model trained for 8-bit arithmetic is converted to nothing else.",
            setting="compressor.chains",
            expected="int8 after quantization_aware_training",
            got=chain,
        )
    return names


def _why(first: str, second: str) -> str:
    if STAGES[first] == STAGES[second]:
        kind = {
            SPARSIFY: "both prune the same weights",
            CONVERT: "a file keeps its numbers in one way",
        }
        return kind.get(STAGES[first], "a recipe comes once")
    return "it would undo or waste what the first has done"


def tunable() -> Iterator[str]:
    """Return the settings of all recipes that can be searched, dotted."""
    for name, field in RecipesConfig.model_fields.items():
        annotation: Any = field.annotation
        yield from (f"{name}.{setting}" for setting in annotation.model_fields)
