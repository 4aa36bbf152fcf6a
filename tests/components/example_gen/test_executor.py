"""What ExampleGen writes: the same from any format and on either engine."""

import json
import logging
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

from components import base, examples
from components.errors import InputError
from components.example_gen.component import ExampleGen
from components.example_gen.config import DataConfig
from components.example_gen.dataset import Column, DatasetSpec
from components.example_gen.executor import Executor
from components.example_gen.inspect import inspect
from components.example_gen.storage import to_storage

N = 400


@pytest.fixture(scope="module")
def frame():
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "x": np.where(generator.random(N) < 0.2, np.nan, generator.normal(size=N)),
            "word": generator.choice(["é\n, \"q\"", "日本", "c", None], N),
            "count": pd.array(np.where(generator.random(N) < 0.2, None, np.arange(N)), "Int64"),
            "y": generator.choice(["no", "yes", None], N, p=[0.4, 0.5, 0.1]),
        }
    )  # fmt: skip


def run(config, directory, engine="memory", spec=None):
    """Run the executor and return its output."""
    spec = spec or inspect(config)
    output = standard_artifacts.Examples()
    output.uri = str(directory)
    component = ExampleGen(config, engine, dataset=spec.model_dump_json())
    context = BaseBeamExecutor.Context(beam_pipeline_args=[], tmp_dir=str(directory / "tmp"))
    Executor(context).Do({}, {"examples": [output]}, component.exec_properties)
    return output


def contents(output):
    """Return the rows of each split as a multiset."""
    result = {}
    for split in base.split_names(output):
        rows = Counter()
        for batch in examples.read_split(base.split_uri(output, split)):
            names = batch.schema.names
            rows.update(
                tuple(sorted((n, tuple(v)) for n, v in zip(names, row, strict=True) if v))
                for row in zip(*batch.to_pydict().values(), strict=True)
            )
        result[split] = rows
    return result


def write_tfrecord(path, frame, options=None):
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for row in frame.to_dict("records"):
            example = tf.train.Example()
            for name, value in row.items():
                if value is None or value is pd.NA or value != value:
                    continue
                feature = example.features.feature[name]
                if isinstance(value, str):
                    feature.bytes_list.value.append(value.encode())
                elif isinstance(value, int):
                    feature.int64_list.value.append(value)
                else:
                    feature.float_list.value.append(value)
            writer.write(example.SerializeToString())


def write_files(folder, frame):
    """Write `frame` in all formats and return name -> path."""
    frame.to_csv(folder / "d.csv", index=False)
    frame.to_csv(folder / "d.csv.gz", index=False)
    pq.write_table(pa.Table.from_pandas(frame), folder / "d.parquet")
    write_tfrecord(folder / "d.tfrecord", frame)
    gzip = tf.io.TFRecordOptions(compression_type="GZIP")
    write_tfrecord(folder / "data_tfrecord-00000-of-00001.gz", frame, gzip)
    return sorted(path for path in folder.iterdir() if path.is_file())


def test_formats_and_engines_give_the_same_splits(tmp_path, frame):
    found = {}
    (tmp_path / "data").mkdir()
    for path in write_files(tmp_path / "data", frame):
        config = DataConfig(path=str(path), label="y")
        found[path.name] = contents(run(config, tmp_path / f"memory-{path.name}"))
        if path.name in ("d.csv.gz", "d.tfrecord"):
            found["beam " + path.name] = contents(
                run(config, tmp_path / f"beam-{path.name}", "beam")
            )
    assert len(found) == 7
    expected = found["d.csv"]
    for name, rows in found.items():
        assert rows == expected, name
    total = sum(expected.values(), Counter())
    labelled = frame[frame["y"].notna()]
    assert total.total() == len(labelled)
    assert total == Counter(
        tuple(
            sorted(
                (n, (v.encode(),) if isinstance(v, str) else (np.float32(v) if n == "x" else v,))
                for n, v in row.items()
                if pd.notna(v)
            )
        )
        for row in labelled.to_dict("records")
    )


def test_output_is_described(tmp_path, frame, caplog):
    frame.to_csv(tmp_path / "d.csv", index=False)
    config = DataConfig(path=str(tmp_path / "d.csv"), label="y")
    with caplog.at_level(logging.WARNING):
        output = run(config, tmp_path / "out")
    missing = int(frame["y"].isna().sum())
    assert f"{missing} of {N} rows have no label and are dropped" in caplog.text
    assert base.split_names(output) == ["train", "eval", "test"]
    assert (
        examples_utils.get_payload_format(output) == example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE
    )
    rows = json.loads(output.get_string_custom_property("rows"))
    assert rows == {split: found.total() for split, found in contents(output).items()}
    assert sum(rows.values()) == N - missing


@pytest.mark.parametrize("engine", ["memory", "beam"])
def test_spans_are_whole_and_in_name_order(tmp_path, frame, engine):
    parts = {"data.csv": frame[:300], "later/b.csv": frame[350:], "later/a.csv": frame[300:350]}
    (tmp_path / "later").mkdir()
    for name, part in parts.items():
        part.to_csv(tmp_path / name, index=False)
    config = DataConfig(
        path=str(tmp_path / "data.csv"), label="y", spans=[str(tmp_path / "later" / "*.csv")]
    )
    output = run(config, tmp_path / "out", engine)
    assert base.split_names(output) == ["train", "eval", "test", "span-001", "span-002"]
    rows = {split: found.total() for split, found in contents(output).items()}
    assert rows["span-001"] == frame[300:350]["y"].notna().sum()
    assert rows["span-002"] == frame[350:]["y"].notna().sum()
    assert rows["train"] + rows["eval"] + rows["test"] == frame[:300]["y"].notna().sum()


@pytest.mark.parametrize("engine", ["memory", "beam"])
def test_files_of_the_test_split_are_written_whole(tmp_path, frame, engine):
    parts = {"d.csv": frame[:300], "test/b.csv": frame[350:], "test/a.csv": frame[300:350]}
    (tmp_path / "test").mkdir()
    for name, part in parts.items():
        part.to_csv(tmp_path / name, index=False)
    config = DataConfig(path=str(tmp_path / "d.csv"), test_path=str(tmp_path / "test"), label="y")
    found = contents(run(config, tmp_path / "out", engine))
    assert list(found) == ["train", "eval", "test"]
    assert found["test"].total() == frame[300:]["y"].notna().sum()
    assert found["train"].total() + found["eval"].total() == frame[:300]["y"].notna().sum()
    assert min(rows.total() for rows in found.values()) > 20


def test_the_fingerprint_knows_which_rows_are_the_test_split(tmp_path, frame):
    paths = [str(tmp_path / name) for name in ("a.csv", "b.csv")]
    for path, part in zip(paths, (frame[:250], frame[250:]), strict=True):
        part.to_csv(path, index=False)
    config = DataConfig(path=paths[0], test_path=paths[1], label="y")
    both = DataConfig(path=paths, label="y")
    before = inspect(config).fingerprint
    assert before != inspect(both).fingerprint
    frame[250:399].to_csv(paths[1], index=False)
    assert inspect(config).fingerprint != before


def test_a_span_may_hold_a_class_and_kinds_of_numbers_that_are_new(tmp_path):
    pd.DataFrame({"x": range(90), "y": [0, 1] * 45}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"x": [0.5, 1, 2], "y": [2, 0, 2]}).to_csv(tmp_path / "b.csv", index=False)
    config = DataConfig(path=str(tmp_path / "a.csv"), label="y", spans=[str(tmp_path / "b.csv")])
    spec = inspect(config)
    assert (spec.classes, spec.columns[0].kind, spec.rows) == (("0", "1"), "numeric", 90)
    assert contents(run(config, tmp_path / "out"))["span-001"].total() == 3


def test_column_that_only_splits_is_not_written(tmp_path, frame):
    frame.assign(t=range(N)).to_csv(tmp_path / "d.csv", index=False)
    config = DataConfig(
        path=str(tmp_path / "d.csv"),
        label="y",
        exclude=["t"],
        split={"by": "time", "column": "t"},
    )
    rows = sum(contents(run(config, tmp_path / "out")).values(), Counter())
    assert {name for row in rows for name, _ in row} == {"x", "word", "count", "y"}


def test_data_that_changed_since_it_was_inspected_are_refused(tmp_path, frame):
    path = tmp_path / "d.csv"
    frame.to_csv(path, index=False)
    config = DataConfig(path=str(path), label="y")
    spec = inspect(config)
    path.write_bytes(path.read_bytes().replace(b"yes", b"no ", 1))
    with pytest.raises(InputError, match="changed after it was inspected"):
        run(config, tmp_path / "out", spec=spec)


def tfrecord_error(path, **settings):
    with pytest.raises(InputError) as caught:
        inspect(DataConfig(path=str(path), label="y", **settings))
    return str(caught.value)


def test_bad_tfrecords(tmp_path, frame):
    path = tmp_path / "d.tfrecord"
    write_tfrecord(path, frame)
    content = path.read_bytes()
    for name, damaged in {
        "truncated": content[:-5],
        "flipped": content[:5000] + bytes([content[5000] ^ 255]) + content[5001:],
        "text": b"x,y\n1,2\n" * 100,
    }.items():
        path.write_bytes(damaged)
        message = tfrecord_error(path)
        assert "corrupt" in message, name
        assert str(path) in message

    path.write_bytes(b"")
    assert "no records" in tfrecord_error(path)
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"no tf.Example")
    assert "no tf.Examples" in tfrecord_error(path)

    several = tf.train.Example()
    several.features.feature["y"].int64_list.value.append(1)
    several.features.feature["v"].int64_list.value.extend([1, 2])
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(several.SerializeToString())
    message = tfrecord_error(path)
    assert "'v' has several values" in message
    assert "2 values in record 1" in message

    write_tfrecord(path, frame.drop(columns="y"))
    assert "no column 'y'" in tfrecord_error(path)


def spec_of(**kinds):
    columns = tuple(Column(name=n, kind=k, missing=0, distinct=None) for n, k in kinds.items())
    return DatasetSpec(
        format="csv", files=(), spans={}, bytes=0, rows=0, rows_without_label=0, split_rows={},
        fingerprint="", columns=columns, label="y", task="regression", classes=(),
        split=DataConfig(path="", label="y").split, delimiter=",", encoding="utf-8",
        missing_values=("NA",),
    )  # fmt: skip


def test_values_as_a_person_types_them():
    spec = spec_of(a="numeric", b="integer", c="boolean", d="time", e="categorical", y="numeric")
    typed = pa.table(
        {
            "e": [" x ", "", "3"],
            "a": [" 1.5", "NA", "2"],
            "b": [1, None, 3],
            "c": [True, False, None],
            "d": ["2024-01-01", "86400", ""],
            "other": [1, 2, 3],
        }
    )
    stored = to_storage(typed, spec)
    assert stored.to_pydict() == {
        "a": [1.5, None, 2],
        "b": [1, None, 3],
        "c": [1, 0, None],
        "d": [1704067200, 86400, None],
        "e": ["x", None, "3"],
    }
    with pytest.raises(InputError, match="'b' holds a value that is not integer"):
        to_storage(pa.table({"b": ["1.5"]}), spec)
