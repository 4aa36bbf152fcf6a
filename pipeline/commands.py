"""The verbs that run something: run, rerun, resume, monitor."""

from __future__ import annotations

import datetime
import json
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.errors import InputError
from components.example_gen.dataset import DatasetSpec
from pipeline import dag
from pipeline.config import PipelineConfig
from pipeline.inspection import fit_to_data, inspect_data
from pipeline.invocation import Invocation
from pipeline.job import Event, Job
from pipeline.progress import View
from pipeline.store import Run, Store
from pipeline.store_config import connection_config
from pipeline.supervisor import Supervisor, interruptible


def run(config: PipelineConfig, *, invocation: Invocation, as_json: bool) -> int:
    """Run the whole DAG; what is unchanged comes from the cache."""
    return _execute(config, invocation, as_json, dict)


def rerun(
    config: PipelineConfig,
    node: str,
    *,
    with_downstream: bool,
    base: str | None,
    invocation: Invocation,
    as_json: bool,
) -> int:
    """Execute one node again, whatever the cache holds, on an earlier run's outputs."""
    dag.check_node(node)
    nodes = config.enabled_nodes
    names = [item.name for item in nodes]
    if node not in names:
        raise InputError(f"The node {node} is switched off.", setting=f"nodes.{node}.enabled")
    only = (node, *(dag.downstream(node, nodes) if with_downstream else ()))
    needed = [name for name in names if name not in (node, *dag.downstream(node, nodes))]

    def selection() -> dict[str, Any]:
        found = _store(config).last_good_run(needed, run=base)
        return {"forced": (node,), "only": only, "base": found.id}

    return _execute(config, invocation, as_json, selection)


def resume(
    config: PipelineConfig, run_id: str | None, *, invocation: Invocation, as_json: bool
) -> int:
    """Go on with a run that failed or was interrupted, with the settings it had."""
    store = _store(config)
    store.mark_dead()
    earlier = store.run(run_id) if run_id else _last_unfinished(store)
    if earlier.config is None:
        raise InputError(f"Run {earlier.id} was not started by this command.", got=earlier.id)
    if earlier.state in ("COMPLETE", "REFUSED"):
        raise InputError(
            f"Run {earlier.id} came to its end; there is nothing to resume.",
            got=earlier.state,
            remedy="use run, or rerun NODE",
        )
    settings = PipelineConfig.model_validate(earlier.config)
    selected = earlier.job or {}
    base = earlier.base if selected.get("only") else earlier.id
    return _execute(settings, invocation, as_json, lambda: {**selected, "base": base})


def _last_unfinished(store: Store) -> Run:
    newest = next(iter(store.runs(limit=1)), None)
    if newest is None:
        raise InputError("There is no run to resume.", remedy="use run")
    return newest


def _store(config: PipelineConfig) -> Store:
    return Store(connection_config(config.store, config.root), config.name)


@dataclass(frozen=True)
class Plan:
    """What a run is about, once the data were looked at.

    Attributes
    ----------
    config : PipelineConfig
    dataset : DatasetSpec
    selection : dict
        Fields of the `Job`: which nodes run, and on whose outputs.
    """

    config: PipelineConfig
    dataset: DatasetSpec
    selection: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    job: Job
    final: Event
    code: int


def inspected(config: PipelineConfig, selection: Callable[[], dict[str, Any]]) -> Plan:
    """Return the plan of a run on the data that the settings name."""
    dataset = inspect_data(config)
    return Plan(fit_to_data(config, dataset), dataset, selection())


def execute(config: PipelineConfig, invocation: Invocation, plan: Callable[[], Plan]) -> Outcome:
    """Run a job while showing how it goes.

    Parameters
    ----------
    config : PipelineConfig
        Says where the pipeline is.
    invocation : Invocation
    plan : callable
        Looks at the data, while the process that will run the DAG starts.
    """
    final: Event = {}
    started = time.monotonic()
    with interruptible(), View(invocation.resume()) as view, Supervisor(config) as supervisor:
        planned = plan()
        job = Job(
            run_id=new_run_id(),
            command=shlex.join([*invocation.program, *sys.argv[1:]]),
            config=planned.config,
            dataset=planned.dataset,
            **planned.selection,
        )

        def on_event(event: Event) -> None:
            if event["event"] == "end":
                final.update(event)
            view(event)

        code = supervisor.run(job, on_event)
    if "state" in final and job.config.report.enabled:
        final["report"] = _report(job)
    # For the user the time begins with the command, the imports included.
    final["seconds"] = time.monotonic() - started
    return Outcome(job, final, code)


def _execute(
    config: PipelineConfig,
    invocation: Invocation,
    as_json: bool,
    selection: Callable[[], dict[str, Any]],
) -> int:
    outcome = execute(config, invocation, lambda: inspected(config, selection))
    if as_json:
        print(json.dumps(as_plain(outcome)))
    else:
        summarise(outcome, invocation)
    return outcome.code


def new_run_id() -> str:
    """Return a run id that sorts by time."""
    return datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]


def _report(job: Job) -> str | None:
    """Write the report of a run; what goes wrong is said, and changes nothing about the run."""
    from pipeline.report import report

    config = job.config
    try:
        store = _store(config)
        run = store.run(job.run_id)
        path = report.path_of(run, config.root)
        report.write(store, run, config.root, path, config.report)
        return str(path)
    except KeyboardInterrupt:
        print("The report was left out; the verb report writes it.", file=sys.stderr)
    except Exception as error:  # whatever the run left behind
        print(f"The report could not be written: {error}", file=sys.stderr)
    return None


def as_plain(outcome: Outcome) -> dict[str, Any]:
    """Return what became of a run as plain values."""
    result = {key: value for key, value in outcome.final.items() if key != "event"}
    return {"run": outcome.job.run_id, "exit_code": outcome.code, **result}


def summarise(outcome: Outcome, invocation: Invocation) -> None:
    """Print what became of a run."""
    job, final = outcome.job, outcome.final
    if "state" not in final:  # the error was shown when it came
        return
    counts = final.get("counts")
    lines = [f"Run {job.run_id}: {final['state'].lower()}"]
    if counts:
        done = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
        lines[0] += f" in {final['seconds']:.1f} s ({done or 'nothing to do'})"
        if not counts["executed"] and not counts["failed"]:
            lines.append("  nothing executed: every output is up to date")
    for note in final.get("notes", []):
        lines += [f"  {line}" for line in note.splitlines()]
    facts = {
        name: f"{value:.0f}" if name == "ExampleCount" else f"{value:.4g}"
        for name, value in final.get("metrics", {}).items()
    }
    if final.get("pushed"):
        facts["pushed to"] = final["pushed"]
    if final["state"] == "INTERRUPTED":
        facts["go on"] = invocation.resume()
    if final.get("report"):
        facts["report"] = final["report"]
    facts["artifacts and logs"] = str(job.config.root)
    facts["look closer"] = invocation.show(job.run_id, job.config.root)
    width = max(map(len, facts)) + 2
    lines += [f"  {name:<{width}}{value}" for name, value in facts.items()]
    print("\n".join(lines))
