"""Does quantization-aware training keep what pruning and clustering made, and is it worth it?

    python -m benchmarks.collaborative_quantization [--quick] [--seeds N]

A convolutional network (residual cells, on MNIST) and a wide-and-deep network (on Adult, through
the pipeline's Transform) are pruned, clustered, and both. Each of the results becomes a TF Lite
file of 8-bit integers twice: by quantization after training, and by quantization-aware training,
which keeps zeros (PQAT), clusters (CQAT) or both (PCQAT). Either file is scored by LiteRT on the
test split, and zeros and distinct weights are counted in the file itself.

The last line on standard output is one JSON object, with one for each network. In it, ``float`` is
the accuracy of the float file, and ``PQAT``, ``CQAT`` and ``PCQAT`` hold, as means over the seeds,
``accuracy`` (and ``auc`` of two classes), ``sparsity``, ``unique`` (distinct weights that are not 0
of a kernel, the most of all kernels that are clustered) and ``bytes`` of both files, those after
training alone under ``post_training``; and what the training for integers gained, in points, with
standard errors.
``kept`` says whether in each seed all zeros and no more than the set clusters are in the file.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks import data
from components.compressor.config import (
    ClusteringConfig,
    FineTuningConfig,
    PruningConfig,
    RecipesConfig,
)
from components.example_gen import idx
from components.models.hyperparameters import HyperParameters, ImageHyperParameters
from components.models.training_config import TrainingConfig
from components.models.transformed import IMAGE, LABEL, Features, ImageFeature

ROOT = Path(__file__).parents[1]
#: Images that are trained on; some thousand more are for early stopping.
ROWS, HELD_OUT, EPOCHS = 20_000, 2_000, 8
CNN = ImageHyperParameters(architecture="cnn", filters=8, learning_rate=0.01, batch_size=64)
QUICK_ROWS, QUICK_EPOCHS = 2_000, 3
#: Share of zeros, and values of each kernel.
SPARSITY, CLUSTERS = 0.8, 16
FINE_TUNING_EPOCHS = 4
SEEDS = 5
FORMS = {
    "PQAT": ("pruning",),
    "CQAT": ("clustering",),
    "PCQAT": ("pruning", "clustering"),
}

Arrays = dict[str, np.ndarray]


def mnist(home: Path, rows: int) -> tuple[Features, Arrays, Arrays, Arrays]:
    """Return MNIST's features, and some training images, others, and all test images."""
    splits = []
    for images in data.mnist(home):
        paths = {IMAGE: str(images), LABEL: idx.labels_file(str(images), None)}
        found = {name: np.concatenate(list(idx.read(path, 4096))) for name, path in paths.items()}
        splits.append(
            {
                IMAGE: found[IMAGE].reshape(-1, 28, 28, 1),
                LABEL: found[LABEL].astype(np.int64),
            }
        )
    whole, test = splits
    train = {name: values[:rows] for name, values in whole.items()}
    held_out = {name: values[-HELD_OUT:] for name, values in whole.items()}
    pixels = train[IMAGE].astype(np.float64)
    feature = ImageFeature(
        height=28, width=28, channels=1, mean=(pixels.mean(),), deviation=(pixels.std(),)
    )
    features = Features(
        label="digit", task="multiclass", classes=tuple("0123456789"), image=feature
    )
    return features, train, held_out, test


def adult(home: Path) -> tuple[Features, Arrays, Arrays, Arrays]:
    """Return Adult's features and splits, as the pipeline transforms them."""
    from components.models.transformed import load_arrays

    path, test_path = data.adult(home / "adult")
    config = home / "adult.yaml"
    config.write_text(
        f"data: {{path: {path}, test_path: {test_path}, label: income}}\n"
        "trainer: {epochs: 1}\nevaluator: {confidence_intervals: false}\n"
    )
    command = [sys.executable, str(ROOT / "local_runner.py"), "run", "--config", str(config)]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the run ended with {done.returncode}:\n{done.stderr[-3000:]}")
    artifacts = home / "runs/adult/artifacts/Transform"
    [description] = artifacts.glob("transform_graph/*/features.json")
    features = Features.read(description.parent)
    train, held_out, test = (
        load_arrays(directory, features)
        for split in ("train", "eval", "test")
        for directory in artifacts.glob(f"transformed_examples/*/Split-{split}")
    )
    return features, train, held_out, test


class Experiment:
    """One network on one data set."""

    def __init__(
        self,
        features: Features,
        train: Arrays,
        held_out: Arrays,
        test: Arrays,
        hp: HyperParameters | ImageHyperParameters,
        epochs: int,
        fine_tuning_epochs: int,
    ) -> None:
        self.features, self.train, self.held_out, self.test = features, train, held_out, test
        self.hp, self.epochs = hp, epochs
        self.recipes = RecipesConfig(
            fine_tuning=FineTuningConfig(epochs=fine_tuning_epochs),
            pruning=PruningConfig(sparsity=SPARSITY),
            clustering=ClusteringConfig(clusters=CLUSTERS),
        )

    def run(self, seed: int) -> dict[str, Any]:
        """Return the figures of one seed."""
        from components.compressor.recipes.base import Draft, Work
        from components.compressor.recipes.table import RECIPES
        from components.models import fitting
        from components.models.specification import Member

        training = TrainingConfig(model=self.hp, epochs=self.epochs, patience=3, seed=seed)
        model, _ = fitting.fit(
            Member(model=self.hp), self.features, self.train, self.held_out, training
        )
        work = Work(self.features, self.train, self.held_out, training, self.hp, self.recipes)
        found: dict[str, Any] = {"float": self._figures(Draft(model), work)["accuracy"]}
        drafts = {(): Draft(model)}
        for form, chain in FORMS.items():
            for length in range(1, len(chain) + 1):
                if chain[:length] not in drafts:
                    before = drafts[chain[: length - 1]]
                    drafts[chain[:length]] = RECIPES[chain[length - 1]].apply(before, work)
            draft = drafts[chain]
            after = RECIPES["int8"].apply(draft, work)
            aware = RECIPES["quantization_aware_training"].apply(draft, work)
            found[form] = {
                **self._figures(aware, work),
                "post_training": self._figures(after, work),
                "zeros": self._figures(draft, work)["sparsity"],
            }
            print(f"{self.hp.architecture}, seed {seed}, {form}: {found[form]}", file=sys.stderr)
        return found

    def _figures(self, draft: Any, work: Any) -> dict[str, float]:
        from components.compressor import conversion, tflite_reading
        from components.models.lite_model import LiteModel

        content = conversion.convert(draft, work)
        scores = LiteModel(content).scores(self.test)
        reading = tflite_reading.read(content)
        labels = self.test[LABEL]
        auc = {"auc": float(roc_auc_score(labels, scores[:, 1]))} if scores.shape[1] == 2 else {}
        return {
            "accuracy": float(np.mean(scores.argmax(axis=1) == labels)),
            **auc,
            "sparsity": reading.sparsity,
            "unique": max(each.unique for each in reading.weights if "depthwise" not in each.name),
            "bytes": len(content),
        }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over the seeds."""
    result: dict[str, Any] = {"float": round(statistics.mean(row["float"] for row in rows), 5)}
    for form, chain in FORMS.items():
        parts = [row[form] for row in rows]
        names = [name for name in parts[0] if name not in ("post_training", "zeros")]

        def means(rows: list[dict[str, Any]], names: list[str] = names) -> dict[str, Any]:
            return {name: round(statistics.mean(row[name] for row in rows), 5) for name in names}

        figures = {**means(parts), "post_training": means([p["post_training"] for p in parts])}
        for name in ("accuracy", "auc"):
            if name in names:
                points = [100 * (part[name] - part["post_training"][name]) for part in parts]
                spread = statistics.stdev(points) if len(points) > 1 else 0.0
                figures[f"gained_{name}_points"] = round(statistics.mean(points), 3)
                figures[f"{name}_standard_error"] = round(spread / math.sqrt(len(points)), 3)
        figures["kept"] = all(
            ("pruning" not in chain or part["sparsity"] >= part["zeros"])
            and ("clustering" not in chain or part["unique"] <= CLUSTERS)
            for part in parts
        )
        result[form] = figures
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--quick", action="store_true", help="2,000 images, few epochs, one seed")
    options = parser.parse_args()
    rows, epochs, tuning, seeds = ROWS, EPOCHS, FINE_TUNING_EPOCHS, options.seeds
    if options.quick:
        rows, epochs, tuning, seeds = QUICK_ROWS, QUICK_EPOCHS, 1, 1
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        experiments = {
            "cnn": Experiment(
                *mnist(home / "mnist", rows),
                CNN,
                epochs,
                tuning,
            ),
            "wide_and_deep": Experiment(
                *adult(home), HyperParameters(architecture="wide_and_deep"), epochs, tuning
            ),
        }
        result = {
            name: summary([experiment.run(seed) for seed in range(1, seeds + 1)])
            for name, experiment in experiments.items()
        }
    print(json.dumps({**result, "seeds": seeds}))


if __name__ == "__main__":
    main()
