"""The training loop: early stopping, logs, and checkpoints that a killed run resumes from."""

from __future__ import annotations

import functools
import json
import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components import files, progress
from components.errors import ModelworksError
from components.models import input_pipeline, scores, stepping
from components.models.augmentation import Augmentation
from components.models.distribution import heartbeat
from components.models.distribution.base import Strategy
from components.models.hyperparameters import HyperParameters, ImageHyperParameters

NetworkHyperParameters = HyperParameters | ImageHyperParameters

#: Share of the learning rate that is left at the end of the schedule ``exponential``.
EXPONENTIAL_END = 0.01
#: Variables that ``adamw`` does not decay: they set no slope that could overfit.
UNDECAYED = r"/(bias|gamma|beta):\d+$"
#: Name of the strategy of a training in one process on one device.
ONE_DEVICE = "one_device"
#: File beside the checkpoint's that names it and holds the history.
_STATE = "state.json"


class DivergedError(ModelworksError):
    """A loss, of training or validation, is not a finite number."""


class OutOfTimeError(ModelworksError, TimeoutError):
    """The time for a training was up before its first epoch had ended."""


@dataclass
class History:
    """What happened, epoch by epoch, and where the best weights come from.

    Attributes
    ----------
    epochs : list of dict
        Metric name -> value; the metrics of the validation split begin with ``val_``.
    best_epoch : int
        Zero-based index into `epochs`.
    best_loss : float
        Validation loss there, without penalties.
    rounds : int
        Epochs behind the weights that are kept; of tree ensembles, trees for each output.
    resumed_from : int
        Number of epochs that were taken from a checkpoint.
    seconds : float
        Time that this process trained.
    epoch_seconds : list of float
        Time of each epoch that this process trained, with its validation.
    step_seconds : list of float
        Mean time of a step in each of them, without what comes between steps.
    strategy : str
        Name of the distribution strategy.
    devices : list of str
        What trained.
    restarts : int
        How often lost processes were started again.
    bubble_share : float or None
        Of ``gpipe``, share of the devices' time in which they wait for each other.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best_loss: float = math.inf
    rounds: int = 0
    resumed_from: int = 0
    seconds: float = 0.0
    epoch_seconds: list[float] = field(default_factory=list)
    step_seconds: list[float] = field(default_factory=list)
    strategy: str = ONE_DEVICE
    devices: list[str] = field(default_factory=list)
    restarts: int = 0
    bubble_share: float | None = None

    @property
    def seconds_per_epoch(self) -> float | None:
        """Mean over the epochs that this process trained; None if it trained none.

        The first, in which the graph is traced, counts only if there is no other.
        """
        return _mean_after_first(self.epoch_seconds)

    @property
    def seconds_per_step(self) -> float | None:
        """Mean time of a step over the same epochs."""
        return _mean_after_first(self.step_seconds)


def _mean_after_first(seconds: list[float]) -> float | None:
    counted = seconds[1:] or seconds
    return sum(counted) / len(counted) if counted else None


def train(
    model: tf_keras.Model,
    training: Mapping[str, np.ndarray],
    validation: Mapping[str, np.ndarray],
    *,
    label: str,
    task: str,
    hp: NetworkHyperParameters,
    epochs: int,
    patience: int,
    seed: int,
    class_weights: Mapping[int, float] | None = None,
    augmentation: Augmentation | None = None,
    checkpoints: Path | None = None,
    checkpoint_seconds: float = 5.0,
    keep_checkpoint: bool = False,
    logs: Path | None = None,
    on_epoch: Callable[[int, float], bool] | None = None,
    deadline: float | None = None,
    strategy: Strategy[Any] | None = None,
) -> History:
    """Train `model` in place and leave it with the weights of its best epoch.

    Parameters
    ----------
    model : tf_keras.Model
        Uncompiled; see `components.models.architectures`.
    training, validation : mapping
        Arrays by feature name, the label among them.
    label, task : str
    hp : HyperParameters or ImageHyperParameters
        Optimizer, learning rate and batch size.
    epochs, patience : int
        Upper bound, and epochs without a better validation loss before the end; those of
        `hp`, if it has any, take their place.
    seed : int
        Of the order of the rows.
    class_weights : mapping, optional
        Class index -> weight of its rows.
    augmentation : Augmentation, optional
        Of training images.
    checkpoints : Path, optional
        Directory of the checkpoint; one that is there is resumed from.
    checkpoint_seconds : float
        Least time between two checkpoints.
    keep_checkpoint : bool
        Whether the state after the last epoch stays there, for a training with more epochs;
        one that the deadline cuts off within an epoch leaves the checkpoint before it.
    logs : Path, optional
        Directory of the TensorBoard logs.
    on_epoch : callable, optional
        Takes the index of the epoch that ended and its validation loss without penalties,
        and returns whether to end here.
    deadline : float, optional
        Of `time.monotonic`; the training ends there, or at most
        `stepping.STEPS_PER_CALL` steps later, with the best weights so far.
    strategy : Strategy, optional
        In whose scope `model` was built, and by which it is trained; else on one device.

    Raises
    ------
    DivergedError
        If a loss becomes infinite or not a number.
    OutOfTimeError
        If the deadline passes before the first epoch has ended.
    """
    epochs, patience = hp.epochs or epochs, hp.patience or patience
    steps = math.ceil(len(training[label]) / hp.batch_size)
    with model.distribute_strategy.scope():
        metrics = scores.metrics(task)
        if model.losses:  # penalties say nothing of the predictions, and differ between models
            metrics.append(scores.loss_metric(task))
        model.compile(
            optimizer=optimizer(hp, epochs * steps),
            loss=scores.loss(task),
            weighted_metrics=metrics,
        )
    keeper = _Keeper(
        model,
        patience,
        epochs,
        checkpoints,
        checkpoint_seconds,
        on_epoch=on_epoch,
        deadline=deadline,
        strategy=strategy,
    )
    history = keeper.restore()
    started = time.monotonic()
    first = len(history.epochs)
    if first < epochs and not keeper.exhausted:
        weights = None
        if class_weights is not None:
            table = np.array([class_weights[i] for i in range(len(class_weights))], np.float32)
            weights = table[training[label].astype(np.int64)]
        callbacks: list[tf_keras.callbacks.Callback] = [keeper]
        if logs is not None:
            callbacks.append(_Board(str(logs), history, strategy, rows=len(training[label])))
        fit: Callable[..., Any] = functools.partial(stepping.fit, verbose=0)
        if strategy is not None:
            fit = functools.partial(strategy.fit, batch_size=hp.batch_size)
        fit(
            model,
            input_pipeline.shuffled_epochs(
                training,
                label=label,
                batch_size=hp.batch_size,
                seed=seed,
                epochs=range(first, epochs),
                weights=weights,
                augmentation=augmentation,
            ),
            epochs=epochs,
            initial_epoch=first,
            steps_per_epoch=steps,
            validation_data=input_pipeline.batches(validation, label=label),
            callbacks=callbacks,
        )
    if keep_checkpoint and not keeper.cut_off:
        keeper.save()
    keeper.use_best_weights()
    history.rounds = history.best_epoch + 1
    history.seconds = time.monotonic() - started
    if strategy is None:
        history.devices = [_default_device()]
    else:
        history.strategy, history.devices = strategy.settings.strategy, strategy.devices
        for name, value in strategy.figures().items():
            setattr(history, name, value)
    return history


def checkpoint_epochs(directory: Path) -> int:
    """Return after how many epochs the checkpoint in `directory` was taken; 0 without one."""
    path = directory / _STATE
    return len(json.loads(path.read_text())["history"]["epochs"]) if path.is_file() else 0


def _default_device() -> str:
    """Return the device that TensorFlow takes if it is not told."""
    return "GPU:0" if tf.config.list_logical_devices("GPU") else "CPU:0"


def balanced_class_weights(labels: np.ndarray, classes: int) -> dict[int, float]:
    """Return the weight n / (k * n_c) of each class c, as scikit-learn's "balanced"."""
    counts = np.bincount(labels.astype(np.int64), minlength=classes)
    return {c: len(labels) / (classes * max(int(counts[c]), 1)) for c in range(classes)}


def optimizer(hp: NetworkHyperParameters, steps: int) -> tf_keras.optimizers.Optimizer:
    """Return the optimizer, whose learning rate follows the schedule over `steps`."""
    rate = learning_rate(hp, steps)
    table: dict[str, Callable[[], tf_keras.optimizers.Optimizer]] = {
        "adam": lambda: tf_keras.optimizers.Adam(rate),
        "adamw": lambda: _adamw(rate, hp.weight_decay),
        "sgd": lambda: tf_keras.optimizers.SGD(rate, momentum=hp.momentum, nesterov=True),
        "rmsprop": lambda: tf_keras.optimizers.RMSprop(rate),
        "adagrad": lambda: tf_keras.optimizers.Adagrad(rate),
    }
    return table[hp.optimizer]()


def _adamw(
    rate: float | tf_keras.optimizers.schedules.LearningRateSchedule, weight_decay: float
) -> tf_keras.optimizers.Optimizer:
    adamw = tf_keras.optimizers.AdamW(rate, weight_decay=weight_decay)
    adamw.exclude_from_weight_decay(var_names=[UNDECAYED])
    return adamw


def learning_rate(
    hp: NetworkHyperParameters, steps: int
) -> float | tf_keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate at each of `steps` steps."""
    if hp.schedule == "cosine":
        return tf_keras.optimizers.schedules.CosineDecay(hp.learning_rate, steps)
    if hp.schedule == "exponential":
        return tf_keras.optimizers.schedules.ExponentialDecay(
            hp.learning_rate, steps, EXPONENTIAL_END
        )
    return hp.learning_rate


class _Board(tf_keras.callbacks.TensorBoard):
    """TensorBoard's logs, with what an epoch took beside its metrics."""

    def __init__(
        self, directory: str, history: History, strategy: Strategy[Any] | None, *, rows: int
    ) -> None:
        super().__init__(directory, write_graph=False, profile_batch=0)
        self._history = history
        self._strategy = strategy
        self._rows = rows

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        speed = {}
        if self._history.epoch_seconds:  # none, where a deadline cut the first one off
            speed = {
                "examples_per_second": self._rows / self._history.epoch_seconds[-1],
                "step_seconds": self._history.step_seconds[-1],
            }
        figures = {} if self._strategy is None else self._strategy.figures()
        super().on_epoch_end(epoch, {**(logs or {}), **speed, **figures})


class _Keeper(tf_keras.callbacks.Callback):
    """Keeps the best weights, ends a training that has no hope, writes checkpoints.

    Keras' own BackupAndRestore forgets how long EarlyStopping has been waiting and its
    best weights, so that a resumed training would end elsewhere.
    """

    def __init__(
        self,
        model: tf_keras.Model,
        patience: int,
        epochs: int,
        directory: Path | None,
        seconds: float,
        *,
        on_epoch: Callable[[int, float], bool] | None,
        deadline: float | None,
        strategy: Strategy[Any] | None,
    ) -> None:
        super().__init__()
        # Else Keras fetches the metrics from the device after each batch.
        self._supports_tf_logs = True
        self._on_epoch = on_epoch
        self._deadline = deadline
        self._patience = patience
        self._planned = epochs
        self._directory = directory
        self._seconds = seconds
        self._history = History()
        # Variables, so that they travel in the checkpoint beside the current weights.
        self._best = [tf.Variable(weight, trainable=False) for weight in model.weights]
        self._network = model
        self._strategy = strategy
        self._saved_at = self._epoch_began = time.monotonic()
        self._steps_began = self._steps_ended = self._epoch_began
        self._steps = 0
        #: Whether the deadline ended the training within an epoch.
        self.cut_off = False

    @property
    def exhausted(self) -> bool:
        """Whether the patience has run out."""
        waited = len(self._history.epochs) - 1 - self._history.best_epoch
        return bool(self._history.epochs) and waited >= self._patience

    def restore(self) -> History:
        """Take up the state of the checkpoint, if there is one."""
        if self._directory is not None and self._all_have_one(self._directory):
            state = json.loads((self._directory / _STATE).read_text())
            with self._network.distribute_strategy.scope():
                self._network.optimizer.build(self._network.trainable_variables)
            self._checkpoint().read(str(self._directory / state["file"])).assert_consumed()
            self._history = History(**state["history"])
            self._history.resumed_from = len(self._history.epochs)
            self._history.epoch_seconds, self._history.step_seconds = [], []
        return self._history

    def _all_have_one(self, directory: Path) -> bool:
        """Tell whether a checkpoint is there; in all processes that train in step, the same."""
        epochs = checkpoint_epochs(directory)
        if self._strategy is None:
            return epochs > 0
        chief_s = self._strategy.total(epochs if self._strategy.chief else 0)
        differing = self._strategy.total(float(epochs != chief_s))
        if differing:
            print("The checkpoints of the workers differ: the training begins anew.")
        return epochs > 0 and not differing

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        self._steps_began = self._steps_ended = time.monotonic()
        self._steps = 0

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        heartbeat.beat()
        self._steps_ended, self._steps = time.monotonic(), batch + 1
        if self._deadline is not None and self._steps_ended >= self._deadline:
            if not self._history.epochs:
                raise OutOfTimeError("The time was up before the first epoch had ended.")
            self.cut_off = self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if self.cut_off:  # a part of an epoch is none
            return
        values = {name: float(value) for name, value in (logs or {}).items()}
        loss = values.get(f"val_{scores.LOSS_METRIC}", values["val_loss"])
        for name, value in (("loss", values["loss"]), ("validation loss", loss)):
            if not math.isfinite(value):
                raise DivergedError(
                    f"The {name} is {value} after epoch {epoch + 1}: training diverged. "
                    "Lower trainer.model.learning_rate."
                )
        history = self._history
        history.epochs.append(values)
        now = time.monotonic()
        # From end to end, so that checkpoints and logs count.
        history.epoch_seconds.append(now - self._epoch_began)
        history.step_seconds.append((self._steps_ended - self._steps_began) / self._steps)
        self._epoch_began = now
        if loss < history.best_loss:
            history.best_epoch, history.best_loss = epoch, loss
            for best, weight in zip(self._best, self._network.weights, strict=True):
                best.assign(weight)
        progress.report(
            (epoch + 1) / self._planned,
            f"epoch {epoch + 1} of at most {self._planned}, val_loss {values['val_loss']:.4f}",
        )
        told = self._on_epoch is not None and self._on_epoch(epoch, loss)
        if told or self.exhausted:
            self.model.stop_training = True
        if self._directory is not None:
            due = time.monotonic() - self._saved_at >= self._seconds
            if due if self._strategy is None else self._strategy.agree(due):
                self.save()
        heartbeat.beat()

    def use_best_weights(self) -> None:
        """Give the model the weights of its best epoch."""
        if self._history.best_epoch >= 0:
            for best, weight in zip(self._best, self._network.weights, strict=True):
                weight.assign(best)

    def _checkpoint(self) -> tf.train.Checkpoint:
        # Keras leaves the state of its random generators out of checkpoints.
        generators = [
            layer._random_generator._generator
            for layer in self._network._flatten_layers()
            if isinstance(
                getattr(getattr(layer, "_random_generator", None), "_generator", None),
                tf.random.Generator,
            )
        ]
        return tf.train.Checkpoint(
            model=self._network,
            optimizer=self._network.optimizer,
            best=self._best,
            generators=generators,
        )

    def save(self) -> None:
        """Write the weights under a new name, then point the state file at them."""
        assert self._directory is not None
        self._saved_at = time.monotonic()
        name = f"epoch-{len(self._history.epochs)}"
        if self._strategy is not None and not self._strategy.keeps:
            # To read what is spread over processes takes all of them.
            with tempfile.TemporaryDirectory() as scratch:
                self._checkpoint().write(str(Path(scratch) / name))
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        self._checkpoint().write(str(self._directory / name))
        files.write_json(self._directory / _STATE, {"file": name, "history": asdict(self._history)})
        for old in self._directory.glob("epoch-*"):
            if not old.name.startswith(f"{name}."):
                old.unlink(missing_ok=True)
        self._saved_at = time.monotonic()
