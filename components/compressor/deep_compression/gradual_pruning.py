"""Weights become zero one after the other, those first that matter least.

References
----------
.. [1] M. Zhu, S. Gupta, "To prune, or not to prune: exploring the efficacy of pruning for model
   compression", 2017: the schedule.
.. [2] L. Theis et al., "Faster gaze prediction with dense networks and Fisher pruning", 2018: the
   squares of the gradients as a measure of what a weight matters.
"""

from __future__ import annotations

import numpy as np
import tf_keras

from components.compressor.deep_compression import layout
from components.compressor.deep_compression.descent import Descent, Lessons

#: How often weights are chosen, and when the last are.
_ROUNDS, _RAMP = 60, 0.65
#: Observations that the share in a whole kernel counts for in each row and unit.
_PRIOR = 2.0
#: Bits of a value that is not zero, besides those of its place.
_VALUE_BITS = 3.0


def matters(values: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Return what the loss is worth that a weight saves, up to a factor; shape as `values`.

    Notes
    -----
    To second order, a weight w saves ``w^2 F / 2``, where its Fisher information F is the mean
    square of its gradient.
    """
    return values**2 * squares


def place_bits(mask: np.ndarray) -> np.ndarray:
    """Return about how many bits tell that a weight is not zero, ``[h, w, channels, units]``.

    In a row and a unit with many such weights they are few; see `sparse_index`.
    """
    whole = mask.mean() + 1e-9
    rows = (mask.sum(axis=3, keepdims=True) + _PRIOR * whole) / (mask.shape[3] + _PRIOR)
    units = (mask.sum(axis=(0, 1, 2), keepdims=True) + _PRIOR * whole) / (
        mask[..., 0].size + _PRIOR
    )
    odds = rows / (1.0 - rows + 1e-9) * units / (1.0 - units + 1e-9)
    odds *= (1.0 - whole + 1e-9) / whole
    return np.log2(1.0 + 1.0 / np.maximum(odds, 1e-9))


def prune(model: tf_keras.Model, lessons: Lessons, sparsity: float, epochs: int) -> None:
    """Train a model in place until so many of its kernels' weights are zero.

    Parameters
    ----------
    model : tf_keras.Model
        What is zero in its kernels stays so.
    lessons : Lessons
    sparsity : float
        Share of the kernels' weights, in (0, 1).
    epochs : int
    """
    descent = Descent(model, lessons, epochs)
    by_variable = {id(slot.variable): slot for slot in layout.slots(model)}
    slots = [by_variable[id(weight)] for weight in descent.weights]
    kernels = [index for index, slot in enumerate(slots) if slot.is_kernel]
    for index in kernels:
        descent.alive[index].assign(descent.weights[index].numpy() != 0)
    total = sum(descent.alive[index].numpy().size for index in kernels)
    first = sum(descent.alive[index].numpy().sum() for index in kernels) / total
    last = min(1.0 - sparsity, first)
    steps = max(1, int(descent.steps * _RAMP) // _ROUNDS)
    while descent.progress < _RAMP:
        descent.run(steps)
        left = max(0.0, 1.0 - descent.progress / _RAMP)
        _choose(descent, slots, kernels, round((last + (first - last) * left**3) * total))
    descent.run(descent.steps)


def _choose(descent: Descent, slots: list[layout.Slot], kernels: list[int], count: int) -> None:
    """Leave the `count` weights of all kernels that are most worth their bits."""
    worth = []
    for index in kernels:
        shape = slots[index].shape
        values, squares = descent.own[index].numpy(), descent.squares[index].numpy()
        alive = descent.alive[index].numpy()
        bits = place_bits(alive.reshape(shape) > 0).reshape(values.shape) + _VALUE_BITS
        worth.append(matters(values, squares) * alive / bits)
    flat = np.concatenate([part.reshape(-1) for part in worth])
    least = np.partition(flat, -count)[-count] if count else np.inf
    for index, part in zip(kernels, worth, strict=True):
        descent.alive[index].assign((part >= least) & (part > 0))
