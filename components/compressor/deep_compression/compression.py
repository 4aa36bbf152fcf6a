"""Deep compression: pruning, then shared values; what `container.encode` makes small files of.

References
----------
.. [1] S. Han, H. Mao, W. Dally, "Deep Compression: compressing deep neural networks with pruning,
   trained quantization and Huffman coding", ICLR 2016.
"""

from __future__ import annotations

import tf_keras

from components.compressor.deep_compression import layout
from components.compressor.deep_compression.config import DeepCompressionConfig
from components.compressor.deep_compression.descent import Lessons
from components.compressor.deep_compression.gradual_pruning import prune
from components.compressor.deep_compression.weight_sharing import share
from components.errors import InputError


def compress(model: tf_keras.Model, lessons: Lessons, settings: DeepCompressionConfig) -> None:
    """Prune a model's kernels and let its weights share values, in place.

    Parameters
    ----------
    model : tf_keras.Model
        A graph of layers with kernels or embeddings. Other weights than these and biases, such
        as those of normalizations, are trained and keep values of their own.
    lessons : Lessons
    settings : DeepCompressionConfig

    Raises
    ------
    InputError
        If the model has no kernel that is trained.
    """
    trained = {id(weight) for weight in model.trainable_variables}
    if not any(slot.is_kernel and id(slot.variable) in trained for slot in layout.slots(model)):
        raise InputError(
            "The model has no weights that deep compression could prune.",
            setting="compressor.recipes",
            expected="dense layers, convolutions or embeddings",
            got=f"{model.name!r} of " + ", ".join(type(layer).__name__ for layer in model.layers),
            remedy="Switch on the Distiller, whose student is such a network, or leave the "
            "recipe out.",
        )
    prune(model, lessons, settings.sparsity, settings.pruning_epochs)
    share(
        model,
        lessons,
        clusters=settings.clusters,
        price=settings.price,
        epochs=settings.sharing_epochs,
    )
