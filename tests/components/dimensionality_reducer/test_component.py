"""DimensionalityReducer as a TFX component: artifacts in, artifacts out, on both engines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components import artifacts, examples
from components.dimensionality_reducer import card, fitting
from components.dimensionality_reducer.component import DimensionalityReducer
from components.dimensionality_reducer.config import ReducerConfig
from components.dimensionality_reducer.executor import Executor
from components.dimensionality_reducer.reducers import REDUCERS
from components.errors import InputError
from components.models.projection import Projection
from components.models.transformed import (
    CategoricalColumn,
    Features,
    load_arrays,
    to_record_batch,
)

SPLITS = {"train": 400, "eval": 120, "test": 80, "span-001": 60}
FEATURES = Features(
    numeric=("a", "b", "c", "d", "e", "same"),
    categorical=(CategoricalColumn(name="f", size=5), CategoricalColumn(name="g", size=8)),
    label="y",
    task="multiclass",
    classes=("low", "mid", "high"),
)


def make_arrays(rows, seed):
    random = np.random.default_rng(seed)
    label = random.integers(0, 3, rows)
    numeric = random.normal(size=(rows, 6)) @ np.diag([3.0, 2.0, 1.0, 0.5, 0.3, 0.0])
    numeric[:, 0] += 2 * label
    numeric[:, 1] += numeric[:, 0]
    numeric[:, 5] = 7
    categorical = np.stack([random.integers(0, 5, rows), label + random.integers(1, 5, rows)], 1)
    return {
        "categorical": categorical,
        "label": label,
        "numeric": numeric.astype(np.float32),
    }


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("inputs")
    source, graph = standard_artifacts.Examples(), standard_artifacts.TransformGraph()
    source.uri, graph.uri = str(root / "examples"), str(root / "graph")
    source.split_names = artifact_utils.encode_split_names(list(SPLITS))
    for number, (split, rows) in enumerate(SPLITS.items()):
        arrays = make_arrays(rows, number)
        # Two files a split: each is a shard.
        for part in range(2):
            half = {name: array[part::2] for name, array in arrays.items()}
            directory = root / "parts" / split / str(part)
            examples.write_split([to_record_batch(half)], directory)
            target = Path(source.uri) / f"Split-{split}" / f"data_tfrecord-0000{part}-of-00002.gz"
            target.parent.mkdir(parents=True, exist_ok=True)
            (directory / examples.FILE_NAME).rename(target)
    FEATURES.write(graph.uri)
    return {"examples": [source], "transform_graph": [graph]}


def run(inputs, directory, engine="memory", **settings):
    outputs = {
        "projection": [artifacts.Projection()],
        "reduced_examples": [standard_artifacts.Examples()],
    }
    for name, [artifact] in outputs.items():
        artifact.uri = str(directory / name)
        Path(artifact.uri).mkdir(parents=True)
    context = BaseBeamExecutor.Context(
        beam_pipeline_args=[], tmp_dir=str(directory / "tmp"), unique_id="1"
    )
    config = ReducerConfig(**settings).model_dump_json()
    Executor(context).Do(inputs, outputs, {"config": config, "engine": engine})
    return outputs


def arrays_of(outputs, split):
    features = Features.read(outputs["projection"][0].uri)
    directory = Path(outputs["reduced_examples"][0].uri) / f"Split-{split}"
    return load_arrays(directory, features)


def report_of(outputs):
    return json.loads((Path(outputs["projection"][0].uri) / "report.json").read_text())


def in_order(arrays):
    """Return the arrays with their rows in an order that the writer does not decide."""
    # By the numbers last, which differ in the last digits between writers.
    keys = [array.reshape(len(array), -1).round(3) for _, array in sorted(arrays.items())]
    order = np.lexsort(np.concatenate(keys, axis=1).T[::-1])
    return {name: array[order] for name, array in arrays.items()}


@pytest.fixture(scope="module")
def in_memory(inputs, tmp_path_factory):
    return run(inputs, tmp_path_factory.mktemp("memory"), method="pca", components=3)


def test_every_split_is_reduced(in_memory):
    [reduced] = in_memory["reduced_examples"]
    assert artifact_utils.decode_split_names(reduced.split_names) == list(SPLITS)
    projection = Projection.read(in_memory["projection"][0].uri)
    for number, (split, rows) in enumerate(SPLITS.items()):
        raw = make_arrays(rows, number)
        expected = projection.run({n: raw[n] for n in ("numeric", "categorical")})
        order = np.concatenate([np.arange(rows)[0::2], np.arange(rows)[1::2]])
        found = arrays_of(in_memory, split)
        np.testing.assert_allclose(found["numeric"], expected["numeric"][order], atol=1e-5)
        np.testing.assert_array_equal(found["categorical"], raw["categorical"][order])
        np.testing.assert_array_equal(found["label"], raw["label"][order])


def test_the_artifacts_say_what_is_in_them(in_memory):
    [projection] = in_memory["projection"]
    assert (projection.method, projection.components, projection.input_width) == ("pca", 3, 6)
    features = Features.read(projection.uri)
    assert features.numeric == ("pca:0", "pca:1", "pca:2")
    assert features.categorical == FEATURES.categorical
    assert (features.label, features.task, features.classes) == (
        "y",
        "multiclass",
        FEATURES.classes,
    )


def test_a_page_is_drawn_beside_the_projection(in_memory, tmp_path, monkeypatch, inputs):
    page = Path(in_memory["projection"][0].uri, "reduction.html").read_text()
    assert "3 components of 6 columns" in page
    assert "<svg" in page

    def fail(directory):
        raise ValueError("<no ink>")

    monkeypatch.setattr(card, "page", fail)
    outputs = run(inputs, tmp_path, method="pca", components=2)
    page = Path(outputs["projection"][0].uri, "reduction.html").read_text()
    assert "&lt;no ink&gt;" in page


def test_the_report_names_the_features(in_memory):
    report = report_of(in_memory)
    assert report["notes"] == ["Constant on the train split, and left out: same."]
    first = report["components"][0]
    assert {loading["feature"] for loading in first["loadings"][:2]} == {"a", "b"}
    assert "same" not in str(report["components"])
    assert report["map"]["axes"] == ["pca:0", "pca:1"]
    assert len(report["map"]["points"]) == len(report["map"]["label"]) == SPLITS["eval"]
    assert set(report["map"]["label"]) == set(FEATURES.classes)


def test_the_reconstruction_error_is_what_it_says(in_memory):
    reconstruction = report_of(in_memory)["reconstruction"]
    train, held = make_arrays(SPLITS["train"], 0), make_arrays(SPLITS["eval"], 1)
    deviation = train["numeric"][:, :5].std(axis=0)
    scaled, x = (a["numeric"][:, :5].astype(np.float64) / deviation for a in (train, held))
    mean = scaled.mean(axis=0)
    vectors = np.linalg.svd(scaled - mean, full_matrices=False)[2][:3]
    lost = (((x - mean) - (x - mean) @ vectors.T @ vectors) ** 2).sum(axis=1)
    spread = ((x - mean) ** 2).sum(axis=1)
    assert reconstruction["overall"] == pytest.approx(lost.sum() / spread.sum(), rel=1e-4)
    for index, name in enumerate(FEATURES.classes):
        own = held["label"] == index
        assert reconstruction["slices"][name] == {
            "rows": own.sum(),
            "error": pytest.approx(lost[own].sum() / spread[own].sum(), rel=1e-4),
        }


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "pca", "components": 3},
        {"method": "pca", "components": 0.9, "categorical": "one_hot"},
        {"method": "lda", "components": 2, "standardize": False},
        {"method": "nmf", "components": 3, "standardize": "min_max"},
        {"method": "auto"},
        {"method": "none"},
    ],
    ids=lambda settings: settings["method"] + settings.get("categorical", ""),
)
def test_beam_gives_the_same(inputs, settings, tmp_path, monkeypatch):
    # Beam's way in memory, too, where the two ways end in the same only in the limit.
    if settings["method"] == "nmf":
        monkeypatch.setattr(fitting, "DENSE_NUMBERS", 0)
    memory = run(inputs, tmp_path / "memory", **settings)
    on_beam = run(inputs, tmp_path / "beam", "beam", **settings)
    ours, theirs = (Projection.read(o["projection"][0].uri) for o in (on_beam, memory))
    assert ours.description == theirs.description
    for name, array in theirs.arrays.items():
        np.testing.assert_allclose(ours.arrays[name], array, atol=1e-6 * np.abs(array).max())
    for split in SPLITS:
        expected, found = (in_order(arrays_of(o, split)) for o in (memory, on_beam))
        for name, array in expected.items():
            np.testing.assert_allclose(found[name], array, atol=1e-4, err_msg=name)
    reports = [report_of(outputs) for outputs in (memory, on_beam)]
    assert reports[0].keys() == reports[1].keys()
    if settings["method"] not in ("none", "auto"):
        assert reports[1]["reconstruction"]["overall"] == pytest.approx(
            reports[0]["reconstruction"]["overall"], rel=1e-5
        )
        assert reports[0]["map"]["label"] == reports[1]["map"]["label"]


@pytest.mark.parametrize("engine", ["memory", "beam"])
def test_a_second_run_writes_the_same_bytes(inputs, engine, tmp_path):
    settings = {"method": "ica", "components": 3}
    first, second = (
        Path(run(inputs, tmp_path / name, engine, **settings)["projection"][0].uri)
        for name in ("first", "second")
    )
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_categories_are_reduced_with_the_numbers(inputs, tmp_path):
    outputs = run(inputs, tmp_path, method="svd", components=4, categorical="one_hot")
    features = Features.read(outputs["projection"][0].uri)
    assert features.categorical == ()
    assert sorted(arrays_of(outputs, "test")) == ["label", "numeric"]
    assert outputs["projection"][0].input_width == 6 + 5 + 8
    told = {loading["feature"] for loading in report_of(outputs)["components"][1]["loadings"]}
    assert any(name.startswith("g=") for name in told)


@pytest.mark.parametrize("method", REDUCERS)
def test_every_method_leaves_a_report(inputs, method, tmp_path):
    settings = {"standardize": "min_max"} if method == "nmf" else {}
    report = report_of(run(inputs, tmp_path, method=method, components=1, **settings))
    assert report["method"] == method
    assert [component["name"] for component in report["components"]] == [f"{method}:0"]
    assert 0 < report["components"][0]["score"] <= 1
    assert 0 < report["reconstruction"]["overall"] < 1
    least_squares = "least squares" in report["reconstruction"]["definition"]
    assert least_squares == (method in ("lda", "pls"))
    assert len(report["map"]["points"][0]) == 1


def test_none_leaves_everything_as_it_was(inputs, tmp_path):
    outputs = run(inputs, tmp_path, method="none")
    assert Features.read(outputs["projection"][0].uri) == FEATURES
    [projection] = outputs["projection"]
    assert (projection.method, projection.components, projection.input_width) == ("none", 6, 6)
    raw, found = make_arrays(SPLITS["test"], 2), arrays_of(outputs, "test")
    for name, array in raw.items():
        np.testing.assert_array_equal(found[name], np.concatenate([array[::2], array[1::2]]))
    assert "components" not in report_of(outputs)


def test_categories_without_numbers(tmp_path):
    source, graph = standard_artifacts.Examples(), standard_artifacts.TransformGraph()
    source.uri, graph.uri = str(tmp_path / "examples"), str(tmp_path / "graph")
    source.split_names = artifact_utils.encode_split_names(["train", "eval"])
    FEATURES.model_copy(update={"numeric": ()}).write(graph.uri)
    for number, split in enumerate(("train", "eval")):
        arrays = make_arrays(100, number)
        del arrays["numeric"]
        examples.write_split([to_record_batch(arrays)], Path(source.uri) / f"Split-{split}")
    given = {"examples": [source], "transform_graph": [graph]}
    with pytest.raises(InputError, match="no numeric column") as error:
        run(given, tmp_path / "kept", method="pca", components=2)
    assert error.value.details["setting"] == "reducer.categorical"
    outputs = run(given, tmp_path / "hot", method="pca", components=2, categorical="one_hot")
    assert arrays_of(outputs, "eval")["numeric"].shape == (100, 2)
    run(given, tmp_path / "none", method="none")


def test_the_component_has_its_channels():
    component = DimensionalityReducer(
        ReducerConfig(method="pca", components=2),
        examples=channel_utils.as_channel([standard_artifacts.Examples()]),
        transform_graph=channel_utils.as_channel([standard_artifacts.TransformGraph()]),
    )
    assert component.outputs["projection"].type is artifacts.Projection
    assert component.outputs["reduced_examples"].type is standard_artifacts.Examples
    assert json.loads(component.exec_properties["config"])["method"] == "pca"
