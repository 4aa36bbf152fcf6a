"""How long the web app takes to its first page, and for pages of a store of 1,000 runs.

    python -m benchmarks.ui [--quick] [--rounds N] [--runs N] [--what-if-root DIR]

The store holds 20 artifacts a run. ``first_page_s`` is from the start of the command to the
first page's last byte, the median of whole processes started cold in turn; the other figures
are medians of requests over HTTP to one process: ``runs_ms`` of the list of runs,
``lineage_ms`` of the graph of a pushed model, the slower of both directions. ``whatif_ms`` is
a prediction by the trained model when warm, on the newest run at ``--what-if-root``, or on one of a
small data set that is made for it.
The last line on standard output is one JSON object with these figures, the slowest request of
every kind, and what the store holds.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from pipeline.store import Store
from pipeline.store.sqlite import connection_config, default_path
from tests.recorded_runs import DAG, RecordedPipeline

PROJECT = Path(__file__).parents[1]
HOUR = 3600.0
ARTIFACTS = 20


def build(root: Path, runs: int) -> None:
    """Write a store of runs with 20 artifacts each."""
    pipeline = RecordedPipeline(connection_config(default_path(root)), root=str(root))
    config = json.dumps({"name": "taxi", "data": {"columns": [f"column_{i}" for i in range(200)]}})
    started = 1.7e9
    for number in range(runs):
        run_id = time.strftime("%Y%m%d-%H%M%S-000", time.gmtime(started))
        summary = {
            "executed": len(DAG) + 1,
            "cached": 0,
            "failed": 0,
            "skipped": 0,
            "metrics": {"AUC": 0.95 + number / 100_000, "loss": 0.2},
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
        made = run.run_all({"Trainer": {"epochs": number}}, started=started)
        written = sum(len(outputs) for outputs in made.values())
        execution = run.start(
            "ModelDebugger",
            {"model": [made["Trainer"]["model"]], "examples": [made["ExampleGen"]["examples"]]},
            mw_started=started,
        )
        run.finish(
            "ModelDebugger",
            execution,
            {f"analysis_{i}": "ModelAnalysis" for i in range(ARTIFACTS - written)},
            mw_started=started,
            mw_ended=started + 2,
        )
        started += HOUR
        if sys.stderr.isatty() or (number + 1) % 100 == 0:
            print(f"\rbuilding: run {number + 1} of {runs}", end="", file=sys.stderr)
    print(file=sys.stderr)


@contextlib.contextmanager
def served(root: Path) -> Iterator[str]:
    """Serve the app; yields its address, which answers."""
    process = subprocess.Popen(
        [sys.executable, "local_runner.py", "ui", "--root", str(root), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.match(r"http://\S+", line)
        if found is None:
            raise RuntimeError(f"The app did not start: {line!r}")
        yield found[0]
    finally:
        process.terminate()
        process.wait()


def first_page(root: Path) -> float:
    """Return the seconds from the start of a process to its first page."""
    started = time.perf_counter()
    with served(root) as address:
        httpx.get(address).raise_for_status()
        return time.perf_counter() - started


def requests(address: str, paths: dict[str, str], rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of each request, one of each kind in turn."""
    found: dict[str, list[float]] = {name: [] for name in paths}
    with httpx.Client(base_url=address, timeout=60) as client:
        for _ in range(rounds):
            for name, path in paths.items():
                started = time.perf_counter()
                client.get(path).raise_for_status()
                found[name].append((time.perf_counter() - started) * 1000)
    return found


def what_if(root: Path, rounds: int) -> list[float]:
    """Return the milliseconds of predictions of an edited example, by a model that is loaded."""
    found = []
    with served(root) as address, httpx.Client(base_url=address, timeout=120) as client:
        page = client.get("/what-if", follow_redirects=True).raise_for_status()
        text = re.search(r'data-what-if="([^"]*)"', page.text)
        assert text is not None
        headers = json.loads(html.unescape(text[1]))["headers"]
        asked = f"{page.url.path}/ask/"
        example = client.post(asked + "example", json={"row": 3}, headers=headers).json()
        question = {"values": example["values"], "candidates": ["trained"]}
        number = next(n for n, v in question["values"].items() if isinstance(v, float))
        for turn in range(rounds + 1):
            question["values"][number] += 0.01
            started = time.perf_counter()
            client.post(asked + "predictions", json=question, headers=headers).raise_for_status()
            if turn:  # the first one loads the model
                found.append((time.perf_counter() - started) * 1000)
    return found


def small_run(directory: Path) -> Path:
    """Run the pipeline on a small table, and return its root."""
    from sklearn.datasets import load_breast_cancer

    load_breast_cancer(as_frame=True).frame.to_csv(directory / "d.csv", index=False)
    config = directory / "c.yaml"
    config.write_text("data: {path: d.csv, label: target}\ntrainer: {epochs: 3}\n")
    root = directory / "runs"
    words = ["run", "--config", str(config), "--set", f"root={root}"]
    subprocess.run(
        [sys.executable, "local_runner.py", *words],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return root


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="50 runs, 3 rounds")
    parser.add_argument("--runs", type=int, help="runs in the store")
    parser.add_argument("--rounds", type=int, help="requests of each kind")
    parser.add_argument("--what-if-root", type=Path, help="root of a pipeline that has run")
    given = parser.parse_args()
    runs = given.runs or (50 if given.quick else 1000)
    rounds = given.rounds or (3 if given.quick else 15)
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        build(root, runs)
        store = Store(connection_config(default_path(root)))
        newest, *_, oldest = store.runs()
        [pushed] = store.artifacts(type="PushedModel", limit=1)
        examples = store.artifacts(run=newest.id, node="ExampleGen")[-1]
        paths = {
            "runs": "/",
            "runs_by_metric": "/?sort=AUC&order=up&page=7",
            "run": f"/runs/{newest.id}",
            "artifacts": "/artifacts",
            "artifacts_of_type": "/artifacts?type=Model",
            "lineage_up": f"/lineage/{pushed.id}",
            "lineage_down": f"/lineage/{examples.id}?direction=down",
            "models": "/models",
            "compare": f"/compare?run={oldest.id}&run={newest.id}",
        }
        starts = []
        for number in range(min(rounds, 5)):
            print(f"start {number + 1}", file=sys.stderr)
            starts.append(first_page(root))
        with served(root) as address:
            found = requests(address, paths, rounds)
        other = Path(directory) / "what-if"
        other.mkdir()
        found["what_if"] = what_if(given.what_if_root or small_run(other), rounds)
    medians = {name: round(statistics.median(times), 1) for name, times in found.items()}
    for name, times in found.items():
        print(f"{name:<20}{medians[name]:8.1f} ms, slowest {max(times):.1f}", file=sys.stderr)
    result = {
        "first_page_s": round(statistics.median(starts), 2),
        "runs_ms": medians["runs"],
        "lineage_ms": max(medians["lineage_up"], medians["lineage_down"]),
        "whatif_ms": medians["what_if"],
        "pages_ms": medians,
        "slowest_ms": {name: round(max(times), 1) for name, times in found.items()},
        "runs": runs,
        "artifacts": runs * ARTIFACTS,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
