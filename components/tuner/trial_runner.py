"""Runs trials inside a worker: trains the model of a point and measures it."""

from __future__ import annotations

import gc
import math
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.models import fitting, measuring, scores, training, transformed
from components.models.hyperparameters import TreesHyperParameters
from components.tuner import space as spaces
from components.tuner.config import TunerConfig
from components.tuner.objectives import Objectives
from components.tuner.search import kind
from components.tuner.trials import TrialError

#: Directories below the search's: outputs on the eval split, and states of trainings.
OUTPUTS, CHECKPOINTS = "outputs", "checkpoints"
#: What Hyperband puts into a trial's values.
EPOCHS, EARLIER = "tuner/epochs", "tuner/trial_id"

Report = Callable[..., bool]


def make_runner(arguments: Mapping[str, Any]) -> Callable[[Mapping[str, Any], Report], Any]:
    """Return the function that runs a trial; see `TrialRunner`."""
    return TrialRunner(**arguments).run


class TrialRunner:
    """Trains and measures models on data that it loads once.

    Parameters
    ----------
    splits : mapping
        Directory of the splits ``train`` and ``eval`` of the transformed or reduced examples.
    features : str
        Directory of their description.
    config : mapping
        `TunerConfig` as JSON, with the Trainer's part.
    directory : str
        The search's own.
    """

    def __init__(
        self,
        splits: Mapping[str, str],
        features: str,
        config: Mapping[str, Any],
        directory: str,
    ) -> None:
        self._config = TunerConfig.model_validate(config)
        assert self._config.training is not None
        self._training = self._config.training
        self._features = transformed.Features.read(features)
        self._space = spaces.build_space(self._config, self._training, self._features)
        self._objectives = Objectives(self._config.objective, self._features.task)
        self._directory = Path(directory)
        self._train, self._eval = (
            transformed.load_arrays(splits[name], self._features) for name in ("train", "eval")
        )
        # What is there now stays: the collection after each trial need not look at it again.
        gc.collect()
        gc.freeze()

    def run(self, job: Mapping[str, Any], report: Report) -> dict[str, Any]:
        """Run one trial.

        Raises
        ------
        TrialError
            It diverged, or the time was up before it had a score.
        """
        values = job["values"]
        member = (
            self._space.configured(self._training) if values is None else self._space.member(values)
        )
        epochs = (values or {}).get(EPOCHS)
        if epochs is not None and isinstance(member.model, TreesHyperParameters):
            share = epochs / self._config.options.get("max_epochs", epochs)
            trees = max(math.ceil(member.model.trees * share), 1)
            member = member.model_copy(
                update={"model": member.model.model_copy(update={"trees": trees})}
            )
        described = member.model.model_dump(mode="json")
        stopped = False

        def on_epoch(epoch: int, loss: float) -> bool:
            nonlocal stopped
            stopped = report(kind=kind(described), loss=loss)
            return stopped

        deadline = None if job["seconds"] is None else time.monotonic() + job["seconds"]
        checkpoints = None if epochs is None else self._checkpoints(job["id"], values)
        try:
            model, history = fitting.fit(
                member,
                self._features,
                self._train,
                self._eval,
                self._training,
                epochs=epochs,
                watch=fitting.Watch(
                    on_epoch=on_epoch,
                    deadline=deadline,
                    checkpoints=checkpoints,
                    checkpoint_seconds=math.inf,
                    keep_checkpoint=checkpoints is not None,
                ),
            )
        except training.DivergedError as error:
            raise TrialError("diverged", str(error)) from None
        except TimeoutError as error:
            raise TrialError("unfinished", str(error)) from None
        late = deadline is not None and time.monotonic() >= deadline
        outputs = measuring.outputs(model, self._eval)
        metrics = self._measure(model, outputs, history)
        if not all(math.isfinite(value) for value in metrics.values()):
            raise TrialError("diverged", f"a metric is not a finite number: {metrics}")
        if self._config.ensemble > 1:
            path = self._directory / OUTPUTS / f"{job['id']}.npy"
            path.parent.mkdir(exist_ok=True)
            np.save(path, outputs)
        parameters = int(model.count_params())
        del model
        tf_keras.backend.clear_session()
        gc.collect()
        return {
            "model": {**described, **(member.values or {})},
            "metrics": metrics,
            "epochs": len(history.epochs) - history.resumed_from,
            "rounds": history.rounds,
            "parameters": parameters,
            "stopped": stopped or late,
        }

    def _checkpoints(self, trial: str, values: Mapping[str, Any]) -> Path:
        """Return where the trial's state is kept: begun with that of the one it goes on from."""
        root = self._directory / CHECKPOINTS
        place = root / trial
        # What a trial that was cut off left is not what it began with.
        shutil.rmtree(place, ignore_errors=True)
        earlier = values.get(EARLIER)
        if earlier is not None and (root / earlier).is_dir():
            shutil.copytree(root / earlier, place)
        return place

    def _measure(
        self, model: tf_keras.Model, outputs: np.ndarray, history: training.History
    ) -> dict[str, float]:
        probabilities = scores.from_outputs(tf.constant(outputs), self._features.task).numpy()
        metrics = self._objectives.measure(probabilities, self._eval[transformed.LABEL])
        for name in self._objectives.names:
            if name == "parameters":
                metrics[name] = float(model.count_params())
            elif name == "latency_ms":
                metrics[name] = measuring.model_latency_ms(model, self._eval)
        # Last, so that an objective of this name keeps its place.
        return {**metrics, "loss": history.best_loss}
