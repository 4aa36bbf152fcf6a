import json
import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from components.errors import InputError
from pipeline.store import Store
from pipeline.store_config import StoreConfig, connection_config
from tests.recorded_runs import DAG, RecordedPipeline

HERE = os.uname().nodename


@pytest.fixture
def connection(store_settings, tmp_path):
    """An empty store on each backend in turn."""
    return connection_config(store_settings, tmp_path)


@pytest.fixture
def sqlite(tmp_path):
    """An empty store on SQLite, for what does not depend on the backend."""
    return connection_config(StoreConfig(), tmp_path)


@pytest.fixture
def dead():
    """The custom properties by which a process that has ended is known."""
    process = subprocess.Popen(["sleep", "100"])
    started = psutil.Process(process.pid).create_time()
    process.kill()
    process.wait()
    return {"mw_pid": process.pid, "mw_host": HERE, "mw_process_started": started}


@pytest.fixture
def alive():
    """The custom properties by which this process is known."""
    process = psutil.Process()
    return {
        "mw_pid": process.pid,
        "mw_host": HERE,
        "mw_process_started": process.create_time(),
    }


def record(pipeline, run_id, started, **properties):
    """Write a complete run in which every node succeeds; return its outputs."""
    run = pipeline.begin(
        run_id, mw_state="COMPLETE", mw_started=started, mw_ended=started + 45, **properties
    )
    return run.run_all(started=started)


# ---------------------------------------------------------------------- runs


def test_a_run_has_what_the_runner_recorded(connection):
    config = {"name": "taxi", "trainer": {"epochs": 30}}
    summary = {"executed": 9, "cached": 0, "metrics": {"AUC": 0.95}, "pushed": "/serving/1"}
    RecordedPipeline(connection).begin(
        "r1",
        mw_state="COMPLETE",
        mw_started=1000.5,
        mw_ended=1045.75,
        mw_command="modelworks run",
        mw_config=json.dumps(config),
        mw_job=json.dumps({"forced": [], "only": []}),
        mw_base="",
        mw_summary=json.dumps(summary),
    )
    run = Store(connection).run("r1")
    assert (run.id, run.pipeline, run.state) == ("r1", "taxi", "COMPLETE")
    assert (run.started, run.ended, run.seconds) == (1000.5, 1045.75, 45.25)
    assert (run.command, run.base) == ("modelworks run", None)
    assert (run.config, run.summary, run.metrics) == (config, summary, {"AUC": 0.95})
    assert run.job == {"forced": [], "only": []}


def test_runs_come_newest_first(connection):
    pipeline = RecordedPipeline(connection)
    for name, started, state in (
        ("b", 2000.0, "FAILED"),
        ("c", 3000.0, "COMPLETE"),
        ("a", 1000.0, "COMPLETE"),
    ):
        pipeline.begin(name, mw_state=state, mw_started=started)
    store = Store(connection)
    assert [run.id for run in store.runs()] == ["c", "b", "a"]
    assert [run.id for run in store.runs(limit=2)] == ["c", "b"]
    assert [run.id for run in store.runs(state="COMPLETE", limit=2)] == ["c", "a"]
    assert store.run("latest").id == "c"


def test_a_pipeline_sees_its_own_runs_only(connection):
    taxi, mnist = RecordedPipeline(connection), RecordedPipeline(connection, "mnist")
    record(taxi, "t1", 1000.0)
    record(mnist, "m1", 2000.0)
    assert [run.id for run in Store(connection).runs()] == ["m1", "t1"]
    store = Store(connection, "taxi")
    assert [run.id for run in store.runs()] == ["t1"]
    assert store.run("latest").id == "t1"
    assert {artifact.run for artifact in store.artifacts()} == {"t1"}
    assert {artifact.run for artifact in store.artifacts(node="Trainer")} == {"t1"}
    assert store.last_good_run(["Trainer"]).id == "t1"
    with pytest.raises(InputError, match="no run 'm1'"):
        store.run("m1")


def test_a_store_that_was_read_sees_what_is_written_later(connection):
    ours, others = RecordedPipeline(connection), RecordedPipeline(connection, "other")
    ours.begin("r1", mw_state="RUNNING", mw_started=1.0)
    everything, own = Store(connection), Store(connection, "taxi")
    for store in (everything, own):
        assert [(each.id, each.state) for each in store.runs()] == [("r1", "RUNNING")]
    own.record_run("r1", mw_state="COMPLETE", mw_ended=9.0)
    ours.begin("r2", mw_state="COMPLETE", mw_started=2.0, mw_ended=3.0)
    others.begin("r3", mw_state="COMPLETE", mw_started=4.0, mw_ended=5.0)
    assert [(each.id, each.state) for each in own.runs()] == [
        ("r2", "COMPLETE"),
        ("r1", "COMPLETE"),
    ]
    assert [(each.id, each.pipeline) for each in everything.runs()] == [
        ("r3", "other"),
        ("r2", "taxi"),
        ("r1", "taxi"),
    ]
    own.record_run("r2", mw_summary={"metrics": {"AUC": 0.5}})
    assert everything.runs()[1].metrics == {"AUC": 0.5}


def test_a_run_is_found_by_a_unique_beginning(sqlite):
    pipeline = RecordedPipeline(sqlite)
    for name in ("20250101-a", "20250101-b", "20250102-a", "20250101"):
        pipeline.begin(name, mw_state="COMPLETE")
    store = Store(sqlite)
    assert store.run("20250102").id == "20250102-a"
    assert store.run("20250101").id == "20250101"  # exact before beginning
    with pytest.raises(InputError, match="4 runs begin with '2025010'") as caught:
        store.run("2025010")
    assert "20250101-a" in caught.value.details["expected"]


def test_an_unknown_run_names_the_nearest(sqlite):
    RecordedPipeline(sqlite).begin("20250101-a", mw_state="COMPLETE")
    store = Store(sqlite)
    with pytest.raises(InputError, match="nearest: 20250101-a") as caught:
        store.run("20250111-a")
    assert "20250101-a" in caught.value.details["expected"]
    assert store.has_run("20250101-a")
    assert not store.has_run("20250101")


def test_an_empty_store(connection):
    store = Store(connection)
    assert store.runs() == []
    assert store.artifacts() == []
    assert store.running_executions() == []
    assert store.mark_dead() == []
    for name in ("latest", "x"):
        with pytest.raises(InputError, match="no run yet"):
            store.run(name)
    with pytest.raises(InputError, match="no artifact 1") as caught:
        store.artifact(1)
    assert caught.value.details["expected"] == "no artifact exists yet"


def test_an_unknown_state(sqlite):
    with pytest.raises(InputError, match="nearest: FAILED"):
        Store(sqlite).runs(state="FIALED")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["COMPLETE", "CACHED"], "COMPLETE"),
        (["COMPLETE", "FAILED"], "FAILED"),
        (["COMPLETE", "CANCELED"], "FAILED"),
        (["COMPLETE", "RUNNING"], "RUNNING"),
        ([], "UNKNOWN"),
    ],
)
def test_the_state_of_a_run_by_stock_tfx(connection, states, expected):
    run = RecordedPipeline(connection).begin("stock")
    for number, state in enumerate(states):
        execution = run.start(f"Node{number}")
        if state != "RUNNING":
            run.finish(f"Node{number}", execution, state=state)
    found = Store(connection).run("stock")
    assert found.state == expected
    assert abs(found.started - time.time()) < 60
    assert (found.ended is None) == (expected in ("RUNNING", "UNKNOWN"))
    assert (found.config, found.summary, found.metrics) == (None, None, {})
    assert Store(connection).runs() == [found]


# ---------------------------------------------------------------- executions


def test_executions_of_a_run(connection):
    pipeline = RecordedPipeline(connection)
    record(pipeline, "r1", 1000.0)
    record(pipeline, "r2", 2000.0)
    executions = Store(connection).executions("r2")
    assert [execution.node for execution in executions] == list(DAG)
    trainer = next(execution for execution in executions if execution.node == "Trainer")
    assert (trainer.run, trainer.state, trainer.type) == ("r2", "COMPLETE", "components.Trainer")
    assert (trainer.started, trainer.ended, trainer.seconds) == (2015.0, 2021.0, 6.0)
    assert (trainer.attempt, trainer.log) == (1, "/runs/taxi/logs/r2/Trainer.log")
    assert trainer.succeeded
    # Neither TFX's own properties nor ours are parameters of the component.
    assert trainer.parameters == {
        "config": '{"epochs": 30, "seed": 1}',
        "engine": "memory",
        "code_fingerprint": "0000000000000006",
    }


def test_a_failure_says_why(connection):
    run = RecordedPipeline(connection).begin("r1", mw_state="FAILED")
    execution = run.start("Trainer", mw_attempt=1)
    run.finish(
        "Trainer",
        execution,
        state="FAILED",
        mw_error_type="ValueError",
        mw_error="ValueError: no rows — keine Zeilen 😀",
        mw_phase="executing",
        mw_log="/x.log",
    )
    retry = run.start("Trainer", mw_attempt=2)
    run.finish("Trainer", retry, {"model": "Model"})
    failed, succeeded = Store(connection).executions("r1")
    assert (failed.state, failed.phase, failed.log) == ("FAILED", "executing", "/x.log")
    assert (failed.error_type, failed.error) == (
        "ValueError",
        "ValueError: no rows — keine Zeilen 😀",
    )
    assert (failed.attempt, succeeded.attempt) == (1, 2)
    assert (succeeded.state, succeeded.error) == ("COMPLETE", None)


def test_a_failure_that_tfx_recorded_by_itself(sqlite):
    run = RecordedPipeline(sqlite).begin("stock")
    execution = run.start("Trainer")
    result = json.dumps({"resultMessage": "no input", "code": 9})
    run.finish("Trainer", execution, state="FAILED", __execution_result__=result)
    [failed] = Store(sqlite).executions("stock")
    assert failed.error == "no input"
    assert failed.parameters == {}
    assert failed.seconds < 60


# ----------------------------------------------------------------- artifacts


def test_artifacts_by_run_type_and_node(connection):
    pipeline = RecordedPipeline(connection)
    record(pipeline, "r1", 1000.0)
    second = record(pipeline, "r2", 2000.0)
    store = Store(connection)
    everything = store.artifacts()
    assert len(everything) == 22
    assert [a.id for a in everything] == sorted((a.id for a in everything), reverse=True)
    assert [a.id for a in store.artifacts(limit=3)] == [a.id for a in everything[:3]]
    models = store.artifacts(type="Model")
    assert [(a.run, a.node, a.key) for a in models] == [
        ("r2", "Trainer", "model"),
        ("r1", "Trainer", "model"),
    ]
    of_run = store.artifacts(run="r2")
    assert {a.id for a in of_run} == {i for outputs in second.values() for i in outputs.values()}
    [model] = store.artifacts(run="r2", node="Trainer", type="Model")
    assert model == store.artifact(second["Trainer"]["model"])
    assert (model.state, model.bytes, model.files) == ("LIVE", 1000, 2)
    assert len(model.manifest) == 64
    assert model.uri.startswith("/runs/taxi/artifacts/Trainer/model/")
    assert model.properties == {"tfx_version": "1.21.0"}
    assert abs(model.created - time.time()) < 60


def test_the_size_of_a_large_artifact(connection):
    """Integer columns have 31 bits on the servers."""
    run = RecordedPipeline(connection).begin("r1")
    size = {"model": {"mw_bytes": 3.0 * 2**40}}
    run.finish("Trainer", run.start("Trainer"), {"model": "Model"}, artifact_properties=size)
    [artifact] = Store(connection).artifacts()
    assert artifact.bytes == 3 * 2**40
    assert isinstance(artifact.bytes, int)


def test_an_artifact_belongs_to_the_run_that_made_it(connection):
    pipeline = RecordedPipeline(connection)
    first = record(pipeline, "r1", 1000.0)
    second = pipeline.begin("r2", mw_state="COMPLETE", mw_started=2000.0)
    second.reuse("Trainer", first["Trainer"])
    store = Store(connection)
    [model] = store.artifacts(run="r2", type="Model")
    assert (model.id, model.run) == (first["Trainer"]["model"], "r1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"type": "Modle"}, "nearest: Model"),
        ({"node": "Traner"}, "nearest: Trainer"),
        ({"run": "r9"}, "nearest: r1"),
        ({"type": "Model' OR '1'='1"}, "no artifact type"),
    ],
)
def test_unknown_names(sqlite, arguments, message):
    record(RecordedPipeline(sqlite), "r1", 1000.0)
    with pytest.raises(InputError, match=message):
        Store(sqlite).artifacts(**arguments)


def test_an_unknown_artifact(sqlite):
    record(RecordedPipeline(sqlite), "r1", 1000.0)
    with pytest.raises(InputError, match="no artifact 99") as caught:
        Store(sqlite).artifact(99)
    assert "up to 11" in caught.value.details["expected"]


# ------------------------------------------------------------------- lineage


def test_lineage(connection):
    pipeline = RecordedPipeline(connection)
    record(pipeline, "r1", 1000.0)
    made = record(pipeline, "r2", 2000.0)
    store = Store(connection)
    up = store.lineage(made["Trainer"]["model"])
    assert up.artifacts[0] == up.artifact
    assert {a.run for a in up.artifacts} == {"r2"}
    assert [e.node for e in up.executions] == [
        "ExampleGen",
        "StatisticsGen",
        "SchemaGen",
        "Transform",
        "Trainer",
    ]
    near = store.lineage(made["Trainer"]["model"], depth=1)
    assert [e.node for e in near.executions] == ["Trainer"]
    assert {a.type for a in near.artifacts} == {"Model", "TransformGraph", "Examples", "Schema"}
    down = store.lineage(made["SchemaGen"]["schema"], "down")
    assert {e.node for e in down.executions} == {
        "ExampleValidator",
        "Transform",
        "Trainer",
        "BaselineResolver",
        "Evaluator",
        "Pusher",
    }
    assert {a.type for a in store.lineage(made["Trainer"]["model_run"], "down").artifacts} == {
        "ModelRun"
    }
    trainer = up.executions[-1].id
    assert {(e.kind, e.key) for e in up.events if e.execution == trainer} == {
        ("output", "model"),
        ("input", "transformed_examples"),
        ("input", "transform_graph"),
        ("input", "schema"),
    }


def test_reuse_makes_nothing(connection):
    pipeline = RecordedPipeline(connection)
    first = record(pipeline, "r1", 1000.0)
    pipeline.begin("r2", mw_state="COMPLETE").reuse("Trainer", first["Trainer"])
    store = Store(connection)
    assert {e.run for e in store.lineage(first["Trainer"]["model"]).executions} == {"r1"}
    down = store.lineage(first["SchemaGen"]["schema"], "down")
    assert {e.run for e in down.executions} == {"r1"}


# ------------------------------------------------------------------- compare


def test_compare(connection):
    pipeline = RecordedPipeline(connection)
    first = record(
        pipeline, "r1", 1000.0, mw_summary=json.dumps({"metrics": {"AUC": 0.9, "loss": 1.0}})
    )
    second = pipeline.begin(
        "r2",
        mw_state="FAILED",
        mw_started=2000.0,
        mw_summary=json.dumps({"metrics": {"AUC": 0.95}}),
    )
    # The first nodes come from the cache, without parameters as a partial run leaves them.
    for node in ("ExampleGen", "StatisticsGen", "SchemaGen", "Transform"):
        second.reuse(node, first[node], mw_started=2000.0, mw_ended=2000.5)
    inputs = {
        "transformed_examples": [first["Transform"]["transformed_examples"]],
        "transform_graph": [first["Transform"]["transform_graph"]],
        "schema": [first["SchemaGen"]["schema"]],
    }
    execution = second.start(
        "Trainer",
        inputs,
        config=json.dumps({"epochs": 3, "seed": 1, "deep": {"rate": 0.1}}),
        engine="memory",
        code_fingerprint="changed",
        mw_started=2010.0,
    )
    trained = second.finish("Trainer", execution, {"model": "Model"}, mw_ended=2013.0)
    execution = second.start("Evaluator", {"model": [trained["model"]]})
    second.finish("Evaluator", execution, state="FAILED")
    found = Store(connection).compare("r1", "r2")
    nodes = {node.node: node for node in found.nodes}
    assert list(nodes) == list(DAG)
    assert {name for name, node in nodes.items() if node.differs} == {
        "Trainer",
        "Evaluator",
        "ExampleValidator",
        "BaselineResolver",
        "Pusher",
    }
    assert nodes["Transform"].states == ("COMPLETE", "CACHED")
    assert nodes["Transform"].seconds == (5.0, 0.5)
    assert nodes["Transform"].parameters == nodes["Transform"].inputs == {}
    assert nodes["Trainer"].parameters == {
        "config.epochs": (30, 3),
        "config.deep.rate": (None, 0.1),
    }
    assert nodes["Trainer"].code == ("0000000000000006", "changed")
    assert nodes["Trainer"].inputs == {}
    assert nodes["Evaluator"].states == ("COMPLETE", "FAILED")
    assert nodes["Evaluator"].inputs["model"] == (
        [first["Trainer"]["model"]],
        [trained["model"]],
    )
    assert nodes["Pusher"].states == ("COMPLETE", None)
    assert found.metrics == {"AUC": (0.9, 0.95), "loss": (1.0, None)}


def test_a_run_does_not_differ_from_itself(sqlite):
    record(RecordedPipeline(sqlite), "r1", 1000.0)
    found = Store(sqlite).compare("r1", "latest")
    assert not any(node.differs for node in found.nodes)


# ------------------------------------------------------------- last good run


def test_the_last_good_run_holds_what_is_needed(connection):
    pipeline = RecordedPipeline(connection)
    first = record(pipeline, "r1", 1000.0)
    failed = pipeline.begin("r2", mw_state="FAILED", mw_started=2000.0)
    failed.reuse("ExampleGen", first["ExampleGen"])
    failed.finish("Trainer", failed.start("Trainer"), state="FAILED")
    partial = pipeline.begin("r3", mw_state="COMPLETE", mw_started=3000.0)
    partial.reuse("ExampleGen", first["ExampleGen"])
    store = Store(connection)
    assert store.last_good_run(["ExampleGen"]).id == "r3"
    assert store.last_good_run(["ExampleGen", "Trainer", "BaselineResolver"]).id == "r1"
    assert store.last_good_run(["ExampleGen"], run="r2").id == "r2"
    with pytest.raises(InputError, match="r2 does not hold") as caught:
        store.last_good_run(["ExampleGen", "Trainer"], run="r2")
    assert caught.value.details["got"] == "r2 lacks Trainer"
    with pytest.raises(InputError, match="No run holds") as caught:
        store.last_good_run(["Distiller"])
    assert "r3 lacks Distiller" in caught.value.details["got"]


def test_a_failed_run_is_better_than_none(sqlite):
    pipeline = RecordedPipeline(sqlite)
    for name, started in (("r1", 1000.0), ("r2", 2000.0)):
        run = pipeline.begin(name, mw_state="FAILED", mw_started=started)
        run.finish("ExampleGen", run.start("ExampleGen"), {"examples": "Examples"})
    assert Store(sqlite).last_good_run(["ExampleGen"]).id == "r2"


def test_damaged_outputs_are_not_built_upon(connection):
    pipeline = RecordedPipeline(connection)
    record(pipeline, "r1", 1000.0)
    second = record(pipeline, "r2", 2000.0)
    [model] = pipeline.store.get_artifacts_by_id([second["Trainer"]["model"]])
    model.state = model.ABANDONED
    pipeline.store.put_artifacts([model])
    store = Store(connection)
    assert store.artifact(model.id).state == "ABANDONED"
    assert store.last_good_run(["Trainer"]).id == "r1"
    assert store.last_good_run(["Transform"]).id == "r2"


# ------------------------------------------------------------------- writing


def test_recording_leaves_the_rest_alone(connection):
    pipeline = RecordedPipeline(connection)
    run = pipeline.begin("r1", mw_state="RUNNING", mw_started=1000.0, mw_config='{"a": 1}')
    execution = run.start("Trainer", config="{}", mw_attempt=1)
    store = Store(connection)
    store.record_run(
        "r1", mw_state="COMPLETE", mw_ended=1005.0, mw_summary={"executed": 1}, mw_flag=True
    )
    store.record_execution(execution, mw_log="/x.log", mw_count=2**40)
    found = store.run("r1")
    assert (found.state, found.started, found.ended) == ("COMPLETE", 1000.0, 1005.0)
    assert (found.config, found.summary, found.pipeline) == ({"a": 1}, {"executed": 1}, "taxi")
    [record] = store.executions("r1")
    assert (record.state, record.log, record.attempt) == ("RUNNING", "/x.log", 1)
    assert (record.parameters, record.node) == ({"config": "{}"}, "Trainer")
    [raw] = pipeline.store.get_executions_by_id([execution])
    assert raw.custom_properties["mw_count"].double_value == 2**40
    assert raw.name  # TFX finds its executions by their names
    store.record_execution(execution, state="FAILED")
    [record] = store.executions("r1")
    assert (record.state, record.log) == ("FAILED", "/x.log")


def test_two_writers_lose_nothing(connection):
    """Each sets its own properties, at the same time, many times."""
    run = RecordedPipeline(connection).begin("r1", mw_state="RUNNING")
    execution = run.start("Trainer")
    failures = []

    def write(name):
        try:
            store = Store(connection)
            for number in range(20):
                store.record_run("r1", **{f"mw_{name}": number})
                store.record_execution(execution, **{f"mw_{name}": number})
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    store = RecordedPipeline(connection).store
    [context] = store.get_contexts_by_type("pipeline_run")
    [found] = store.get_executions_by_id([execution])
    for node in (context, found):
        assert {node.custom_properties[f"mw_{name}"].int_value for name in "abc"} == {19}


def test_unknown_ids_are_not_written(sqlite):
    with pytest.raises(InputError, match="no run yet"):
        Store(sqlite).record_run("r1", mw_state="FAILED")
    with pytest.raises(InputError, match="no execution 7"):
        Store(sqlite).record_execution(7, mw_log="")


# ---------------------------------------------------------- dead processes


def test_what_a_dead_process_left_is_marked(connection, dead, alive):
    pipeline = RecordedPipeline(connection)
    killed = pipeline.begin("killed", mw_state="RUNNING", mw_started=1000.0, **dead)
    done = killed.start("ExampleGen", **dead)
    killed.finish("ExampleGen", done, {"examples": "Examples"})
    left = killed.start("Trainer", config="{}", **dead)
    resolver = killed.start("BaselineResolver")  # TFX registers it without a process
    going = pipeline.begin("going", mw_state="RUNNING", mw_started=2000.0, **alive)
    active = going.start("Trainer", **alive)
    going_resolver = going.start("BaselineResolver")
    store = Store(connection)

    # It shows at once, though nothing is written.
    assert store.run("killed").state == "INTERRUPTED"
    assert store.run("going").state == "RUNNING"
    assert [e.state for e in store.executions("killed")] == ["COMPLETE", "FAILED", "FAILED"]
    assert [e.id for e in store.running_executions()] == [active, going_resolver]
    [raw] = pipeline.store.get_executions_by_id([left])
    assert raw.last_known_state == raw.RUNNING

    marked = store.mark_dead()
    assert [e.id for e in marked] == [left, resolver]
    assert {e.state for e in marked} == {"FAILED"}
    assert marked[0].error == f"process {dead['mw_pid']} ended before the node did"
    assert marked[0].parameters == {"config": "{}"}
    assert abs(marked[0].ended - time.time()) < 60
    for execution, state in ((left, "FAILED"), (resolver, "FAILED"), (active, "RUNNING")):
        [raw] = pipeline.store.get_executions_by_id([execution])
        assert raw.State.Name(raw.last_known_state) == state
    contexts = {c.name: c for c in pipeline.store.get_contexts_by_type("pipeline_run")}
    assert contexts["killed"].custom_properties["mw_state"].string_value == "INTERRUPTED"
    assert contexts["going"].custom_properties["mw_state"].string_value == "RUNNING"
    assert store.mark_dead() == []


def test_the_cause_is_recorded_if_it_is_known(sqlite, dead):
    run = RecordedPipeline(sqlite).begin("r1", mw_state="RUNNING", **dead)
    run.start("Trainer", **dead)
    [marked] = Store(sqlite).mark_dead("ended by SIGKILL")
    assert marked.error == "ended by SIGKILL"


@pytest.mark.parametrize("change", [{"mw_host": "elsewhere"}, {"mw_pid": None}])
def test_what_cannot_be_known_is_left_alone(sqlite, dead, change):
    properties = {k: v for k, v in {**dead, **change}.items() if v is not None}
    run = RecordedPipeline(sqlite).begin("r1", mw_state="RUNNING", **properties)
    run.start("Trainer", **properties)
    store = Store(sqlite)
    assert store.mark_dead() == []
    assert store.run("r1").state == "RUNNING"
    assert [e.state for e in store.executions("r1")] == ["RUNNING"]


def test_another_process_with_the_same_id_is_told_apart(sqlite, alive):
    earlier = {**alive, "mw_process_started": alive["mw_process_started"] - 1000}
    run = RecordedPipeline(sqlite).begin("r1", mw_state="RUNNING", **earlier)
    run.start("Trainer", **earlier)
    assert len(Store(sqlite).mark_dead()) == 1


def test_a_zombie_is_dead(sqlite):
    process = subprocess.Popen(["true"])
    found = psutil.Process(process.pid)
    started = found.create_time()
    while found.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    properties = {"mw_pid": process.pid, "mw_host": HERE, "mw_process_started": started}
    run = RecordedPipeline(sqlite).begin("r1", mw_state="RUNNING", **properties)
    run.start("Trainer", **properties)
    assert len(Store(sqlite).mark_dead()) == 1
    process.wait()


def test_other_pipelines_are_not_marked(sqlite, dead):
    other = RecordedPipeline(sqlite, "mnist").begin("m1", mw_state="RUNNING", **dead)
    other.start("Trainer", **dead)
    assert Store(sqlite, "taxi").mark_dead() == []
    assert len(Store(sqlite, "mnist").mark_dead()) == 1


# ------------------------------------------------------------------- imports


def test_a_query_imports_neither_tensorflow_nor_tfx(sqlite, tmp_path):
    record(RecordedPipeline(sqlite), "r1", 1000.0)
    program = (
        "import sys\n"
        "from pipeline.store import Store\n"
        "from pipeline.store_config import StoreConfig, connection_config\n"
        "from pipeline import read_verbs\n"
        f"store = Store(connection_config(StoreConfig(), {str(tmp_path)!r}))\n"
        "store.runs(), store.compare('r1', 'r1'), store.lineage(3), store.mark_dead()\n"
        "heavy = {'tensorflow', 'tfx', 'apache_beam', 'tf_keras', 'pandas', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_what_is_left_out_of_ml_metadata_loads_when_it_is_used():
    program = (
        "import sys, pipeline.store.mlmd\n"
        "print('grpc._cython.cygrpc' in sys.modules)\n"
        "import grpc, grpc.aio\n"
        "print(grpc.StatusCode.OK.name, sys.modules['grpc'].StatusCode is grpc.StatusCode)\n"
        "from ml_metadata.metadata_store import metadata_store\n"
        "print(metadata_store.grpc.RpcError is grpc.RpcError)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "OK", "True", "True"]
