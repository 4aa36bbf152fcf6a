"""Hinton's experiment on MNIST: what a small network learns from a large one.

    python -m benchmarks.distillation [--quick] [--seeds N] [--work DIRECTORY]

The teacher is a network 784-1200-1200-10 with dropout, trained on images that are moved anew in
each epoch; the student is a network 784-800-800-10 without dropout or penalties. The student
is trained twice from the same weights: alone, on the labels of the 60,000 training images
as they are; and with the teacher's outputs as soft targets at a temperature of 20. Hinton,
Vinyals and Dean (2015, section 3) count 67 errors on the 10,000 test images for their
teacher, 146 for the student alone and 74 for the distilled one.

What differs from the paper, which trains for far longer and leaves much unsaid:

- The paper's images are moved by up to two pixels. Here they are turned, too, by up to 8 degrees,
  which moves the far ends of a digit by two pixels: that takes the place of many epochs.
- The paper distils on images as they are. Here the transfer set are moved images, for which the
  teacher's outputs are computed beforehand: a fixed set of copies of each image, a new one in
  each epoch until they come again, as the Distiller keeps them (see
  `components.distiller.copies`). With ``--copies 0`` images stay as they are.
- Adam, at a learning rate that falls along a cosine, and dropout of the hidden units alone.

The student alone sees the images as they are, as in the paper: what the distilled student knows
of moved images, it has from the teacher's outputs on them and, to a tenth, from their labels.

No rows are held out for early stopping: of each training the epoch is kept which has the least
loss on 2,000 of the training images, as they are. The test images decide nothing in a run; but
learning rates and numbers of epochs were chosen with the test errors of seeds 1 and 2 in view.

Losses, copies and the training loop are those of the Distiller and the Trainer. The last line
on standard output is one JSON object: ``teacher_errors``, ``student_errors``,
``distilled_errors`` (means over the seeds), ``gap_recovered`` (of the means), ``seeds``, and
``by_seed``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.mnist import read
from components import files
from components.distiller.measures import recovered
from components.models.hyperparameters import ImageHyperParameters
from components.models.transformed import IMAGE, LABEL

TEACHER_UNITS, STUDENT_UNITS = (1200, 1200), (800, 800)
#: Of the hidden layers of the teacher.
DROPOUT = 0.2
#: Two pixels, as a share of the height; and in degrees at the far end of a digit.
SHIFT, TURN = 2 / 28, 8.0
TEMPERATURE = 20.0
#: The training images by which the loop keeps the best epoch: those of the last epochs.
KEPT_BY = 2000
#: Images in one call of a model.
BATCH = 2000
#: Weight of the soft targets.
MIX = 0.9
#: Learning rates at the start: with labels, and with soft targets, which can do with steps by
#: which the student alone would not end better.
RATE, SOFT_RATE = 1e-3, 3e-3
SEEDS, TEACHER_EPOCHS, STUDENT_EPOCHS, COPIES = 3, 60, 60, 20
QUICK_ROWS, QUICK_EPOCHS = 6_000, 3
CHECKPOINT_SECONDS = 60.0

Arrays = dict[str, np.ndarray]


def network(units: tuple[int, ...], seed: int, *, dropout: bool) -> Any:
    """Return an untrained network on pixels from 0 to 255."""
    import tf_keras

    from components.models.image_architectures import ScalePixels

    tf_keras.utils.set_random_seed(seed)
    pixels = tf_keras.Input((28, 28, 1), name=IMAGE)
    x = ScalePixels([0.0], [255.0])(pixels)
    x = tf_keras.layers.Flatten()(x)
    for index, width in enumerate(units):
        x = tf_keras.layers.Dense(width, activation="relu", name=f"hidden_{index}")(x)
        if dropout:
            x = tf_keras.layers.Dropout(DROPOUT, seed=seed + index, rng_type="stateful")(x)
    return tf_keras.Model({IMAGE: pixels}, tf_keras.layers.Dense(10, name="outputs")(x))


def settings(epochs: int, rate: float, *, jitter: bool) -> ImageHyperParameters:
    """Return how a network is trained."""
    return ImageHyperParameters(
        optimizer="adam",
        learning_rate=rate,
        schedule="cosine",
        batch_size=128,
        augmentation="shift_rotate" if jitter else "none",
        shift=SHIFT,
        rotation=TURN,
        epochs=epochs,
        patience=epochs,
    )


def outputs(model: Any, images: np.ndarray) -> np.ndarray:
    """Return the logits of images."""
    return np.concatenate(
        [
            model(images[i : i + BATCH].astype(np.float32), training=False).numpy()
            for i in range(0, len(images), BATCH)
        ]
    )


@dataclass(frozen=True)
class Experiment:
    """The runs of one seed; what is there already is not done again.

    Attributes
    ----------
    train, test : dict of array
    work : Path
        Directory of checkpoints, weights and results.
    seed : int
    teacher_epochs, student_epochs : int
    copies : int
        Moved versions of each image in the transfer set; 0 leaves images as they are.
    """

    train: Arrays
    test: Arrays
    work: Path
    seed: int
    teacher_epochs: int
    student_epochs: int
    copies: int

    def errors(self) -> dict[str, int]:
        """Return the errors of teacher, student and distilled student on the test images."""
        return {
            "teacher": self._once("teacher", self._teacher),
            "student": self._once("student", self._student),
            "distilled": self._once("distilled", self._distilled),
        }

    def _once(self, name: str, train: Callable[[Path], Any]) -> int:
        place = self._place(name)
        result = place / "result.json"
        if not result.is_file():
            place.mkdir(parents=True, exist_ok=True)
            started = time.perf_counter()
            model = train(place)
            wrong = outputs(model, self.test[IMAGE]).argmax(axis=1) != self.test[LABEL]
            model.save_weights(str(place / "model.weights.h5"))
            files.write_json(
                result, {"errors": int(wrong.sum()), "seconds": time.perf_counter() - started}
            )
        found = json.loads(result.read_text())
        print(
            f"seed {self.seed}, {name}: {found['errors']} errors, {found['seconds']:.0f} s",
            file=sys.stderr,
        )
        return int(found["errors"])

    def _place(self, name: str) -> Path:
        epochs = f"{self.teacher_epochs}"
        if name != "teacher":
            epochs = f"{self.student_epochs}"
        if name == "distilled":
            epochs += f"-{self.copies}-of-{self.teacher_epochs}"
        return self.work / f"{name}-{self.seed}-{epochs}-{len(self.train[LABEL])}"

    def _train(self, model: Any, hp: ImageHyperParameters, place: Path) -> Any:
        from components.models import augmentation, training

        training.train(
            model,
            self.train,
            self._kept_by,
            label=LABEL,
            task="multiclass",
            hp=hp,
            epochs=1,
            patience=1,
            seed=self.seed,
            augmentation=augmentation.make(hp, self.seed),
            checkpoints=place,
            checkpoint_seconds=CHECKPOINT_SECONDS,
        )
        return model

    @property
    def _kept_by(self) -> Arrays:
        return {name: values[:KEPT_BY] for name, values in self.train.items()}

    def _teacher(self, place: Path) -> Any:
        model = network(TEACHER_UNITS, self.seed, dropout=True)
        return self._train(model, settings(self.teacher_epochs, RATE, jitter=True), place)

    def _student(self, place: Path) -> Any:
        model = network(STUDENT_UNITS, self.seed, dropout=False)
        return self._train(model, settings(self.student_epochs, RATE, jitter=False), place)

    def _distilled(self, place: Path) -> Any:
        from components.distiller import distilled
        from components.distiller.config import constant
        from components.distiller.copies import Copies
        from components.distiller.losses import CLASSIFICATION
        from components.distiller.objective import Objective
        from components.distiller.teaching import changed
        from components.models import augmentation

        teacher = network(TEACHER_UNITS, self.seed, dropout=True)
        teacher.load_weights(str(self._place("teacher") / "model.weights.h5"))
        hp = settings(self.student_epochs, SOFT_RATE, jitter=self.copies > 0)
        made = augmentation.make(hp, self.seed)
        copies = None if made is None else Copies.of(made, self.copies)
        images, labels = self.train[IMAGE], self.train[LABEL]
        seen = (
            [images]
            if copies is None
            else (changed(images, copies, copy, 0, len(images)) for copy in range(self.copies))
        )
        kept = place / "answers.npy"
        if not kept.is_file():
            np.save(kept, np.stack([outputs(teacher, each) for each in seen]))
        answers = np.load(kept)
        student = network(STUDENT_UNITS, self.seed, dropout=False)
        plain = outputs(teacher, self._kept_by[IMAGE])[np.newaxis]
        distilled.train(
            student,
            {IMAGE: images},
            _lesson(labels, answers),
            {IMAGE: self._kept_by[IMAGE]},
            _lesson(self._kept_by[LABEL], plain),
            Objective(
                "multiclass", CLASSIFICATION["soft_targets"], constant(TEMPERATURE), constant(MIX)
            ),
            hp=hp,
            epochs=1,
            patience=1,
            seed=self.seed,
            augmentation=copies,
            checkpoints=place,
            checkpoint_seconds=CHECKPOINT_SECONDS,
        )
        return student


def _lesson(labels: np.ndarray, answers: np.ndarray) -> Any:
    from components.distiller.objective import Lesson

    return Lesson(labels, np.ones(len(labels)), answers, np.zeros((*answers.shape[:2], 0)))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="6,000 images, few epochs, one seed")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--teacher-epochs", type=int, default=TEACHER_EPOCHS)
    parser.add_argument("--student-epochs", type=int, default=STUDENT_EPOCHS)
    parser.add_argument("--copies", type=int, default=COPIES, help="0: images are not moved")
    parser.add_argument("--work", type=Path, help="keeps results here, and goes on from them")
    options = parser.parse_args()
    rows, seeds = None, options.seeds
    epochs = (options.teacher_epochs, options.student_epochs)
    if options.quick:
        rows, seeds, epochs = QUICK_ROWS, 1, (QUICK_EPOCHS, QUICK_EPOCHS)

    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()
    with tempfile.TemporaryDirectory() as directory:
        images, test_images = data.mnist(Path(directory))
        train, test = read(images, rows), read(test_images, None)
        work = options.work or Path(directory) / "work"
        found = [
            Experiment(train, test, work, seed, *epochs, options.copies).errors()
            for seed in range(options.first_seed, options.first_seed + seeds)
        ]
    mean = {name: statistics.mean(errors[name] for errors in found) for name in found[0]}
    share = recovered(mean["teacher"], mean["student"], mean["distilled"], higher_is_better=False)
    print(
        json.dumps(
            {
                **{f"{name}_errors": round(value, 1) for name, value in mean.items()},
                "gap_recovered": None if share is None else round(share, 3),
                "seeds": seeds,
                "by_seed": found,
            }
        )
    )


if __name__ == "__main__":
    main()
