"""Transformed examples survive the way to disk and back."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from components import examples
from components.models import vocabularies
from components.models.transformed import (
    CategoricalColumn,
    Features,
    load_arrays,
    to_record_batch,
)

FEATURES = Features(
    numeric=("a", "b", "c"),
    categorical=(CategoricalColumn(name="d", size=9), CategoricalColumn(name="e", size=5)),
    label="y",
    task="multiclass",
    classes=("x", "y", "z"),
)


def write(directory, arrays, batch_rows):
    rows = len(arrays["label"])
    examples.write_split(
        (
            to_record_batch({n: a[start : start + batch_rows] for n, a in arrays.items()})
            for start in range(0, rows, batch_rows)
        ),
        directory,
    )


def test_arrays_come_back_as_they_were(tmp_path):
    generator = np.random.default_rng(0)
    arrays = {
        "categorical": generator.integers(0, 5, (101, 2)),
        "label": generator.integers(0, 3, 101),
        "numeric": generator.normal(size=(101, 3)).astype(np.float32),
    }
    write(tmp_path, arrays, batch_rows=40)
    loaded = load_arrays(tmp_path, FEATURES)
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        assert loaded[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded[name], array)


def test_a_kind_without_columns_is_absent(tmp_path):
    arrays = {"label": np.float32([1.5, -2.0]), "numeric": np.float32([[1], [2]])}
    write(tmp_path, arrays, batch_rows=2)
    features = Features(numeric=("a",), categorical=(), label="y", task="regression")
    loaded = load_arrays(tmp_path, features)
    assert sorted(loaded) == ["label", "numeric"]
    assert loaded["label"].dtype == np.float32
    assert loaded["label"].tolist() == [1.5, -2.0]


def test_a_split_without_rows_has_arrays_without_rows(tmp_path):
    examples.write_split([], tmp_path)
    loaded = load_arrays(tmp_path, FEATURES)
    assert {name: array.shape for name, array in loaded.items()} == {
        "numeric": (0, 3),
        "categorical": (0, 2),
        "label": (0,),
    }


def test_the_description_comes_back_as_it_was(tmp_path):
    FEATURES.write(tmp_path)
    assert Features.read(tmp_path) == FEATURES
    with pytest.raises(ValidationError):
        Features.model_validate({**FEATURES.model_dump(), "sizes": []})


def test_ids_are_named_by_their_vocabulary(tmp_path):
    assets = tmp_path / "transform_fn" / "assets"
    assets.mkdir(parents=True)
    (assets / "colour").write_text("red\nlight blue\n")
    columns = [CategoricalColumn(name=name, size=4) for name in ("colour", "own")]
    features = FEATURES.model_copy(update={"categorical": tuple(columns)})
    assert vocabularies.read(tmp_path, features) == {"colour": ("red", "light blue")}
