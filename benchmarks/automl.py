"""AutoML: one command's model against LightGBM, FLAML and scikit-learn's boosting.

On Adult (its canonical split) and Chicago taxi rides (the split of our pipeline; ``tips``, which
gives the label away, is left out) everyone trains on the same rows and is scored on the same test
rows, one after the other, on two cores. Ours is the whole process, from the command to the
pushed SavedModel, with the budget of the others' search: its imports, statistics, evaluation and
export count. Peers get our train and eval rows together. The last line on standard output
is one JSON object with the areas under the ROC curve, by data set:

``ours``, ``lightgbm``, ``flaml``, ``hgb``
    ``hgb`` is scikit-learn's HistGradientBoosting after a random search.
``hgb_default``
    The same with its default settings.
``seconds``
    Wall time of each of them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks import data, peers
from benchmarks.stock_tfx import example_directory
from components.example_gen import splitting
from components.example_gen.config import SPLITS
from components.example_gen.dataset import DatasetSpec
from components.example_gen.inspect import inspect
from components.example_gen.readers import read_batches
from pipeline import config

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("lightgbm", "flaml", "hgb", "hgb_default")
CORES = 2
SEED = 1
#: Budgets of a quick look, in seconds; ours has to start and to export, too.
QUICK_SECONDS, OUR_QUICK_SECONDS = 20, 60
#: What the rest of our run takes of the budget: imports, statistics, evaluation, export.
OVERHEAD_SECONDS = 25
#: Rows that are scored at once.
BATCH_ROWS = 4096


@dataclass(frozen=True)
class Challenge:
    """A data set with a split.

    Attributes
    ----------
    settings : tuple of str
        ``key=value`` settings that our pipeline needs.
    spec : DatasetSpec
        The data set as our pipeline finds it.
    train, test : Path
        Rows for the peers; the test rows have no label.
    labels : ndarray of bool
        Whether each test row is positive.
    """

    settings: tuple[str, ...]
    spec: DatasetSpec
    train: Path
    test: Path
    labels: np.ndarray

    @property
    def positive(self) -> str:
        """The positive value of the label."""
        return self.spec.classes[-1]


def adult(directory: Path) -> Challenge:
    """Return Adult with its canonical split."""
    train, test = data.adult(directory)
    return challenge(directory, f"data.path={train}", f"data.test_path={test}", "data.label=income")


def taxi(directory: Path) -> Challenge:
    """Return the taxi rides that the installed tfx carries, with the split of our pipeline."""
    path = example_directory() / "data" / "big_tipper_label" / "data.csv"
    return challenge(directory, f"data.path={path}", "data.label=big_tipper", "data.exclude=[tips]")


CHALLENGES = {"adult": adult, "taxi": taxi}


def challenge(directory: Path, *settings: str) -> Challenge:
    """Split a data set as our pipeline does, and write the rows for the peers."""
    found = config.load("automl", settings).data
    spec = inspect(found)
    if spec.rows_without_label:
        raise RuntimeError(f"{spec.rows_without_label} rows have no label to compare with")
    is_test = np.concatenate(
        [splitting.assign(batch, spec) == SPLITS.index("test") for batch in batches(spec)]
    )
    rows = read_text(spec.files)
    train, test = rows[~is_test], rows[is_test]
    if spec.test_files:
        test = read_text(spec.test_files)
    features = list(spec.features)
    paths = directory / "peers-train.csv", directory / "peers-test.csv"
    train[[*features, spec.label]].to_csv(paths[0], index=False)
    test[features].to_csv(paths[1], index=False)
    labels = (test[spec.label] == spec.classes[-1]).to_numpy()
    return Challenge(settings, spec, *paths, labels)


def batches(spec: DatasetSpec) -> list[pa.RecordBatch]:
    """Return the rows of the files that are divided into splits."""
    return list(read_batches(spec, spec.files))


def read_text(files: tuple[str, ...]) -> pd.DataFrame:
    """Return the cells of CSV files as they are written."""
    return pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files])


def ask_peer(name: str, task: Challenge, seconds: float) -> tuple[float, float]:
    """Return a peer's area under the curve and its seconds."""
    answer = peers.run_peer(
        "benchmarks.automl_peers",
        {
            "peer": name,
            "train": str(task.train),
            "test": str(task.test),
            "label": task.spec.label,
            "positive": task.positive,
            "seconds": seconds,
            "threads": CORES,
            "seed": SEED,
        },
        threads=CORES,
    )
    return auc(task.labels, np.array(answer["scores"])), answer["seconds"]


def run_ours(task: Challenge, seconds: float, directory: Path) -> tuple[float, float]:
    """Return our area under the curve and the seconds of the whole process."""
    settings = [
        *task.settings,
        f"tuner.budget.seconds={seconds}",
        f"root={directory / 'runs'}",
    ]
    command = [sys.executable, str(ROOT / "local_runner.py"), "run", "--config", "automl", "--json"]
    for setting in settings:
        command += ["--set", setting]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"our run ended with {done.returncode}:\n{done.stdout[-3000:]}")
    pushed = json.loads(done.stdout.splitlines()[-1])["pushed"]
    return auc(task.labels, score(Path(pushed), task.spec)), seconds


def score(saved_model: Path, spec: DatasetSpec) -> np.ndarray:
    """Return a pushed model's probability of the positive class on each test row."""
    import tensorflow as tf

    predict = tf.saved_model.load(str(saved_model)).signatures["predict"]
    arguments = json.loads((saved_model / "assets.extra" / "predict_arguments.json").read_text())
    parts = []
    for rows in test_rows(spec):
        for start in range(0, rows.num_rows, BATCH_ROWS):
            batch = rows.slice(start, BATCH_ROWS)
            columns = {arguments[name]: tensor(batch.column(name)) for name in arguments}
            parts.append(predict(**columns)["scores"].numpy()[:, -1])
    return np.concatenate(parts)


def test_rows(spec: DatasetSpec) -> list[pa.RecordBatch]:
    """Return the rows of the test split, in the order of the files."""
    if spec.test_files:
        return list(read_batches(spec, spec.test_files))
    test = SPLITS.index("test")
    return [b.filter(pa.array(splitting.assign(b, spec) == test)) for b in batches(spec)]


def tensor(column: pa.Array) -> Any:
    """Return a column as the signature ``predict`` takes it."""
    import tensorflow as tf

    if pa.types.is_string(column.type):
        return tf.constant(column.fill_null("").to_pylist(), tf.string)
    return tf.constant(column.cast(pa.float64()).fill_null(np.nan).to_numpy())


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the area under the ROC curve."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def compare(name: str, seconds: float, our_seconds: float) -> dict[str, Any]:
    """Return the figures of one data set."""
    result: dict[str, Any] = {}
    times = {}
    with tempfile.TemporaryDirectory() as temporary:
        task = CHALLENGES[name](Path(temporary))
        for who in ("ours", *PEERS):
            if who == "ours":
                found, taken = run_ours(task, our_seconds, Path(temporary))
            else:
                found, taken = ask_peer(who, task, seconds)
            result[who], times[who] = round(found, 5), round(taken, 1)
            print(f"{name}: {who} {found:.5f} in {taken:.1f} s", file=sys.stderr)
    return {**result, "seconds": times}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300, help="budget of each")
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_SECONDS} s for each peer, {OUR_QUICK_SECONDS} s for ours",
    )
    arguments = parser.parse_args()
    budgets = (arguments.seconds, arguments.seconds - OVERHEAD_SECONDS)
    if arguments.quick:
        budgets = (QUICK_SECONDS, OUR_QUICK_SECONDS - OVERHEAD_SECONDS)
    # All children inherit it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    peers.peers_python()  # installs them before any clock runs
    print(json.dumps({name: compare(name, *budgets) for name in CHALLENGES}))


if __name__ == "__main__":
    main()
