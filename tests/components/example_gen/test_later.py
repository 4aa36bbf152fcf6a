"""Later data are read as those that were trained on, and refused where they differ."""

import numpy as np
import pandas as pd
import pytest

from components.errors import InputError
from components.example_gen import later
from components.example_gen.config import DataConfig
from components.example_gen.inspect import inspect

FRAME = pd.DataFrame(
    {
        "id": np.arange(60),
        "x": np.arange(60) / 7,
        "word": ["a", "b", None] * 20,
        "y": ["no", "yes"] * 30,
    }
)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "d.csv"
    FRAME.to_csv(path, index=False)
    return inspect(DataConfig(path=str(path), label="y", exclude=["id"]))


def write(tmp_path, frame, name="2024-01.csv"):
    path = tmp_path / name
    frame.to_csv(path, index=False)
    return str(path)


def look(paths, spec, **options):
    return later.inspect(paths, spec, excluded=("id",), **options)


def test_a_span_is_a_file_and_keeps_rows_without_a_label(tmp_path, spec):
    frame = FRAME.assign(y=["no", None] * 30)
    found = look([write(tmp_path, frame)], spec, key="id")
    [span] = found.spans
    assert (span.name, span.rows, span.labelled) == ("span-2024-01", 60, 30)
    [batch] = later.read(spec, span.files, "id")
    assert batch.schema.names == ["x", "word", "y", later.KEY]
    assert batch.column("y").to_pylist() == frame.y.tolist()
    assert batch.column(later.KEY).to_pylist() == [str(i) for i in range(60)]


def test_a_span_without_the_label_and_what_was_excluded(tmp_path, spec):
    found = look([write(tmp_path, FRAME[["word", "x"]])], spec)
    [span] = found.spans
    assert (span.rows, span.labelled) == (60, 0)
    [batch] = later.read(spec, span.files, None)
    assert batch.schema.names == ["x", "word", "y"]


def test_names_are_those_of_the_files_and_distinct(tmp_path, spec):
    (tmp_path / "b").mkdir()
    paths = [
        write(tmp_path, FRAME[:30], "new rows (May).csv"),
        write(tmp_path, FRAME[30:], "b/new rows (May).csv"),
    ]
    assert [s.name for s in look(paths, spec).spans] == [
        "span-new-rows-May",
        "span-new-rows-May_2",
    ]


@pytest.mark.parametrize(
    ("change", "message", "told"),
    [
        (lambda f: f.drop(columns="x"), "another schema", "without 'x'"),
        (lambda f: f.assign(z=1), "another schema", "with 'z'"),
        (lambda f: f[:0], "header and no rows", None),
        (lambda f: f.assign(y="maybe"), "a class that the model does not know", "maybe"),
        (lambda f: f.assign(x="far"), "not numeric", "'far'"),
        (lambda f: pd.concat([f, f[:1]]), "same key", "0"),
        (lambda f: f.assign(id=None), "no key", None),
    ],
)
def test_what_cannot_be_monitored_is_refused(tmp_path, spec, change, message, told):
    path = write(tmp_path, change(FRAME))
    with pytest.raises(InputError, match=message) as caught:
        look([path], spec, key="id")
    assert caught.value.details["file"] == path
    assert told is None or told in str(caught.value.details["got"])


def test_the_same_rows_twice_and_no_file(tmp_path, spec):
    paths = [write(tmp_path, FRAME, "a.csv"), write(tmp_path, FRAME, "b.csv")]
    with pytest.raises(InputError, match="same rows"):
        look(paths, spec)
    with pytest.raises(InputError, match="no such file"):
        look([str(tmp_path / "none.csv")], spec)


def test_late_labels(tmp_path, spec):
    path = write(tmp_path, FRAME[["id", "y"]], "labels.csv")
    found = look([], spec, key="id", labels_path=path)
    assert found.labels_path == path
    keys, labels = later.read_labels(path, spec, "id")
    assert keys == [str(i) for i in range(60)]
    assert labels.to_pylist() == FRAME.y.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="id"), "no column 'id'"),
        (lambda f: f.assign(y=None), "no label"),
        (lambda f: f.assign(y="maybe"), "does not know"),
        (lambda f: pd.concat([f, f]), "same key"),
    ],
)
def test_late_labels_that_cannot_be_joined(tmp_path, spec, change, message):
    path = write(tmp_path, change(FRAME[["id", "y"]]), "labels.csv")
    with pytest.raises(InputError, match=message):
        look([], spec, key="id", labels_path=path)


def test_late_labels_need_a_key(tmp_path, spec):
    path = write(tmp_path, FRAME[["id", "y"]], "labels.csv")
    with pytest.raises(InputError, match="none is set"):
        look([], spec, labels_path=path)


def test_the_time_is_kept_though_it_is_no_feature(tmp_path):
    days = pd.date_range("2024-01-01", periods=60, tz="UTC")
    frame = FRAME.assign(at=days.strftime("%Y-%m-%d"))
    path = write(tmp_path, frame, "d.csv")
    periods = {"column": "at", "start": "2024-02-20", "every": "month"}
    spec = inspect(DataConfig(path=path, label="y", exclude=["id", "at"], periods=periods))
    assert "at" not in spec.names
    later_path = write(tmp_path, frame[50:], "later.csv")
    [batch] = later.read(spec, [later_path], None)
    seconds = [int(day.timestamp()) for day in days[50:]]
    assert batch.column(later.TIME).to_pylist() == seconds
