"""Training by workers that take turns, on variables that servers hold."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf
import tf_keras

from components.models.distribution import config
from components.models.distribution.base import Logs, Steps, Strategy, loop


class ParameterServer(Strategy[config.ParameterServer]):
    """See `components.models.distribution.config.ParameterServer`; the chief's part.

    The chief makes the batches and sends each to the next worker that is free, so that each
    row is seen once an epoch, whichever worker is slow. It waits for all of them before
    callbacks are heard.
    """

    def __init__(self, settings: config.ParameterServer) -> None:
        super().__init__(settings)
        given = config.given_cluster()
        assert given is not None
        self.devices = [f"worker {number}" for number in range(len(given["cluster"]["worker"]))]
        self._distribute = tf.distribute.ParameterServerStrategy(
            tf.distribute.cluster_resolver.TFConfigClusterResolver()
        )
        self._coordinator = tf.distribute.coordinator.ClusterCoordinator(self._distribute)

    def scope(self) -> AbstractContextManager[Any]:
        return self._distribute.scope()

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
            self._steps(model, model.train_step, training),
            self._steps(model, model.test_step, validation_data.repeat()),
            test_steps=int(validation_data.cardinality()),
            **arguments,
        )

    def _steps(
        self, model: tf_keras.Model, step: Callable[[Any], Any], batches: tf.data.Dataset
    ) -> Steps:
        iterator = iter(batches)

        @tf.function
        def run(batch: Any) -> None:
            self._distribute.run(step, args=(batch,))

        def steps(count: int) -> Logs:
            for _ in range(count):
                self._coordinator.schedule(run, args=(next(iterator),))
            self._coordinator.join()
            return dict(model.get_metrics_result())

        return steps
