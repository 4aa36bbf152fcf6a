"""From examples and models to the table that the engines work on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.errors import InputError
from components.evaluator import predictions
from components.models.labelled import Layout

SCHEMA = schema_pb2.Schema(
    feature=[
        schema_pb2.Feature(name="y", type=schema_pb2.BYTES),
        schema_pb2.Feature(name="n", type=schema_pb2.INT),
        schema_pb2.Feature(name="x", type=schema_pb2.FLOAT),
        schema_pb2.Feature(name="area", type=schema_pb2.BYTES),
    ]
)


class Constant:
    """A model that gives every row the same scores."""

    def __init__(self, scores: list[float] | float) -> None:
        self._scores = scores

    def predict_examples(self, records: list[bytes]) -> np.ndarray:
        return np.array([self._scores] * len(records), np.float32)


def load_constant(uri: str) -> Constant:
    """Return the model whose score for the second class is `uri`."""
    return Constant([1 - float(uri), float(uri)])


def layout(task="binary", label="y", classes=("no", "yes"), columns=("x", "area")):
    return Layout(label, task, classes, columns, SCHEMA)


def batch(**columns):
    """Return columns as Arrow; examples hold floats of 32 bits only."""
    arrays = {name: pa.array(values) for name, values in columns.items()}
    return pa.RecordBatch.from_pydict(
        {n: a.cast(pa.float32()) if a.type == pa.float64() else a for n, a in arrays.items()}
    )


def test_table_of_a_binary_task():
    records = examples.encode(
        batch(y=["yes", "no", "yes"], x=[0.5, None, float("nan")], area=["a", "ü", None])
    )
    models = {"trained": Constant([0.25, 0.75]), "baseline": Constant([0.5, 0.5])}
    table = predictions.score(records, models, layout())
    assert table.to_pydict() == {
        "__label__": [1, 0, 1],
        "__prediction__trained": [0.75] * 3,
        "__prediction__baseline": [0.5] * 3,
        "x": [0.5, None, None],
        "area": ["a", "ü", None],
    }


def test_table_of_more_classes_and_of_a_regression():
    records = examples.encode(batch(n=[7, 3]))
    table = predictions.score(
        records,
        {"trained": Constant([0.25, 0.25, 0.5])},
        layout("multiclass", "n", ("3", "5", "7"), ()),
    )
    assert table.column("__label__").to_pylist() == [2, 0]
    assert predictions.scores_of(table, "__prediction__trained").tolist() == [[0.25, 0.25, 0.5]] * 2
    table = predictions.score(
        records, {"trained": Constant(4.0)}, layout("regression", "n", (), ())
    )
    assert table.to_pydict() == {"__label__": [7.0, 3.0], "__prediction__trained": [4.0, 4.0]}


def test_numbers_stand_for_classes_by_their_text():
    records = examples.encode(batch(x=[1.0, 0.0, 2.5]))
    table = predictions.score(
        records,
        {"trained": Constant([0.2, 0.3, 0.5])},
        layout("multiclass", "x", ("0", "1", "2.5"), ()),
    )
    assert table.column("__label__").to_pylist() == [1, 0, 2]


def test_unknown_class_is_named():
    records = examples.encode(batch(y=["yes", "maybe"]))
    with pytest.raises(InputError) as error:
        predictions.score(records, {"trained": Constant([0.5, 0.5])}, layout(columns=()))
    assert error.value.details["got"] == "maybe"
    assert error.value.details["column"] == "y"


def test_several_values_in_a_row_cannot_be_sliced_by():
    records = examples.encode(batch(y=["yes"], area=[[b"a", b"b"]]))
    with pytest.raises(InputError, match="'area' has several values"):
        predictions.score(records, {"trained": Constant([0.5, 0.5])}, layout())


def test_scores_of_the_wrong_shape_are_refused():
    records = examples.encode(batch(y=["yes"]))
    with pytest.raises(ValueError, match=r"shape \(1, 3\), not \(1, 2\)"):
        predictions.score(records, {"trained": Constant([0.2, 0.3, 0.5])}, layout(columns=()))


def test_both_engines_store_the_same_rows(tmp_path, make_pipeline):
    rows = 50
    split = tmp_path / "split"
    examples.write_split(
        [batch(y=["yes", "no"] * (rows // 2), x=np.arange(rows, dtype=np.float32))], split
    )
    spec = layout(columns=("x",))
    local, on_beam = tmp_path / "local", tmp_path / "beam"
    predictions.score_in_memory(str(split), {"trained": load_constant("0.75")}, spec, local)
    table = predictions.read(local)
    predictions.score_on_beam(
        str(split), {"trained": "0.75"}, load_constant, spec, on_beam, make_pipeline
    )
    [stored] = predictions.stored_files(on_beam)
    assert pq.read_table(stored).equals(table)
    assert predictions.count(on_beam, ["trained"]) == (rows, {"trained": 0})
    assert predictions.count(local, ["trained"]) == (rows, {"trained": 0})
