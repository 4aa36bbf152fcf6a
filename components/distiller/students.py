"""Students: the one that is configured, or candidates that a budget allows.

A candidate is of the teacher's family where that is a network, with the teacher's
optimisation, and else of the family that the Trainer is configured with, or of its kind
of data's default. It has no dropout and no penalty: a student that is too small for
its task does not overfit.

Candidates differ in their shape. Each is the largest of a ladder: the widths of all layers, and
of the embedding, times 2^(-i/4) for i = 0, 1, ... On tables the shapes are the teacher's
architecture and a plain perceptron, each with all its layers and with the first alone; on
images, whose LeNets have fixed widths, stacks of the teacher's cells and of depthwise ones. If
not even the lowest rung is within the budget, the categories are capped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
import tf_keras

from components.distiller.config import BudgetConfig, DistillerConfig
from components.errors import InputError
from components.models import fitting, measuring
from components.models.hyperparameters import (
    HyperParameters,
    ImageArchitecture,
    ImageHyperParameters,
    TreesHyperParameters,
)
from components.models.specification import Member, Specification
from components.models.transformed import LABEL, Features

Hyper = HyperParameters | ImageHyperParameters
Arrays = dict[str, np.ndarray]

DEFAULT_BUDGET = BudgetConfig(parameters=0.1)
#: Rungs of the ladder, and of how many the width halves.
RUNGS, RUNGS_TO_HALVE = 44, 4
#: Categories of a column that a student tells apart, where all of them are too many.
CAPS = (None, 64, 16, 4)


@dataclass(frozen=True)
class Size:
    """What a model costs.

    Attributes
    ----------
    parameters, bytes : int
    latency_ms : float or None
        None where nobody asked.
    """

    parameters: int
    bytes: int
    latency_ms: float | None = None


def build(features: Features, hp: Hyper, labels: np.ndarray, seed: int) -> tf_keras.Model:
    """Return an untrained student; equal arguments give equal weights."""
    tf_keras.utils.set_random_seed(seed)
    return fitting.build(Member(model=hp), features, labels)


def template(specification: Specification | None, config: DistillerConfig, images: bool) -> Hyper:
    """Return the hyperparameters that candidates are made from.

    Parameters
    ----------
    specification : Specification or None
        Of the teacher.
    config : DistillerConfig
    images : bool
        Whether the features are images.
    """
    assert config.training is not None
    members = sorted(specification.members, key=lambda m: -m.weight) if specification else []
    tried = [member.model for member in members if member.build_model is None]
    for model in [*tried, config.training.model]:
        if not isinstance(model, TreesHyperParameters) and images == (
            model.architecture in get_args(ImageArchitecture)
        ):
            return model.model_copy(
                update={"dropout": 0.0, "l2": 0.0, "epochs": None, "patience": None}
            )
    return ImageHyperParameters() if images else HyperParameters()


def shapes(base: Hyper) -> list[Hyper]:
    """Return the shapes of candidates, as large as the template."""
    found: list[Hyper] = []
    if isinstance(base, ImageHyperParameters):
        cells = dict.fromkeys((base.cell, "depthwise"))
        found = [base.model_copy(update={"architecture": "cnn", "cell": cell}) for cell in cells]
    elif base.architecture == "linear":
        found = [base]
    else:
        for architecture in dict.fromkeys((base.architecture, "mlp")):
            for units in dict.fromkeys((base.hidden_units, base.hidden_units[:1])):
                update = {"architecture": architecture, "hidden_units": units}
                found.append(base.model_copy(update=update))
    return found


def rung(shape: Hyper, number: int, cap: int | None = None) -> Hyper:
    """Return a shape on a rung of its ladder; 0 is the widest."""
    factor = 2 ** (-number / RUNGS_TO_HALVE)
    if isinstance(shape, ImageHyperParameters):
        return shape.model_copy(update={"filters": max(round(shape.filters * factor), 1)})
    capped = shape.max_categories if cap is None else min(cap, shape.max_categories or cap)
    return shape.model_copy(
        update={
            "hidden_units": tuple(max(round(units * factor), 1) for units in shape.hidden_units),
            "embedding_dim": max(round(shape.embedding_dim * factor), 1),
            "max_categories": capped,
        }
    )


def largest(shape: Hyper, fits: Callable[[Hyper], bool], cap: int | None) -> Hyper | None:
    """Return the widest rung that fits, or None if not even the lowest does."""
    low, high = -1, RUNGS  # no rung from `high` on is known to fail to fit
    if not fits(rung(shape, RUNGS, cap)):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if fits(rung(shape, middle, cap)):
            high = middle
        else:
            low = middle
    return rung(shape, high, cap)


def candidates(
    base: Hyper, features: Features, train: Arrays, budget: BudgetConfig, teacher: Size
) -> list[Hyper]:
    """Return the students that a budget allows, one of each shape.

    Parameters
    ----------
    base : HyperParameters or ImageHyperParameters
        See `template`.
    features : Features
    train : dict of array
        With a row for the latency, and the label.
    budget : BudgetConfig
    teacher : Size
        Of which the budget may be a share.

    Raises
    ------
    InputError
        No candidate is within the budget.
    """
    least: list[Size] = []

    def fits(hp: Hyper) -> bool:
        size = size_of(hp, features, train, with_latency=budget.latency_ms is not None)
        least.append(size)
        return within(size, budget, teacher)

    for cap in CAPS:
        found = list(dict.fromkeys(_fitting(base, fits, cap)))
        if found:
            return found
        if not features.categorical:
            break
    smallest = min(least, key=lambda size: size.parameters)
    raise InputError(
        "No student is within the budget.",
        setting="distiller.budget",
        expected=_needed(smallest),
        got=", ".join(
            f"{name} {value:g}" for name, value in budget.model_dump().items() if value is not None
        ),
        remedy="Allow more, or name a student in distiller.student.",
    )


def _fitting(base: Hyper, fits: Callable[[Hyper], bool], cap: int | None) -> Iterator[Hyper]:
    for shape in shapes(base):
        found = largest(shape, fits, cap)
        if found is not None:
            yield found


def _needed(size: Size) -> str:
    text = f"at least {size.parameters:,} parameters, {size.bytes:,} bytes"
    return text if size.latency_ms is None else f"{text}, {size.latency_ms:.3g} ms"


def size_of(hp: Hyper, features: Features, train: Arrays, *, with_latency: bool) -> Size:
    """Return what a student of these hyperparameters costs."""
    return measured(build(features, hp, train[LABEL], 0), train if with_latency else None)


def measured(model: tf_keras.Model, arrays: Arrays | None) -> Size:
    """Return what a model costs, with the latency if there is a row in `arrays`."""
    return Size(
        int(model.count_params()),
        measuring.size_bytes(model),
        None if arrays is None else measuring.model_latency_ms(model, arrays),
    )


def within(size: Size, budget: BudgetConfig, teacher: Size) -> bool:
    """Tell whether a size is within the budget."""
    parameters = budget.parameters
    if parameters is not None:
        limit = parameters * teacher.parameters if parameters < 1 else parameters
        if size.parameters > limit:
            return False
    if budget.bytes is not None and size.bytes > budget.bytes:
        return False
    return budget.latency_ms is None or (size.latency_ms or 0.0) <= budget.latency_ms
