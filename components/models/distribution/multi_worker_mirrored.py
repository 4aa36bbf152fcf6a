"""Data parallel training in several processes, in step."""

from __future__ import annotations

import tensorflow as tf

from components.models.distribution import config
from components.models.distribution.replicas import Replicas


class MultiWorkerMirrored(Replicas[config.MultiWorkerMirrored]):
    """See `components.models.distribution.config.MultiWorkerMirrored`.

    The cluster is what the environment describes; making one waits for its other members.
    """

    def __init__(self, settings: config.MultiWorkerMirrored) -> None:
        given = config.given_cluster()
        assert given is not None
        super().__init__(
            settings,
            tf.distribute.MultiWorkerMirroredStrategy(),
            [f"worker {number}" for number in range(len(config.members(given)))],
        )
        task = given["task"]
        first = "chief" if given["cluster"].get("chief") else "worker"
        self.chief = (task["type"], int(task["index"])) == (first, 0)

    def total(self, value: float) -> float:
        replicas = self._distribute.num_replicas_in_sync // len(self.devices)
        values = self._distribute.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                0.0 if context.replica_id_in_sync_group % replicas else value, tf.float32
            )
        )
        return float(self._distribute.reduce(tf.distribute.ReduceOp.SUM, values, axis=None))
