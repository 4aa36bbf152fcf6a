"""The weights of a tensor come to share few values, by what they matter and what bits cost.

A codebook is begun by entropy-constrained quantization: each weight takes the value that
makes the least of its squared error, times what the weight's errors matter, and the price of
its bits; each value is the mean of those that took it. Values that few weights take cost
more bits, and lose the others; zero, which needs no place, is one of the values. Then part after
part of the weights is bound to the values, the largest first, and the others make up for it.

References
----------
.. [1] S. Han, H. Mao, W. Dally, "Deep Compression", ICLR 2016: trained shared values.
.. [2] Y. Choi, M. El-Khamy, J. Lee, "Towards the limit of network quantization", ICLR 2017:
   entropy-constrained, Hessian-weighted quantization.
.. [3] A. Zhou et al., "Incremental network quantization", ICLR 2017: part after part.
"""

from __future__ import annotations

import numpy as np
import tf_keras

from components.compressor.deep_compression import layout
from components.compressor.deep_compression.descent import Descent, Lessons
from components.compressor.deep_compression.gradual_pruning import matters, place_bits
from components.compressor.deep_compression.short_floats import round_mantissas

#: Share of the weights that are bound, and of the steps at which they are.
_PARTS = ((0.15, 0.5), (0.35, 0.75), (0.5, 0.9), (0.6, 1.0))
#: Added to mean squares of gradients, so that means of values are defined.
_LEAST = 1e-30
#: Rounds of assignment and mean in which a codebook is begun.
_ROUNDS = 20
#: Of the shared values in the end; the rest of their mantissas is zero.
_MANTISSA_BITS = 6
#: Names of weights that are not kernels and share values, too.
_BIASES = ("bias",)


def share(
    model: tf_keras.Model, lessons: Lessons, *, clusters: int, price: float, epochs: int
) -> None:
    """Train a model in place until the weights of each kernel and bias share few values.

    Parameters
    ----------
    model : tf_keras.Model
        What is zero in its kernels stays so.
    lessons : Lessons
    clusters : int
        Values of each tensor at most, but for zero.
    price : float
        Of a bit, as a share of what the mean weight matters that is not zero.
    epochs : int
    """
    descent = Descent(model, lessons, epochs, clusters)
    by_variable = {id(slot.variable): slot for slot in layout.slots(model)}
    slots = [by_variable[id(weight)] for weight in descent.weights]
    kernels = [index for index, slot in enumerate(slots) if slot.is_kernel]
    chosen = kernels + [
        index for index, slot in enumerate(slots) if layout.short_name(slot.variable) in _BIASES
    ]
    for index in kernels:
        descent.alive[index].assign(descent.weights[index].numpy() != 0)
    begun = False
    for when, part in _PARTS:
        descent.run(round((when - descent.progress) * descent.steps))
        bit = price * _mean_worth(descent, kernels)
        for index in chosen:
            if not begun:
                _begin(descent, index, slots[index], clusters, bit)
            _bind(descent, index, slots[index], part, bit)
        begun = True
    descent.run(descent.steps)
    for index in chosen:
        descent.books[index].assign(round_mantissas(descent.books[index].numpy(), _MANTISSA_BITS))
    descent.run(0)


def _alive(descent: Descent, index: int) -> np.ndarray:
    return descent.alive[index].numpy() > 0


def _mean_worth(descent: Descent, kernels: list[int]) -> float:
    """Return what the mean weight matters that is not zero."""
    worth = np.concatenate(
        [
            matters(descent.own[index].numpy(), descent.squares[index].numpy())[
                _alive(descent, index)
            ]
            for index in kernels
        ]
    )
    return float(worth.mean()) if len(worth) else 0.0


def _bits(descent: Descent, index: int, slot: layout.Slot) -> np.ndarray:
    """Return the bits of the place of each weight that is not zero."""
    alive = _alive(descent, index)
    return place_bits(alive.reshape(slot.shape)).reshape(alive.shape)


def _begin(descent: Descent, index: int, slot: layout.Slot, clusters: int, bit: float) -> None:
    """Choose the values that a tensor shares."""
    alive = _alive(descent, index)
    values = descent.own[index].numpy()[alive]
    if not len(values):
        return
    weights = descent.squares[index].numpy()[alive] + _LEAST
    place = _bits(descent, index, slot)[alive]
    # Quantiles and even steps, half each: dense where weights are, and up to the largest.
    half = clusters // 2
    book = np.concatenate(
        [
            np.quantile(values, (np.arange(half) + 0.5) / half),
            np.linspace(values.min(), values.max(), clusters - half),
        ]
    )
    bits = np.full(clusters, np.log2(clusters))
    for _ in range(_ROUNDS):
        choice = _choice(values, weights, place, book, bits, bit)
        kept = choice >= 0
        mass = np.bincount(choice[kept], weights[kept], clusters)
        sums = np.bincount(choice[kept], (weights * values)[kept], clusters)
        book = np.where(mass > 0, sums / np.maximum(mass, 1e-300), book)
        bits = _code_lengths(choice, clusters)
    descent.books[index].assign(book)


def _code_lengths(choice: np.ndarray, clusters: int) -> np.ndarray:
    """Return the bits of each value, by how many weights have it; infinite for none."""
    counts = np.bincount(choice[choice >= 0], minlength=clusters)
    with np.errstate(divide="ignore"):
        return -np.log2(counts / max(counts.sum(), 1))


def _choice(
    values: np.ndarray,
    weights: np.ndarray,
    place: np.ndarray,
    book: np.ndarray,
    bits: np.ndarray,
    bit: float,
) -> np.ndarray:
    """Return the value that each weight takes, or -1 for zero."""
    costs = weights[:, None] * (values[:, None] - book) ** 2 + np.where(
        np.isinf(bits), np.inf, bit * (place[:, None] + np.where(np.isinf(bits), 0.0, bits))
    )
    choice = costs.argmin(axis=1)
    least = costs[np.arange(len(values)), choice]
    return np.where(weights * values**2 <= least, -1, choice)


def _bind(descent: Descent, index: int, slot: layout.Slot, part: float, bit: float) -> None:
    """Bind the largest weights of a tensor to shared values, so that a part of all is bound."""
    alive, shared = _alive(descent, index), descent.shared[index].numpy() > 0
    cluster = descent.cluster[index].numpy()
    free = np.flatnonzero(alive & ~shared)
    count = round(part * alive.sum()) - int((alive & shared).sum())
    if count <= 0 or not len(free):
        return
    values = descent.own[index].numpy().reshape(-1)
    weights = descent.squares[index].numpy().reshape(-1) + _LEAST
    place = _bits(descent, index, slot).reshape(-1)
    book = descent.books[index].numpy()
    near = np.abs(values[free][:, None] - book).argmin(axis=1)
    lengths = _code_lengths(np.concatenate([cluster[alive & shared], near]), len(book))
    order = free[np.argsort(-np.abs(values[free]), kind="stable")][:count]
    choice = _choice(values[order], weights[order], place[order], book, lengths, bit)
    flat = alive.reshape(-1).copy()
    flat[order[choice < 0]] = False
    descent.alive[index].assign(flat.reshape(alive.shape).astype(np.float32))
    kept = choice >= 0
    bound, chosen = shared.reshape(-1).copy(), cluster.reshape(-1).copy()
    bound[order[kept]] = True
    chosen[order[kept]] = choice[kept]
    descent.shared[index].assign(bound.reshape(alive.shape).astype(np.float32))
    descent.cluster[index].assign(chosen.reshape(alive.shape))
