"""What the Compressor leaves of the default pipeline's student, and how fast it is.

    python -m benchmarks.edge_latency [--quick]

The pipeline ``taxi`` runs as it is shipped (``--quick``: without the search for hyperparameters).
Then one row is predicted by three forms of the same model, in turn and in the same process,
each warm and on one thread: the chosen candidate and the student's float TF Lite file, both in
LiteRT, and the signature ``transformed_features`` of the student's SavedModel in TensorFlow.
Times are those of the call alone, with the features in memory; medians of many. The last
line on standard output is one JSON object:

``vs_float_tflite``, ``vs_savedmodel``
    How many times as fast as these the chosen candidate is.
``size_share``
    Its bytes on disk as a share of the float file's.
``auc_lost``
    AUC of the student less its own on the test split; ``auc_lost_eval`` on the eval split, by
    which it was chosen.
``chosen``, ``bytes``, ``float_bytes``, ``us`` (microseconds of each form)
"""

from __future__ import annotations

import argparse
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

from components.compressor import card

ROOT = Path(__file__).parents[1]
#: Calls in one measurement, and measurements of each form, in turn.
CALLS = {"chosen": 200, "float_tflite": 200, "savedmodel": 20}
ROUNDS = 300


def run(home: Path, *, quick: bool) -> Path:
    """Run the default pipeline and return its root."""
    root = home / "taxi"
    command = [sys.executable, str(ROOT / "local_runner.py"), "run", "--set", f"root={root}"]
    if quick:
        command += ["--set", "nodes.Tuner.enabled=false"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the run ended with {done.returncode}:\n{done.stderr[-3000:]}")
    print(done.stdout, file=sys.stderr)
    return root


def only(root: Path, output: str) -> Path:
    """Return the directory of the only artifact of an output, such as ``Trainer/model``."""
    [path] = (root / "artifacts" / output).glob("[0-9]*")
    return path


def auc(model: Any, arrays: dict[str, np.ndarray]) -> float:
    """Return the AUC of a model's scores."""
    from components.models.judge import Judge
    from components.models.transformed import LABEL

    return Judge("binary", arrays[LABEL], 0).measure(model.scores(arrays))["AUC"]


def microseconds(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Return the median time of each call; they are measured in turn."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            started = time.perf_counter()
            for _ in range(CALLS[name]):
                call()
            taken[name].append(1e6 * (time.perf_counter() - started) / CALLS[name])
    return {name: statistics.median(values) for name, values in taken.items()}


def measure(root: Path) -> dict[str, Any]:
    """Return the figures of a run."""
    import tensorflow as tf

    from components.models import export
    from components.models.edge import EDGE_DIRECTORY, MODEL_FILE
    from components.models.lite_model import LiteModel
    from components.models.transformed import Features, load_arrays

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    compressed = only(root, "Compressor/compressed_model") / EDGE_DIRECTORY
    candidates = only(root, "Compressor/candidates")
    report = json.loads((candidates / card.REPORT_FILE).read_text())
    features = Features.read(compressed)
    examples = only(root, "Transform/transformed_examples")
    splits = {name: load_arrays(examples / f"Split-{name}", features) for name in ("eval", "test")}
    contents = {
        "chosen": (compressed / MODEL_FILE).read_bytes(),
        "float_tflite": (candidates / card.FILES.format(0)).read_bytes(),
    }
    lite = {name: LiteModel(content) for name, content in contents.items()}
    lost = {
        split: auc(lite["float_tflite"], arrays) - auc(lite["chosen"], arrays)
        for split, arrays in splits.items()
    }
    student = tf.saved_model.load(str(only(root, "Distiller/model") / export.SERVING_DIRECTORY))
    signature = student.signatures["transformed_features"]
    row = {
        name: tf.constant(splits["test"][name][:1])
        for name in signature.structured_input_signature[1]
    }
    calls: dict[str, Callable[[], Any]] = {
        name: model.ready(splits["test"]) for name, model in lite.items()
    }
    calls["savedmodel"] = lambda: signature(**row)
    for call in calls.values():
        for _ in range(200):
            call()
    us = microseconds(calls)
    chosen = report["candidates"][report["chosen"]]
    return {
        "vs_float_tflite": round(us["float_tflite"] / us["chosen"], 3),
        "vs_savedmodel": round(us["savedmodel"] / us["chosen"], 1),
        "size_share": round(len(contents["chosen"]) / len(contents["float_tflite"]), 3),
        "auc_lost": round(lost["test"], 5),
        "auc_lost_eval": round(lost["eval"], 5),
        "chosen": chosen["title"],
        "bytes": len(contents["chosen"]),
        "float_bytes": len(contents["float_tflite"]),
        "us": {name: round(value, 3) for name, value in us.items()},
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="no search for hyperparameters")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(measure(run(Path(directory), quick=options.quick))))


if __name__ == "__main__":
    main()
