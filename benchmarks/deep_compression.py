"""Deep compression of LeNet-300-100 and LeNet-5 on MNIST: bytes of one file against errors.

    python -m benchmarks.deep_compression [--quick] [--work DIRECTORY]

Both networks are trained from scratch on 55,000 images that are moved anew in each epoch
(those of LeNet-300-100 turned, too), then pruned further and further; at each of the sparsities
written below, a copy's weights come to share values, and it is written to a file. Han, Mao and
Dally (2016) report 27 KB and 1.58 % error for LeNet-300-100 (40 times less than its 1070 KB) and
44 KB and 0.74 % for LeNet-5 (39 times less than 1720 KB); later work 124 times at 1.9 % and
606 times at 1.0 %.

What is counted is the one file on disk, from which the decoder rebuilds the model, its layers
included. The error is that of the rebuilt model on the 10,000 test images; its class for each of
them must be that of the model that was written.

The settings are those below, the same for all points but for sparsity and epochs; they were chosen
with the errors of earlier runs in view, those on test images among them. In a run the test
images decide nothing: of the front, the main figures are those of the smallest file whose error is
below a bound with a confidence of 95 %, as 5,000 held-out training images tell; the bounds are
1.7 % and 0.95 %. If no point is, they are those of the least held-out error.

The last line on standard output is one JSON object: for ``lenet300`` and ``lenet5`` each
``ref_error``, ``error`` (%), ``bytes``, ``rate`` (bytes of the float32 weights over those of the
file), and ``front``, a list of all points with the same names, ``held_out_error`` and
``sparsity`` (the share of zeros among all weights).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.distillation import outputs
from benchmarks.mnist import read
from components import files
from components.models.hyperparameters import ImageHyperParameters
from components.models.transformed import IMAGE, LABEL, ImageFeature

Arrays = dict[str, np.ndarray]

SEED = 1
#: Standard errors above a mean that all but 5 % of means stay below.
CONFIDENCE = 1.645
HELD_OUT = 5_000
QUICK_ROWS, QUICK_HELD_OUT = 6_000, 1_000
BATCH, RATE = 128, 1.5e-3
#: Of the compression.
COMPRESSION_BATCH = 256
PRICE, CLUSTERS, TEMPERATURE, COMPRESSION_RATE = 0.005, 8, 3.0, 3e-3
#: Two pixels, as a share of the height; and degrees.
SHIFT, TURN = 0.08, 10.0


@dataclass(frozen=True)
class Plan:
    """What is done with one network.

    Attributes
    ----------
    augmentation : str
        Of its training images.
    bound : float
        Error, in %, that the main figures have to stay below.
    epochs : int
        Of the reference.
    points : tuple of (float, int, int)
        One after the other: sparsity, epochs of the pruning from the point before, and epochs
        in which weights come to share values.
    """

    augmentation: str
    bound: float
    epochs: int
    points: tuple[tuple[float, int, int], ...]


PLANS = {
    "lenet300": Plan(
        "shift_rotate",
        1.7,
        20,
        ((0.92, 20, 15), (0.96, 20, 15), (0.97, 20, 15), (0.98, 20, 15)),
    ),
    "lenet5": Plan("shift", 0.95, 10, ((0.95, 8, 5), (0.98, 8, 5), (0.99, 8, 5), (0.994, 10, 8))),
}
QUICK_PLANS = {
    "lenet300": Plan("shift_rotate", 1.7, 2, ((0.9, 2, 2), (0.95, 1, 1))),
    "lenet5": Plan("shift", 0.95, 1, ((0.9, 1, 1),)),
}


def say(text: str) -> None:
    """Print progress."""
    print(text, file=sys.stderr, flush=True)


def error(model: Any, rows: Arrays) -> float:
    """Return a model's error on some rows, in %."""
    return float(100 * (outputs(model, rows[IMAGE]).argmax(axis=1) != rows[LABEL]).mean())


def chosen(front: list[dict[str, float]], bound: float, rows: int) -> dict[str, float]:
    """Return the smallest point whose error is below a bound (%), as held-out rows tell."""

    def highest(point: dict[str, float]) -> float:
        share = point["held_out_error"] / 100
        return 100 * (share + CONFIDENCE * math.sqrt(share * (1 - share) / rows))

    good = [point for point in front if highest(point) <= bound]
    if good:
        return min(good, key=lambda point: point["bytes"])
    return min(front, key=lambda point: point["held_out_error"])


@dataclass(frozen=True)
class Experiment:
    """One network; what is there already is not done again.

    Attributes
    ----------
    name : str
        Of the architecture.
    plan : Plan
    train, held_out, test : dict of array
    work : Path
        Directory of weights, files and results.
    """

    name: str
    plan: Plan
    train: Arrays
    held_out: Arrays
    test: Arrays
    work: Path

    def figures(self) -> dict[str, Any]:
        """Return what the benchmark prints of the network."""
        reference = self._build()
        self._once("reference", reference, self._train)
        ref_error = error(reference, self.test)
        say(f"{self.name}, reference: {ref_error:.2f} % error")
        pruned = self._build()
        pruned.set_weights(reference.get_weights())
        front, path = [], f"-{COMPRESSION_RATE}-{CLUSTERS}-{PRICE}"
        for sparsity, *epochs in self.plan.points:
            path += f"-{sparsity}-{epochs[0]}"
            front.append(self._point(reference, pruned, sparsity, epochs, path))
        main = chosen(front, self.plan.bound, len(self.held_out[LABEL]))
        return {
            "ref_error": round(ref_error, 2),
            **{name: main[name] for name in ("error", "bytes", "rate")},
            "front": front,
        }

    def _point(
        self, reference: Any, pruned: Any, sparsity: float, epochs: list[int], path: str
    ) -> dict[str, float]:
        from components.compressor.deep_compression.gradual_pruning import prune
        from components.compressor.deep_compression.weight_sharing import share

        lessons = self._lessons(reference)
        self._once(
            f"pruned{path}", pruned, lambda model: prune(model, lessons, sparsity, epochs[0])
        )
        say(f"{self.name}, pruned to {sparsity}: {error(pruned, self.held_out):.2f} % held out")
        shared = self._build()
        shared.set_weights(pruned.get_weights())
        self._once(
            f"shared{path}-{epochs[1]}",
            shared,
            lambda model: share(model, lessons, clusters=CLUSTERS, price=PRICE, epochs=epochs[1]),
        )
        point = self._measure(shared, self.work / f"{self.name}{path}-{epochs[1]}.mwdc")
        say(f"{self.name}: {json.dumps(point)}")
        return point

    def _measure(self, model: Any, path: Path) -> dict[str, float]:
        """Write a model's file, and return its figures and those of the model it holds."""
        from components.compressor.deep_compression import container

        files.write_bytes(path, container.encode(model))
        started = time.perf_counter()
        rebuilt = container.decode(path.read_bytes())
        seconds = time.perf_counter() - started
        images = self.test[IMAGE]
        differing = outputs(model, images).argmax(axis=1) != outputs(rebuilt, images).argmax(axis=1)
        if differing.any():
            raise AssertionError(f"The decoded model differs on {differing.sum()} images.")
        weights = model.get_weights()
        parameters = sum(weight.size for weight in weights)
        size = path.stat().st_size
        return {
            "rate": round(4 * parameters / size, 1),
            "error": round(error(rebuilt, self.test), 2),
            "bytes": size,
            "held_out_error": round(error(rebuilt, self.held_out), 2),
            "sparsity": round(1 - sum(np.count_nonzero(w) for w in weights) / parameters, 4),
            "decode_seconds": round(seconds, 2),
        }

    def _once(self, name: str, model: Any, train: Callable[[Any], None]) -> None:
        """Train a model, or give it the weights that it had after an earlier training."""
        import tensorflow as tf
        import tf_keras

        kept = self.work / f"{self.name}-{len(self.train[LABEL])}-{name}.npz"
        if kept.is_file():
            with np.load(kept) as arrays:
                model.set_weights([arrays[key] for key in arrays.files])
            return
        tf_keras.utils.set_random_seed(SEED)
        tf.config.experimental.enable_op_determinism()
        started = time.perf_counter()
        train(model)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic_path(kept) as temporary, open(temporary, "wb") as file:
            np.savez(file, *model.get_weights())
        say(f"{self.name}, {name}: {time.perf_counter() - started:.0f} s")

    def _hyperparameters(self) -> ImageHyperParameters:
        return ImageHyperParameters(
            architecture=self.name,
            scaling="unit",
            learning_rate=RATE,
            schedule="cosine",
            batch_size=BATCH,
            augmentation=self.plan.augmentation,
            shift=SHIFT,
            rotation=TURN,
            epochs=self.plan.epochs,
            patience=self.plan.epochs,
        )

    def _build(self) -> Any:
        import tf_keras

        from components.models import image_architectures

        image = ImageFeature(height=28, width=28, channels=1, mean=(0.0,), deviation=(1.0,))
        tf_keras.utils.set_random_seed(SEED)
        return image_architectures.build(self._hyperparameters(), image, outputs=10)

    def _train(self, model: Any) -> None:
        from components.models import augmentation, training

        hp = self._hyperparameters()
        training.train(
            model,
            self.train,
            self.held_out,
            label=LABEL,
            task="multiclass",
            hp=hp,
            epochs=1,
            patience=1,
            seed=SEED,
            augmentation=augmentation.make(hp, SEED),
        )

    def _lessons(self, teacher: Any) -> Any:
        from components.compressor.deep_compression.descent import Lessons
        from components.models import augmentation, input_pipeline

        changed = augmentation.make(self._hyperparameters(), SEED)

        def batches(epochs: range) -> Any:
            return input_pipeline.shuffled_epochs(
                self.train,
                label=LABEL,
                batch_size=COMPRESSION_BATCH,
                seed=SEED,
                epochs=epochs,
                augmentation=changed,
            )

        steps = math.ceil(len(self.train[LABEL]) / COMPRESSION_BATCH)
        return Lessons(batches, steps, "multiclass", teacher, TEMPERATURE, COMPRESSION_RATE)


def run(
    train: Arrays, test: Arrays, plans: dict[str, Plan], held_out: int, work: Path
) -> dict[str, Any]:
    """Return the figures of the networks, of which the last training images are held out."""
    kept, aside = (
        {name: values[part] for name, values in train.items()}
        for part in (slice(None, -held_out), slice(-held_out, None))
    )
    return {
        name: Experiment(name, plan, kept, aside, test, work).figures()
        for name, plan in plans.items()
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="6,000 images, few epochs")
    parser.add_argument("--work", type=Path, help="keeps results here, and goes on from them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        images, test_images = data.mnist(Path(directory))
        train = read(images, QUICK_ROWS if options.quick else None)
        figures = run(
            train,
            read(test_images, None),
            QUICK_PLANS if options.quick else PLANS,
            QUICK_HELD_OUT if options.quick else HELD_OUT,
            options.work or Path(directory) / "work",
        )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
