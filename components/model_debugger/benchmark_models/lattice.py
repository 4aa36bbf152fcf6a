"""A lattice network, monotonic in the columns that the config declares."""

from __future__ import annotations

from components.model_debugger.benchmark_models.config import BenchmarkModelsConfig
from components.model_debugger.benchmark_models.problem import Fitted, Problem, Skipped, Stopper
from components.models import lattice
from components.models.lattice import DECREASING, INCREASING

#: What counts as against the declaration, in logits, or in deviations of the label: more than
#: single precision makes of equal numbers.
TOLERANCE = 1e-4


def directions(config: BenchmarkModelsConfig) -> dict[str, int]:
    """Return the declared directions as numbers."""
    return {
        name: INCREASING if direction == "increasing" else DECREASING
        for name, direction in config.monotonic.items()
    }


def fit(problem: Problem) -> Fitted | Skipped:
    """Return a trained lattice network whose monotonicity has been looked at."""
    if problem.features.image is not None:
        return Skipped("It calibrates each column by itself, which says nothing of pixels.")
    problem = problem.sample(problem.config.max_rows)
    declared = directions(problem.config)
    stopper = Stopper(problem.out_of_time)
    model = lattice.fit(
        problem.features,
        problem.train,
        problem.validation,
        declared,
        problem.seed,
        on_epoch=stopper,
    )
    layer = model.get_layer("lattices")
    learned = [f"{layer.num_lattices} lattices, each of {layer.lattice_rank} columns."]
    if declared:
        against = lattice.largest_violation(
            model, problem.features, problem.validation, declared, problem.seed
        )
        scale = max(1.0, problem.labels.std()) if problem.features.regression else 1.0
        if against > TOLERANCE * scale:
            return Skipped(f"It goes {against:.3g} against monotonic.")
        words = {INCREASING: "rises", DECREASING: "falls"}
        learned += [
            f"It never {'falls' if direction == INCREASING else 'rises'} with {name}, "
            f"as declared: it {words[direction]} or stays."
            for name, direction in declared.items()
        ]
    return Fitted(model, tuple(learned), len(problem), stopper.notes)
