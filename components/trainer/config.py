"""Settings of Trainer."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from components.models.distribution.config import Distribution, OneDevice, check
from components.models.training_config import TrainingConfig


class TrainerConfig(TrainingConfig):
    """How the model is built and trained: see `TrainingConfig`.

    Where the Tuner runs, what it found takes the place of `model`.

    Attributes
    ----------
    checkpoint_seconds : float
        Least time between two checkpoints, from which a killed run resumes.
    distribution : Distribution
        On which devices, or by which processes, networks are trained; see
        `components.models.distribution.config`. The Tuner's trials are always trained on one
        device: the Trainer repeats the best of them to the last bit only with ``one_device``.
    """

    USES: ClassVar[tuple[str, ...]] = ("models",)
    LIBRARIES: ClassVar[tuple[str, ...]] = ("tf-keras", "tensorflow-transform", "scikit-learn")

    checkpoint_seconds: float = Field(default=5.0, ge=0)
    distribution: Distribution = OneDevice()

    def check(self) -> None:
        """Raise an `InputError` for what can be known to fail before anything runs."""
        check(self.distribution, self.model)

    @property
    def own_functions(self) -> tuple[str, ...]:
        return () if self.build_model is None else (self.build_model,)
