"""Settings of Compressor."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings


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
    clustering : ClusteringConfig
    """

    fine_tuning: FineTuningConfig = FineTuningConfig()
    pruning: PruningConfig = PruningConfig()
    structured_pruning: StructuredPruningConfig = StructuredPruningConfig()
    lottery_ticket: LotteryTicketConfig = LotteryTicketConfig()
    clustering: ClusteringConfig = ClusteringConfig()
