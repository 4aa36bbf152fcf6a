"""Keeping the best epoch of a training whose every epoch is as compressed as the last."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.compressor.recipes.base import Work
from components.models import input_pipeline, scores
from components.models.transformed import LABEL


class BestEpoch(tf_keras.callbacks.Callback):
    """Gives a model the weights with the least loss on the validation rows, at the end.

    The weights that the training begins with count, so that it makes nothing worse there.

    Parameters
    ----------
    work : Work
        With at least one validation row; without any the last epoch is kept.
    """

    def __init__(self, work: Work) -> None:
        super().__init__()
        self._supports_tf_logs = True  # no metric has to be fetched after each batch
        self._work = work
        self._least = np.inf
        self._best: list[np.ndarray] = []
        self._forward: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        network = self.model
        self._forward = tf.function(lambda features: network(features, training=False))
        self._look()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._look()

    def on_train_end(self, logs: Any = None) -> None:
        if self._best:
            self.model.set_weights(self._best)

    def _look(self) -> None:
        labels = self._work.validation[LABEL][:, np.newaxis]
        if not len(labels):
            return
        features = {t.name: self._work.validation[t.name] for t in self.model.inputs}
        step = input_pipeline.look_rows(features)
        outputs = [
            self._forward(
                {
                    tensor.name: tf.cast(features[tensor.name][i : i + step], tensor.dtype)
                    for tensor in self.model.inputs
                }
            )
            for i in range(0, len(labels), step)
        ]
        loss = float(scores.loss(self._work.features.task)(labels, tf.concat(outputs, axis=0)))
        if loss < self._least:
            self._least, self._best = loss, self.model.get_weights()
