"""Hints: a layer of the teacher, which a layer of the student learns to foretell.

References
----------
A. Romero, N. Ballas, S. E. Kahou, A. Chassang, C. Gatta, Y. Bengio: FitNets: hints for thin
deep nets. International Conference on Learning Representations, 2015.
"""

from __future__ import annotations

import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.naming import nearest


def layer_output(model: tf_keras.Model, name: str, setting: str) -> tf.Tensor:
    """Return what a layer puts out, one row of numbers for each example, [n, h].

    Of a layer with places, such as a convolution, it is the mean over all places: the paper
    compares place by place, which takes layers of the same height and width.

    Parameters
    ----------
    model : tf_keras.Model
    name : str
        Of the layer.
    setting : str
        Dotted key of the config that names it.

    Raises
    ------
    InputError
        There is no such layer, or its output is no row of numbers.
    """
    layers = {
        layer.name: layer
        for layer in model.layers
        if not isinstance(layer, tf_keras.layers.InputLayer)
    }
    if name not in layers:
        raise InputError(
            f"The model has no layer {name!r}{nearest(name, layers)}.",
            setting=setting,
            expected=", ".join(layers),
            got=name,
        )
    output = layers[name].output
    if isinstance(output, list | dict) or not output.dtype.is_floating:
        raise InputError(
            f"The layer {name!r} puts out no row of numbers.", setting=setting, got=name
        )
    places = list(range(1, len(output.shape) - 1))
    return tf.reduce_mean(output, axis=places) if places else output


def regressor(student: tf_keras.Model, name: str, width: int) -> tf_keras.Model:
    """Return a model from the student's inputs to a guess at the teacher's layer, [n, width].

    It shares the student's layers up to the one that is named; one dense layer comes after.
    """
    hidden = layer_output(student, name, "distiller.hints.student")
    return tf_keras.Model(
        student.input, tf_keras.layers.Dense(width, name="regressor")(hidden), name="hinted"
    )
