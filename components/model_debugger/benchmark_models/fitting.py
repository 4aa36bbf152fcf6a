"""The benchmark models by their names, and the way to any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from components.errors import InputError
from components.model_debugger.benchmark_models import (
    boosted_trees,
    decision_tree,
    lattice,
    linear,
    majority,
    nearest_neighbours,
    rulefit,
)
from components.model_debugger.benchmark_models.config import NAMES, BenchmarkModelsConfig
from components.model_debugger.benchmark_models.problem import Arrays, Fitted, Problem, Skipped
from components.models.lattice import monotonic_columns
from components.models.transformed import Features
from components.naming import nearest

BENCHMARK_MODELS: dict[str, Callable[[Problem], Fitted | Skipped]] = {
    "majority": majority.fit,
    "linear": linear.fit,
    "decision_tree": decision_tree.fit,
    "nearest_neighbours": nearest_neighbours.fit,
    "boosted_trees": boosted_trees.fit,
    "lattice": lattice.fit,
    "rulefit": rulefit.fit,
}


def problem_of(
    train: Arrays,
    validation: Arrays,
    features: Features,
    config: BenchmarkModelsConfig,
    seed: int,
    out_of_time: Callable[[], bool] = lambda: False,
    vocabularies: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Problem:
    """Return what the models are to learn.

    Parameters
    ----------
    train, validation : mapping
        Arrays as `components.models.transformed.load_arrays` returns them.
    features : Features
    config : BenchmarkModelsConfig
    seed : int
    out_of_time : callable, optional
        Asked between two rounds of training whether it is to end there.
    vocabularies : mapping, optional
        Values of categorical columns; see `components.models.vocabularies`.

    Raises
    ------
    InputError
        There is no row or no feature, or `config.monotonic` names what is no numeric feature,
        or says something of a multiclass task.
    """
    if not features.shapes:
        raise InputError("The transformed data has no features.", remedy="See transform.")
    problem = Problem.of(features, train, validation, config, seed, out_of_time, vocabularies)
    for name, arrays in (("train", train), ("eval", validation)):
        if not len(arrays["label"]):
            raise InputError(
                f"The split {name} has no row for the benchmark models.",
                setting="data.split",
                expected="at least one row",
                got="none",
            )
    try:
        monotonic_columns(features, lattice.directions(config))
    except InputError as error:
        error.details["setting"] = "debugger.benchmark_models.monotonic"
        raise
    return problem


def fit(name: str, problem: Problem) -> Fitted | Skipped:
    """Train one benchmark model.

    Parameters
    ----------
    name : str
        Of `BENCHMARK_MODELS`.
    problem : Problem
        See `problem_of`.

    Returns
    -------
    Fitted or Skipped
        Its model takes and returns what those of `components.models.architectures` or, for
        images, of `components.models.image_architectures` do. Equal seeds give equal models, if
        the time was enough.

    Raises
    ------
    InputError
        There is no model of that name.
    """
    if name not in BENCHMARK_MODELS:
        raise InputError(
            f"There is no benchmark model {name!r}{nearest(name, NAMES)}.",
            expected="one of " + ", ".join(NAMES),
            got=name,
        )
    if name != "majority" and not problem.features.regression:
        counts = np.bincount(problem.labels, minlength=len(problem.features.classes))
        for class_, rows in zip(problem.features.classes, counts, strict=True):
            if not rows:
                return Skipped(f"The train split has no row of class {class_!r}.")
    return BENCHMARK_MODELS[name](problem)
