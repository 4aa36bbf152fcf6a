"""Questions to the metadata store, and the few things that a run writes there by itself."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from components.errors import InputError
from components.naming import nearest
from pipeline.store import comparison
from pipeline.store.connection import Connection
from pipeline.store.contexts import NODE, RUN, Contexts, listed
from pipeline.store.mlmd import ListOptions, OrderByField, metadata_store_pb2
from pipeline.store.processes import has_ended
from pipeline.store.records import (
    Artifact,
    Event,
    Execution,
    Lineage,
    Run,
    artifact_record,
    ended_early_text,
    event_record,
    execution_record,
    plain,
    run_record,
)

#: States of a run.
RUN_STATES = ("RUNNING", "COMPLETE", "FAILED", "INTERRUPTED", "REFUSED", "UNKNOWN")
# States of a run whose nodes all did what they should.
_GOOD = ("COMPLETE", "REFUSED")
# The integer columns of MySQL and PostgreSQL have 32 bits.
_INT_LIMIT = 2**31


class Store:
    """The metadata store.

    Parameters
    ----------
    connection : ConnectionConfig
        See `pipeline.store_config.connection_config`.
    pipeline : str or None
        Name of the pipeline whose runs count; None for all. Several pipelines can
        share a database.

    Raises
    ------
    InputError
        If the store cannot be reached or read; by every method, if it stays locked.
    """

    def __init__(
        self,
        connection: metadata_store_pb2.ConnectionConfig,
        pipeline: str | None = None,
    ) -> None:
        self._mlmd = Connection(connection)
        self._pipeline = pipeline
        self._contexts = Contexts(self._mlmd, pipeline)
        self._places: dict[int, tuple[str | None, str | None]] = {}
        self._ended: dict[int, tuple[tuple[int, str | None], Run]] = {}

    # ------------------------------------------------------------------- runs

    def runs(self, limit: int | None = None, state: str | None = None) -> list[Run]:
        """Return runs, the newest first.

        Parameters
        ----------
        limit : int or None
            At most so many.
        state : str or None
            Only those in this state; see `Run.state`.
        """
        if state is not None and state not in RUN_STATES:
            raise InputError(
                f"There is no state {state!r}{nearest(state, RUN_STATES)}.",
                expected=", ".join(RUN_STATES),
            )
        found: list[Run] = []
        for context, pipeline in self._contexts.runs():
            if limit is not None and len(found) >= limit:
                break
            run = self._run(context, pipeline)
            if state is None or run.state == state:
                found.append(run)
        return found

    def run(self, run_id: str) -> Run:
        """Return a run by its id, by a unique beginning of it, or the ``"latest"``.

        Raises
        ------
        InputError
            If there is none, or more than one; lists the candidates.
        """
        context, pipeline = self._contexts.find_run(run_id)
        return self._run(context, pipeline)

    def has_run(self, run_id: str) -> bool:
        """Whether there is a run of exactly this id."""
        return self._contexts.run(run_id) is not None

    def last_good_run(self, nodes: Collection[str], run: str | None = None) -> Run:
        """Return the newest run that can be built upon.

        It holds a success with live outputs of every node in `nodes`. One that came to
        its end is preferred to one that failed at another node, however new.

        Parameters
        ----------
        nodes : collection of str
            Nodes whose outputs are needed.
        run : str or None
            Consider this run alone.

        Raises
        ------
        InputError
            If there is none; says what the given or the newest run lacks.
        """
        candidates = [self.run(run)] if run else self.runs()
        candidates = [item for item in candidates if run or item.state != "RUNNING"]
        candidates.sort(key=lambda item: item.state not in _GOOD)  # stable: the newest first
        lacks: list[str] = []
        for candidate in candidates:
            missing = self._missing(candidate.id, nodes)
            if not missing:
                return candidate
            lacks.append(f"{candidate.id} lacks {', '.join(missing)}")
        if run:
            problem = f"Run {candidates[0].id} does not hold the outputs that are needed."
        else:
            problem = "No run holds the outputs that are needed."
        raise InputError(
            problem,
            expected=f"live outputs of {', '.join(nodes)}",
            got=lacks[0] if lacks else "no run",
            remedy="use run, or resume after a failure",
        )

    def compare(self, run_a: str, run_b: str) -> comparison.Comparison:
        """Return what differs between two runs, node by node."""
        sides = []
        for name in (run_a, run_b):
            run = self.run(name)
            executions = self.executions(run.id)
            origins = self._origins(executions)
            events = self.events({item.id for item in (*executions, *origins.values())})
            sides.append(comparison.Side(run, executions, events, origins))
        return comparison.compare(*sides)

    # ------------------------------------------------------------- executions

    def executions(self, run_id: str) -> list[Execution]:
        """Return every attempt at every node of a run, in the order of their starts."""
        context, _ = self._contexts.find_run(run_id)
        executions = self._mlmd.get_executions_by_context(context.id)
        run_over = has_ended(plain(context.custom_properties))
        return self._execution_records(executions, run_over=run_over)

    def execution(self, execution_id: int) -> Execution:
        """Return an execution by its id."""
        return self._execution_records([self._get_execution(execution_id)])[0]

    def running_executions(self) -> list[Execution]:
        """Return the executions that run, on any host; not those whose process is gone."""
        records = self._execution_records(self._get_running())
        return [record for record in records if record.state == "RUNNING"]

    def events(self, execution_ids: Collection[int]) -> list[Event]:
        """Return what executions read and wrote."""
        if not execution_ids:
            return []
        found = self._mlmd.get_events_by_execution_ids(list(execution_ids))
        return [event_record(event) for event in found]

    def nodes(self) -> list[str]:
        """Return the names of all nodes that ever ran."""
        return sorted({context.name.rpartition(".")[2] for context in self._contexts.nodes()})

    def types(self) -> list[str]:
        """Return the names of all types of artifacts."""
        return sorted(kind.name for kind in self._mlmd.get_artifact_types())

    # -------------------------------------------------------------- artifacts

    def artifacts(
        self,
        run: str | None = None,
        type: str | None = None,
        node: str | None = None,
        limit: int | None = None,
    ) -> list[Artifact]:
        """Return artifacts, the newest first.

        Parameters
        ----------
        run : str or None
            Only outputs of this run, those that it took from the cache included.
        type : str or None
            Only of this type, such as ``Model``.
        node : str or None
            Only outputs of this node.
        limit : int or None
            At most so many.
        """
        if type is not None:
            self._check_type(type)
        if run is None and node is None:
            options = ListOptions(limit=limit, order_by=OrderByField.ID, is_asc=False)
            if type is not None:
                options.filter_query = f"type = '{type}'"
            if self._pipeline is None:
                return self._artifact_records(self._mlmd.get_artifacts(options))
            return self._artifact_records(
                [
                    artifact
                    for context in self._contexts.pipelines()
                    for artifact in self._mlmd.get_artifacts_by_context(context.id, options)
                ]
            )
        ids: set[int] | None = None
        if run is not None:
            ids = self._output_ids(self._contexts.find_run(run)[0].id)
        if node is not None:
            of_node = self._outputs_of_node(node)
            ids = of_node if ids is None else ids & of_node
        found = self._get_artifacts(ids or ())
        found = [artifact for artifact in found if type in (None, artifact.type)]
        found.sort(key=lambda artifact: -artifact.id)
        return self._artifact_records(found[:limit])

    def artifact(self, artifact_id: int) -> Artifact:
        """Return an artifact by its id."""
        found = self._get_artifacts([artifact_id])
        if not found:
            newest = self._mlmd.get_artifacts(
                ListOptions(limit=1, order_by=OrderByField.ID, is_asc=False)
            )
            raise InputError(
                f"There is no artifact {artifact_id}.",
                expected=f"an id up to {newest[0].id}" if newest else "no artifact exists yet",
                remedy="see artifacts for their ids",
            )
        return self._artifact_records(found)[0]

    def artifacts_by_id(self, ids: Iterable[int]) -> list[Artifact]:
        """Return the artifacts of these ids; those that do not exist are left out."""
        return self._artifact_records(self._get_artifacts(set(ids)))

    def lineage(self, artifact_id: int, direction: str = "up", depth: int | None = None) -> Lineage:
        """Return what an artifact was made from, or what was made from it.

        Parameters
        ----------
        artifact_id : int
        direction : {"up", "down"}
        depth : int or None
            At most so many executions away; None for all.
        """
        start = self.artifact(artifact_id)
        upward = direction == "up"
        reached, frontier = [artifact_id], {artifact_id}
        executions: dict[int, metadata_store_pb2.Execution] = {}
        edges: dict[Event, None] = {}
        level = 0
        while frontier and (depth is None or level < depth):
            level += 1
            near = self._events_of_artifacts(frontier)
            near = [event for event in near if event.kind == ("output" if upward else "input")]
            found = {
                execution.id: execution
                for execution in self._get_executions({event.execution for event in near})
                # A cached execution made nothing; its artifacts were there before.
                if execution.last_known_state != metadata_store_pb2.Execution.CACHED
            }
            edges.update(dict.fromkeys(e for e in near if e.execution in found))
            new = set(found) - set(executions)
            executions.update(found)
            far = [
                event
                for event in self.events(new)
                if event.kind == ("input" if upward else "output")
            ]
            edges.update(dict.fromkeys(far))
            frontier = {event.artifact for event in far} - set(reached)
            reached += sorted(frontier)
        records = {
            record.id: record for record in self._artifact_records(self._get_artifacts(reached))
        }
        return Lineage(
            artifact=start,
            direction=direction,
            artifacts=tuple(records[item] for item in reached),
            executions=tuple(self._execution_records(executions.values())),
            events=tuple(edges),
        )

    # ---------------------------------------------------------------- writing

    def mark_dead(self, cause: str | None = None) -> list[Execution]:
        """Record the end of what a process of this host left running when it died.

        Its executions become FAILED, its runs INTERRUPTED. What runs on another host
        is left alone.

        Parameters
        ----------
        cause : str or None
            Why it ended, if that is known.

        Returns
        -------
        list of Execution
            Those that were marked, as they are now.
        """
        marked = []
        for execution in self._get_running():
            record = self._execution_records([execution])[0]
            if record.state == "RUNNING":
                continue
            self.record_execution(
                execution.id,
                state="FAILED",
                mw_error=cause or ended_early_text(record.pid),
                mw_ended=time.time(),
            )
            marked.append(execution.id)
        for context, _ in self._contexts.runs():
            properties = plain(context.custom_properties)
            if properties.get("mw_state") == "RUNNING" and has_ended(properties):
                self.record_run(context.name, mw_state="INTERRUPTED", mw_ended=time.time())
        return self._execution_records(self._get_executions(marked))

    def record_run(self, run_id: str, **properties: Any) -> None:
        """Set custom properties of a run; the others stay as they are.

        Parameters
        ----------
        run_id : str
            An existing run.
        **properties
            Strings, numbers and booleans are stored as such (integers of more than 31
            bits as floats), dicts and lists as JSON.
        """
        found = self._contexts.run(run_id)
        if found is None:
            raise self._contexts.unknown_run(run_id)
        context = metadata_store_pb2.Context(id=found.id, type_id=found.type_id, name=found.name)
        self._mlmd.put_contexts([context], field_mask_paths=_fill(context, properties))

    def record_execution(
        self, execution_id: int, *, state: str | None = None, **properties: Any
    ) -> None:
        """Set custom properties of an execution, and its state; see `record_run`.

        Parameters
        ----------
        execution_id : int
            An existing execution.
        state : str or None
            New state, such as ``FAILED``.
        **properties
            As for `record_run`.
        """
        found = self._get_execution(execution_id)
        execution = metadata_store_pb2.Execution(id=found.id, type_id=found.type_id)
        paths = _fill(execution, properties)
        if state is not None:
            execution.last_known_state = metadata_store_pb2.Execution.State.Value(state)
            paths.append("last_known_state")
        self._mlmd.put_executions([execution], field_mask_paths=paths)

    def _run(self, context: metadata_store_pb2.Context, pipeline: str | None) -> Run:
        # A run that has ended is as it was when it was last written; to read it takes longer.
        written, known = self._ended.get(context.id, (None, None))
        if known is not None and written == (context.last_update_time_since_epoch, pipeline):
            return known
        run = self._read_run(context, pipeline)
        if run.ended is not None:
            self._ended[context.id] = ((context.last_update_time_since_epoch, pipeline), run)
        return run

    def _read_run(self, context: metadata_store_pb2.Context, pipeline: str | None) -> Run:
        executions = None
        if "mw_state" not in context.custom_properties:
            executions = self._mlmd.get_executions_by_context(context.id)
        ended_early = has_ended(plain(context.custom_properties))
        return run_record(context, pipeline, executions, ended_early=ended_early)

    # --------------------------------------------- executions and their places

    def _get_execution(self, execution_id: int) -> metadata_store_pb2.Execution:
        found = self._get_executions([execution_id])
        if not found:
            raise InputError(f"There is no execution {execution_id}.")
        return found[0]

    def _get_executions(self, ids: Collection[int]) -> list[metadata_store_pb2.Execution]:
        return list(self._mlmd.get_executions_by_id(sorted(ids))) if ids else []

    def _get_running(self) -> list[metadata_store_pb2.Execution]:
        options = ListOptions(filter_query="last_known_state = RUNNING")
        if self._pipeline is None:
            return list(self._mlmd.get_executions(options))
        return [
            execution
            for context in self._contexts.pipelines()
            for execution in self._mlmd.get_executions_by_context(context.id, options)
        ]

    def _place(self, execution_id: int) -> tuple[str | None, str | None]:
        """Return the run and the node of an execution."""
        if execution_id not in self._places:
            contexts = self._mlmd.get_contexts_by_execution(execution_id)
            names = {context.type: context.name for context in contexts}
            node = names.get(NODE)
            self._places[execution_id] = (
                names.get(RUN),
                node.rpartition(".")[2] if node else None,
            )
        return self._places[execution_id]

    def _execution_records(
        self, executions: Iterable[metadata_store_pb2.Execution], *, run_over: bool | None = None
    ) -> list[Execution]:
        """Return records, by id; those that run are checked for their process.

        TFX registers some executions itself, without a process: then that of the run
        counts. `run_over` says whether it is gone, if the caller knows.
        """
        records = []
        for execution in sorted(executions, key=lambda item: item.id):
            run, node = self._place(execution.id)
            ended_early = False
            if execution.last_known_state == metadata_store_pb2.Execution.RUNNING:
                properties = plain(execution.custom_properties)
                if "mw_pid" in properties:
                    ended_early = has_ended(properties)
                elif run_over is not None:
                    ended_early = run_over
                elif run is not None and (context := self._contexts.run(run)) is not None:
                    ended_early = has_ended(plain(context.custom_properties))
            records.append(execution_record(execution, run, node, ended_early=ended_early))
        return records

    # -------------------------------------------------- artifacts and producers

    def _get_artifacts(self, ids: Collection[int]) -> list[metadata_store_pb2.Artifact]:
        return list(self._mlmd.get_artifacts_by_id(sorted(ids))) if ids else []

    def _check_type(self, name: str) -> None:
        valid = self.types()
        if name not in valid:
            raise InputError(
                f"There is no artifact type {name!r}{nearest(name, valid)}.",
                expected=listed(valid) if valid else "no artifact exists yet",
            )

    def _events_of_artifacts(self, ids: Collection[int]) -> list[Event]:
        if not ids:
            return []
        found = self._mlmd.get_events_by_artifact_ids(sorted(ids))
        return [event_record(event) for event in found]

    def _output_ids(self, context_id: int) -> set[int]:
        executions = self._mlmd.get_executions_by_context(context_id)
        events = self.events([execution.id for execution in executions])
        return {event.artifact for event in events if event.kind == "output"}

    def _outputs_of_node(self, node: str) -> set[int]:
        contexts = [c for c in self._contexts.nodes() if c.name.rpartition(".")[2] == node]
        if not contexts:
            valid = self.nodes()
            raise InputError(
                f"No node {node!r} has run{nearest(node, valid)}.",
                expected=", ".join(valid) or "no node has run yet",
            )
        return set().union(*(self._output_ids(context.id) for context in contexts))

    def _producers(self, ids: Collection[int]) -> dict[int, Event]:
        """Return by artifact the event by which it was made."""
        first: dict[int, Event] = {}
        for event in self._events_of_artifacts(ids):
            # Whoever takes it from the cache later has an output event, too.
            if event.kind == "output" and (
                event.artifact not in first or event.execution < first[event.artifact].execution
            ):
                first[event.artifact] = event
        return first

    def _artifact_records(
        self, artifacts: Collection[metadata_store_pb2.Artifact]
    ) -> list[Artifact]:
        producers = self._producers([artifact.id for artifact in artifacts])
        records = []
        for artifact in artifacts:
            event = producers.get(artifact.id)
            run, node = self._place(event.execution) if event else (None, None)
            records.append(artifact_record(artifact, run, node, event.key if event else None))
        return records

    def _missing(self, run_id: str, nodes: Collection[str]) -> list[str]:
        """Return those of `nodes` of which the run has no success with live outputs."""
        successes = {
            execution.id: execution.node
            for execution in self.executions(run_id)
            if execution.succeeded
        }
        outputs = defaultdict(set)
        for event in self.events(successes):
            if event.kind == "output":
                outputs[event.execution].add(event.artifact)
        live = {
            artifact.id
            for artifact in self._get_artifacts(set().union(*outputs.values()))
            if artifact.state == metadata_store_pb2.Artifact.LIVE
        }
        holds = {node for item, node in successes.items() if outputs[item] <= live}
        return [node for node in nodes if node not in holds]

    def _origins(self, executions: Collection[Execution]) -> dict[int, Execution]:
        """Return by cached execution the one that made its outputs."""
        cached = [execution.id for execution in executions if execution.state == "CACHED"]
        outputs = {
            event.execution: event.artifact
            for event in self.events(cached)
            if event.kind == "output"
        }
        producers = self._producers(set(outputs.values()))
        made_by = {
            execution: producers[artifact].execution for execution, artifact in outputs.items()
        }
        records = {
            record.id: record
            for record in self._execution_records(self._get_executions(set(made_by.values())))
        }
        return {execution: records[origin] for execution, origin in made_by.items()}


def _fill(
    node: metadata_store_pb2.Context | metadata_store_pb2.Execution, properties: dict[str, Any]
) -> list[str]:
    """Set custom properties of `node`, and return their paths in the message."""
    for name, value in properties.items():
        target = node.custom_properties[name]
        if isinstance(value, bool):
            target.bool_value = value
        elif isinstance(value, int) and abs(value) < _INT_LIMIT:
            target.int_value = value
        elif isinstance(value, int | float):
            target.double_value = value
        elif isinstance(value, str):
            target.string_value = value
        else:
            target.string_value = json.dumps(value, sort_keys=True)
    return [f"custom_properties.{name}" for name in properties]
