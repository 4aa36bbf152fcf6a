"""Many steps of a training in one call of its graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf
import tf_keras

#: Steps in one call, after which callbacks are heard. More save little: most of the time
#: that a call takes besides its steps is shared by then.
STEPS_PER_CALL = 16


def fit(
    model: tf_keras.Model, training: tf.data.Dataset, **arguments: Any
) -> tf_keras.callbacks.History:
    """Do what ``model.fit(training, **arguments)`` does, with the same numbers, in less time.

    Parameters
    ----------
    model : tf_keras.Model
        Compiled.
    training : tf.data.Dataset
    **arguments
        Of `tf_keras.Model.fit`. Callbacks hear of every `STEPS_PER_CALL` steps, and of the
        last of each epoch.

    Notes
    -----
    Keras has loops of its own, by ``compile(steps_per_execution=...)``. But they trace
    each step twice, because a loop's body shall say what the loop returns; and the
    training's twice again, because the first trace makes the optimizer's variables.
    For a small model that takes longer than a whole training saves.
    """
    model.optimizer.build(model.trainable_variables)
    model.train_function = _loop(model, model.train_step)
    model.test_function = _loop(model, model.test_step)
    model.steps_per_execution = STEPS_PER_CALL
    history = model.fit(training, **arguments)
    model.steps_per_execution = 1
    return history


def _loop(
    model: tf_keras.Model, step: Callable[[Any], Any]
) -> Callable[[Iterator[Any]], dict[str, tf.Tensor]]:
    """Return the function that runs ``model.steps_per_execution`` steps and gives the metrics."""

    @tf.function
    def run(iterator: Iterator[Any]) -> dict[str, tf.Tensor]:
        def body(done: tf.Tensor) -> tf.Tensor:
            model.distribute_strategy.run(step, args=(next(iterator),))
            return done + 1

        tf.while_loop(
            lambda done: done < model.steps_per_execution, body, [tf.constant(0, tf.int64)]
        )
        return model.get_metrics_result()

    return run
