"""Structured pruning: whole units, filters and dimensions of embeddings are removed.

The model becomes a smaller dense one, which needs no support for zeros anywhere. Channels that are
added to each other go together [Li et al. 2017, "Pruning Filters for Efficient ConvNets",
section 3.3]; see `components.compressor.channels`.

Those go which matter least to the loss. A channel is gone when nobody reads it: when the rows of
the kernels behind it that it is multiplied with are zeros. To the first order that changes
the loss by the sum of gradient times weight over these rows, whatever lies between, and its square
is averaged over batches [Molchanov et al. 2019, "Importance Estimation for Neural Network
Pruning", there for the weights that make a channel, of which those before a
normalization tell little].
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor import channels, fine_tuning
from components.compressor.best_epoch import BestEpoch
from components.compressor.channels import Channels
from components.compressor.recipes.base import (
    REMOVE,
    Draft,
    Recipe,
    Work,
    copy_model,
    unsupported,
)
from components.models import scores
from components.models.transformed import LABEL

NAME = "structured_pruning"
#: Batches over which importance is averaged, at most, and rows in each.
BATCHES, BATCH_ROWS = 64, 64
#: Kinds of layers whose kernels have a row for each channel that they read.
READERS = (tf_keras.layers.Dense, tf_keras.layers.Conv2D)


def importance(model: tf_keras.Model, found: Channels, work: Work) -> np.ndarray:
    """Return what each channel matters to the loss on the train split, by its number, >= 0."""
    readers = [
        layer for layer in model.layers if type(layer) in READERS and layer.name in found.into
    ]
    kernels = [layer.kernel for layer in readers]
    loss = scores.loss(work.features.task)
    count = 1 + max(int(numbers.max()) for numbers in found.out_of.values())

    @tf.function
    def products(features: dict[str, tf.Tensor], labels: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            value = loss(labels, model(features, training=False))
        return [
            tf.reduce_sum(
                tf.reshape(kernel * gradient, [-1, kernel.shape[-2], kernel.shape[-1]]), [0, 2]
            )
            for kernel, gradient in zip(kernels, tape.gradient(value, kernels), strict=True)
        ]

    rows = np.random.default_rng(work.training.seed).permutation(len(work.train[LABEL]))
    parts = np.split(rows, range(BATCH_ROWS, len(rows), BATCH_ROWS))[:BATCHES]
    total = np.zeros(count)
    for part in parts:
        batch = {name: values[part] for name, values in work.train.items()}
        labels = batch.pop(LABEL)
        features = {
            tensor.name: tf.cast(batch[tensor.name], tensor.dtype) for tensor in model.inputs
        }
        change = np.zeros(count)
        for layer, product in zip(readers, products(features, labels), strict=True):
            change += np.bincount(found.into[layer.name], product.numpy(), count)
        total += change**2
    return total / len(parts)


def blocks(found: Channels) -> list[dict[str, set[int]]]:
    """Return what can go: of layers that share channels, the removable ones of each layer."""
    merged: list[dict[str, set[int]]] = []
    for name in found.makers:
        own = set(found.out_of[name].tolist()) - found.fixed
        if not own:
            continue
        block = {name: own}
        apart = []
        for other in merged:
            if any(own & theirs for theirs in other.values()):
                block |= other
            else:
                apart.append(other)
        merged = [*apart, block]
    return merged


def choose(found: Channels, matters: np.ndarray, share: float) -> set[int]:
    """Return the numbers of the channels that go.

    Parameters
    ----------
    found : Channels
    matters : array
        See `importance`.
    share : float
        Of the channels of each block of coupled layers, rounded down; each layer keeps one.
    """
    gone: set[int] = set()
    for block in blocks(found):
        candidates = sorted(set().union(*block.values()), key=lambda number: matters[number])
        count = math.floor(share * len(candidates))
        for number in candidates:
            left = count > 0 and all(
                set(found.out_of[name].tolist()) - gone - {number} for name in block
            )
            if left:
                gone.add(number)
                count -= 1
    return gone


def without(model: tf_keras.Model, found: Channels, gone: set[int]) -> tf_keras.Model:
    """Return a model without some channels, of which the others have the weights that they had."""

    def kept(numbers: np.ndarray) -> np.ndarray:
        return np.flatnonzero([number not in gone for number in numbers.tolist()])

    def clone(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        settings = layer.get_config()
        if layer.name in found.makers:
            settings[channels.MAKERS[type(layer)]] = len(kept(found.out_of[layer.name]))
        return type(layer).from_config(settings)

    smaller = tf_keras.models.clone_model(model, clone_function=clone)
    for layer in model.layers:
        weights = layer.get_weights()
        if weights and layer.name in found.out_of:
            into, out = (kept(table[layer.name]) for table in (found.into, found.out_of))
            weights = _sliced(layer, weights, into, out)
        smaller.get_layer(layer.name).set_weights(weights)
    return smaller


def _sliced(
    layer: tf_keras.layers.Layer, weights: list[np.ndarray], into: np.ndarray, out: np.ndarray
) -> list[np.ndarray]:
    """Return the weights of the channels that remain."""
    if type(layer) in READERS:
        kernel, *bias = weights
        return [kernel.take(into, axis=-2).take(out, axis=-1), *(each[out] for each in bias)]
    if type(layer) is tf_keras.layers.DepthwiseConv2D:
        kernel, *bias = weights
        return [kernel.take(into, axis=-2), *(each[out] for each in bias)]
    if type(layer) is tf_keras.layers.Embedding:
        return [weights[0].take(out, axis=-1)]
    if type(layer) in channels.NORMALIZATIONS:
        return [each[out] for each in weights]
    return weights


def apply(draft: Draft, work: Work) -> Draft:
    """Remove the channels that matter least, and train on."""
    model = copy_model(draft.model)
    found = channels.find(model, NAME)
    gone = choose(found, importance(model, found, work), work.config.structured_pruning.share)
    if not gone:
        raise unsupported(model.layers[-1], NAME)
    smaller = without(model, found, gone)
    # What is gone is gone before the training: each of its epochs is as small as the last.
    fine_tuning.fit(smaller, work, [BestEpoch(work)], each_step=False)
    return draft.after(NAME, smaller)


RECIPE = Recipe(REMOVE, apply, "Structured pruning")
