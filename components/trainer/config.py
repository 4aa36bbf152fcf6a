"""Settings of Trainer."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from components.models.training_config import TrainingConfig


class TrainerConfig(TrainingConfig):
    """How the model is built and trained: see `TrainingConfig`.

    Where the Tuner runs, what it found takes the place of `model`.

    Attributes
    ----------
    checkpoint_seconds : float
        Least time between two checkpoints, from which a killed run resumes.
    """

    USES: ClassVar[tuple[str, ...]] = ("models",)
    LIBRARIES: ClassVar[tuple[str, ...]] = ("tf-keras", "tensorflow-transform", "scikit-learn")

    checkpoint_seconds: float = Field(default=5.0, ge=0)

    @property
    def own_functions(self) -> tuple[str, ...]:
        return () if self.build_model is None else (self.build_model,)
