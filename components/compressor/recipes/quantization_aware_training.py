"""Quantization-aware training: the model is trained on as the 8-bit one that it becomes.

Weights and activations are rounded in the forward pass, and the gradient goes through as if they
were not [Jacob et al. 2018, section 3]. What earlier recipes have made of the kernels is
kept, and decides the form:

====== ==========================================
PQAT   zeros stay zeros
CQAT   equal weights of a kernel stay equal
PCQAT  both
====== ==========================================

Batch normalizations are folded first, so that what is rounded is what is computed with. The best
epoch on the validation rows is kept, the state before the training being one of them.
"""

from __future__ import annotations

import numpy as np

from components.compressor import conversion, fake_quantization, fine_tuning, folding
from components.compressor.best_epoch import BestEpoch
from components.compressor.patterns import Pattern
from components.compressor.recipes.base import QUANTIZE_AWARE, Draft, Recipe, Work, unsupported
from components.errors import ModelworksError

NAME = "quantization_aware_training"


def apply(draft: Draft, work: Work) -> Draft:
    """Put nodes of simulated integers into the model, and train on."""
    model = folding.fold(draft.model)
    clusters = work.config.clustering.clusters
    patterns = {
        layer.name: Pattern.of(
            getattr(layer, fake_quantization.KERNELS[type(layer)]).numpy(), clusters
        )
        for layer in model.layers
        if type(layer) in fake_quantization.KERNELS
    }
    if not patterns:
        raise unsupported(model.layers[-1], NAME)
    print(f"{NAME}: {form(patterns)}")
    sample = conversion.representative(model, work, NAME)
    trained = fake_quantization.add(model, patterns, sample)
    fine_tuning.fit(trained, work, [BestEpoch(work)], each_step=False)
    fake_quantization.fit_kernels(trained)
    for name, kernel in fake_quantization.kernels(trained).items():
        _check(name, kernel, patterns[name])
    return draft.after(NAME, trained, "int8")


def form(patterns: dict[str, Pattern | None]) -> str:
    """Return what the training is called that keeps the patterns of some kernels."""
    found = [pattern for pattern in patterns.values() if pattern is not None]
    pruned = "P" if any(pattern.sparse for pattern in found) else ""
    clustered = "C" if any(pattern.clusters for pattern in found) else ""
    return f"{pruned}{clustered}QAT"


def _check(name: str, kernel: np.ndarray, pattern: Pattern | None) -> None:
    if pattern is None:
        return
    zeros = kernel[pattern.members == 0]
    values = len(np.unique(kernel[kernel != 0]))
    if zeros.any() or (pattern.clusters and values > pattern.clusters):
        raise ModelworksError(
            f"The layer {name!r} has lost what was kept of it: {np.count_nonzero(zeros)} zeros, "
            f"and {values} values of {pattern.clusters}."
        )


RECIPE = Recipe(QUANTIZE_AWARE, apply, "Quantization-aware training")
