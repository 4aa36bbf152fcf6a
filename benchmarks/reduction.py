"""What ``reducer: {method: auto}`` leaves of a model, against no reduction.

    python -m benchmarks.reduction [--quick] [--seeds N]

Two data sets go through the whole pipeline, with several seeds of the Trainer's: Adult, with the
default model, and scikit-learn's digits as images, with two hidden layers of 300 and 100
units on all pixels (LeNet-300-100), or on the components. Metrics are those of the test split.
The last line on standard output is one JSON object, with an object for each data set:

``dimensions``, ``components``, ``method``
    Columns that could be reduced, what is left of them, and by which method.
``none``, ``auto``
    Means over the seeds of `METRICS` of the data set.
``lost_points``
    Their differences times 100; negative where the reduced one is the better.
``standard_error``
    Of these differences, over the seeds.
``reducer_s``
    Seconds that the choice and the reduction took.
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

from benchmarks import data
from pipeline.store import Store, sqlite

ROOT = Path(__file__).parents[1]

METRICS = {"adult": ("AUC", "BinaryAccuracy"), "digits": ("SparseCategoricalAccuracy",)}
_TRAINING = "epochs: 40, patience: 10"
_UNITS = "hidden_units: [300, 100]"
#: Sections of the configs, without and with a reduction.
CONFIGS = {
    "adult": {
        "none": "",
        "auto": "reducer: {method: auto}",
    },
    "digits": {
        "none": f"trainer: {{{_TRAINING}, model: {{architecture: lenet300}}}}",
        "auto": f"trainer: {{{_TRAINING}, model: {{architecture: mlp, {_UNITS}}}}}\n"
        "reducer: {method: auto}",
    },
}


def write_data(name: str, home: Path) -> str:
    """Write a data set below `home`, and return the config's section about it."""
    if name == "digits":
        return f"data: {{path: {data.digits(home / 'digits')}}}"
    train, test = data.adult(home / "adult")
    return f"data: {{path: {train}, test_path: {test}, label: income}}"


def run(config: Path, home: Path, seed: int) -> dict[str, Any]:
    """Run the pipeline and return what it says at its end."""
    command = [sys.executable, str(ROOT / "local_runner.py"), "run", "--config", str(config)]
    command += ["--set", f"trainer.seed={seed}", "--json"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the run ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def reduction(root: Path) -> dict[str, Any]:
    """Return what the DimensionalityReducer of the pipeline at `root` did, when it executed."""
    store = Store(sqlite.connection_config(sqlite.default_path(root), create=False))
    first = store.runs()[-1]
    [execution] = [e for e in store.executions(first.id) if e.node == "DimensionalityReducer"]
    [path] = (root / "artifacts/DimensionalityReducer/projection").glob("*/report.json")
    report = json.loads(path.read_text())
    return {
        "dimensions": report["input_width"],
        "components": len(report.get("components", ())) or report["input_width"],
        "method": report["method"],
        "reducer_s": round(execution.seconds or 0.0, 1),
    }


def compare(name: str, seeds: int, home: Path) -> dict[str, Any]:
    """Return the figures of one data set."""
    section = write_data(name, home)
    found: dict[str, list[dict[str, float]]] = {}
    for kind, settings in CONFIGS[name].items():
        config = home / f"{name}_{kind}.yaml"
        config.write_text(f"{section}\n{settings}\nevaluator: {{confidence_intervals: false}}\n")
        found[kind] = []
        for seed in range(seeds):
            metrics = run(config, home, seed)["metrics"]
            found[kind].append({metric: metrics[metric] for metric in METRICS[name]})
            print(f"{name}, {kind}, seed {seed}: {found[kind][-1]}", file=sys.stderr)
    result: dict[str, Any] = reduction(home / "runs" / f"{name}_auto")
    for kind, rows in found.items():
        result[kind] = {
            metric: round(statistics.mean(row[metric] for row in rows), 5)
            for metric in METRICS[name]
        }
    result["lost_points"], result["standard_error"] = {}, {}
    for metric in METRICS[name]:
        points = [
            100 * (before[metric] - after[metric])
            for before, after in zip(found["none"], found["auto"], strict=True)
        ]
        result["lost_points"][metric] = round(statistics.mean(points), 3)
        spread = statistics.stdev(points) if len(points) > 1 else 0.0
        result["standard_error"][metric] = round(spread / len(points) ** 0.5, 3)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one seed")
    arguments = parser.parse_args()
    seeds = 1 if arguments.quick else arguments.seeds
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps({name: compare(name, seeds, Path(directory)) for name in CONFIGS}))


if __name__ == "__main__":
    main()
