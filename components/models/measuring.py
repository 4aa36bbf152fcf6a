"""What a model puts out, and what it costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.models import input_pipeline
from components.models.scores import from_outputs

#: Calls whose median is the latency, after some that do not count.
LATENCY_CALLS, WARM_UP = 200, 20


def outputs(model: tf_keras.Model, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return a model's outputs [n, k] on rows of `arrays`."""
    features = {tensor.name: arrays[tensor.name] for tensor in model.inputs}
    result: np.ndarray = model.predict(
        features, batch_size=input_pipeline.look_rows(features), verbose=0
    )
    return result


def scores(outputs: np.ndarray, task: str) -> np.ndarray:
    """Return what a model with these outputs [n, k] says: probabilities, or values."""
    return np.asarray(from_outputs(tf.constant(outputs, tf.float32), task))


def latency_ms(
    call: Callable[[dict[str, tf.Tensor]], tf.Tensor],
    inputs: Sequence[str],
    arrays: Mapping[str, np.ndarray],
) -> float:
    """Return the median milliseconds that a model takes for one row alone.

    Parameters
    ----------
    call : callable
        Features -> outputs, in TensorFlow operations.
    inputs : sequence of str
        Names of its features.
    arrays : mapping
        Arrays of features, of which the first row is taken.
    """
    row = {name: tf.constant(arrays[name][:1]) for name in inputs}
    graph = tf.function(call, autograph=False)
    taken = []
    for _ in range(WARM_UP + LATENCY_CALLS):
        started = time.perf_counter()
        graph(row)
        taken.append(time.perf_counter() - started)
    return 1e3 * statistics.median(taken[WARM_UP:])


def model_latency_ms(model: tf_keras.Model, arrays: Mapping[str, np.ndarray]) -> float:
    """Return `latency_ms` of a Keras model."""
    names = [tensor.name for tensor in model.inputs]
    return latency_ms(lambda features: model(features, training=False), names, arrays)


def size_bytes(model: tf_keras.Model) -> int:
    """Return the bytes of a model's numbers in memory."""
    return sum(weight.shape.num_elements() * weight.dtype.size for weight in model.weights)
