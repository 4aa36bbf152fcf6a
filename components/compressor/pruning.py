"""Training on while TensorFlow Model Optimization holds masks over the kernels of some layers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import tf_keras
from tensorflow_model_optimization.python.core.sparsity.keras import (
    pruning_callbacks,
    pruning_wrapper,
)

from components.compressor import fine_tuning
from components.compressor.recipes.base import Work, copy_model


def pruned(
    model: tf_keras.Model, work: Work, layers: Collection[str], **settings: Any
) -> tf_keras.Model:
    """Return a copy of a model, trained on with pruned layers.

    Parameters
    ----------
    model : tf_keras.Model
    work : Work
    layers : collection of str
        Names of the layers with a mask; all others are trained on as they are.
    **settings
        Of `PruneLowMagnitude`.

    Notes
    -----
    ``prune_low_magnitude`` wraps every layer or asks each whether it can be wrapped, and
    refuses a model with layers that it does not know. Here the layers that have a mask are
    wrapped, and no other.
    """
    inner = copy_model(model)

    def wrap(layer: tf_keras.layers.Layer) -> tf_keras.layers.Layer:
        if layer.name not in layers:
            return layer
        return pruning_wrapper.PruneLowMagnitude(layer, **settings)

    wrapped = tf_keras.models.clone_model(inner, clone_function=wrap)
    # The wrappers count steps by themselves; their callback has to do where epochs end.
    fine_tuning.fit(wrapped, work, [pruning_callbacks.UpdatePruningStep()], each_step=False)
    # Both have the same layers, each of which belongs to two graphs now; a copy has one.
    return copy_model(inner)
