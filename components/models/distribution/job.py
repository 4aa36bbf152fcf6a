"""What a training in other processes needs, as files that they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from components.models.distribution.config import Distribution
from components.models.specification import Member
from components.models.training_config import TrainingConfig
from components.models.transformed import Features
from components.settings import Settings

#: Splits that are there, each an array a file.
TRAIN, EVAL = "train", "eval"
#: The weights of the trained model, in its order.
WEIGHTS = "weights.npz"


class Job(Settings):
    """One training.

    Attributes
    ----------
    directory : str
        Where the arrays are, and the weights will be.
    distribution : Distribution
    member : Member
    training : TrainingConfig
    features : Features
    checkpoints : str
        Directory of the checkpoint.
    checkpoint_seconds : float
        Least time between two checkpoints.
    logs : str or None
        Directory of the TensorBoard logs.
    heartbeat : float
        Seconds between two signs of life.
    alone : bool
        Whether no other process of the training writes into these directories.
    """

    directory: str
    distribution: Distribution
    member: Member
    training: TrainingConfig
    features: Features
    checkpoints: str
    checkpoint_seconds: float = Field(ge=0)
    logs: str | None = None
    heartbeat: float = Field(gt=0)
    alone: bool = False


def write_arrays(directory: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write one split."""
    directory.mkdir(parents=True)
    for name, values in arrays.items():
        np.save(directory / f"{name}.npy", values, allow_pickle=False)


def read_arrays(directory: Path) -> dict[str, np.ndarray]:
    """Read one split."""
    return {
        path.stem: np.load(path, allow_pickle=False) for path in sorted(directory.glob("*.npy"))
    }


def write_weights(directory: Path, weights: Sequence[np.ndarray]) -> None:
    """Write a model's weights."""
    np.savez(directory / WEIGHTS, **{str(number): each for number, each in enumerate(weights)})


def read_weights(directory: Path) -> list[Any]:
    """Read a model's weights."""
    with np.load(directory / WEIGHTS, allow_pickle=False) as found:
        return [found[str(number)] for number in range(len(found.files))]
