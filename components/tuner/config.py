"""Settings of Tuner: what is searched, how, for how long, and what is best."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from components.errors import InputError
from components.models.hyperparameters import (
    ImageArchitecture,
    NetworkArchitecture,
    TreesArchitecture,
)
from components.models.metric_names import METRIC_NAMES
from components.models.training_config import TrainingConfig
from components.naming import nearest
from components.settings import Settings
from components.tuner import domains

Strategy = Literal[
    "grid", "random", "bayesian", "hyperband", "evolution", "reinforcement", "local_search"
]
#: Objectives that are no metric of the Evaluator: what a model costs, the smaller the better.
COSTS = ("loss", "parameters", "latency_ms")
#: Trials of a search whose budget says nothing.
DEFAULT_TRIALS = 20


class BudgetConfig(Settings):
    """When the search ends: at the first limit that is met.

    Attributes
    ----------
    trials : int or None
        Trials, besides the one of the configured model.
    seconds : float or None
        Wall time of the search and of the training that the Trainer then repeats.
    epochs : int or None
        Epochs of all trials together.
    """

    trials: int | None = Field(default=None, ge=1, le=100_000)
    seconds: float | None = Field(default=None, gt=0)
    epochs: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if self.trials is self.seconds is self.epochs is None:
            raise ValueError("at least one of trials, seconds and epochs")
        return self


class ObjectiveConfig(Settings):
    """One thing to optimise.

    Attributes
    ----------
    metric : str
        A metric of the Evaluator that has a better end, or a cost: ``loss`` (on the eval
        split, without penalties), ``parameters`` or ``latency_ms`` (median of one row).
    weight : float
        Importance beside the other objectives.
    """

    metric: str
    weight: float = Field(default=1.0, gt=0)

    @field_validator("metric")
    @classmethod
    def _metric_exists(cls, metric: str) -> str:
        valid = [*COSTS, *(name for name, info in METRIC_NAMES.items() if info.better)]
        if metric not in valid:
            raise InputError(
                f"No model reports the objective {metric!r}{nearest(metric, valid)}.",
                setting="tuner.objective",
                expected=", ".join(valid),
                got=metric,
            )
        return metric


class TunerConfig(Settings):
    """How hyperparameters and architecture are searched.

    Attributes
    ----------
    strategy : str
        One of `components.strategies`.
    options : dict
        The strategy's own settings, such as ``population`` of ``evolution``.
    families : tuple of str
        Architectures among which the default space chooses; None means all networks
        that take the kind of data.
    space : dict or None
        Hyperparameter -> a list of values, ``{min, max, step, scale}`` with the scale
        ``linear`` or ``log``, or one value. These alone are searched, and all others stay as
        the Trainer has them. None takes the default space.
    build_model : str or None
        Dotted path of an own function ``build_model(hp)`` or ``build_model(hp, features)``
        that asks KerasTuner's `HyperParameters` for its values and returns an uncompiled
        tf_keras model: they are the space. If it asks for `learning_rate`, `optimizer`,
        `batch_size` and their like, these also decide the training.
    budget : BudgetConfig
        By default 20 trials.
    stopping : {"none", "median", "halving"}
        Which trials end early for want of hope; see `components.tuner.stopping`.
    parallel : int or None
        Trials at the same time, each in its own process; None means one for each core. More than
        one makes the search depend on which ends first.
    objective : tuple of ObjectiveConfig
        Measured on the eval split. With several, the Pareto front is kept, and the score
        is the weighted sum of gains over the configured model. Empty takes one for the
        task: AUC, SparseCategoricalCrossentropy or RootMeanSquaredError.
    ensemble : int
        Most models that the result may consist of: with more than one, the best combination
        of the trials' models.
    refit : bool
        Whether the Trainer trains the result on the rows of train and eval together, for the
        epochs or trees that were best.
    warm_start : bool
        Whether the search learns from the trials of the last search with other settings or data.
    seed : int
        Of the strategy.
    """

    USES: ClassVar[tuple[str, ...]] = ("models", "strategies")
    LIBRARIES: ClassVar[tuple[str, ...]] = ("tf-keras", "keras-tuner", "scikit-learn")

    strategy: Strategy = "bayesian"
    options: dict[str, int | float] = Field(default={})
    families: tuple[NetworkArchitecture | TreesArchitecture | ImageArchitecture, ...] | None = (
        Field(default=None, min_length=1)
    )
    space: dict[str, domains.Domain] | None = Field(default=None, min_length=1)
    build_model: str | None = None
    budget: BudgetConfig = BudgetConfig(trials=DEFAULT_TRIALS)
    stopping: Literal["none", "median", "halving"] = "median"
    parallel: int | None = Field(default=1, ge=1, le=256)
    objective: tuple[ObjectiveConfig, ...] = ()
    ensemble: int = Field(default=1, ge=1, le=100)
    refit: bool = False
    warm_start: bool = False
    seed: int = Field(default=1, ge=0, lt=2**31)
    #: What the Trainer is told; the pipeline fills it in.
    training: TrainingConfig | None = None

    @field_validator("objective", mode="before")
    @classmethod
    def _single_objective(cls, objective: Any) -> Any:
        if isinstance(objective, str | dict):
            objective = [objective]
        if not isinstance(objective, list | tuple):
            return objective
        return [{"metric": item} if isinstance(item, str) else item for item in objective]

    @field_validator("objective")
    @classmethod
    def _distinct_objectives(
        cls, objective: tuple[ObjectiveConfig, ...]
    ) -> tuple[ObjectiveConfig, ...]:
        if len({item.metric for item in objective}) < len(objective):
            raise ValueError("each metric once")
        return objective

    @field_validator("space", mode="before")
    @classmethod
    def _read_space(cls, space: Any) -> Any:
        return (
            {name: domains.read(name, value) for name, value in space.items()}
            if isinstance(space, dict)
            else space
        )

    @model_validator(mode="after")
    def _agree(self) -> Self:
        given = [name for name in ("families", "space", "build_model") if getattr(self, name)]
        if len(given) > 1:
            raise ValueError(f"only one of families, space and build_model, and not {given}")
        if self.build_model is not None and self.ensemble > 1:
            raise ValueError("an ensemble is made of the architectures here: not of build_model's")
        return self

    @property
    def own_functions(self) -> tuple[str, ...]:
        paths = [self.build_model, self.training.build_model if self.training else None]
        return tuple(path for path in paths if path is not None)
