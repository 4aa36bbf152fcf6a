"""Runs the command line as a person types it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import sklearn.datasets

from tests.e2e.forkserver import Forked

REPOSITORY = Path(__file__).parents[2]
FAULTS = Path(__file__).parent / "faults"

#: The nodes that execute, in the order in which they run.
NODES = [
    "ExampleGen",
    "StatisticsGen",
    "SchemaGen",
    "ExampleValidator",
    "Transform",
    "Trainer",
    "Evaluator",
    "Pusher",
]


@dataclasses.dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The last line on standard output, decoded."""
        return json.loads(self.out.strip().splitlines()[-1])


@dataclasses.dataclass
class Project:
    """A user's directory: data, a config, and a root that the pipeline writes to."""

    directory: Path
    config: Path
    root: Path

    def start(
        self,
        *arguments: str,
        fault: str | None = None,
        repository: Path = REPOSITORY,
        new_process: bool = False,
    ) -> subprocess.Popen[str] | Forked:
        """Start ``local_runner.py ARGUMENTS --config CONFIG``.

        As a fork that has its imports behind it; as a new process of the interpreter on
        demand, or for the program of another directory.
        """
        environment = {**os.environ, "COLUMNS": "200"}
        environment.pop("FAULT", None)
        if fault is not None:
            environment |= {
                "FAULT": fault,
                "FAULT_MARK": str(self.directory / "fault"),
                "PYTHONPATH": str(FAULTS),
            }
        arguments = (*arguments, "--config", str(self.config))
        if repository == REPOSITORY and not new_process:
            return Forked(arguments, self.directory, environment)
        return subprocess.Popen(
            [sys.executable, str(repository / "local_runner.py"), *arguments],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, expect: int | None = 0, **options: Any) -> Result:
        """Run a command to its end and check its exit code."""
        process = self.start(*arguments, **options)
        try:
            out, err = process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate()
            raise AssertionError(f"{arguments} did not end:\n{out}\n{err}") from None
        if expect is not None:
            logs = sorted(self.root.glob("logs/**/*.log"), key=lambda p: p.stat().st_mtime)
            tail = logs[-1].read_text()[-2000:] if logs and process.returncode != expect else ""
            assert process.returncode == expect, f"{process.returncode}\n{out}\n{err}\n{tail}"
        return Result(process.returncode, out, err)

    def run(self, *arguments: str, verb: str = "run", **options: Any) -> Result:
        """Call a running verb with ``--json``."""
        return self.call(verb, *arguments, "--json", **options)

    @contextlib.contextmanager
    def restored(self, backup: Path) -> Iterator[Project]:
        """Let the block do what it likes to the directory, and put all of it back after it.

        Artifacts are recorded by absolute path, so a copy could not be worked with elsewhere.
        """
        shutil.copytree(self.directory, backup, symlinks=True)
        yield self
        shutil.rmtree(self.directory)
        shutil.copytree(backup, self.directory, symlinks=True)

    def executions(self, run: str = "latest") -> dict[str, dict[str, Any]]:
        """Return the last execution of each node of a run."""
        found = self.call("show", run, "--json").json["executions"]
        return {execution["node"]: execution for execution in found}

    def states(self, run: str = "latest") -> dict[str, str]:
        """Return the state of each node of a run."""
        return {node: execution["state"] for node, execution in self.executions(run).items()}

    def newest(self, output: str, name: str) -> Any:
        """Return the JSON file `name` of the newest artifact of ``Node/output``."""
        return json.loads(self.newest_text(output, name))

    def newest_text(self, output: str, name: str) -> str:
        """Return the text file `name` of the newest artifact of ``Node/output``."""
        found = self.root.glob(f"artifacts/{output}/[0-9]*/{name}")
        return max(found, key=lambda path: int(path.parent.name)).read_text()

    def executed(self, run: str = "latest") -> set[str]:
        """Return the nodes that a run executed; looking up the baseline is no execution."""
        return {
            node
            for node, state in self.states(run).items()
            if state == "COMPLETE" and node != "BaselineResolver"
        }


def write_dataset(name: str, path: Path) -> None:
    """Write one of scikit-learn's data sets as a plain CSV with the column ``target``."""
    bunch = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
    frame: pd.DataFrame = bunch.frame
    if hasattr(bunch, "target_names") and name in ("wine", "breast_cancer"):
        frame = frame.assign(target=frame["target"].map(dict(enumerate(bunch.target_names))))
    frame.to_csv(path, index=False)


def make_project(directory: Path, name: str = "breast_cancer", settings: str = "") -> Project:
    """Return a project on one of scikit-learn's data sets, with path and label alone."""
    directory.mkdir(parents=True, exist_ok=True)
    write_dataset(name, directory / f"{name}.csv")
    config = directory / f"{name}.yaml"
    config.write_text(f"data:\n  path: {name}.csv\n  label: target\n{settings}")
    return Project(directory, config, directory / "runs" / name)
