"""What every strategy is: how the process that trains places a model and takes its steps."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Generic, TypeVar

import tensorflow as tf
import tf_keras

from components.models import stepping
from components.models.distribution import heartbeat
from components.models.distribution.config import Supervised

Logs = dict[str, Any]
#: Runs so many steps and returns the metrics so far.
Steps = Callable[[int], Logs]
S = TypeVar("S", bound=Supervised)


class Strategy(ABC, Generic[S]):
    """A strategy in a process whose TensorFlow has not begun to work.

    Making one sets up logical devices, and waits for the other processes of a cluster.

    Parameters
    ----------
    settings : Supervised
        Those of the strategy.

    Attributes
    ----------
    devices : list of str
        What trains.
    chief : bool
        Whether this process decides where its clock matters.
    keeps : bool
        Whether this process' checkpoints and logs are those that count.
    checkpoints : Path or None
        Directory of the checkpoint, for what else a training that is resumed must know.
    """

    devices: list[str]
    chief: bool = True
    keeps: bool = True
    checkpoints: Path | None = None

    def __init__(self, settings: S) -> None:
        self.settings = settings

    def scope(self) -> AbstractContextManager[Any]:
        """Return the context in which a model is built."""
        return contextlib.nullcontext()

    def adapt(self, model: tf_keras.Model) -> tf_keras.Model:
        """Return what is trained in the place of `model`, with as many weights in its order."""
        return model

    @abstractmethod
    def fit(
        self,
        model: tf_keras.Model,
        training: tf.data.Dataset,
        *,
        batch_size: int,
        validation_data: tf.data.Dataset,
        **arguments: Any,
    ) -> None:
        """Train as `components.models.stepping.fit` does, on batches of `batch_size` rows."""

    def total(self, value: float) -> float:
        """Return the sum of `value` over the processes that train in step."""
        return value

    def agree(self, wish: bool) -> bool:
        """Return the chief's wish in all processes that train in step."""
        return self.total(float(wish and self.chief)) > 0

    def figures(self) -> dict[str, float]:
        """Return what the strategy alone can tell of the training: attributes of `History`."""
        return {}


def loop(
    model: tf_keras.Model,
    train: Steps,
    test: Steps,
    *,
    epochs: int,
    initial_epoch: int,
    steps_per_epoch: int,
    test_steps: int,
    callbacks: list[tf_keras.callbacks.Callback],
) -> None:
    """Call `train` and `test` as `components.models.stepping.fit` calls its graphs.

    Parameters
    ----------
    model : tf_keras.Model
        Compiled.
    train, test : callable
        Take the number of steps to run, and return the metrics since they were reset.
    epochs, initial_epoch, steps_per_epoch : int
    test_steps : int
        Steps of one pass over the validation data.
    callbacks : list of Callback
    """
    listeners = tf_keras.callbacks.CallbackList(callbacks, model=model)
    model.stop_training = False
    listeners.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        model.reset_metrics()
        listeners.on_epoch_begin(epoch)
        logs: Logs = {}
        for step, count in _calls(steps_per_epoch):
            listeners.on_train_batch_begin(step)
            logs = train(count)
            listeners.on_train_batch_end(step + count - 1, logs)
            if model.stop_training:
                break
        model.reset_metrics()
        found: Logs = {}
        for _, count in _calls(test_steps):
            found = test(count)
            heartbeat.beat()
        logs = {**logs, **{f"val_{name}": value for name, value in found.items()}}
        listeners.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    listeners.on_train_end()


def _calls(steps: int) -> list[tuple[int, int]]:
    """Return the first step and the number of steps of each call."""
    size = stepping.STEPS_PER_CALL
    return [(first, min(size, steps - first)) for first in range(0, steps, size)]
