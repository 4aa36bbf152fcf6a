"""Why a node would, or would not, be taken from the cache; without importing TFX."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components import files
from components.errors import InputError
from components.example_gen.dataset import DatasetSpec
from components.fingerprint import code_fingerprint
from pipeline import dag, manifest
from pipeline.config import PipelineConfig
from pipeline.inspection import fit_to_data, inspect_data
from pipeline.store import Execution, Store
from pipeline.store_config import connection_config

#: Verdicts.
CACHED, EXECUTES = "from the cache", "would execute"


def explain(config: PipelineConfig, node: str) -> dict[str, Any]:
    """Say what a run would do with `node`.

    Returns
    -------
    dict
        ``node``, ``verdict`` (`CACHED` or `EXECUTES`), ``reasons`` (sentences) and
        ``execution``, the id of the earlier execution that it would reuse, or None.
    """
    dag.check_node(node)
    nodes = {item.name: item for item in config.enabled_nodes}
    if node not in nodes:
        raise InputError(f"The node {node} is switched off.", setting=f"nodes.{node}.enabled")
    history = _History(config)
    reused: dict[str, Execution | None] = {}
    found: dict[str, Any] = {}
    for name, item in nodes.items():
        reasons, execution = history.judge(item, reused)
        reused[name] = execution
        found[name] = {
            "node": name,
            "verdict": EXECUTES if execution is None else CACHED,
            "reasons": reasons,
            "execution": None if execution is None else execution.id,
        }
        if name == node:
            break
    return dict(found[node])


class _History:
    """The successful executions of each node, held against what a run would do now."""

    def __init__(self, config: PipelineConfig) -> None:
        self._dataset = inspect_data(config)
        self._config = fit_to_data(config, self._dataset)
        self._store = Store(connection_config(config.store, config.root), config.name)
        self._successes: dict[str, list[Execution]] = {}
        for run in self._store.runs():
            for execution in self._store.executions(run.id):
                if execution.succeeded and execution.node:
                    self._successes.setdefault(execution.node, []).append(execution)

    def judge(
        self, node: dag.Node, reused: dict[str, Execution | None]
    ) -> tuple[list[str], Execution | None]:
        """Return the reasons, and the execution that would be reused if there is one."""
        earlier = self._successes.get(node.name, [])
        if not self._config.cache:
            return ["the cache is switched off (cache: false)"], None
        producers = [
            name
            for name in dict.fromkeys(map(dag.producer_of, node.inputs.values()))
            if reused[name] is None and not dag.NODES[name].resolver
        ]
        if node.resolver:
            return ["it is a look into the store, which is never cached"], None
        if not earlier:
            return ["no run has completed it yet"], None
        wanted = self._parameters(node)
        newest_first = sorted(earlier, key=lambda execution: -execution.id)
        differences = [self._differences(execution, wanted) for execution in newest_first]
        if all(differences):
            return [*differences[0], *self._new_inputs(producers)], None
        if producers:
            return self._new_inputs(producers), None
        problems: list[str] = []
        for execution, difference in zip(newest_first, differences, strict=True):
            if difference:
                continue
            problem = self._unusable(execution, node, reused)
            if problem is None:
                return [f"settings, code and inputs are those of run {execution.run}"], execution
            problems.append(problem)
        return problems[:1], None

    def _new_inputs(self, producers: list[str]) -> list[str]:
        return [f"{name} would execute, which gives it a new input" for name in producers]

    def _parameters(self, node: dag.Node) -> dict[str, str]:
        settings = self._config.settings_of(node.section)
        parameters = {
            "config": settings.model_dump_json(),
            "engine": self._config.beam.choose(self._dataset.bytes),
            "code_fingerprint": code_fingerprint(settings),
            "dataset": self._dataset.model_dump_json(),
        }
        if node.name == "SchemaGen":
            path = self._config.schema_.path
            parameters["schema_digest"] = files.file_digest(path) if path else ""
        return parameters

    def _differences(self, execution: Execution, wanted: dict[str, str]) -> list[str]:
        """Return what has changed since `execution`, in words."""
        before = _decoded(execution.parameters)
        now = _decoded(wanted)
        found = []
        for name in ("config", "engine", "code_fingerprint", "dataset", "schema_digest"):
            if name not in execution.parameters or before[name] == now[name]:
                continue
            if name == "config":
                keys = sorted(
                    key
                    for key in {*before[name], *now[name]}
                    if before[name].get(key) != now[name].get(key)
                )
                found += [
                    f"the setting {key} was {before[name].get(key)!r}, is {now[name].get(key)!r}"
                    for key in keys
                ]
            elif name == "code_fingerprint":
                found.append(f"its code or a library has changed ({before[name]} -> {now[name]})")
            elif name == "dataset":
                found.append(_data_difference(before[name], self._dataset))
            elif name == "schema_digest":
                found.append("the curated schema has changed")
            else:
                found.append(f"its passes ran in {before[name]}, would run in {now[name]}")
        return found

    def _unusable(
        self, execution: Execution, node: dag.Node, reused: dict[str, Execution | None]
    ) -> str | None:
        """Return why the outputs of a matching execution cannot be used, or None."""
        events = self._store.events([execution.id])
        for source in node.inputs.values():
            producer = reused.get(dag.producer_of(source))
            if producer is None:
                continue
            made = {e.artifact for e in self._store.events([producer.id]) if e.kind == "output"}
            read = {e.artifact for e in events if e.kind == "input"}
            # A cached execution records the outputs of the first; its inputs are its own.
            if read and not made & read:
                return f"run {execution.run} read another output of {dag.producer_of(source)}"
        for event in events:
            if event.kind != "output":
                continue
            artifact = self._store.artifact(event.artifact)
            if artifact.state != "LIVE":
                return f"its output {artifact.uri} is no longer usable"
            if artifact.manifest:
                damage = manifest.find_damage(artifact.uri, artifact.manifest)
                if damage is not None:
                    return f"its output {artifact.uri} is damaged: {damage}"
        return None


def _decoded(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with those that are JSON objects as dicts."""
    return {
        name: json.loads(value) if isinstance(value, str) and value.startswith("{") else value
        for name, value in parameters.items()
    }


def _data_difference(before: dict[str, Any], now: DatasetSpec) -> str:
    if before["fingerprint"] != now.fingerprint:
        return f"the data files have changed ({before['rows']} rows -> {now.rows} rows)"
    return "how the data are read has changed"
