"""Training of a model whose stages work on micro-batches at the same time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import tensorflow as tf
import tf_keras

from components import files
from components.models import stepping
from components.models.distribution import config, devices, gpipe
from components.models.distribution.base import Strategy

#: Measured costs of the layers, beside the checkpoint.
COSTS_FILE = "layer_costs.json"


class GPipe(Strategy[config.GPipe]):
    """See `components.models.distribution.config.GPipe`, and `gpipe.GPipe` for what it promises."""

    def __init__(self, settings: config.GPipe) -> None:
        super().__init__(settings)
        self.devices = devices.set_up(settings.partitions)
        self._bubble_share: float | None = None

    def fit(
        self, model: tf_keras.Model, training: tf.data.Dataset, *, batch_size: int, **arguments: Any
    ) -> None:
        pipeline = gpipe.GPipe(
            model,
            self.settings.partitions,
            self.settings.micro_batches,
            batch_size=batch_size,
            devices=self.devices,
            rematerialize=self.settings.rematerialize,
            costs=self._known_costs(),
        )
        self._keep(pipeline.costs)
        [(features, *_)] = training.take(1)
        self._bubble_share = pipeline.measure(features).bubble_share
        model.train_step = pipeline.train_step
        stepping.fit(model, training, verbose=0, **arguments)

    def _known_costs(self) -> list[gpipe.LayerCost] | None:
        """Return the costs that the training was begun with, so that it goes on with its cuts.

        They are measured, and other cuts may add up the same numbers in another order.
        """
        if self.checkpoints is None or not (self.checkpoints / COSTS_FILE).is_file():
            return None
        found = json.loads((self.checkpoints / COSTS_FILE).read_bytes())
        return [gpipe.LayerCost(**each) for each in found]

    def _keep(self, costs: Sequence[gpipe.LayerCost]) -> None:
        if self.checkpoints is not None:
            files.write_json(self.checkpoints / COSTS_FILE, [asdict(cost) for cost in costs])

    def figures(self) -> dict[str, float]:
        # None, if all epochs were in the checkpoint.
        return {} if self._bubble_share is None else {"bubble_share": self._bubble_share}
