"""Several models as one: the weighted sum of their outputs."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tf_keras


def combine(models: Sequence[tf_keras.Model], weights: Sequence[float]) -> tf_keras.Model:
    """Return one model whose outputs are the weighted sum of the models' outputs.

    Parameters
    ----------
    models : sequence of tf_keras.Model
        With inputs by name and outputs [n, k]. Where several have an input of one name, it is
        the same for all of them.
    weights : sequence of float

    Returns
    -------
    tf_keras.Model
        Its inputs are all inputs of the models.
    """
    inputs = {
        tensor.name: tf_keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name)
        for model in models
        for tensor in model.inputs
    }
    for number, model in enumerate(models):
        model._name = f"member_{number}"  # Keras wants the names of a model's parts distinct
    outputs = [model({t.name: inputs[t.name] for t in model.inputs}) for model in models]
    result = WeightedSum(weights, name="ensemble")(outputs)
    return tf_keras.Model(inputs, result, name="ensemble")


@tf_keras.utils.register_keras_serializable("modelworks")
class WeightedSum(tf_keras.layers.Layer):
    """Sums its inputs, each times a constant of its own."""

    def __init__(self, weights: Sequence[float], **arguments: object) -> None:
        super().__init__(**arguments)
        self.factors = [float(weight) for weight in weights]

    def call(self, outputs: Sequence[tf.Tensor]) -> tf.Tensor:
        pairs = zip(outputs, self.factors, strict=True)
        return tf.add_n([output * factor for output, factor in pairs])

    def get_config(self) -> dict[str, object]:
        return {**super().get_config(), "weights": self.factors}
