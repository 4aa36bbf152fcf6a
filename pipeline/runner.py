"""Run the DAG on Beam: full or in part, with the cache's policy, recording each failure."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from apache_beam.options.pipeline_options import StandardOptions
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner, PipelineNodeAsDoFn
from tfx.orchestration.portable import partial_run_utils, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import context_lib
from tfx.proto.orchestration import pipeline_pb2

from components import base, progress
from components.errors import GateRefusedError, InputError, ModelworksError
from pipeline import compilation, manifest, output_log
from pipeline.job import Event, Job
from pipeline.launcher import NodeLauncher
from pipeline.store import Store
from pipeline.store_config import connection_config
from pipeline.tfx_metadata import Metadata

# Left alone, Beam may choose a runner whose binary it would first have to download.
_IN_MEMORY_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"

_State = metadata_store_pb2.Execution.State
_SUCCESS = (_State.COMPLETE, _State.CACHED)


class NodeFailedError(ModelworksError):
    """A node failed for good; the message says why."""

    exit_code = 1


class Run:
    """One run of the DAG in this process.

    Parameters
    ----------
    job : Job
        What to run.
    emit : callable
        Receives the run's events; see `pipeline.job`.
    """

    def __init__(self, job: Job, emit: Callable[[Event], None]) -> None:
        self.job = job
        self._emit = emit
        self._config = job.config
        self._connection = Metadata(connection_config(job.config.store, job.config.root))
        self._store = Store(connection_config(job.config.store, job.config.root), job.config.name)
        process = psutil.Process()
        self._identity = {
            "mw_pid": process.pid,
            "mw_host": os.uname().nodename,
            "mw_process_started": process.create_time(),
        }
        self._error: BaseException | None = None
        self._refusals: list[str] = []
        self._counts = {"executed": 0, "cached": 0, "failed": 0, "skipped": 0}
        self._metrics: dict[str, float] = {}
        self._notes: list[str] = []
        self._pushed: str | None = None

    def execute(self) -> int:
        """Run the job to its end and return the exit code."""
        started = time.time()
        pipeline = self._compile()
        with self._connection as handle:
            context_lib.prepare_contexts(handle, pipeline.nodes[0].pipeline_node.contexts)
        self._store.record_run(
            self.job.run_id,
            mw_state="RUNNING",
            mw_started=started,
            mw_command=self.job.command,
            mw_config=self._config.model_dump_json(by_alias=True),
            mw_job=self.job.model_dump_json(include={"forced", "only"}),
            mw_base=self.job.base or "",
            **self._identity,
        )
        self._discard_damaged()
        self._emit({"event": "plan", "nodes": self._planned(pipeline)})
        try:
            _DagRunner(self).run_with_ir(pipeline)
        except BaseException as error:
            # Beam wraps what a node raised; `run_node` has kept the original.
            self._error = self._error or error
            if self._error is error:
                traceback.print_exc()
        state, code = self._verdict()
        self._store.record_run(
            self.job.run_id, mw_state=state, mw_ended=time.time(), mw_summary=self._summary()
        )
        self._emit(
            {
                "event": "end",
                "state": state,
                "exit_code": code,
                "refusals": self._refusals,
                "seconds": time.time() - started,
                "counts": self._counts,
                "metrics": self._metrics,
                "notes": self._notes,
                "pushed": self._pushed,
            }
        )
        return code

    def _verdict(self) -> tuple[str, int]:
        if isinstance(self._error, GateRefusedError) or (self._refusals and not self._error):
            return "REFUSED", GateRefusedError.exit_code
        if self._error is None:
            return "COMPLETE", 0
        if isinstance(self._error, ModelworksError):
            return "FAILED", self._error.exit_code
        return "FAILED", 1

    def _summary(self) -> dict[str, Any]:
        return {**self._counts, "metrics": self._metrics, "pushed": self._pushed}

    def _compile(self) -> pipeline_pb2.Pipeline:
        """Compile the DAG, and mark what runs, what is forced and what is reused."""
        pipeline = compiler.Compiler().compile(
            compilation.create_pipeline(self._config, self.job.dataset)
        )
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: self.job.run_id}
        )
        for node in pipeline.nodes:
            node = node.pipeline_node
            if node.node_info.id in self.job.forced:
                node.execution_options.caching_options.enable_cache = False
        if self.job.only:
            settings = pipeline_pb2.SnapshotSettings()
            partial_run_utils.set_base_pipeline_run_strategy(settings, self.job.base)
            partial_run_utils.mark_pipeline(
                pipeline,
                from_nodes=self.job.only,
                to_nodes=self.job.only,
                snapshot_settings=settings,
            )
        return pipeline

    def _planned(self, pipeline: pipeline_pb2.Pipeline) -> list[str]:
        return [
            node.pipeline_node.node_info.id
            for node in pipeline.nodes
            if not node.pipeline_node.execution_options.HasField("skip")
        ]

    def _discard_damaged(self) -> None:
        """Mark outputs that differ from their manifest, so that no node reuses them."""
        with self._connection as handle:
            context = handle.store.get_context_by_type_and_name("pipeline", self._config.name)
            for artifact in handle.store.get_artifacts_by_context(context.id):
                # A store may be shared with other machines, whose files are not here.
                if not Path(artifact.uri).is_relative_to(self._config.root):
                    continue
                problem = _damage(artifact)
                if problem is None:
                    continue
                artifact.state = metadata_store_pb2.Artifact.ABANDONED
                artifact.custom_properties["mw_problem"].string_value = problem
                handle.store.put_artifacts([artifact])
                self._emit(
                    {
                        "event": "notice",
                        "text": f"{self._shorten(artifact.uri)} is not used again: {problem}",
                    }
                )

    def _shorten(self, uri: str) -> str:
        return os.path.relpath(uri, self._config.root)

    # ------------------------------------------------------------- one node

    def run_node(self, node: PipelineNodeAsDoFn) -> None:
        """Run one node, with its retries; called by Beam when the nodes before it are done."""
        name = node._node_id
        if self._succeeded_before(node):
            return
        attempts = self._config.node(name).retries + 1
        for attempt in range(self.job.attempts.get(name, 0) + 1, attempts + 1):
            try:
                self._attempt(node, name, attempt, last=attempt == attempts)
                return
            except Exception as error:
                if attempt == attempts or not _worth_retrying(error):
                    self._error = error
                    raise

    def _succeeded_before(self, node: PipelineNodeAsDoFn) -> bool:
        """Whether this run did the node before its process was replaced (after a timeout)."""
        if not self.job.attempts:
            return False
        with self._connection as handle:
            executions = self._executions(handle, node)
        return any(execution.last_known_state in _SUCCESS for execution in executions)

    def _executions(
        self, handle: Metadata, node: PipelineNodeAsDoFn
    ) -> list[metadata_store_pb2.Execution]:
        context = handle.store.get_context_by_type_and_name(
            "node", f"{self._config.name}.{node._node_id}"
        )
        run = handle.store.get_context_by_type_and_name("pipeline_run", self.job.run_id)
        if context is None or run is None:
            return []
        of_run = {e.id for e in handle.store.get_executions_by_context(run.id)}
        executions = handle.store.get_executions_by_context(context.id)
        return [execution for execution in executions if execution.id in of_run]

    def _attempt(self, node: PipelineNodeAsDoFn, name: str, attempt: int, *, last: bool) -> None:
        log = self._config.root / "logs" / self.job.run_id / f"{name}.log"
        started = time.time()
        event = {"event": "node", "node": name, "attempt": attempt, "log": str(log)}
        self._emit({**event, "state": "running"})
        launcher: NodeLauncher | None = None
        progress.listen(
            lambda fraction, text: self._emit(
                {"event": "progress", "node": name, "fraction": fraction, "text": text}
            )
        )
        try:
            with output_log.redirected(log):
                try:
                    if node._pipeline_node.execution_options.run.perform_snapshot:
                        with self._connection as handle:
                            partial_run_utils.snapshot(handle, node._pipeline)
                    launcher = self._launcher(node, name, attempt, started, log)
                    info = launcher.launch()
                except BaseException:
                    traceback.print_exc()
                    raise
            execution_id = launcher.execution_id or (info.execution_id if info else None)
            execution, outputs = self._read_back(execution_id)
            if execution is None:
                self._counts["skipped"] += 1
                self._emit({**event, "state": "skipped", "seconds": time.time() - started})
                return
            if execution.last_known_state not in _SUCCESS:
                raise NodeFailedError(self._why_unresolved(node, name))
            self._store.record_execution(
                execution.id, mw_started=started, mw_ended=time.time(), mw_log=str(log)
            )
            if node._executor_spec is None:
                state = "resolved"  # a look into the store, which TFX never caches
            elif execution.last_known_state == _State.CACHED:
                state = "cached"
            else:
                state = "complete"
            count = {"cached": "cached", "complete": "executed"}.get(state)
            if count:
                self._counts[count] += 1
            self._emit(
                {
                    **event,
                    "state": state,
                    "seconds": time.time() - started,
                    "outputs": [self._shorten(artifact.uri) for artifact in outputs],
                }
            )
            self._collect(outputs)
        except GateRefusedError:
            raise
        except BaseException as error:
            again = not last and _worth_retrying(error)
            self._record_failure(error, launcher, event, started, again=again)
            raise
        finally:
            progress.listen(None)

    def _launcher(
        self, node: PipelineNodeAsDoFn, name: str, attempt: int, started: float, log: Path
    ) -> NodeLauncher:
        return NodeLauncher(
            properties={
                **self._identity,
                "mw_started": started,
                "mw_log": str(log),
                "mw_attempt": attempt,
            },
            on_registered=lambda execution_id: self._emit(
                {"event": "execution", "node": name, "execution": execution_id}
            ),
            pipeline_node=node._pipeline_node,
            mlmd_connection=self._connection,
            pipeline_info=node._pipeline_info,
            pipeline_runtime_spec=node._pipeline_runtime_spec,
            executor_spec=node._executor_spec,
            platform_config=None,
            custom_driver_spec=node._custom_driver_spec,
        )

    def _read_back(
        self, execution_id: int | None
    ) -> tuple[metadata_store_pb2.Execution | None, list[metadata_store_pb2.Artifact]]:
        """Return the execution as the store has it, and its outputs."""
        if execution_id is None:
            return None, []
        with self._connection as handle:
            [execution] = handle.store.get_executions_by_id([execution_id])
            outputs = [
                event.artifact_id
                for event in handle.store.get_events_by_execution_ids([execution_id])
                if event.type == metadata_store_pb2.Event.OUTPUT
            ]
            return execution, list(handle.store.get_artifacts_by_id(outputs)) if outputs else []

    def _why_unresolved(self, node: PipelineNodeAsDoFn, name: str) -> str:
        wanted = sorted(node._pipeline_node.upstream_nodes)
        return (
            f"The inputs of {name} could not be resolved: an output of "
            f"{', '.join(wanted)} is missing or damaged in run {self.job.base or self.job.run_id}."
        )

    def _collect(self, outputs: list[metadata_store_pb2.Artifact]) -> None:
        """Note what the outputs say about the run as a whole: metrics, pushes, refusals."""
        for artifact in outputs:
            properties = artifact.custom_properties
            if base.METRICS in properties:
                self._metrics.update(json.loads(properties[base.METRICS].string_value))
            if base.NOTE in properties:
                self._notes.append(properties[base.NOTE].string_value)
            if properties["pushed"].int_value == 1 and "pushed_destination" in properties:
                self._pushed = properties["pushed_destination"].string_value
            if base.REFUSED in properties:
                reason = properties[base.REFUSED].string_value
                if reason not in self._refusals:  # the Pusher repeats the Evaluator's
                    self._refusals.append(reason)
                if properties[base.REFUSED_STOPS].int_value:
                    self._error = GateRefusedError(reason)
                    raise self._error

    def _record_failure(
        self,
        error: BaseException,
        launcher: NodeLauncher | None,
        event: Event,
        started: float,
        *,
        again: bool,
    ) -> None:
        self._counts["failed"] += not again
        phase = launcher.phase if launcher else "resolving inputs"
        cause = explain(error)
        if launcher is not None and launcher.execution_id is not None:
            try:
                self._store.record_execution(
                    launcher.execution_id,
                    state="FAILED",
                    mw_error_type=type(error).__name__,
                    mw_error=cause,
                    mw_phase=phase,
                    mw_log=event["log"],
                    mw_started=started,
                    mw_ended=time.time(),
                )
            except Exception:  # the store itself may be what failed (a full disk)
                traceback.print_exc()
        self._emit(
            {
                **event,
                "state": "retrying" if again else "failed",
                "seconds": time.time() - started,
                "phase": phase,
                "cause": cause,
                "input_error": (
                    {"problem": error.problem, "details": error.details}
                    if isinstance(error, InputError)
                    else None
                ),
            }
        )


def _worth_retrying(error: BaseException) -> bool:
    """Whether another attempt may end otherwise: bad input and refusals stay what they are."""
    return isinstance(error, Exception) and not isinstance(error, ModelworksError)


def explain(error: BaseException) -> str:
    """Return the cause of `error` in one line."""
    if isinstance(error, InputError):
        return error.problem
    lines = str(error).strip().splitlines() or [""]
    # Beam and TensorFlow put the cause last, after their own frames.
    text = lines[0] if len(lines) == 1 else next((x for x in lines if x.strip()), "")
    return f"{type(error).__name__}: {text[:500]}"


def _damage(artifact: metadata_store_pb2.Artifact) -> str | None:
    """Return what is wrong with a live output, or None."""
    properties = artifact.custom_properties
    if artifact.state != metadata_store_pb2.Artifact.LIVE or "mw_manifest" not in properties:
        return None
    if problem := manifest.find_damage(artifact.uri, properties["mw_manifest"].string_value):
        return problem
    if "pushed_destination" in properties:
        destination = properties["pushed_destination"].string_value
        if not Path(destination).is_dir():
            return f"the pushed model {destination} is gone"
    return None


# ------------------------------------------------------------------- on Beam

_current: Run | None = None


class _NodeDoFn(PipelineNodeAsDoFn):
    """Hands its node to the run of this process: Beam may only pickle plain values."""

    def _run_node(self) -> None:
        assert _current is not None
        _current.run_node(self)


class _DagRunner(BeamDagRunner):
    """TFX's Beam runner, in memory, on nodes that `Run` runs."""

    _PIPELINE_NODE_DO_FN_CLS = _NodeDoFn

    def __new__(cls, run: Run) -> _DagRunner:
        return object.__new__(cls)

    def __init__(self, run: Run) -> None:
        super().__init__()
        global _current
        _current = run

    def _connection_config_from_deployment_config(
        self, deployment_config: Any
    ) -> metadata_store_pb2.ConnectionConfig:
        # The run has its own connection; TFX would log this one, password and all.
        return metadata_store_pb2.ConnectionConfig()

    def run_with_ir(self, pipeline: pipeline_pb2.Pipeline, run_options: Any = None) -> None:
        StandardOptions.DEFAULT_RUNNER = _IN_MEMORY_RUNNER
        super().run_with_ir(pipeline, run_options)
