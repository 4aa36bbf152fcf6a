"""The two packages that are older than TFX 1.21 asks for give the right answers beside it.

`requirements.overrides` says why: TensorFlow Data Validation 1.16.1 and ML Metadata 1.17.1.
"""

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from google.protobuf import json_format
from ml_metadata import errors
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx import types
from tfx.orchestration import metadata
from tfx.orchestration.portable import execution_publish_utils
from tfx.orchestration.portable.mlmd import context_lib
from tfx.proto.orchestration import execution_result_pb2, pipeline_pb2
from tfx.types import standard_artifacts

from components import examples
from pipeline.store import Store
from pipeline.store_config import connection_config

# ------------------------------------------------ TensorFlow Data Validation

ROWS = 1000


def taxi_rides(seed=7, *, companies=(0.5, 0.3, 0.2), shift=0.0):
    """Return rides with floats, integers, text beyond ASCII, and missing values."""
    random = np.random.default_rng(seed)
    fare = random.gamma(2, 5, ROWS) + shift
    fare[::10] = np.nan  # missing in 100 rows
    return pd.DataFrame(
        {
            "fare": fare,
            "miles": random.integers(0, 50, ROWS),
            "company": random.choice(["Blue", "Grün", "黄"], ROWS, p=companies),
        }
    )


def batches(frame, size=ROWS):
    """Return a data frame as batches of lists, as all of TFX has them."""
    columns = {
        name: pa.array(frame[name], from_pandas=True) for name in frame
    }  # from_pandas: NaN is missing
    batch = pa.RecordBatch.from_pydict(columns)
    return [examples.as_lists(batch.slice(at, size)) for at in range(0, len(frame), size)]


def in_memory(frame):
    """Return the statistics of a data frame, computed in this process."""
    [batch] = batches(frame)
    return stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions())


def on_beam(frame, path):
    """Return the same, computed on Beam from several batches."""
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        (
            pipeline
            | beam.Create(batches(frame, 170))
            | beam.Reshuffle()
            | tfdv.GenerateStatistics(tfdv.StatsOptions())
            | tfdv.WriteStatisticsToBinaryFile(path)
        )
    return tfdv.load_stats_binary(path)


@pytest.fixture(scope="module")
def rides():
    return taxi_rides()


@pytest.fixture(scope="module", params=["memory", "beam"])
def statistics(request, rides, tmp_path_factory):
    """The statistics of `rides`, computed in both ways."""
    if request.param == "memory":
        return in_memory(rides)
    return on_beam(rides, str(tmp_path_factory.mktemp("statistics") / "s.pb"))


def feature(statistics, name):
    [dataset] = statistics.datasets
    [found] = [item for item in dataset.features if item.path.step == [name]]
    return found


def test_numeric_statistics(statistics, rides):
    assert statistics.datasets[0].num_examples == ROWS
    values = rides["fare"].dropna()
    fare = feature(statistics, "fare")
    numbers = fare.num_stats
    assert fare.type == statistics_pb2.FeatureNameStatistics.FLOAT
    assert numbers.common_stats.num_non_missing == 900
    assert numbers.common_stats.num_missing == 100
    assert numbers.mean == pytest.approx(values.mean(), rel=1e-9)
    assert numbers.std_dev == pytest.approx(values.std(ddof=0), rel=1e-6)
    assert (numbers.min, numbers.max) == (values.min(), values.max())
    assert numbers.median == pytest.approx(values.median(), rel=0.01)
    histogram, quantiles = numbers.histograms
    assert histogram.type == statistics_pb2.Histogram.STANDARD
    assert sum(bucket.sample_count for bucket in histogram.buckets) == pytest.approx(900)
    expected, _ = np.histogram(values, 10)
    found = [bucket.sample_count for bucket in histogram.buckets]
    assert found == pytest.approx(expected, abs=9)
    edges = [bucket.high_value for bucket in quantiles.buckets]
    assert edges == pytest.approx(np.quantile(values, np.linspace(0.1, 1, 10)), rel=0.02)


def test_integer_statistics(statistics, rides):
    miles = feature(statistics, "miles")
    assert miles.type == statistics_pb2.FeatureNameStatistics.INT
    assert miles.num_stats.num_zeros == (rides["miles"] == 0).sum()
    assert miles.num_stats.mean == pytest.approx(rides["miles"].mean(), rel=1e-9)
    assert miles.num_stats.common_stats.num_missing == 0


def test_text_statistics(statistics, rides):
    company = feature(statistics, "company")
    counts = rides["company"].value_counts()
    assert company.type == statistics_pb2.FeatureNameStatistics.STRING
    assert company.string_stats.unique == 3
    found = {item.value: item.frequency for item in company.string_stats.top_values}
    assert found == counts.to_dict()
    assert company.string_stats.top_values[0].value == counts.index[0]
    lengths = rides["company"].str.encode("utf-8").str.len()
    assert company.string_stats.avg_length == pytest.approx(lengths.mean(), rel=1e-6)


def test_memory_and_beam_give_equal_statistics(rides, tmp_path):
    memory, beam_ = in_memory(rides), on_beam(rides, str(tmp_path / "s.pb"))
    for name in rides:
        first = json_format.MessageToDict(feature(memory, name))
        second = json_format.MessageToDict(feature(beam_, name))
        assert _rounded(first) == _rounded(second), name


def _rounded(value):
    """Return `value` with floats to 9 digits: sums over batches differ in the last ones."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def test_schema_inference(statistics):
    schema = infer(statistics)
    found = {item.name: item for item in schema.feature}
    assert {name: item.type for name, item in found.items()} == {
        "fare": schema_pb2.FLOAT,
        "miles": schema_pb2.INT,
        "company": schema_pb2.BYTES,
    }
    # A column without a missing value must be there, the other need not.
    assert found["miles"].presence.min_fraction == 1
    assert found["fare"].presence.min_fraction == 0
    [domain] = schema.string_domain
    assert sorted(domain.value) == ["Blue", "Grün", "黄"]
    assert found["company"].domain == "company"


def infer(statistics):
    """Return the schema as the pipeline infers it."""
    return tfdv.infer_schema(statistics, infer_feature_shape=False)


def anomalies(statistics, schema, **arguments):
    found = tfdv.validate_statistics(statistics, schema, **arguments)
    kinds = anomalies_pb2.AnomalyInfo.Type.Name
    return {
        name: [kinds(reason.type) for reason in info.reason]
        for name, info in found.anomaly_info.items()
    }


def test_no_anomaly_in_the_data_of_the_schema(statistics):
    assert anomalies(statistics, infer(statistics)) == {}
    assert anomalies(in_memory(taxi_rides(8)), infer(statistics)) == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda frame: frame.assign(fare=frame["fare"].astype(str)),
            {"fare": ["UNEXPECTED_DATA_TYPE"]},
        ),
        (
            lambda frame: frame.assign(company=["Red", *list(frame["company"][1:])]),
            {"company": ["ENUM_TYPE_UNEXPECTED_STRING_VALUES"]},
        ),
        (
            lambda frame: frame.drop(columns="miles"),
            {"miles": ["SCHEMA_MISSING_COLUMN"]},
        ),
        (
            lambda frame: frame.assign(tip=1.0),
            {"tip": ["SCHEMA_NEW_COLUMN"]},
        ),
        (
            lambda frame: frame.assign(company=[None, *list(frame["company"][1:])]),
            {"company": ["FEATURE_TYPE_LOW_FRACTION_PRESENT"]},
        ),
    ],
    ids=["type", "new value", "missing column", "new column", "missing value"],
)
def test_anomalies(statistics, rides, change, expected):
    schema = infer(statistics)
    assert anomalies(in_memory(change(rides)), schema) == expected


def test_a_range_that_a_person_curated(statistics):
    schema = infer(statistics)
    tfdv.get_feature(schema, "miles").int_domain.max = 10
    assert anomalies(statistics, schema) == {"miles": ["INT_TYPE_BIG_INT"]}


def test_drift_of_text_is_the_largest_change_of_a_share(statistics, rides):
    schema = infer(statistics)
    tfdv.get_feature(schema, "company").drift_comparator.infinity_norm.threshold = 0.1
    later = taxi_rides(8, companies=(0.2, 0.6, 0.2))
    found = tfdv.validate_statistics(in_memory(later), schema, previous_statistics=statistics)
    [info] = found.drift_skew_info
    [measurement] = info.drift_measurements
    shares = [frame["company"].value_counts(normalize=True) for frame in (rides, later)]
    assert measurement.value == pytest.approx((shares[0] - shares[1]).abs().max(), rel=1e-6)
    assert list(found.anomaly_info) == ["company"]
    same = taxi_rides(9)
    assert anomalies(in_memory(same), schema, previous_statistics=statistics) == {}


def test_skew_of_numbers_is_the_jensen_shannon_divergence(statistics):
    schema = infer(statistics)
    tfdv.get_feature(schema, "fare").skew_comparator.jensen_shannon_divergence.threshold = 0.05
    shifted = in_memory(taxi_rides(8, shift=10.0))
    assert anomalies(statistics, schema, serving_statistics=shifted) == {
        "fare": ["COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH"]
    }
    assert anomalies(statistics, schema, serving_statistics=in_memory(taxi_rides(9))) == {}


# --------------------------------------------------------------- ML Metadata


@pytest.fixture
def store(store_settings, tmp_path):
    """An empty store on each backend in turn, through the package's own interface."""
    return metadata_store.MetadataStore(connection_config(store_settings, tmp_path))


@pytest.fixture
def type_ids(store):
    return {
        "data": store.put_artifact_type(
            mlmd.ArtifactType(name="Data", properties={"span": mlmd.INT, "split": mlmd.STRING})
        ),
        "model": store.put_artifact_type(mlmd.ArtifactType(name="Model")),
        "trainer": store.put_execution_type(
            mlmd.ExecutionType(name="Trainer", properties={"steps": mlmd.INT})
        ),
        "run": store.put_context_type(mlmd.ContextType(name="run")),
    }


def data(type_ids, uri="/data/1"):
    artifact = mlmd.Artifact(type_id=type_ids["data"], uri=uri, state=mlmd.Artifact.LIVE)
    artifact.properties["span"].int_value = 3
    artifact.properties["split"].string_value = "train"
    artifact.custom_properties["ratio"].double_value = 0.25
    artifact.custom_properties["note"].string_value = "Grün 黄 😀 'quoted'"
    return artifact


def event(kind, key):
    found = mlmd.Event(type=kind)
    found.path.steps.add().key = key
    found.path.steps.add().index = 0
    return found


def test_types_come_back(store, type_ids):
    found = store.get_artifact_type("Data")
    assert found.id == type_ids["data"]
    assert dict(found.properties) == {"span": mlmd.INT, "split": mlmd.STRING}
    again = mlmd.ArtifactType(name="Data", properties={"span": mlmd.INT, "split": mlmd.STRING})
    assert store.put_artifact_type(again) == type_ids["data"]
    with pytest.raises(errors.AlreadyExistsError):
        store.put_artifact_type(mlmd.ArtifactType(name="Data", properties={"span": mlmd.STRING}))
    with pytest.raises(errors.NotFoundError):
        store.get_artifact_type("None")


def test_artifacts_come_back(store, type_ids):
    [first] = store.put_artifacts([data(type_ids)])
    [second] = store.put_artifacts([data(type_ids, "/data/2")])
    [found] = store.get_artifacts_by_id([first])
    assert (found.uri, found.type, found.state) == ("/data/1", "Data", mlmd.Artifact.LIVE)
    assert found.properties["span"].int_value == 3
    assert found.custom_properties["ratio"].double_value == 0.25
    assert found.custom_properties["note"].string_value == "Grün 黄 😀 'quoted'"
    assert [item.id for item in store.get_artifacts_by_uri("/data/2")] == [second]
    assert {item.id for item in store.get_artifacts_by_type("Data")} == {first, second}
    query = metadata_store.ListOptions(filter_query="properties.span.int_value = 3")
    assert len(store.get_artifacts(query)) == 2
    found.state = mlmd.Artifact.DELETED
    store.put_artifacts([found])
    assert store.get_artifacts_by_id([first])[0].state == mlmd.Artifact.DELETED


def test_many_artifacts_come_back_in_pages(store, type_ids):
    ids = store.put_artifacts([data(type_ids, f"/data/{number}") for number in range(250)])
    assert [item.id for item in store.get_artifacts_by_id(ids)] == ids
    options = metadata_store.ListOptions(
        limit=120, order_by=metadata_store.OrderByField.ID, is_asc=False
    )
    assert [item.id for item in store.get_artifacts(options)] == ids[::-1][:120]


def test_put_execution_writes_the_whole_step(store, type_ids):
    [read] = store.put_artifacts([data(type_ids)])
    execution = mlmd.Execution(
        type_id=type_ids["trainer"], name="e1", last_known_state=mlmd.Execution.RUNNING
    )
    execution.properties["steps"].int_value = 10
    run = mlmd.Context(type_id=type_ids["run"], name="r1")
    model = mlmd.Artifact(type_id=type_ids["model"], uri="/model/1")
    execution_id, artifact_ids, [context_id] = store.put_execution(
        execution,
        [
            (store.get_artifacts_by_id([read])[0], event(mlmd.Event.INPUT, "examples")),
            (model, event(mlmd.Event.OUTPUT, "model")),
        ],
        [run],
    )
    assert artifact_ids[0] == read
    events = store.get_events_by_execution_ids([execution_id])
    assert {(e.artifact_id, e.type, e.path.steps[0].key) for e in events} == {
        (read, mlmd.Event.INPUT, "examples"),
        (artifact_ids[1], mlmd.Event.OUTPUT, "model"),
    }
    assert [e.id for e in store.get_executions_by_context(context_id)] == [execution_id]
    assert {a.id for a in store.get_artifacts_by_context(context_id)} == set(artifact_ids)
    assert store.get_context_by_type_and_name("run", "r1").id == context_id


def test_put_execution_writes_all_or_nothing(store, type_ids):
    execution = mlmd.Execution(type_id=type_ids["trainer"])
    good = mlmd.Artifact(type_id=type_ids["model"], uri="/model/1")
    bad = mlmd.Artifact(type_id=99_999, uri="/model/2")
    run = mlmd.Context(type_id=type_ids["run"], name="r1")
    with pytest.raises(errors.StatusError):
        store.put_execution(
            execution,
            [
                (good, event(mlmd.Event.OUTPUT, "a")),
                (bad, event(mlmd.Event.OUTPUT, "b")),
            ],
            [run],
        )
    assert store.get_executions() == []
    assert store.get_artifacts() == []
    assert store.get_contexts() == []
    assert store.get_context_by_type_and_name("run", "r1") is None


def test_states_of_an_execution(store, type_ids):
    execution = mlmd.Execution(type_id=type_ids["trainer"])
    for state in ("NEW", "RUNNING", "COMPLETE", "FAILED", "CACHED", "CANCELED"):
        execution.last_known_state = mlmd.Execution.State.Value(state)
        [execution.id] = store.put_executions([execution])
        [execution] = store.get_executions_by_id([execution.id])
        assert mlmd.Execution.State.Name(execution.last_known_state) == state
        query = metadata_store.ListOptions(filter_query=f"last_known_state = {state}")
        assert len(store.get_executions(query)) == 1


def test_a_masked_update_leaves_the_rest(store, type_ids):
    execution = mlmd.Execution(type_id=type_ids["trainer"], name="e1")
    execution.properties["steps"].int_value = 10
    execution.custom_properties["kept"].string_value = "yes"
    [execution.id] = store.put_executions([execution])
    change = mlmd.Execution(id=execution.id, type_id=type_ids["trainer"])
    change.custom_properties["added"].int_value = 1
    change.last_known_state = mlmd.Execution.FAILED
    store.put_executions([change], ["custom_properties.added", "last_known_state"])
    [found] = store.get_executions_by_id([execution.id])
    assert (found.name, found.last_known_state) == ("e1", mlmd.Execution.FAILED)
    assert found.properties["steps"].int_value == 10
    assert found.custom_properties["kept"].string_value == "yes"
    assert found.custom_properties["added"].int_value == 1


def test_lineage(store, type_ids):
    """data -> model 1 -> model 2, and the way back."""
    ids = []
    for number in range(2):
        made = mlmd.Artifact(type_id=type_ids["model"], uri=f"/model/{number}")
        if number == 0:
            read = data(type_ids)
        else:
            [read] = store.get_artifacts_by_id([ids[-1]])
        _, (first, second), _ = store.put_execution(
            mlmd.Execution(type_id=type_ids["trainer"]),
            [
                (read, event(mlmd.Event.INPUT, "examples")),
                (made, event(mlmd.Event.OUTPUT, "model")),
            ],
            [],
        )
        ids = [*ids, first, second] if number == 0 else [*ids, second]
    for start, direction, hops, expected in (
        (ids[2], "UPSTREAM", 20, ids),
        (ids[2], "UPSTREAM", 2, ids[1:]),
        (ids[0], "DOWNSTREAM", 20, ids),
        (ids[2], "DOWNSTREAM", 20, ids[2:]),
    ):
        options = mlmd.LineageSubgraphQueryOptions(max_num_hops=hops)
        options.starting_artifacts.filter_query = f"id = {start}"
        options.direction = options.Direction.Value(direction)
        graph = store.get_lineage_subgraph(options)
        assert sorted(item.id for item in graph.artifacts) == sorted(expected)


# ---------------------------------------- TFX's own writes, our own reading


def test_what_tfx_publishes_is_what_the_store_reads(store_settings, tmp_path):
    config = connection_config(store_settings, tmp_path)
    trainer, evaluator = (_contexts("r1", node) for node in ("Trainer", "Evaluator"))
    kind = mlmd.ExecutionType(name="tfx.Trainer", properties={"steps": mlmd.INT})
    with metadata.Metadata(config) as handle:
        contexts = context_lib.prepare_contexts(handle, trainer)
        execution = execution_publish_utils.register_execution(
            handle, kind, contexts, exec_properties={"steps": 10, "config": "{}", "mw_attempt": 2}
        )
        running = Store(config).executions("r1")
        model = standard_artifacts.Model()
        model.uri = "/model/1"
        outputs, _ = execution_publish_utils.publish_succeeded_execution(
            handle, execution.id, contexts, {"model": [model]}
        )
        contexts = context_lib.prepare_contexts(handle, evaluator)
        failed = execution_publish_utils.register_execution(
            handle, kind, contexts, input_artifacts={"model": outputs["model"]}
        )
        result = execution_result_pb2.ExecutionResult(code=13, result_message="no space")
        execution_publish_utils.publish_failed_execution(
            handle,
            contexts,
            failed.id,
            execution_result_pb2.ExecutorOutput(execution_result=result),
        )
        contexts = context_lib.prepare_contexts(handle, _contexts("r2", "Trainer"))
        cached = execution_publish_utils.register_execution(handle, kind, contexts)
        execution_publish_utils.publish_cached_executions(
            handle, contexts, [cached], [{"model": outputs["model"]}]
        )

    found = Store(config, "taxi")
    assert [(e.node, e.state) for e in running] == [("Trainer", "RUNNING")]
    assert {run.id: (run.pipeline, run.state) for run in found.runs()} == {
        "r1": ("taxi", "FAILED"),
        "r2": ("taxi", "COMPLETE"),
    }
    first, second = found.executions("r1")
    assert (first.run, first.node, first.state) == ("r1", "Trainer", "COMPLETE")
    assert (first.parameters, first.attempt) == ({"steps": 10, "config": "{}"}, 2)
    assert (second.node, second.state, second.error) == ("Evaluator", "FAILED", "no space")
    [artifact] = found.artifacts()
    assert (artifact.run, artifact.node, artifact.key) == ("r1", "Trainer", "model")
    assert (artifact.type, artifact.state, artifact.uri) == ("Model", "LIVE", "/model/1")
    assert [e.state for e in found.executions("r2")] == ["CACHED"]
    assert [e.id for e in found.lineage(artifact.id).executions] == [first.id]
    assert [e.id for e in found.lineage(artifact.id, "down").executions] == [second.id]
    assert found.last_good_run(["Trainer"]).id == "r2"
    found.record_execution(first.id, mw_log="/x.log")
    with metadata.Metadata(config) as handle:  # TFX still knows it
        [again] = handle.store.get_executions_by_id([first.id])
        assert again.last_known_state == mlmd.Execution.COMPLETE
        assert isinstance(model, types.Artifact)


def _contexts(run, node):
    """Return the contexts that TFX's compiler gives to a node."""
    contexts = pipeline_pb2.NodeContexts()
    for kind, name in (("pipeline", "taxi"), ("pipeline_run", run), ("node", f"taxi.{node}")):
        context = contexts.contexts.add()
        context.type.name = kind
        context.name.field_value.string_value = name
    return contexts
