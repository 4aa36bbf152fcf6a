"""The benchmark models of the ModelDebugger beside the libraries' own, on three data sets.

    python -m benchmarks.benchmark_models [--quick] [--data NAME ...]

Chicago taxi rides (``tips``, which gives the label away, is left out), Adult with its canonical
split, and diamonds, of which the price is the label. Our pipeline splits and transforms each and
trains its default network; then the section of the ModelDebugger trains the benchmark models on
the transformed features, and each is saved behind the transform graph and loaded again. The
peers (see `benchmarks.benchmark_models_peers`) are fitted in turn, by the libraries that people
would take otherwise, on the same features and rows with the same settings, or, of TensorFlow
Lattice, as its premade ensemble. All are scored on the test split. The lattice's output may only
rise with the columns of `MONOTONIC`, ours as the peer's.

The last line on standard output is one JSON object by data set:

``metric``, ``model``
    AUC, or R2 for a regression; and that of the pipeline's network.
``models``
    By name: ``ours``, ``peer``, ``ratio`` of the two metrics (null where a metric is about 0),
    ``seconds`` and ``peer_seconds`` to fit (the peers' with their scoring of the test rows),
    ``served_difference`` (largest difference of a score between the model and its SavedModel on
    raw rows, in deviations of the label for a regression).
``verdict``
    See `components.model_debugger.benchmark_models.section.describe`; by the eval split.
``violation``
    Largest step of the lattice against what is declared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.stock_tfx import example_directory

ROOT = Path(__file__).resolve().parents[1]
SEED = 1
#: Training rows of a quick look.
QUICK_ROWS = 3_000
#: Budget of the section, which none of the data sets needs.
SECONDS = 3600.0
#: Digits of a probability by which rows are ranked.
ROUNDED = 6
#: Metrics below this have no ratio.
ABOUT_ZERO = 0.01

#: Columns with which the lattice may only rise, by data set.
MONOTONIC: dict[str, tuple[str, ...]] = {
    "taxi": (),
    "adult": ("education_num", "capital_gain"),
    "diamonds": ("carat",),
}

Arrays = dict[str, np.ndarray]


def taxi(directory: Path) -> list[str]:
    """Return the settings of the rides that the installed tfx carries."""
    path = example_directory() / "data" / "big_tipper_label" / "data.csv"
    return [f"data.path={path}", "data.label=big_tipper", "data.exclude=[tips]"]


def adult(directory: Path) -> list[str]:
    """Write Adult and return the settings."""
    train, test = data.adult(directory)
    return [f"data.path={train}", f"data.test_path={test}", "data.label=income"]


def diamonds(directory: Path) -> list[str]:
    """Write the diamonds and return the settings."""
    return [f"data.path={data.diamonds(directory)}", "data.label=price"]


SETS = {"taxi": taxi, "adult": adult, "diamonds": diamonds}


@dataclass(frozen=True)
class Prepared:
    """What our pipeline has made of a data set: artifacts' directories."""

    graph: Path
    transformed: Path
    raw: Path
    model: Path


def prepare(settings: list[str], directory: Path) -> Prepared:
    """Run our pipeline up to the trained network."""
    root = directory / "runs"
    command = [sys.executable, str(ROOT / "local_runner.py"), "run", "--config", "automl", "--json"]
    for setting in (
        *settings,
        "tuner=null",
        "nodes.Evaluator.enabled=false",
        "nodes.Pusher.enabled=false",
        f"root={root}",
    ):
        command += ["--set", setting]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"our run ended with {done.returncode}:\n{done.stdout[-3000:]}")

    def only(output: str) -> Path:
        [found] = (root / "artifacts" / output).glob("[0-9]*")
        return found

    return Prepared(
        graph=only("Transform/transform_graph"),
        transformed=only("Transform/transformed_examples"),
        raw=only("ExampleGen/examples"),
        model=only("Trainer/model"),
    )


@dataclass
class Comparison:
    """The figures of one data set as they come in."""

    metric: str
    model: float
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    verdict: dict[str, Any] | None = None
    violation: float = 0.0


def compare(name: str, prepared: Prepared, rows: int | None) -> Comparison:
    """Train ours and the peers' and score all of them on the test split.

    Parameters
    ----------
    name : str
        Of the data set.
    prepared : Prepared
    rows : int, optional
        Training rows, drawn by the seed; all, if not given.
    """
    from benchmarks.benchmark_models_peers import PEERS, Task
    from components import examples
    from components.deadline import Deadline
    from components.model_debugger.benchmark_models import section
    from components.model_debugger.benchmark_models.config import BenchmarkModelsConfig
    from components.model_debugger.benchmark_models.lattice import directions
    from components.models import export, lattice, loading, measuring, predict
    from components.models.transformed import LABEL, Features, load_arrays

    features = Features.read(prepared.graph)
    train, validation, test = (
        load_arrays(prepared.transformed / f"Split-{split}", features)
        for split in ("train", "eval", "test")
    )
    if rows is not None and rows < len(train[LABEL]):
        chosen = np.random.default_rng(SEED).choice(len(train[LABEL]), rows, replace=False)
        train = {key: values[chosen] for key, values in train.items()}
    config = BenchmarkModelsConfig(
        max_rows=max(len(train[LABEL]), 10),
        monotonic=dict.fromkeys(MONOTONIC[name], "increasing"),
    )
    network = loading.load(prepared.model).model
    fitted: dict[str, Any] = {}
    described = section.describe(
        train,
        validation,
        features,
        config,
        SEED,
        Deadline(SECONDS),
        fitted.__setitem__,
        network,
    )

    def scored(model: Any) -> np.ndarray:
        return measuring.scores(measuring.outputs(model, test), features.task)[:, -1]

    found = Comparison(
        "R2" if features.regression else "AUC", quality(test[LABEL], scored(network), features)
    )
    found.verdict = described["verdict"]
    say(name, "the network", f"{found.metric} {found.model:.5f}")
    task = Task(
        features,
        train,
        validation,
        test,
        config,
        SEED,
        lambda scores: quality(validation[LABEL], scores, features),
    )
    records = [
        record
        for batch in examples.read_records(examples.split_files(prepared.raw / "Split-test"))
        for record in batch
    ]
    unit = float(test[LABEL].std()) if features.regression else 1.0
    seconds = {model["name"]: model["seconds"] for model in described["models"]}
    for each, model in fitted.items():
        scores = scored(model)
        with tempfile.TemporaryDirectory() as directory:
            export.save_served(model, features, prepared.graph, directory)
            served = predict.load(directory).predict_examples(records)
        served = served if served.ndim == 1 else served[:, -1]
        started = time.monotonic()
        theirs = PEERS[each](task)
        taken = time.monotonic() - started
        ours, peer = (quality(test[LABEL], values, features) for values in (scores, theirs))
        found.models[each] = {
            "ours": round(ours, 5),
            "peer": round(peer, 5),
            "ratio": round(ours / peer, 4) if min(abs(ours), abs(peer)) > ABOUT_ZERO else None,
            "seconds": round(seconds[each], 2),
            "peer_seconds": round(taken, 2),
            "served_difference": float(f"{np.abs(served - scores).max() / unit:.1e}"),
        }
        figures = " ".join(f"{key} {value}" for key, value in found.models[each].items())
        say(name, each, figures)
    if config.monotonic:
        found.violation = lattice.largest_violation(
            fitted["lattice"], features, test, directions(config), SEED
        )
    return found


def quality(labels: np.ndarray, scores: np.ndarray, features: Any) -> float:
    """Return the area under the ROC curve, or R2."""
    from sklearn.metrics import r2_score, roc_auc_score

    if features.regression:
        return float(r2_score(labels, scores))
    # In single precision, equal logits may differ in the last digit of their probability.
    return float(roc_auc_score(labels, np.round(scores, ROUNDED)))


def say(name: str, who: str, figures: str) -> None:
    """Print what has come in."""
    print(f"{name:9s} {who:19s} {figures}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"train on {QUICK_ROWS:,} rows")
    parser.add_argument("--data", nargs="+", choices=tuple(SETS), default=list(SETS))
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    result = {}
    for name in arguments.data:
        with tempfile.TemporaryDirectory() as temporary:
            prepared = prepare(SETS[name](Path(temporary)), Path(temporary))
            found = compare(name, prepared, QUICK_ROWS if arguments.quick else None)
        result[name] = vars(found) | {"model": round(found.model, 5)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
