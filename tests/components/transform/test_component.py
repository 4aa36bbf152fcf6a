"""Transform as a TFX component: artifacts in, artifacts out, on both engines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow_transform as tft
from google.protobuf import text_format
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components import examples
from components.models.transformed import Features, load_arrays
from components.transform.component import Transform
from components.transform.config import TransformConfig
from components.transform.executor import Executor
from tests.components.transform.tables import make_shards

SPLITS = {"train": slice(0, 250), "eval": slice(250, 300), "span-001": slice(300, 400)}
DATASET = {
    "label": "label",
    "task": "binary",
    "classes": ["0", "1"],
    "columns": [
        {"name": "price", "kind": "numeric"},
        {"name": "size", "kind": "numeric"},
        {"name": "color", "kind": "categorical"},
        {"name": "zip", "kind": "categorical"},
        {"name": "label", "kind": "integer"},
    ],
}


@pytest.fixture(scope="module")
def inputs(rows, schema, tmp_path_factory):
    root = tmp_path_factory.mktemp("inputs")
    raw = standard_artifacts.Examples()
    raw.uri = str(root / "examples")
    raw.split_names = artifact_utils.encode_split_names(list(SPLITS))
    for name, part in SPLITS.items():
        # Two files a split: each is a shard.
        for number, half in enumerate((rows[part][::2], rows[part][1::2])):
            [shard] = make_shards(half, schema)
            directory = root / "parts" / name / str(number)
            examples.write_split(shard(), directory)
            target = Path(raw.uri) / f"Split-{name}" / f"data_tfrecord-0000{number}-of-00002.gz"
            target.parent.mkdir(parents=True, exist_ok=True)
            (directory / examples.FILE_NAME).rename(target)
    described = standard_artifacts.Schema()
    described.uri = str(root / "schema")
    Path(described.uri).mkdir()
    (Path(described.uri) / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    return {"examples": [raw], "schema": [described]}


def run(inputs, directory, engine, config=None):
    outputs = {}
    for name, kind in (
        ("transform_graph", standard_artifacts.TransformGraph),
        ("transformed_examples", standard_artifacts.Examples),
    ):
        artifact = kind()
        artifact.uri = str(directory / name)
        Path(artifact.uri).mkdir(parents=True)
        outputs[name] = [artifact]
    context = BaseBeamExecutor.Context(
        beam_pipeline_args=[], tmp_dir=str(directory / "tmp"), unique_id="1"
    )
    Executor(context).Do(
        inputs,
        outputs,
        {
            "config": (config or TransformConfig()).model_dump_json(),
            "engine": engine,
            "dataset": json.dumps(DATASET),
        },
    )
    return outputs


@pytest.fixture(scope="module")
def in_memory(inputs, tmp_path_factory):
    return run(inputs, tmp_path_factory.mktemp("memory"), "memory")


def arrays_of(outputs, split):
    features = Features.read(outputs["transform_graph"][0].uri)
    directory = Path(outputs["transformed_examples"][0].uri) / f"Split-{split}"
    return load_arrays(directory, features)


def in_order(arrays):
    """Return the arrays with their rows in an order that the writer does not decide."""
    keys = np.concatenate([a.reshape(len(a), -1) for _, a in sorted(arrays.items())], axis=1)
    order = np.lexsort(keys.T)
    return {name: array[order] for name, array in arrays.items()}


def test_every_split_is_transformed(in_memory, rows):
    [transformed] = in_memory["transformed_examples"]
    assert artifact_utils.decode_split_names(transformed.split_names) == list(SPLITS)
    for split, part in SPLITS.items():
        arrays = arrays_of(in_memory, split)
        assert sorted(arrays["label"].tolist()) == sorted(row["label"] for row in rows[part])


def test_only_the_train_split_is_analysed(in_memory, rows):
    price = arrays_of(in_memory, "train")["numeric"][:, 0]
    clipped = np.array([row["price"] for row in rows[:250]])
    clipped = np.clip((clipped - clipped.mean()) / clipped.std(), -5, 5)
    np.testing.assert_allclose(np.sort(price), np.sort(clipped), atol=1e-5)


def test_the_graph_is_what_tensorflow_transform_reads(in_memory):
    graph = tft.TFTransformOutput(in_memory["transform_graph"][0].uri)
    assert sorted(graph.raw_feature_spec()) == sorted(c["name"] for c in DATASET["columns"])
    assert sorted(graph.transformed_feature_spec()) == ["categorical", "label", "numeric"]
    assert graph.vocabulary_size_by_name("color") == 5
    features = Features.read(in_memory["transform_graph"][0].uri)
    assert features.numeric == ("price", "size", "price:cdf", "size:cdf", "size:missing")
    assert [(c.name, c.size) for c in features.categorical] == [("color", 7), ("zip", 32)]
    assert (features.label, features.task, features.classes) == ("label", "binary", ("0", "1"))


def test_beam_gives_the_same(inputs, in_memory, tmp_path):
    on_beam = run(inputs, tmp_path, "beam")
    graphs = [Path(o["transform_graph"][0].uri) for o in (in_memory, on_beam)]
    for name in ("features.json", "transformed_metadata/schema.pbtxt", "metadata/schema.pbtxt"):
        assert (graphs[0] / name).read_text() == (graphs[1] / name).read_text()
    for asset in (graphs[0] / "transform_fn/assets").iterdir():
        assert asset.read_bytes() == (graphs[1] / "transform_fn/assets" / asset.name).read_bytes()
    for split in SPLITS:
        expected, found = (in_order(arrays_of(o, split)) for o in (in_memory, on_beam))
        for name, array in expected.items():
            np.testing.assert_allclose(found[name], array, atol=1e-6, err_msg=name)


def test_the_component_names_an_own_functions_code(tmp_path, monkeypatch):
    module = tmp_path / "my_features.py"
    monkeypatch.syspath_prepend(tmp_path)
    channels = {
        "examples": channel_utils.as_channel([standard_artifacts.Examples()]),
        "schema": channel_utils.as_channel([standard_artifacts.Schema()]),
        "dataset": json.dumps(DATASET),
    }

    def fingerprint(config):
        return Transform(config, **channels).exec_properties["code_fingerprint"]

    own = TransformConfig(preprocessing_fn="my_features.fn")
    module.write_text("def fn(inputs): return {}")
    first = fingerprint(own)
    module.write_text("def fn(inputs): return inputs")
    assert first != fingerprint(own)
    assert fingerprint(TransformConfig()) not in (first, fingerprint(own))
    # One that is not there is the executor's to report, with the setting's name.
    assert fingerprint(TransformConfig(preprocessing_fn="not.there"))
