"""What holds for every method of the table, whatever it is."""

import json
import math

import numpy as np
import pytest

from components.deadline import Deadline
from components.errors import InputError
from components.explainer.config import ExplainerConfig
from components.explainer.explaining import explain
from components.explainer.methods import METHODS
from tests.components.explainer import networks, problems

#: Few rows, and little asked of each method.
CONFIG = ExplainerConfig(
    shapley={"rows": 8, "background": 4, "coalitions": 32, "interactions": 2},
    permutation_importance={"rows": 30, "repeats": 2},
    partial_dependence={},
    ale={},
    lime={"samples": 200, "image_samples": 60, "images": 2, "segments": 8},
    anchors={"rows": 2},
    counterfactuals={"rows": 2, "count": 1, "values": 4, "beam": 2},
    tcav={
        "slices": {"high": {"x": (0.0, 9.0)}},
        "examples": 10,
        "random_concepts": 19,
        "runs": 1,
        "rows": 20,
    },
    quality={"rows": 4, "repeats": 1, "stability_rows": 2},
)
METHOD_NAMES = pytest.mark.parametrize("name", METHODS)
ROWS = 40


def table(rows: int = ROWS, *, numbers: int = 2, texts: int = 1, kind: str = "model-specific"):
    """Return a problem on numbers and texts: of a network, or of a function where that will do."""
    named = [f"t{place}" for place in range(texts)]
    wanted = ("x", "y")[:numbers]
    columns, background = (
        {
            name: values
            for name, values in networks.table_columns(count, seed, named).items()
            if name in wanted or name in named
        }
        for count, seed in ((rows, 0), (60, 1))
    )
    if kind == "model-agnostic":
        return problems.problem(bent, columns, background, task="binary")
    # A rank of the first number goes with the numbers.
    inputs = numbers + 1 if numbers else 0
    return networks.table_problem(
        networks.bent_model(numbers=inputs, texts=texts), columns, background
    )


def bent(columns):
    """Return probabilities [n] that hang on all columns, and on two of them together."""
    texts = [values == "red" for values in columns.values() if values.dtype == object]
    numbers = [values for values in columns.values() if values.dtype != object]
    values = 2.0 * np.sum(texts, axis=0) + np.sum(np.sin(numbers), axis=0)
    if texts and numbers:
        values = values + texts[0] * numbers[0]
    return 1 / (1 + np.exp(-values))


@pytest.fixture(scope="module")
def network():
    return table()


@pytest.fixture
def problem(network, name):
    agnostic = METHODS[name].kind == "model-agnostic"
    return table(kind="model-agnostic") if agnostic else network


def told(problem, name, seconds=math.inf, settings=None):
    """Return what a method says, or None where it refuses with a reason."""
    method, settings = METHODS[name], settings or getattr(CONFIG, name)
    reason = method.refuse(problem, settings)
    if reason is not None:
        assert reason.endswith(".")
        return None
    found = method.explain(problem, settings, Deadline(seconds))
    json.dumps(found.found, allow_nan=False)
    assert isinstance(found.found["notes"], list)
    return found


def equal(one, other):
    assert one.found == other.found
    assert one.tables == other.tables


@METHOD_NAMES
def test_it_says_what_it_is(name):
    method = METHODS[name]
    assert getattr(CONFIG, name) is not None
    assert method.kind in ("model-agnostic", "model-specific")
    assert method.scope in ("global", "local", "both")
    assert method.assumes.endswith(".")
    assert any(character.isdigit() for character in method.source)


@METHOD_NAMES
def test_the_same_seed_gives_the_same(problem, name):
    first = told(problem, name)
    if first is not None:
        equal(first, told(problem, name))


@METHOD_NAMES
def test_the_order_of_rows_does_not_matter(problem, name):
    order = np.random.default_rng(5).permutation(ROWS)
    first, second = told(problem, name), told(networks.permuted(problem, order), name)
    if first is None:
        return
    importances = [each.found.get("importance") for each in (first, second)]
    assert (importances[0] is None) == (importances[1] is None)
    if importances[0] is not None:
        assert importances[0] == pytest.approx(importances[1], rel=1e-4, abs=1e-6)
    if first.attributions is not None:
        rows = order[second.attributions.rows]
        place = {row: index for index, row in enumerate(first.attributions.rows)}
        assert set(place) == set(rows)
        np.testing.assert_allclose(
            first.attributions.values[[place[row] for row in rows]],
            second.attributions.values,
            rtol=1e-4,
            atol=1e-5,
        )


@METHOD_NAMES
@pytest.mark.parametrize(
    ("rows", "numbers", "texts"),
    [(1, 2, 1), (ROWS, 1, 0), (ROWS, 0, 2)],
    ids=["a single row", "one feature", "categories alone"],
)
def test_small_and_narrow_tables(name, rows, numbers, texts):
    narrow = CONFIG.tcav.model_copy(update={"slices": {"red": {"t0": "red"}}})
    settings = narrow if name == "tcav" and not numbers else getattr(CONFIG, name)
    made = table(rows, numbers=numbers, texts=texts, kind=METHODS[name].kind)
    told(made, name, settings=settings)


@METHOD_NAMES
def test_images(name):
    pixels, labels, _ = networks.patches(6)
    found = told(networks.image_problem(networks.patch_model(), pixels, labels), name)
    assert found is not None or name not in ("lime", "integrated_gradients", "xrai", "grad_cam")


@METHOD_NAMES
def test_constant_and_unseen_values_leave_the_others_explained(name):
    made = table(kind="model-agnostic")
    columns = dict(made.subject.columns)
    columns["y"] = np.zeros(ROWS)
    columns["t0"] = columns["t0"].copy()
    columns["t0"][0] = "never seen"
    background = dict(made.background.columns)
    background["y"] = np.zeros(len(made.background))
    found = told(problems.problem(bent, columns, background, task="binary"), name)
    importance = {} if found is None else found.found.get("importance") or {}
    for feature, value in importance.items():
        assert np.isfinite(value), feature
    if importance:
        assert importance.get("y", 0.0) == pytest.approx(0.0, abs=1e-6)
        assert max(importance.values()) > 0


@METHOD_NAMES
def test_a_model_that_returns_no_number_is_named(name):
    made = table(kind="model-agnostic")
    method, settings = METHODS[name], getattr(CONFIG, name)
    broken = problems.problem(
        lambda columns: np.full(len(columns["x"]), np.nan),
        made.subject.columns,
        made.background.columns,
    )
    if method.refuse(broken, settings) is None:
        with pytest.raises(InputError, match="no number"):
            method.explain(broken, settings, Deadline(math.inf))


@METHOD_NAMES
def test_what_is_left_out_for_time_is_said(problem, name):
    found = told(problem, name, seconds=0.0)
    if found is not None:
        assert found.found["notes"]


def test_methods_and_their_quality_are_one_report(network):
    wanted = ("shapley", "permutation_importance", "integrated_gradients", "grad_cam")
    left_out = dict.fromkeys(set(METHODS) - set(wanted))
    described, tables = explain(network, CONFIG.model_copy(update=left_out))
    json.dumps(described, allow_nan=False)
    assert set(described["methods"]) == set(wanted[:3])
    assert set(described["refused"]) == {"grad_cam"}
    assert [each["method"] for each in described["quality"]["additivity"]]
    assert {name.partition("/")[0] for name in tables} <= set(described["methods"])
