"""What a model is made of: one set of hyperparameters, or several whose outputs are added."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from components import files
from components.models.hyperparameters import (
    HyperParameters,
    ModelHyperParameters,
    TreesHyperParameters,
    check_kind,
)
from components.settings import Settings

if TYPE_CHECKING:
    from components.models.transformed import Features

#: Its file in a HyperParameters artifact, and in a Model artifact's directory ``keras``.
SPECIFICATION_FILE = "model.json"


class Member(Settings):
    """One model of an ensemble.

    Attributes
    ----------
    weight : float
        Factor of its outputs in the sum.
    model : HyperParameters, TreesHyperParameters or ImageHyperParameters
    build_model : str or None
        Dotted path of an own function; see `components.models.own_model`.
    values : dict or None
        What a search found for the hyperparameters that the own function asks for; None if
        the function takes `model` instead.
    """

    weight: float = Field(default=1.0, gt=0)
    model: ModelHyperParameters = HyperParameters()
    build_model: str | None = None
    values: dict[str, Any] | None = None

    def check(self, features: Features) -> None:
        """Raise an `InputError` if the architecture does not take such features."""
        if self.build_model is None:
            check_kind(self.model.architecture, images=features.image is not None)

    def for_rounds(self, rounds: int) -> Member:
        """Return the same model, to be trained for exactly so many epochs or trees."""
        bound = "trees" if isinstance(self.model, TreesHyperParameters) else "epochs"
        model = self.model.model_copy(update={bound: rounds, "patience": rounds})
        return self.model_copy(update={"model": model})


class Specification(Settings):
    """The members of a model; mostly there is one.

    Attributes
    ----------
    members : tuple of Member
        Their weights sum to 1. Classifiers' outputs are logits, so that an ensemble's
        probabilities are the normalised geometric mean of its members'.
    refit : bool
        Whether they are trained on the rows of train and eval together: a search has found
        when to stop.
    """

    members: tuple[Member, ...] = Field(min_length=1)
    refit: bool = False

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Write the specification into `directory`."""
        files.write_json(Path(directory) / SPECIFICATION_FILE, self.model_dump(mode="json"))

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Specification:
        """Read the specification from `directory`."""
        return cls.model_validate_json((Path(directory) / SPECIFICATION_FILE).read_bytes())
