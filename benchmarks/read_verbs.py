"""How long the read verbs take on a store of 200 runs of 9 nodes.

    python -m benchmarks.read_verbs [--quick] [--rounds N] [--runs N]

Every figure is the median over whole processes, each started cold from the command line,
in turn. The last line on standard output is one JSON object: seconds by verb
(``runs_s``, ``show_s``, ...), the slowest of all processes (``slowest_s``), and what the
store holds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.store import Store
from pipeline.store.sqlite import connection_config, default_path
from tests.recorded_runs import DAG, RecordedPipeline

PROJECT = Path(__file__).parents[1]
DAY = 86_400.0


def build(root: Path, runs: int) -> None:
    """Write a store as the runner would: nine nodes a run, one run in five from the cache."""
    pipeline = RecordedPipeline(connection_config(default_path(root)), root=str(root))
    config = json.dumps({"name": "taxi", "data": {"columns": [f"c{i}" for i in range(100)]}})
    earlier: dict[str, dict[str, int]] = {}
    started = 1.7e9
    for number in range(runs):
        run_id = time.strftime("%Y%m%d-%H%M%S-000", time.gmtime(started))
        cached = number % 5 == 4
        summary = {
            "executed": 0 if cached else len(DAG),
            "cached": len(DAG) if cached else 0,
            "failed": 0,
            "skipped": 0,
            "metrics": {"AUC": 0.95 + number / 10_000, "loss": 0.2},
            "pushed": str(root / "serving" / "1"),
        }
        run = pipeline.begin(
            run_id,
            mw_state="COMPLETE",
            mw_started=started,
            mw_ended=started + 45,
            mw_command="modelworks run --config taxi",
            mw_config=config,
            mw_job=json.dumps({"forced": [], "only": []}),
            mw_base="",
            mw_pid=1,
            mw_host="elsewhere",
            mw_process_started=started,
            mw_summary=json.dumps(summary),
        )
        if cached:
            for node, outputs in earlier.items():
                run.reuse(node, outputs, mw_started=started, mw_ended=started + 0.1)
        else:
            settings = {node: {"epochs": number, "layers": [64, 32]} for node in DAG}
            earlier = run.run_all(settings, started=started)
        log = root / "logs" / run_id / "Trainer.log"
        log.parent.mkdir(parents=True)
        log.write_text("epoch 1\n" * 200)
        started += DAY
        if sys.stderr.isatty() or (number + 1) % 50 == 0:
            print(f"\rbuilding: run {number + 1} of {runs}", end="", file=sys.stderr)
    print(file=sys.stderr)


def verbs(root: Path) -> dict[str, list[str]]:
    """Return the arguments of each verb that is timed."""
    store = Store(connection_config(default_path(root)))
    newest, *_, oldest = store.runs()
    [pushed] = store.artifacts(type="PushedModel", limit=1)
    [examples, *_] = store.artifacts(run=newest.id, node="ExampleGen")
    # Nodes without a log of their own have none on disk.
    return {
        "runs": ["runs", "--limit", "1000"],
        "show": ["show", newest.id],
        "artifacts": ["artifacts"],
        "artifacts_of_node": ["artifacts", "--node", "Trainer"],
        "lineage_up": ["lineage", str(pushed.id)],
        "lineage_down": ["lineage", str(examples.id), "--down"],
        "compare": ["compare", oldest.id, newest.id],
        "logs": ["logs", oldest.id, "Trainer"],
    }


def seconds(arguments: list[str]) -> float:
    """Return how long one process takes."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, str(PROJECT / "local_runner.py"), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=PROJECT,
    )
    return time.perf_counter() - started


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="20 runs, 3 rounds")
    parser.add_argument("--runs", type=int, help="runs in the store")
    parser.add_argument("--rounds", type=int, help="processes of each kind")
    options = parser.parse_args()
    runs = options.runs or (20 if options.quick else 200)
    rounds = options.rounds or (3 if options.quick else 9)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        started = time.perf_counter()
        build(root, runs)
        print(f"built in {time.perf_counter() - started:.1f} s", file=sys.stderr)
        times: dict[str, list[float]] = {}
        for number in range(rounds):
            for verb, arguments in verbs(root).items():
                for form in ([], ["--json"]):
                    took = seconds([*arguments, "--root", str(root), *form])
                    times.setdefault(verb, []).append(took)
            print(f"round {number + 1} of {rounds} done", file=sys.stderr)
        result: dict[str, object] = {
            f"{verb}_s": round(statistics.median(taken), 3) for verb, taken in times.items()
        }
        result["slowest_s"] = round(max(max(taken) for taken in times.values()), 3)
        result |= {"runs": runs, "nodes": len(DAG), "processes": 2 * rounds * len(times)}
        result["store_mb"] = round(default_path(root).stat().st_size / 1e6, 1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
