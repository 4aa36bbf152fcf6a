"""Winning tickets: sparse parts of a network that learn from their own initial weights.

A network is trained, the smallest weights of each layer are pruned, and the others are set back
to what they were at the start, or after an early epoch; and so on, round by round. What is left
learns as well as the whole network, and sooner, but not from other initial weights
[Frankle & Carbin 2019, "The Lottery Ticket Hypothesis"; for larger networks, which must be
set back to an early epoch, Frankle et al. 2020, "Linear Mode Connectivity and the Lottery
Ticket Hypothesis"].
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor import kernels
from components.errors import InputError

#: Layer -> which weights of its kernel remain, an array of booleans of the kernel's shape.
Masks = dict[str, np.ndarray]

#: The output layer loses so much of the share that the others lose.
OUTPUT_PART = 0.5


class HeldZeros(tf_keras.constraints.Constraint):
    """Sets weights back to zero after each step of the optimizer, those that are left out.

    Parameters
    ----------
    shape : sequence of int
        Of the kernel. All weights remain until `mask` is assigned.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self.mask = tf.Variable(tf.ones(shape), trainable=False)

    def __call__(self, weights: tf.Tensor) -> tf.Tensor:
        return weights * self.mask


def maskable(model: tf_keras.Model, names: Sequence[str]) -> tf_keras.Model:
    """Return a copy of a model, the weights too, in which kernels of some layers can be masked.

    See `start`.
    """

    def clone(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        copy = type(layer).from_config(layer.get_config())
        if layer.name in names:
            attribute = f"{kernels.ATTRIBUTES[type(layer)]}_constraint"
            setattr(copy, attribute, HeldZeros(kernels.kernel(layer).shape))
        return copy

    copy = tf_keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def start(model: tf_keras.Model, weights: Sequence[np.ndarray], masks: Masks) -> None:
    """Give a `maskable` model its weights, of which the masked ones are and stay zero."""
    model.set_weights(weights)
    for name, mask in masks.items():
        kernel = kernels.kernel(model.get_layer(name))
        kernel.constraint.mask.assign(mask.astype(np.float32))
        kernel.assign(kernel.constraint(kernel))


def whole(model: tf_keras.Model, names: Sequence[str]) -> Masks:
    """Return the masks that leave all weights of the layers of these names."""
    return {
        name: np.ones(kernels.kernel(model.get_layer(name)).shape, dtype=bool) for name in names
    }


def shares(model: tf_keras.Model, names: Sequence[str], share: float) -> dict[str, float]:
    """Return which share of its remaining weights each layer loses in a round."""
    last = kernels.last(model)
    return {name: share * (OUTPUT_PART if name in last else 1.0) for name in names}


def pruned(trained: tf_keras.Model, masks: Masks, shares: Mapping[str, float]) -> Masks:
    """Return the masks without the smallest of the remaining weights of each layer.

    Parameters
    ----------
    trained : tf_keras.Model
    masks : dict of array
        What remained so far.
    shares : mapping
        Share of the remaining weights that each layer loses; one weight always remains.
    """
    found = {}
    for name, mask in masks.items():
        remaining = np.flatnonzero(mask)
        lost = min(round(shares[name] * len(remaining)), len(remaining) - 1)
        sizes = np.abs(kernels.kernel(trained.get_layer(name)).numpy()).reshape(-1)[remaining]
        found[name] = mask.copy()
        found[name].reshape(-1)[remaining[np.argsort(sizes, kind="stable")[:lost]]] = False
    return found


def remaining(masks: Masks) -> float:
    """Return the share of the weights of all masks together that remain."""
    return sum(int(mask.sum()) for mask in masks.values()) / sum(m.size for m in masks.values())


def winning_chance(p: float, tries: int) -> float:
    """Return the chance ``1 - (1 - p)^tries`` that at least one try finds a winning ticket.

    Parameters
    ----------
    p : float
        Chance of one try, in [0, 1]. Tries begin with initial weights of their own.
    tries : int

    Examples
    --------
    >>> winning_chance(0.5, 3)
    0.875
    >>> winning_chance(0.2, 0)
    0.0
    """
    _check("chance of a try", p, 0 <= p <= 1, "from 0 to 1")
    _check("number of tries", tries, tries >= 0, "0 or more")
    return 1 - (1 - p) ** tries


def tries_for(p: float, certainty: float) -> int | None:
    """Return how many tries hold a winning ticket with a wanted certainty.

    Parameters
    ----------
    p : float
        Chance of one try, in [0, 1].
    certainty : float
        In (0, 1).

    Returns
    -------
    int or None
        The least number of tries whose `winning_chance` is at least `certainty`; None if `p`
        is 0, so that no number will do.

    Examples
    --------
    >>> tries_for(0.5, 0.875), tries_for(0.5, 0.88), tries_for(0.05, 0.95), tries_for(1, 0.99)
    (3, 4, 59, 1)
    >>> tries_for(0, 0.5) is None
    True
    """
    _check("chance of a try", p, 0 <= p <= 1, "from 0 to 1")
    _check("certainty", certainty, 0 < certainty < 1, "above 0 and below 1")
    if p in (0, 1):
        return None if p == 0 else 1
    tries = max(1, math.floor(math.log1p(-certainty) / math.log1p(-p)))
    # The logarithms are rounded, so that the least number may be one more.
    while winning_chance(p, tries) < certainty:
        tries += 1
    return tries


def interval(wins: int, tries: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval that holds the chance of one try, from what tries have won.

    It is Wilson's [1927, "Probable Inference, the Law of Succession, and Statistical
    Inference"], which stays within [0, 1] and says something after few tries, too.

    Parameters
    ----------
    wins, tries : int
    confidence : float
        In (0, 1).

    Examples
    --------
    >>> low, high = interval(8, 10)
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    >>> tries_for(low, 0.99), tries_for(high, 0.99)
    (7, 2)
    """
    _check("number of tries", tries, tries >= 1, "1 or more")
    _check("number of wins", wins, 0 <= wins <= tries, f"from 0 to {tries}")
    _check("confidence", confidence, 0 < confidence < 1, "above 0 and below 1")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = wins / tries
    centre = share + z**2 / (2 * tries)
    reach = z * math.sqrt(share * (1 - share) / tries + z**2 / (4 * tries**2))
    scale = 1 + z**2 / tries
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def _check(what: str, got: float, good: bool, expected: str) -> None:
    if not good:
        raise InputError(f"There is no such {what}.", expected=expected, got=got)
