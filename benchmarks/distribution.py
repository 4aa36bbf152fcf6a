"""Taxi, trained by each distribution strategy with several seeds: is the model as good?

Training and evaluation use the transformed examples of one run of the shipped config. The last
line on standard output is a JSON object with, for each strategy, the AUC on the test split by
seed, its mean and deviation, the differences from ``one_device`` with the same seed, and the
speed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from components.models.metrics import Sample, auc

PROJECT = Path(__file__).parents[1]
SEEDS, QUICK_SEEDS = 5, 1
#: Strategy -> its settings.
SETTINGS: dict[str, dict[str, Any]] = {
    "one_device": {},
    "mirrored": {"devices": 2},
    "multi_worker_mirrored": {"workers": 2},
    "parameter_server": {"workers": 2, "servers": 1},
    "model_parallel": {"devices": 2},
    "gpipe": {"partitions": 2, "micro_batches": 4},
}


def prepare(root: Path) -> None:
    """Run the shipped config as far as its Trainer, in a root of its own."""
    command = [sys.executable, str(PROJECT / "local_runner.py"), "run", "--config", "taxi"]
    off = [f"{section}=null" for section in ("tuner", "distiller", "compressor")]
    for setting in (f"root={root}", *off, "trainer.epochs=1", "evaluator.thresholds={}"):
        command += ["--set", setting]
    subprocess.run(command, check=True, stdout=sys.stderr)


def train(root: Path, strategy: str, seed: int) -> dict[str, Any]:
    """Train once, and return the test split's AUC and the speed."""
    import pydantic

    from components.models import transformed
    from components.models.distribution import launch
    from components.models.distribution.config import Distribution
    from components.models.specification import Member
    from pipeline import config

    [graph] = root.glob("artifacts/Transform/transform_graph/[0-9]*")
    [examples] = root.glob("artifacts/Transform/transformed_examples/[0-9]*")
    features = transformed.Features.read(graph)
    arrays = {
        split: transformed.load_arrays(examples / f"Split-{split}", features)
        for split in ("train", "eval", "test")
    }
    settings = config.load("taxi").trainer.model_copy(update={"seed": seed})
    adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(Distribution)
    with tempfile.TemporaryDirectory() as directory:
        model, history = launch.fit(
            Member(model=settings.model),
            features,
            arrays["train"],
            arrays["eval"],
            settings,
            distribution=adapter.validate_python({"strategy": strategy, **SETTINGS[strategy]}),
            checkpoints=Path(directory),
        )
    labels = arrays["test"].pop(transformed.LABEL)
    logits = model.predict(arrays["test"], batch_size=4096, verbose=0)[:, 0].astype(np.float64)
    sample = Sample(labels, 1 / (1 + np.exp(-logits)), np.ones((len(labels), 1)))
    return {
        "auc": float(auc(sample)[0]),
        "epochs": len(history.epochs),
        "seconds": history.seconds,
        "examples_per_second": len(arrays["train"][transformed.LABEL])
        / (history.seconds_per_epoch or 1.0),
        "step_ms": 1000 * (history.seconds_per_step or 0.0),
        "bubble_share": history.bubble_share,
    }


def summarise(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the figures of each strategy, beside those of ``one_device``."""
    alone = [result["auc"] for result in found["one_device"]]
    summary = {}
    for strategy, results in found.items():
        aucs = [result["auc"] for result in results]
        differences = [one - other for one, other in zip(aucs, alone, strict=True)]
        summary[strategy] = {
            "auc": [round(value, 5) for value in aucs],
            "mean": round(statistics.mean(aucs), 5),
            "deviation": round(statistics.pstdev(aucs), 5),
            "difference": round(statistics.mean(differences), 5),
            "largest_difference": round(max(map(abs, differences)), 5),
            **{
                key: round(statistics.median(result[key] for result in results), digits)
                for key, digits in (("seconds", 1), ("examples_per_second", 0), ("step_ms", 2))
            },
        }
    summary["gpipe"]["bubble_share"] = round(
        statistics.median(result["bubble_share"] for result in found["gpipe"]), 3
    )
    return summary


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--seeds", type=int, help=f"default {SEEDS}")
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        root, strategy, seed = options.train
        print(json.dumps(train(Path(root), strategy, int(seed))))
        return
    seeds = options.seeds or (QUICK_SEEDS if options.quick else SEEDS)
    found: dict[str, list[dict[str, Any]]] = {strategy: [] for strategy in SETTINGS}
    with tempfile.TemporaryDirectory() as directory:
        prepare(Path(directory))
        for seed in range(1, seeds + 1):
            for strategy, results in found.items():
                command = [sys.executable, "-m", "benchmarks.distribution", "--train"]
                done = subprocess.run(
                    [*command, directory, strategy, str(seed)],
                    check=True,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=PROJECT,
                )
                results.append(json.loads(done.stdout.splitlines()[-1]))
                print(
                    f"seed {seed}, {strategy}: AUC {results[-1]['auc']:.5f}, "
                    f"{results[-1]['seconds']:.1f} s",
                    file=sys.stderr,
                )
    print(json.dumps(summarise(found)))


if __name__ == "__main__":
    main()
