"""Magnitude pruning: the smallest weights of each kernel become zeros while training goes on.

The share of zeros grows as ``s (1 - (1 - t / T)^3)`` over the first three quarters of the
training, fast at first, and the last quarter heals; or it is there from the first step
[Zhu & Gupta 2017, "To prune, or not to prune"]. The learning rate stays as it begins: what
is pruned when it has fallen leaves a damage that does not heal, as the authors observe.

Kernels of dense layers and convolutions and tables of embeddings are pruned, each to the same
share; see `components.compressor.kernels` for those that stay whole.
"""

from __future__ import annotations

from dataclasses import replace

from tensorflow_model_optimization.python.core.sparsity.keras import pruning_schedule

from components.compressor import fine_tuning, kernels, pruning
from components.compressor.recipes.base import SPARSIFY, Draft, Recipe, Work
from components.errors import ModelworksError

NAME = "pruning"
#: Share of the training over which the polynomial schedule prunes.
PRUNING_PART = 0.75
#: Times that the masks are chosen anew, if there are as many steps.
UPDATES = 100


def schedule(kind: str, sparsity: float, steps: int) -> pruning_schedule.PruningSchedule:
    """Return the share of zeros at each of `steps` steps, the first of which is step 1.

    Parameters
    ----------
    kind : {"polynomial_decay", "constant"}
    sparsity : float
        Share at the end.
    steps : int
    """
    if kind == "constant":
        return pruning_schedule.ConstantSparsity(
            sparsity, begin_step=1, frequency=max(1, steps // UPDATES)
        )
    pruning_steps = max(1, int(PRUNING_PART * steps))
    frequency = max(1, pruning_steps // UPDATES)
    # The share is reached at a step at which masks are chosen, or never.
    end = pruning_steps - pruning_steps % frequency
    return pruning_schedule.PolynomialDecay(
        0.0, sparsity, begin_step=0, end_step=end, frequency=frequency
    )


def apply(draft: Draft, work: Work) -> Draft:
    """Prune and train on."""
    config = work.config.pruning
    layers = kernels.prunable(draft.model, NAME)
    steady = replace(work, hp=work.hp.model_copy(update={"schedule": "constant"}))
    model = pruning.pruned(
        draft.model,
        steady,
        layers,
        pruning_schedule=schedule(config.schedule, config.sparsity, fine_tuning.steps(work)),
    )
    for name in layers:
        layer = model.get_layer(name)
        size = kernels.kernel(layer).shape.num_elements()
        # What remains is a whole number of weights, and at least one.
        wanted = 1 - max(1, round(size * (1 - config.sparsity))) / size
        # Of two weights of the same size at the threshold, both remain.
        if kernels.zeros(layer) < wanted - 1.5 / size:
            raise ModelworksError(
                f"The layer {name!r} was pruned to {kernels.zeros(layer):.1%} zeros, "
                f"not to {wanted:.1%}."
            )
    return draft.after(NAME, model)


RECIPE = Recipe(SPARSIFY, apply, "Magnitude pruning")
