"""Data parallel training in step: each replica takes a piece of every batch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.models.distribution.base import Logs, S, Steps, Strategy, loop
from components.models.distribution.config import SETTING

Batch = tuple[Any, ...]


class Replicas(Strategy[S]):
    """Training by a strategy of TensorFlow whose replicas have all variables.

    The gradient is that of one device, up to rounding, whatever the sizes of the pieces: each
    replica's loss counts by its rows, and batch normalizations take the moments of the whole
    batch. Dropout draws a mask for each replica.

    Parameters
    ----------
    settings : Supervised
    distribute : tf.distribute.Strategy
    devices : list of str
    """

    def __init__(self, settings: S, distribute: tf.distribute.Strategy, devices: list[str]) -> None:
        super().__init__(settings)
        self.devices = devices
        self._distribute = distribute

    def scope(self) -> AbstractContextManager[Any]:
        return self._distribute.scope()

    def adapt(self, model: tf_keras.Model) -> tf_keras.Model:
        if type(model).train_step is not tf_keras.Model.train_step:
            raise InputError(
                "A model with a train_step of its own cannot be trained on replicas: they have "
                "one that weighs the pieces of a batch.",
                setting=f"{SETTING}.strategy",
                expected="one_device, parameter_server or model_parallel",
                got=self.settings.strategy,
            )
        for layer in model._flatten_layers():
            if isinstance(layer, tf_keras.layers.BatchNormalization):
                # What the layer's argument of that name does.
                layer.synchronized, layer.fused = True, False
                # A replica without rows moves its averages by the same moments as the others.
                layer._support_zero_size_input = lambda: False
        return model

    def fit(
        self,
        model: tf_keras.Model,
        training: tf.data.Dataset,
        *,
        batch_size: int,
        validation_data: tf.data.Dataset,
        **arguments: Any,
    ) -> None:
        with self._distribute.scope():
            model.optimizer.build(model.trainable_variables)
            loop(
                model,
                self._steps(model, train_step, training),
                self._steps(model, test_step, validation_data),
                test_steps=int(validation_data.cardinality()),
                **arguments,
            )

    def _steps(
        self,
        model: tf_keras.Model,
        step: Callable[[tf_keras.Model, Batch, tf.Tensor], None],
        batches: tf.data.Dataset,
    ) -> Steps:
        def pieces_of(context: tf.distribute.InputContext) -> tf.data.Dataset:
            count = context.num_replicas_in_sync
            here = count // context.num_input_pipelines
            first = context.input_pipeline_id * here
            # Endless, because else the replicas would ask each other at each step whether
            # anything is left.
            return pieces(batches, count, range(first, first + here)).repeat()

        iterator = iter(self._distribute.distribute_datasets_from_function(pieces_of))

        @tf.function
        def run(iterator: Any, count: tf.Tensor) -> Logs:
            def body(done: tf.Tensor) -> tf.Tensor:
                batch, share = next(iterator)
                self._distribute.run(step, args=(model, batch, share))
                return done + 1

            tf.while_loop(lambda done: done < count, body, [tf.constant(0, tf.int64)])
            return model.get_metrics_result()

        return lambda count: run(iterator, tf.constant(count, tf.int64))


def pieces(batches: tf.data.Dataset, count: int, wanted: range) -> tf.data.Dataset:
    """Cut each batch into pieces whose sizes differ by one row at most.

    Parameters
    ----------
    batches : tf.data.Dataset
        Of tuples of tensors, the row being the first axis.
    count : int
        Pieces of each batch; some are empty if it has fewer rows.
    wanted : range
        Which of them.

    Returns
    -------
    tf.data.Dataset
        ``(piece, share)``: the latter is how many times the piece has its equal share of the
        rows. The pieces of a batch follow each other.
    """

    def cut(*batch: Any) -> tf.data.Dataset:
        rows = tf.shape(tf.nest.flatten(batch)[0])[0]
        parts = []
        for number in wanted:
            first, end = rows * number // count, rows * (number + 1) // count
            piece = tf.nest.map_structure(lambda values: values[first:end], batch)  # noqa: B023
            share = tf.cast((end - first) * count, tf.float32) / tf.cast(rows, tf.float32)
            parts.append(tf.data.Dataset.from_tensors((piece, share)))
        result = parts[0]
        for part in parts[1:]:
            result = result.concatenate(part)
        return result

    return batches.flat_map(cut)


def train_step(model: tf_keras.Model, batch: Batch, share: tf.Tensor) -> None:
    """Take a replica's part in a step.

    Notes
    -----
    Keras' loss is the mean over the replica's rows, by the number of replicas, and the penalties
    by that number too. Times `share`, the former is the sum over its rows by the rows of the
    whole batch; the optimizer adds the replicas' gradients.
    """
    x, y, weight = tf_keras.utils.unpack_x_y_sample_weight(batch)
    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = model.compute_loss(x, y, outputs, weight)
        penalties = tf.nn.scale_regularization_loss(tf.add_n(model.losses)) if model.losses else 0.0
        loss += (share - 1.0) * (loss - penalties)
    gradients = tape.gradient(loss, model.trainable_variables)
    # The rows of embeddings that pieces of different sizes touch could not be gathered.
    dense = [None if each is None else tf.convert_to_tensor(each) for each in gradients]
    model.optimizer.apply_gradients(zip(dense, model.trainable_variables, strict=True))
    model.compute_metrics(x, y, outputs, weight)


def test_step(model: tf_keras.Model, batch: Batch, share: tf.Tensor) -> None:
    """Add a replica's piece of a batch to the metrics."""
    x, y, weight = tf_keras.utils.unpack_x_y_sample_weight(batch)
    outputs = model(x, training=False)
    model.compute_loss(x, y, outputs, weight)
    model.compute_metrics(x, y, outputs, weight)
