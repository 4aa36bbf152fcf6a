"""Many steps in one call: the same numbers as Keras' own loop, for any model."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.models import stepping

ROWS = 100


class Branching(tf_keras.layers.Layer):
    """Its Python depends on a tensor, as that of an own model may."""

    def call(self, values):
        if tf.reduce_sum(values) > 0:
            values = values * 2
        for _ in tf.range(2):
            values = values + 1
        return values


@pytest.fixture(autouse=True)
def _deterministic():
    tf.config.experimental.enable_op_determinism()


def _model():
    tf_keras.utils.set_random_seed(3)
    inputs = tf_keras.Input((4,))
    hidden = tf_keras.layers.Dense(8, activation="relu", kernel_regularizer="l2")(inputs)
    hidden = tf_keras.layers.BatchNormalization()(hidden)
    hidden = tf_keras.layers.Dropout(0.2, rng_type="stateful", seed=1)(Branching()(hidden))
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(1)(hidden))
    model.compile(tf_keras.optimizers.Adam(0.01), "mse", weighted_metrics=["mae"])
    return model


def _data(batch_size):
    generator = np.random.default_rng(0)
    arrays = generator.normal(size=(ROWS, 4)), generator.normal(size=ROWS), np.linspace(0, 2, ROWS)
    return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size)


@pytest.mark.parametrize("batch_size", [3, 7, ROWS])  # 34 steps, 15 and 1
def test_numbers_are_those_of_keras(batch_size):
    keras, ours = _model(), _model()
    arguments = {"epochs": 3, "validation_data": _data(4), "verbose": 0}
    expected = keras.fit(_data(batch_size), **arguments).history
    assert stepping.fit(ours, _data(batch_size), **arguments).history == expected
    for one, other in zip(ours.get_weights(), keras.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    rows = np.random.default_rng(1).normal(size=(5, 4))
    np.testing.assert_array_equal(ours.predict(rows, verbose=0), keras.predict(rows, verbose=0))


def test_callbacks_hear_of_the_last_step_of_each_epoch():
    heard = []
    callback = tf_keras.callbacks.LambdaCallback(on_batch_end=lambda step, logs: heard.append(step))
    stepping.fit(_model(), _data(5), epochs=2, callbacks=[callback], verbose=0)
    assert heard == [15, 19] * 2


def test_a_callback_ends_the_training():
    model = _model()

    def stop(step, logs):
        model.stop_training = True

    callback = tf_keras.callbacks.LambdaCallback(on_batch_end=stop)
    stepping.fit(model, _data(2), epochs=5, callbacks=[callback], verbose=0)
    assert model.optimizer.iterations == stepping.STEPS_PER_CALL
