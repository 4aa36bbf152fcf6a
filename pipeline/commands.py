"""The verbs that run something: run, rerun, resume."""

from __future__ import annotations

import datetime
import json
import shlex
import sys
from collections.abc import Callable
from typing import Any

from components.errors import InputError
from components.example_gen.inspect import inspect
from pipeline import dag
from pipeline.config import PipelineConfig
from pipeline.job import Event, Job
from pipeline.progress import View
from pipeline.store import Run, Store
from pipeline.store_config import connection_config
from pipeline.supervisor import Supervisor, interruptible


def run(config: PipelineConfig, *, config_argument: str, as_json: bool) -> int:
    """Run the whole DAG; what is unchanged comes from the cache."""
    return _execute(config, config_argument, as_json, dict)


def rerun(
    config: PipelineConfig,
    node: str,
    *,
    with_downstream: bool,
    base: str | None,
    config_argument: str,
    as_json: bool,
) -> int:
    """Execute one node again, whatever the cache holds, on an earlier run's outputs."""
    dag.check_node(node)
    nodes = dag.enabled_nodes(config)
    names = [item.name for item in nodes]
    if node not in names:
        raise InputError(f"The node {node} is switched off.", setting=f"nodes.{node}.enabled")
    only = (node, *(dag.downstream(node, nodes) if with_downstream else ()))
    needed = [name for name in names if name not in (node, *dag.downstream(node, nodes))]

    def selection() -> dict[str, Any]:
        found = _store(config).last_good_run(needed, run=base)
        return {"forced": (node,), "only": only, "base": found.id}

    return _execute(config, config_argument, as_json, selection)


def resume(
    config: PipelineConfig, run_id: str | None, *, config_argument: str, as_json: bool
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
    return _execute(settings, config_argument, as_json, lambda: {**selected, "base": base})


def _last_unfinished(store: Store) -> Run:
    newest = next(iter(store.runs(limit=1)), None)
    if newest is None:
        raise InputError("There is no run to resume.", remedy="use run")
    return newest


def _store(config: PipelineConfig) -> Store:
    return Store(connection_config(config.store, config.root), config.name)


def _execute(
    config: PipelineConfig,
    config_argument: str,
    as_json: bool,
    selection: Callable[[], dict[str, Any]],
) -> int:
    command = shlex.join(["modelworks", *sys.argv[1:]])
    resume_command = f"python local_runner.py resume --config {shlex.quote(config_argument)}"
    final: Event = {}
    with interruptible(), View(resume_command) as view, Supervisor(config) as supervisor:
        job = Job(
            run_id=new_run_id(),
            command=command,
            config=config,
            dataset=inspect(config.data),
            **selection(),
        )

        def on_event(event: Event) -> None:
            if event["event"] == "end":
                final.update(event)
            view(event)

        code = supervisor.run(job, on_event)
    _summarise(job, final, code, config_argument, as_json)
    return code


def new_run_id() -> str:
    """Return a run id that sorts by time."""
    return datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]


def _summarise(job: Job, final: Event, code: int, config_argument: str, as_json: bool) -> None:
    if as_json:
        result = {key: value for key, value in final.items() if key != "event"}
        print(json.dumps({"run": job.run_id, "exit_code": code, **result}))
        return
    if not final:
        return
    counts = final.get("counts")
    lines = [f"Run {job.run_id}: {final['state'].lower()}"]
    if counts:
        done = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
        lines[0] += f" in {final['seconds']:.1f} s ({done or 'nothing to do'})"
        if not counts["executed"] and not counts["failed"]:
            lines.append("  nothing executed: every output is up to date")
    for name, value in final.get("metrics", {}).items():
        lines.append(f"  {name:<22}{value:.4f}")
    if final.get("pushed"):
        lines.append(f"  pushed to             {final['pushed']}")
    lines.append(f"  artifacts and logs    {job.config.root}")
    lines.append(
        f"  look closer           python local_runner.py show {job.run_id} "
        f"--config {shlex.quote(config_argument)}"
    )
    print("\n".join(lines))
