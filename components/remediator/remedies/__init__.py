"""The remedies: each a function from a model that fails a check to candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from components.remediator.candidate import Candidate
from components.remediator.problem import Problem
from components.remediator.remedies import (
    adversarial_training,
    augmentation,
    group_thresholds,
    min_diff,
    monotonic,
    recalibration,
    resampling,
    reweighting,
)


@dataclass(frozen=True)
class Remedy:
    """What is tried against a failed check.

    Attributes
    ----------
    title : str
        For people.
    candidates : callable
        Problem, check and settings to an iterator of `Candidate`, one for each strength. It
        raises InputError for what it cannot be applied to.
    """

    title: str
    candidates: Callable[[Problem, Any, Any], Iterator[Candidate]]


#: By name; see `components.remediator.config.APT` for the checks that each is for.
REMEDIES: dict[str, Remedy] = {
    "group_thresholds": Remedy("Thresholds by group", group_thresholds.candidates),
    "min_diff": Remedy("MinDiff", min_diff.candidates),
    "reweighting": Remedy("Reweighting", reweighting.candidates),
    "resampling": Remedy("Resampling", resampling.candidates),
    "augmentation": Remedy("Augmentation", augmentation.candidates),
    "adversarial_training": Remedy("Adversarial training", adversarial_training.candidates),
    "monotonic": Remedy("Monotonic network", monotonic.candidates),
    "recalibration": Remedy("Recalibration", recalibration.candidates),
}
