"""The analysis in this process gives what TensorFlow Transform gives on Beam."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.tfxio.tensor_adapter import TensorAdapter

from components.errors import InputError
from components.transform import beam_analysis, graph, local_analysis
from tests.components.transform import functions
from tests.components.transform.tables import make_shards


def transform(directory, shards, schema):
    adapter = TensorAdapter(graph.adapter_config(schema))
    layer = tft.TFTransformOutput(str(directory)).transform_features_layer()
    outputs = [
        layer(adapter.ToBatchTensors(batch, produce_eager_tensors=True))
        for shard in shards
        for batch in shard()
    ]
    return {name: np.concatenate([o[name].numpy() for o in outputs]) for name in outputs[0]}


def texts(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in Path(directory).rglob("*")
        if path.is_file()
        and path.name not in ("saved_model.pb", "fingerprint.pb")
        and "variables" not in path.parts
    }


def assert_same(local, beam, shards, schema):
    found, expected = texts(local), texts(beam)
    assert found.keys() == expected.keys()
    for name, content in expected.items():
        assert found[name] == content, name
    actual, wanted = (transform(d, shards, schema) for d in (local, beam))
    assert actual.keys() == wanted.keys()
    for name, values in wanted.items():
        assert actual[name].dtype == values.dtype
        np.testing.assert_allclose(actual[name], values, rtol=1e-6, atol=1e-6, err_msg=name)


def run(engine, function, schema, shards, directory):
    engine.analyze(function, schema, shards, str(directory), f"{directory}-tmp")
    return directory


@pytest.fixture(scope="module")
def shards(rows, schema):
    return make_shards(rows, schema, batch_rows=70, number=2)


@pytest.fixture(scope="module")
def common(schema, shards, tmp_path_factory):
    directory = tmp_path_factory.mktemp("common") / "graph"
    return run(local_analysis, functions.common, schema, shards, directory)


def test_common_analyzers_equal_beam(common, schema, shards, tmp_path):
    beam = run(beam_analysis, functions.common, schema, shards, tmp_path / "beam")
    assert_same(common, beam, shards, schema)


@pytest.mark.parametrize("engine", [local_analysis, beam_analysis])
def test_three_phases(engine, rows, schema, shards, tmp_path):
    run(engine, functions.three_phases, schema, shards, tmp_path / "graph")
    price = np.array([row["price"] for row in rows])
    scaled = (price - price.min()) / (price.max() - price.min())
    outputs = transform(tmp_path / "graph", shards, schema)
    np.testing.assert_allclose(outputs["value"], scaled / scaled.std(), rtol=1e-5)


def test_rare_analyzers_equal_beam(schema, shards, tmp_path):
    local = run(local_analysis, functions.rare, schema, shards, tmp_path / "local")
    beam = run(beam_analysis, functions.rare, schema, shards, tmp_path / "beam")
    assert_same(local, beam, shards, schema)


def test_results_are_those_of_the_definition(rows, common, schema, shards):
    outputs = transform(common, shards, schema)
    price = np.array([row["price"] for row in rows])
    np.testing.assert_allclose(outputs["mean"], price - price.mean(), atol=1e-4)
    np.testing.assert_allclose(outputs["variance"], price / price.var(), rtol=1e-5)
    scaled = (price - price.min()) / (price.max() - price.min())
    np.testing.assert_allclose(outputs["two_phases"], scaled, atol=1e-6)
    vocabulary = (common / "transform_fn/assets/color").read_text().split("\n")[:-1]
    colors = [row["color"] for row in rows if row["color"]]
    assert vocabulary == sorted(set(colors), key=lambda c: (colors.count(c), c), reverse=True)


def test_vocabularies_are_those_of_the_definition(rows, schema, shards, tmp_path):
    run(local_analysis, functions.vocabularies, schema, shards, tmp_path / "graph")
    assets = tmp_path / "graph/transform_fn/assets"
    found = {path.name: path.read_text().split("\n")[:-1] for path in assets.iterdir()}
    counts = Counter(row["color"] for row in rows if row["color"])
    by_count = sorted(counts, key=lambda color: (counts[color], color), reverse=True)
    assert found["shuffled"] == sorted(counts, key=lambda c: hashlib.sha1(c.encode()).digest())
    assert found["reserved"] == ["none", "red", *(c for c in by_count if c != "red")]
    assert found["approximate"] == by_count
    assert len(found["empty"]) == 1
    assert found["empty"][0] not in counts

    # TensorFlow Transform's measure: the part of the mutual information, times the number
    # of rows, that comes from the rows that have the token.
    pairs = Counter((row["color"], row["label"]) for row in rows if row["color"])
    labels = Counter(row["label"] for row in rows)
    information = {
        color: sum(
            pairs[color, label]
            * np.log2(pairs[color, label] * labels.total() / (counts[color] * labels[label]))
            for label in labels
            if pairs[color, label]
        )
        for color in counts
    }
    written = [line.split(" ", 1) for line in found["informative"]]
    for value, color in written:
        # TensorFlow Transform clips probabilities to [1e-6, 1 - 1e-6].
        expected = information[color.replace("__SPACE__", " ")]
        assert float(value) == pytest.approx(expected, rel=1e-3, abs=0.05)
    assert [float(value) for value, _ in written] == sorted(
        (float(value) for value, _ in written), reverse=True
    )
    assert set(found["adjusted"]) == set(counts)


def test_batches_do_not_matter(rows, common, schema, shards, tmp_path):
    whole = make_shards(rows, schema, batch_rows=len(rows))
    other = run(local_analysis, functions.common, schema, whole, tmp_path / "graph")
    expected = transform(common, whole, schema)
    for name, values in transform(other, whole, schema).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_a_table_of_its_own_outlives_the_tracing(rows, schema, shards, tmp_path):
    run(local_analysis, functions.with_table, schema, shards, tmp_path / "graph")
    looked_up = np.array([{"red": 1.0, "blue": 2.0}.get(row["color"], -1.0) for row in rows])
    np.testing.assert_allclose(
        transform(tmp_path / "graph", shards, schema)["value"],
        (looked_up - looked_up.mean()) / looked_up.std(),
        atol=1e-5,
    )


def test_an_earlier_graph_is_replaced(schema, shards, tmp_path):
    for function, vocabularies in ((functions.own, 1), (functions.with_table, 0)):
        run(local_analysis, function, schema, shards, tmp_path / "graph")
        assets = list((tmp_path / "graph/transform_fn/assets").glob("*"))
        assert len(assets) == vocabularies


def test_an_analyzer_for_beam_alone_is_named(schema, shards, tmp_path):
    with pytest.raises(InputError, match="PTransform") as caught:
        run(local_analysis, functions.only_on_beam, schema, shards, tmp_path / "graph")
    assert "beam.engine: beam" in str(caught.value)
    assert not (tmp_path / "graph").exists()


def test_that_analyzer_runs_on_beam(schema, shards, tmp_path):
    run(beam_analysis, functions.only_on_beam, schema, shards, tmp_path / "graph")
    assert transform(tmp_path / "graph", shards, schema)["share"].max() == 1.0


def test_no_outputs_is_an_error(schema, shards, tmp_path):
    with pytest.raises(InputError, match="no outputs"):
        run(local_analysis, functions.no_outputs, schema, shards, tmp_path / "graph")


def test_an_order_that_changes_is_an_error(schema, shards, tmp_path):
    names = ["price", "size"]

    def unstable(inputs):
        names.reverse()
        return {n: functions.column(inputs[n], 0.0) - tft.mean(inputs[n]) for n in names}

    with pytest.raises(InputError, match="order that changes"):
        run(local_analysis, unstable, schema, shards, tmp_path / "graph")


def test_no_rows_give_the_analyzers_defaults(schema, tmp_path):
    none = make_shards([], schema)
    run(local_analysis, functions.with_table, schema, none, tmp_path / "graph")
    layer = tft.TFTransformOutput(str(tmp_path / "graph")).transform_features_layer()
    color = tf.sparse.from_dense([["red"]])
    assert layer({"color": color})["value"].numpy().tolist() == [1.0]
