"""Whole processes, cold: the unmodified taxi example of the installed TFX against ours.

Both run the same nodes on the same file (the 15,002 taxi rides that the tfx wheel carries), from
CSV to a pushed model, in turn: stock, ours, stock, ours, ... The example tunes nothing, and so
ours has its Tuner switched off. Each run has an empty home, store and cache. The last line on
standard output is one JSON object:

``stock_s``, ``ours_s``
    Medians over the pairs, in seconds.
``ratio``
    Median over the pairs of ours / stock.
``nodes``
    Our median seconds in each node.
``second_s``, ``imports_s``
    Median seconds of our second run, in which every node comes from the cache, and of a
    process that does nothing but its imports.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.store import Store, sqlite

ROOT = Path(__file__).parents[1]

_IMPORTS = """
from components.library_mends import without_stock_components
with without_stock_components():
    from pipeline import compilation, runner
    compilation.import_components()
"""

_STAND_IN = """
import sys, types
module = types.ModuleType("tfx_bsl.arrow.sql_util")
module.RecordBatchSQLSliceQuery = type("RecordBatchSQLSliceQuery", (), {})
sys.modules.setdefault("tfx_bsl.arrow.sql_util", module)
"""


def example_directory() -> Path:
    """Return the directory of the taxi example in the installed tfx."""
    spec = importlib.util.find_spec("tfx")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "examples" / "chicago_taxi_pipeline"


def run_stock(home: Path) -> float:
    """Run TFX's own example below `home`; return its seconds."""
    example = example_directory()
    data = home / "taxi" / "data" / "simple"
    data.mkdir(parents=True)
    # The file with the label column that ours reads; the example ignores that column.
    shutil.copy(example / "data" / "big_tipper_label" / "data.csv", data / "data.csv")
    shutil.copy(example / "taxi_utils_native_keras.py", home / "taxi")
    # The example starts further processes, which import TensorFlow Data Validation
    # without TFX's stand-in for a module that tfx-bsl has dropped.
    (home / "sitecustomize.py").write_text(_STAND_IN)
    seconds = _time(
        [sys.executable, str(example / "taxi_pipeline_native_keras.py")],
        home,
        {"TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": str(home)},
    )
    if not list((home / "taxi" / "serving_model").rglob("saved_model.pb")):
        raise RuntimeError("the stock example pushed no model")
    return seconds


def run_ours(home: Path) -> tuple[float, float, dict[str, float]]:
    """Run our default pipeline twice below `home`.

    Returns
    -------
    tuple
        Seconds of the first run, of the second, and of each node in the first.
    """
    command = [sys.executable, str(ROOT / "local_runner.py"), "run", "--config", "taxi"]
    for setting in (f"root={home / 'runs'}", "tuner=null", "distiller=null", "compressor=null"):
        command += ["--set", setting]
    first = _time(command, home, {})
    if not list((home / "runs" / "serving").rglob("saved_model.pb")):
        raise RuntimeError("our pipeline pushed no model")
    second = _time(command, home, {})
    store = Store(sqlite.connection_config(sqlite.default_path(home / "runs"), create=False))
    again, once = store.runs()
    if again.summary is None or again.summary["executed"]:
        raise RuntimeError("our second run executed something")
    nodes = {e.node: e.seconds for e in store.executions(once.id) if e.node and e.seconds}
    return first, second, nodes


def run_imports(home: Path) -> float:
    """Return the seconds of a process that only imports what a run does."""
    return _time([sys.executable, "-c", _IMPORTS], home, {"PYTHONPATH": str(ROOT)})


def _time(command: list[str], home: Path, variables: dict[str, str]) -> float:
    log = home / "output.log"
    with open(log, "wb") as file:
        started = time.perf_counter()
        code = subprocess.run(
            command,
            cwd=home,
            env={**os.environ, "HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "2", **variables},
            stdout=file,
            stderr=file,
            check=False,
        ).returncode
    if code:
        raise RuntimeError(f"{command[1]} ended with {code}:\n{log.read_text()[-3000:]}")
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one pair")
    arguments = parser.parse_args()
    pairs = 1 if arguments.quick else arguments.pairs
    stock, ours, second, imports, nodes = [], [], [], [], []
    for index in range(pairs):
        with tempfile.TemporaryDirectory() as directory:
            stock.append(run_stock(Path(directory)))
        with tempfile.TemporaryDirectory() as directory:
            first_seconds, second_seconds, by_node = run_ours(Path(directory))
            imports.append(run_imports(Path(directory)))
        ours.append(first_seconds)
        second.append(second_seconds)
        nodes.append(by_node)
        print(
            f"pair {index + 1}/{pairs}: stock {stock[-1]:.1f} s, ours {ours[-1]:.1f} s, "
            f"ratio {ours[-1] / stock[-1]:.3f}; ours again {second[-1]:.1f} s, "
            f"imports {imports[-1]:.1f} s",
            file=sys.stderr,
        )
    result = {
        "stock_s": round(statistics.median(stock), 1),
        "ours_s": round(statistics.median(ours), 1),
        "ratio": round(statistics.median([a / b for a, b in zip(ours, stock, strict=True)]), 3),
        "nodes": {
            name: round(statistics.median([by_node[name] for by_node in nodes]), 2)
            for name in nodes[0]
        },
        "second_s": round(statistics.median(second), 1),
        "imports_s": round(statistics.median(imports), 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
