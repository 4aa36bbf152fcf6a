"""Training on MNIST: what the Trainer does, against a bare loop of tf_keras.

    python -m benchmarks.training_overhead [--quick] [--pairs N] [--epochs N] [--data DIRECTORY]

Both train the same network on the same arrays with the settings of ``mnist.yaml`` (LeNet-5) and
of ``mnist_lenet300.yaml`` (LeNet-300-100): optimizer, schedule, batch size, seed, validation
rows. Neither augments. *Ours* is `components.models.fitting.fit` as the Trainer calls it, with
checkpoints, TensorBoard logs, the best weights kept and deterministic operations. *Bare* is
``compile`` and ``fit`` on the arrays, with what Keras does by default, and nothing more.

They run in turn (ours, bare, ours, bare, ...), each training in a fresh process: deterministic
operations cannot be switched off again, and would slow bare down; and each has to trace its
graph anew, as a user's process has. The time is that from the arrays to the trained model;
imports and the reading of the files are left out.

The last line on standard output is one JSON object:

``ours_s``, ``bare_s``
    Seconds of a training of LeNet-5, median over the pairs.
``ratio``
    Median over the pairs of ours / bare.
``ours_epoch_s``, ``bare_epoch_s``
    Seconds of an epoch, validation included: median over all but each training's first, in
    which the graph is traced.
``ours_cpu_s``, ``bare_cpu_s``
    Seconds of processor time of a training, over all threads: median over the pairs. On a
    busy machine they say more than the others.
``ours_accuracy``, ``bare_accuracy``
    On the validation rows, median over the pairs.
``lenet300``
    The same figures of LeNet-300-100.
``rows``, ``epochs``, ``batch_size``
    Training rows, epochs, and the batch size of LeNet-5.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data
from components.example_gen import idx
from components.models.hyperparameters import ImageHyperParameters
from components.models.transformed import IMAGE, LABEL
from components.trainer.config import TrainerConfig
from pipeline import config

PROJECT = Path(__file__).parents[1]
#: Key of the result -> shipped config.
CONFIGS = {"lenet5": "mnist", "lenet300": "mnist_lenet300"}
PAIRS, EPOCHS = 3, 5
QUICK_PAIRS, QUICK_EPOCHS, QUICK_ROWS = 1, 2, 12_000
#: One row in so many is for validation.
VALIDATION_SHARE = 20

Arrays = dict[str, np.ndarray]


def read(directory: Path, rows: int | None) -> tuple[Arrays, Arrays]:
    """Return the rows for training and for validation, as the Trainer finds them.

    Parameters
    ----------
    directory : Path
        With MNIST's IDX files.
    rows : int, optional
        Of both together; all, if not given.
    """
    images = str(directory / "train-images-idx3-ubyte")
    files = {IMAGE: images, LABEL: idx.labels_file(images, None)}
    arrays = {name: np.concatenate(list(idx.read(path, 4096))) for name, path in files.items()}
    count = len(arrays[LABEL]) if rows is None else rows
    whole = {
        IMAGE: arrays[IMAGE][:count],
        LABEL: arrays[LABEL][:count].astype(np.int64),
    }
    edge = count - max(count // VALIDATION_SHARE, 1)
    return (
        {name: values[:edge] for name, values in whole.items()},
        {name: values[edge:] for name, values in whole.items()},
    )


def trainer_config(name: str) -> TrainerConfig:
    """Return the settings of a shipped config, without augmentation."""
    found = config.load(name).trainer
    model = found.model.model_copy(update={"augmentation": "none"})
    return found.model_copy(update={"model": model})


def ours(train: Arrays, validation: Arrays, settings: TrainerConfig) -> dict[str, Any]:
    """Train as the Trainer does."""
    from components.models import fitting
    from components.models.specification import Member
    from components.models.transformed import Features

    features = Features(
        label=LABEL,
        task="multiclass",
        classes=tuple(str(digit) for digit in range(10)),
        image=_feature(train),
    )
    ends: list[float] = []

    def on_epoch(epoch: int, loss: float) -> bool:
        ends.append(time.perf_counter())
        return False

    with tempfile.TemporaryDirectory() as directory:
        clock = _Clock()
        _, history = fitting.fit(
            Member(model=settings.model),
            features,
            train,
            validation,
            settings,
            watch=fitting.Watch(
                on_epoch=on_epoch,
                checkpoints=Path(directory) / "checkpoints",
                checkpoint_seconds=settings.checkpoint_seconds,
                logs=Path(directory) / "logs",
            ),
        )
        return _figures(clock, ends, history.epochs[-1]["val_accuracy"])


def bare(train: Arrays, validation: Arrays, settings: TrainerConfig) -> dict[str, Any]:
    """Train by Keras' own loop."""
    import tf_keras

    from components.models import image_architectures, training

    hp = settings.model
    assert isinstance(hp, ImageHyperParameters)
    ends: list[float] = []
    watch = tf_keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    clock = _Clock()
    tf_keras.utils.set_random_seed(settings.seed)
    model = image_architectures.build(hp, _feature(train), outputs=10)
    steps = settings.epochs * -(-len(train[LABEL]) // hp.batch_size)
    model.compile(
        optimizer=tf_keras.optimizers.Adam(training.learning_rate(hp, steps)),
        loss=tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = model.fit(
        train[IMAGE],
        train[LABEL],
        batch_size=hp.batch_size,
        epochs=settings.epochs,
        validation_data=(validation[IMAGE], validation[LABEL]),
        callbacks=[watch],
        verbose=0,
    ).history
    return _figures(clock, ends, history["val_accuracy"][-1])


def _feature(train: Arrays) -> Any:
    from components.models.transformed import ImageFeature

    height, width, channels = train[IMAGE].shape[1:]
    return ImageFeature(
        height=height,
        width=width,
        channels=channels,
        mean=(float(train[IMAGE].mean()),),
        deviation=(float(train[IMAGE].std()),),
    )


class _Clock:
    """Time of this process since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, Any]:
        return {
            "seconds": time.perf_counter() - self._wall,
            "cpu": time.process_time() - self._cpu,
        }


def _figures(clock: _Clock, ends: list[float], accuracy: float) -> dict[str, Any]:
    epochs = [after - before for before, after in itertools.pairwise(ends)]
    return {**clock.read(), "epochs": epochs, "accuracy": accuracy}


PARTS: dict[str, Callable[[Arrays, Arrays, TrainerConfig], dict[str, Any]]] = {
    "ours": ours,
    "bare": bare,
}


def run(part: str, name: str, directory: Path, epochs: int, rows: int | None) -> dict[str, Any]:
    """Train in a fresh process and return its figures."""
    command = [sys.executable, "-m", "benchmarks.training_overhead", "--part", part]
    command += ["--config", name, "--data", str(directory), "--epochs", str(epochs)]
    command += [] if rows is None else ["--rows", str(rows)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(name: str, pairs: int, directory: Path, epochs: int, rows: int | None) -> Any:
    """Return the figures of one network over several pairs."""
    found: dict[str, list[dict[str, Any]]] = {part: [] for part in PARTS}
    ratios = []
    for pair in range(pairs):
        for part, results in found.items():
            results.append(run(part, name, directory, epochs, rows))
        ours_s, bare_s = (results[-1]["seconds"] for results in found.values())
        ratios.append(ours_s / bare_s)
        print(
            f"{name}, pair {pair + 1}/{pairs}: ours {ours_s:.2f} s, bare {bare_s:.2f} s, "
            f"ratio {ratios[-1]:.3f}",
            file=sys.stderr,
        )

    def median_of(part: str, key: str) -> float:
        return statistics.median(result[key] for result in found[part])

    return {
        **{f"{part}_s": round(median_of(part, "seconds"), 2) for part in PARTS},
        "ratio": round(statistics.median(ratios), 3),
        **{
            f"{part}_epoch_s": round(
                statistics.median(each for result in found[part] for each in result["epochs"]), 3
            )
            for part in PARTS
        },
        **{f"{part}_cpu_s": round(median_of(part, "cpu"), 2) for part in PARTS},
        **{f"{part}_accuracy": round(median_of(part, "accuracy"), 4) for part in PARTS},
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="12,000 rows, 2 epochs, 1 pair")
    parser.add_argument("--pairs", type=int, help=f"default {PAIRS}")
    parser.add_argument("--epochs", type=int, help=f"at least 2, default {EPOCHS}")
    parser.add_argument("--data", type=Path, help="directory with the files; else fetched")
    parser.add_argument("--rows", type=int, help="of training and validation; default all")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--config", choices=CONFIGS.values(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    epochs = options.epochs or (QUICK_EPOCHS if options.quick else EPOCHS)
    rows = options.rows or (QUICK_ROWS if options.quick else None)
    if options.part:
        settings = trainer_config(options.config).model_copy(update={"epochs": epochs})
        print(json.dumps(PARTS[options.part](*read(options.data, rows), settings)))
        return
    pairs = options.pairs or (QUICK_PAIRS if options.quick else PAIRS)
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.data or data.mnist(Path(temporary))[0].parent
        figures = {
            key: measure(name, pairs, directory, epochs, rows) for key, name in CONFIGS.items()
        }
        train, _ = read(directory, rows)
    model = trainer_config(CONFIGS["lenet5"]).model
    print(
        json.dumps(
            {
                **figures.pop("lenet5"),
                **figures,
                "rows": len(train[LABEL]),
                "epochs": epochs,
                "batch_size": model.batch_size,
            }
        )
    )


if __name__ == "__main__":
    main()
