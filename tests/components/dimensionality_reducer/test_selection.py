"""`auto` keeps what matters and drops the rest."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from components.dimensionality_reducer import fitting, selection
from components.dimensionality_reducer.columns import Batch, Columns
from components.dimensionality_reducer.config import ReducerConfig
from components.dimensionality_reducer.selection import DROP, Candidate, choose
from components.models.transformed import CategoricalColumn
from tests.components.dimensionality_reducer.data import columns_of, rows_of, shards


def candidate(method, components, score, accuracy, error=0.0):
    """Return one whose difference from one with 2 more components has an error of 0.01.

    That of its accuracy is `error`.
    """
    spread = components / 2 * 0.01 * np.sqrt(2) * np.array([-1.0, 1.0])
    folds = accuracy + error * np.sqrt(3) * np.array([-1.0, 0.0, 1.0])
    return Candidate(method, components, score, {"accuracy": tuple(folds)}, spread - score)


NONE = candidate("none", 10, -0.20, 0.90)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        # The best is not the smallest within a standard error of it.
        ([("a", 2, -0.209, 0.9), ("a", 4, -0.2, 0.9), ("a", 1, -0.22, 0.9)], ("a", 2)),
        # Equally small: the better one.
        ([("a", 2, -0.205, 0.9), ("b", 2, -0.201, 0.9)], ("b", 2)),
        # A good score does not make up for a metric that fell.
        ([("a", 2, -0.1, 0.89), ("a", 4, -0.2, 0.9)], ("a", 4)),
        # More than half only if half does not do.
        ([("a", 5, -0.3, 0.896), ("a", 8, -0.1, 0.95)], ("a", 5)),
        ([("a", 5, -0.3, 0.89), ("a", 8, -0.1, 0.95)], ("a", 8)),
        ([("a", 5, -0.3, 0.89), ("a", 8, -0.3, 0.89)], ("none", 10)),
        # Half does for all that is known.
        ([("a", 5, -0.3, 0.89, 0.006), ("a", 8, -0.1, 0.95)], ("a", 5)),
        ([("a", 5, -0.3, 0.89, 0.004), ("a", 8, -0.1, 0.95)], ("a", 8)),
    ],
)
def test_the_rule(others, expected):
    chosen = choose([NONE, *(candidate(*other) for other in others)], 5, or_none=True)
    assert (chosen.method, chosen.components) == expected


def test_a_given_method_is_kept_even_if_it_loses():
    others = [candidate("a", 5, -0.3, 0.8), candidate("a", 8, -0.25, 0.85)]
    chosen = choose([NONE, *others], 5, or_none=False)
    assert (chosen.method, chosen.components) == ("a", 8)


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    rows = rows_of(x[order], y[order].astype(np.int64))
    return rows.take(slice(1200)), rows.take(slice(1200, None)), columns_of(rows, 10)


def test_digits_keep_their_accuracy_with_half_of_the_dimensions(digits):
    train, test, columns = digits
    rows = Batch.join([train, test])
    halves = rows.take(slice(0, None, 2)), rows.take(slice(1, None, 2))
    plain = reduced = 0
    # Each half is judged by what the other one chose and learned.
    for known, other in (halves, halves[::-1]):
        fit = fitting.fit(shards(known), columns, ReducerConfig(method="auto"))
        assert fit.basis.weights.shape[1] <= 32
        x, x_other = (fit.scaling.dense(part.numeric) for part in (known, other))
        z, z_other = (selection.reduce(fit.basis, part) for part in (x, x_other))
        plain += (SVC().fit(x, known.label).predict(x_other) == other.label).sum()
        reduced += (SVC().fit(z, known.label).predict(z_other) == other.label).sum()
    assert plain > 0.95 * len(rows)
    assert reduced >= plain - DROP * len(rows)


def test_everything_that_was_tried_is_told_and_comes_again():
    random = np.random.default_rng(4)
    label = np.arange(300) % 3
    rows = rows_of(random.random((300, 8)) + label[:, np.newaxis] * (np.arange(8) < 2), label)
    columns, config = columns_of(rows, 3), ReducerConfig(method="auto")
    first, second = (fitting.fit(shards(rows), columns, config).selection for _ in range(2))
    tried = {candidate.method for candidate in first.candidates}
    assert tried == {"none", "pca", "lda", "pls", "svd", "ica", "nmf"}
    assert first == second


def test_a_signal_in_few_directions_is_found():
    random = np.random.default_rng(1)
    x = random.normal(size=(900, 20))
    label = (3 * x[:, 0] - 2 * x[:, 7] + 0.3 * random.normal(size=900)).astype(np.float32)
    rows = rows_of(x, label)
    fit = fitting.fit(shards(rows), columns_of(rows), ReducerConfig(method="auto"))
    assert fit.method == "pls"
    assert fit.basis.weights.shape[1] <= 4
    assert set(np.abs(fit.basis.loadings[0]).argsort()[-2:]) == {0, 7}
    # Methods that the data do not allow are left out, and it says so.
    assert any(note.startswith("Not tried: lda") for note in fit.notes)
    assert any(note.startswith("Not tried: nmf") for note in fit.notes)


def test_no_direction_can_be_spared():
    random = np.random.default_rng(2)
    x = random.normal(size=(1500, 6))
    # Every column decides in its own stretch.
    label = (x**2).sum(axis=1).astype(np.float32)
    rows = rows_of(x, label)
    fit = fitting.fit(shards(rows), columns_of(rows), ReducerConfig(method="auto"))
    assert fit.method == "none" or fit.basis.weights.shape[1] == 6


def test_a_number_alone_is_chosen_for_a_given_method(digits):
    train, _, columns = digits
    fit = fitting.fit(shards(train), columns, ReducerConfig(method="pca"))
    assert fit.method == "pca"
    assert {c.method for c in fit.selection.candidates} == {"none", "pca"}


def test_a_method_alone_is_chosen_for_a_given_number(digits):
    train, _, columns = digits
    fit = fitting.fit(shards(train), columns, ReducerConfig(method="auto", components=9))
    assert fit.basis.weights.shape[1] == 9
    assert fit.method in ("lda", "pls")


def test_what_kept_categories_say_needs_no_component():
    random = np.random.default_rng(3)
    numeric = random.normal(size=(600, 8)).astype(np.float32)
    label = random.integers(0, 2, 600)
    rows = Batch(numeric, label[:, np.newaxis] + 2, label)
    columns = Columns(
        numeric=tuple("abcdefgh"),
        kept=(CategoricalColumn(name="k", size=4),),
        classes=("no", "yes"),
    )
    fit = fitting.fit(shards(rows), columns, ReducerConfig(method="auto"))
    assert fit.selection.candidates[0].metrics["accuracy"] == (1, 1, 1)
    assert fit.basis.weights.shape[1] == 1


def test_what_takes_long_is_tried_with_few_components_and_says_so(digits, monkeypatch):
    train, _, _ = digits
    # A column that varies in one row only is constant in two of the folds.
    numeric = np.concatenate([np.zeros((len(train), 1), np.float32), train.numeric], axis=1)
    numeric[7, 0] = 1.0
    rows = Batch(numeric, train.categorical, train.label)
    wide = columns_of(rows, 10)
    # Two thirds of 1200 rows times 65 columns times 4 components.
    monkeypatch.setattr(selection, "ITERATED", 800 * 65 * 4)
    fit = fitting.fit(shards(rows), wide, ReducerConfig(method="auto"))
    most = {}
    for each in fit.selection.candidates:
        most[each.method] = max(most.get(each.method, 0), each.components)
    assert most["nmf"] == most["ica"] == 4
    assert most["pca"] == most["pls"] == 32
    assert most["lda"] == 9
    assert any("nmf with more than 4 components" in note for note in fit.notes)
    # A method that is asked for is tried with all.
    asked = ReducerConfig(method="ica")
    fit = fitting.fit(shards(rows), wide, asked)
    assert max(each.components for each in fit.selection.candidates) >= 32
