"""What holds for every benchmark model: walks the table of them."""

from __future__ import annotations

import numpy as np
import pytest

from components.errors import InputError
from components.model_debugger.benchmark_models import fitting, problem
from components.model_debugger.benchmark_models.config import NAMES, BenchmarkModelsConfig
from components.model_debugger.benchmark_models.fitting import BENCHMARK_MODELS
from components.model_debugger.benchmark_models.problem import Fitted, Skipped
from components.models import measuring
from components.models.judge import Judge
from tests.components.distiller import data
from tests.components.model_debugger.benchmark_models.problems import ROWS, TASKS, fit, fitted, make

ON_IMAGES = ("majority", "linear", "decision_tree", "nearest_neighbours", "boosted_trees")


def quality(found, of):
    """Return the metric of a model on the validation rows, so that more is better."""
    judge = Judge(of.features.task, of.validation["label"], 0)
    arrays = data.pictures(200, seed=1) if of.features.image else of.validation
    outputs = measuring.outputs(found.model, arrays)
    assert outputs.shape == (200, of.outputs)
    assert np.isfinite(outputs).all()
    value = judge.measure(measuring.scores(outputs, of.features.task))[judge.metric]
    return value if judge.higher_is_better else -value


def test_the_table_holds_the_names_of_the_config():
    assert tuple(BENCHMARK_MODELS) == NAMES


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NAMES[1:])
def test_each_learns_more_than_the_base_rate(name, task):
    of, found = make(task), fitted(name, task)
    assert isinstance(found, Fitted)
    assert found.learned
    assert not found.notes
    assert quality(found, of) > quality(fitted("majority", task), of)


# Of the lattice, the tests of its own module say so.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "lattice"])
def test_equal_seeds_give_equal_models(name):
    of = make()
    one, same = (
        measuring.outputs(found.model, of.validation) for found in (fitted(name), fit(name, of))
    )
    np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("name", NAMES)
def test_images(name):
    of = make("images")
    found = fit(name, of)
    if name in ON_IMAGES:
        assert quality(found, of) > (0.25 if name == "majority" else 0.9)
    else:
        assert isinstance(found, Skipped)
        assert "pixels" in found.reason


@pytest.mark.parametrize("name", ["majority", "linear"])
def test_numbers_alone_and_categories_alone(name):
    arrays, features = data.table(50), data.features_of()
    for gone, left in (("numeric", {"numeric": ()}), ("categorical", {"categorical": ()})):
        rows = {key: values for key, values in arrays.items() if key != gone}
        of = fitting.problem_of(
            rows, rows, features.model_copy(update=left), BenchmarkModelsConfig(), 1
        )
        assert np.isfinite(measuring.outputs(fit(name, of).model, rows)).all()


@pytest.mark.parametrize("name", NAMES)
def test_constant_columns_and_labels_that_nothing_tells(name):
    arrays = data.table(120)
    arrays["numeric"][:] = 0.1
    arrays["categorical"][:] = 3
    of = make(train=arrays)
    found = fit(name, of)
    if name == "rulefit":
        assert "No column varies" in found.reason
    else:
        assert np.isfinite(measuring.outputs(found.model, of.validation)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_class_without_a_row(name):
    arrays = data.table(ROWS, "multiclass")
    arrays["label"][arrays["label"] == 1] = 0
    of = make("multiclass", train=arrays)
    found = fit(name, of)
    if name == "majority":
        probabilities = measuring.scores(
            measuring.outputs(found.model, of.validation), "multiclass"
        )
        assert 0 < probabilities[0, 1] < 0.01
    else:
        assert found == Skipped("The train split has no row of class 'mid'.")


def test_a_sample_keeps_a_row_of_each_class():
    arrays = data.table(ROWS, "multiclass")
    arrays["label"][:] = 0
    arrays["label"][[7, 300]] = 1, 2
    of = make("multiclass", train=arrays)
    for rows in (2, 10):
        sample = of.sample(rows)
        assert len(sample) == max(rows, 3)
        assert set(sample.labels) == {0, 1, 2}
    np.testing.assert_array_equal(sample.labels, of.sample(10).labels)
    assert fit("decision_tree", make("multiclass", train=arrays, max_rows=10)).rows == 10


def test_wide_rows_are_fewer(monkeypatch):
    monkeypatch.setattr(problem, "MOST_NUMBERS", 36 * 90)
    assert len(make("images").sample(1000)) == 90


def test_boosting_ends_in_time():
    asked = []
    of = make(out_of_time=lambda: not asked.append(1))
    found = fit("boosted_trees", of)
    assert len(asked) == 1
    assert "cut off" in found.notes[0]
    assert quality(found, of) > 0.5


def test_weights_that_have_not_settled_are_told_of(monkeypatch):
    from components.model_debugger.benchmark_models import linear

    monkeypatch.setattr(linear, "STEPS", 2)
    assert "2 steps" in fit("linear", make()).notes[0]


def test_the_lattice_ends_in_time_obeys_and_says_both():
    declared, asked = {"a": "increasing", "b": "decreasing"}, []
    of = make(monotonic=declared, out_of_time=lambda: not asked.append(1))
    found = fit("lattice", of)
    assert len(asked) == 1
    assert "cut off" in found.notes[0]
    assert [text for text in found.learned if "never" in text] == [
        "It never falls with a, as declared: it rises or stays.",
        "It never rises with b, as declared: it falls or stays.",
    ]
    arrays = {name: np.repeat(values[:50], 9, axis=0) for name, values in of.validation.items()}
    for column, sign in ((0, 1), (1, -1)):
        moved = arrays["numeric"].copy()
        moved[:, column] = np.tile(np.linspace(-4, 4, 9), 50)
        logits = measuring.outputs(found.model, arrays | {"numeric": moved})
        assert (sign * np.diff(logits.reshape(50, 9), axis=1)).min() >= -1e-5


def test_bad_input():
    with pytest.raises(InputError, match="nearest: lattice"):
        fitting.fit("latice", make())
    with pytest.raises(InputError, match="no numeric feature") as error:
        make(monotonic={"d": "increasing"})
    assert error.value.details["setting"] == "debugger.benchmark_models.monotonic"
    with pytest.raises(InputError, match="No class"):
        make("multiclass", monotonic={"a": "increasing"})
    with pytest.raises(InputError, match="split train has no row"):
        make(train={name: values[:0] for name, values in data.table(9).items()})
    for models, match in ((("linear", "liner"), "nearest: linear"), ((), "named, each once")):
        with pytest.raises(InputError, match=match):
            BenchmarkModelsConfig(models=models)
