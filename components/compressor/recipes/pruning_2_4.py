"""2:4 sparsity: of four weights in a row, at most two are not zero.

The rows are those of the matrix products, along the inputs of a layer: hardware for sparse
products skips half of each four [Mishra et al. 2021, "Accelerating Sparse Deep Neural
Networks"]. The two largest of each four are chosen at the first step, and trained on.

Dense layers take any number of inputs from four on; what is over at the end of a row is filled
up with zeros by whoever multiplies. The row of a convolution goes through its places and
their channels, so that fours lie within a place only if its channels are a multiple of four.
Other convolutions, for which TensorFlow Model Optimization would do nothing or break rows in
the wrong places, stay dense, as do embeddings, which are not multiplied.
"""

from __future__ import annotations

import numpy as np
import tf_keras

from components.compressor import kernels, pruning
from components.compressor.recipes.base import SPARSIFY, Draft, Recipe, Work, unsupported
from components.errors import ModelworksError

NAME = "pruning_2_4"
#: Zeros among so many weights in a row, at least.
ZEROS, OF = 2, 4


def suitable(layer: tf_keras.layers.Layer) -> bool:
    """Tell whether fours of weights lie along the inputs of a layer."""
    if type(layer) is tf_keras.layers.Dense:
        return layer.kernel.shape[0] >= OF
    if type(layer) is tf_keras.layers.Conv2D:
        return layer.kernel.shape[2] % OF == 0
    return False


def holds(kernel: np.ndarray) -> bool:
    """Tell whether no four weights in a row have more than two that are not zero.

    Parameters
    ----------
    kernel : array
        [inputs, outputs], or [height, width, inputs, outputs].
    """
    rows = np.moveaxis(kernel != 0, -2, -1).reshape(-1, kernel.shape[-2])
    rows = np.pad(rows, [(0, 0), (0, -rows.shape[1] % OF)])
    return bool((rows.reshape(-1, OF).sum(axis=1) <= OF - ZEROS).all())


def apply(draft: Draft, work: Work) -> Draft:
    """Prune and train on."""
    layers = kernels.prunable(draft.model, NAME)
    chosen = [name for name, layer in layers.items() if suitable(layer)]
    if not chosen:
        raise unsupported(next(iter(layers.values())), NAME)
    left = [name for name in layers if name not in chosen]
    if left:
        print(f"{NAME}: left dense, as their inputs make no fours: {', '.join(left)}")
    model = pruning.pruned(draft.model, work, chosen, sparsity_m_by_n=(ZEROS, OF))
    for name in chosen:
        if not holds(model.get_layer(name).kernel.numpy()):
            raise ModelworksError(f"The layer {name!r} did not become 2:4 sparse.")
    return draft.after(NAME, model)


RECIPE = Recipe(SPARSIFY, apply, "2:4 sparsity")
