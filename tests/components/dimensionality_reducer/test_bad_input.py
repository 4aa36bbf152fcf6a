"""Bad settings and unfit data end in one message that names what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from components.dimensionality_reducer import columns as columns_module
from components.dimensionality_reducer import fitting
from components.dimensionality_reducer.columns import Columns
from components.dimensionality_reducer.config import ReducerConfig
from components.dimensionality_reducer.reducers import REDUCERS
from components.errors import InputError
from components.models.transformed import CategoricalColumn, Features
from tests.components.dimensionality_reducer.data import columns_of, rows_of, shards

ROWS = 60
RANDOM = np.random.default_rng(0)
NUMBERS = RANDOM.random((ROWS, 4))
LABEL = np.arange(ROWS) % 3


def fit(numbers=NUMBERS, label=LABEL, classes=3, **settings):
    rows = rows_of(numbers, label)
    return fitting.fit(shards(rows), columns_of(rows, classes), ReducerConfig(**settings))


def details(**arguments):
    with pytest.raises(InputError) as error:
        fit(**arguments)
    return error.value.problem, error.value.details


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "tsne"},
        {"components": 0},
        {"components": 0.0},
        {"components": 1.5},
        {"components": True},
        {"components": "all"},
        {"categorical": "hash"},
        {"standardize": "robust"},
        {"unknown": 1},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ValidationError):
        ReducerConfig(**settings)


def test_one_is_a_number_and_not_a_share():
    assert ReducerConfig(components=1).components == 1
    assert isinstance(ReducerConfig(components=1).components, int)
    assert isinstance(ReducerConfig(components=0.5).components, float)


def test_nmf_names_the_columns_with_negative_numbers():
    numbers = NUMBERS.copy()
    numbers[3, 1] = numbers[5, 2] = -0.1
    problem, told = details(numbers=numbers, method="nmf", components=2)
    assert "negative" in problem
    assert told["column"] == "x1, x2"
    assert told["setting"] == "reducer.standardize"
    assert "min_max" in told["to do"]
    assert fit(numbers=numbers, method="nmf", components=2, standardize="min_max").basis


@pytest.mark.parametrize("method", REDUCERS)
def test_more_components_than_there_can_be(method):
    # Four columns, of which one repeats another and one never changes; three classes.
    numbers = NUMBERS.copy()
    numbers[:, 1], numbers[:, 2] = numbers[:, 0], 5
    most = {"lda": 2, "nmf": 3}.get(method, 2)
    problem, told = details(numbers=numbers, method=method, components=most + 1)
    assert problem.startswith(method.upper())
    assert told["setting"] == "reducer.components"
    assert told["expected"].startswith(f"at most {most}: ")
    assert told["got"] == most + 1
    assert fit(numbers=numbers, method=method, components=most).basis.weights.shape == (3, most)


def test_lda_does_not_take_a_regression():
    problem, told = details(label=NUMBERS[:, 0], classes=0, method="lda", components=1)
    assert "the label is a number" in problem
    assert told["setting"] == "reducer.method"


def test_lda_names_the_columns_that_the_class_decides():
    numbers = NUMBERS.copy()
    numbers[:, 2] = LABEL**2
    problem, told = details(numbers=numbers, method="lda", components=1)
    assert "the same in all rows of a class" in problem
    assert told["column"] == "x2"


@pytest.mark.parametrize(("method", "classes"), [("lda", 3), ("pls", 3), ("pls", 0)])
def test_a_label_that_never_changes(method, classes):
    problem, told = details(label=LABEL * 0, classes=classes, method=method, components=1)
    assert "needs a label that varies" in problem
    assert told["setting"] == "reducer.method"


@pytest.mark.parametrize("method", ["lda", "pls", "ica", "nmf", "auto"])
def test_a_share_of_the_variance_where_there_is_none(method):
    _, told = details(method=method, components=0.9)
    assert told["setting"] == "reducer.components"
    assert "pca" in told.get("expected", "") + told.get("to do", "")


def test_constant_columns_are_left_out_with_a_note():
    numbers = np.insert(NUMBERS, [1, 3], 9.0, axis=1)
    with_constants, without = (
        fit(numbers, method="pca", components=2),
        fit(method="pca", components=2),
    )
    assert with_constants.notes == ("Constant on the train split, and left out: x1, x4.",)
    weights, _ = with_constants.scaling.affine(
        with_constants.basis.weights, with_constants.basis.centre, 6
    )
    assert not weights[[1, 4]].any()
    np.testing.assert_allclose(with_constants.basis.weights, without.basis.weights, atol=1e-12)


def test_nothing_but_constants():
    problem, told = details(numbers=np.ones((ROWS, 2)), method="pca", components=1)
    assert "constant" in problem
    assert "none" in told["to do"]


def test_too_few_rows():
    assert details(numbers=NUMBERS[:1], label=LABEL[:1], method="pca", components=1)[1]["got"] == 1
    problem, told = details(numbers=NUMBERS[:5], label=LABEL[:5], method="pca", components="auto")
    assert "too few rows" in problem
    assert told["got"] == 5


def test_auto_with_a_number_that_no_method_can_make():
    problem, told = details(method="auto", components=5)
    assert "No method" in problem
    assert told["got"] == 5


def test_too_many_indicators_name_the_widest_column(monkeypatch):
    monkeypatch.setattr(columns_module, "MOST_COLUMNS", 50)
    features = Features(
        numeric=("a",),
        categorical=(
            CategoricalColumn(name="zip", size=100),
            CategoricalColumn(name="color", size=5),
        ),
        label="y",
        task="binary",
        classes=("no", "yes"),
    )
    with pytest.raises(InputError) as error:
        Columns.of(features, "one_hot")
    assert error.value.details["column"] == "zip"
    assert "transform.vocabulary_size" in error.value.details["to do"]
    assert Columns.of(features, "keep").width == 1
