"""The attack on raw columns: it keeps to its rules, and finds what there is to find."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.attacks.constraints import Rules, spread, violations
from components.attacks.space import Space
from components.attacks.tabular import Moved, WrongClass, attack
from components.errors import InputError

ROWS = 60
COLOURS = np.array(["", "blue", "green", "red"], object)


def _columns(random, rows=ROWS):
    """Return one column of every kind, with missing values, and a group of three."""
    one = random.integers(0, 3, rows)
    wide = np.where(random.random(rows) < 0.1, np.nan, random.normal(50, 10, rows))
    return {
        "age": random.integers(18, 80, rows).astype(float),
        "income": wide,
        "gain": np.where(random.random(rows) < 0.9, 0.0, random.integers(1, 9000, rows)),
        "member": random.integers(0, 2, rows).astype(float),
        "colour": COLOURS[random.integers(0, 4, rows)],
        "plan": np.array(["basic", "plus"], object)[random.integers(0, 2, rows)],
        "always": np.full(rows, 7.0),
        **{f"is_{index}": (one == index).astype(float) for index in range(3)},
    }


def _bumpy(columns, weights):
    """Return scores [n, 2] of a model with steps and interactions, and no gradient."""
    income = np.nan_to_num(columns["income"], nan=40.0)
    parts = [
        np.floor(columns["age"] / 7) % 3,
        np.sin(income / 3),
        columns["gain"] > 2000,
        columns["member"] * (columns["colour"] == "red"),
        columns["plan"] == "plus",
        columns["is_1"] - columns["is_2"],
    ]
    score = sum(w * p for w, p in zip(weights, parts, strict=True))
    positive = 1 / (1 + np.exp(-score))
    return np.column_stack([1 - positive, positive])


GROUP = ("is_0", "is_1", "is_2")
rules_drawn = st.builds(
    Rules,
    immutable=st.frozensets(st.sampled_from(["age", "income", "member", "colour", "is_1"])),
    one_hot=st.just((GROUP,)),
    directions=st.dictionaries(
        st.sampled_from(["age", "income", "gain", "member"]), st.sampled_from([-1, 1])
    ),
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    rules=rules_drawn,
    eps=st.lists(st.floats(0, 3), min_size=1, max_size=2, unique=True),
    most=st.integers(1, 4),
    seed=st.integers(0, 1000),
)
def test_no_row_ever_leaves_the_rules(rules, eps, most, seed):
    random = np.random.default_rng(seed)
    observed = _columns(random)
    rows = {name: values[:25] for name, values in observed.items()}
    weights = random.normal(size=6)
    asked = []

    def predict(columns):
        asked.append(columns)
        return _bumpy(columns, weights)

    found = attack(
        predict,
        rows,
        WrongClass(random.integers(0, 2, 25)),
        observed=observed,
        rules=rules,
        eps=eps,
        max_columns=most,
        seed=seed,
    )
    limits = {"rules": rules, "eps": max(eps), "max_columns": most}
    assert violations(rows, found.columns, observed, **limits) == []
    # Nor do the rows that the model is asked about have other types or ranges.
    for columns in asked:
        assert all(columns[name].dtype == values.dtype for name, values in rows.items())
        assert set(columns["colour"]) <= set(observed["colour"])
    # What is said to be turned is.
    turned = found.found
    assert (found.changed[turned] >= 1).all()
    assert (found.turned[-1, -1] == turned).all()


def test_the_watchdog_sees_every_kind_of_violation():
    observed = _columns(np.random.default_rng(1))
    rules = Rules(frozenset({"member"}), (GROUP,), {"age": 1})
    limits = {"rules": rules, "eps": 0.5, "max_columns": 2}
    assert violations(observed, observed, observed, **limits) == []

    def seen(**changes):
        after = observed | {
            name: np.where(np.arange(ROWS) == 0, value, observed[name]).astype(observed[name].dtype)
            for name, value in changes.items()
        }
        return " ".join(violations(observed, after, observed, **limits))

    first = {name: values[0] for name, values in observed.items()}
    assert "age changed by more than 0.5 spreads" in seen(age=first["age"] + 60)
    assert "age left its range" in seen(age=500)
    assert "age went in the wrong direction" in seen(age=first["age"] - 1)
    assert "age is no whole number" in seen(age=first["age"] + 0.5)
    assert "member is immutable" in seen(member=1 - first["member"])
    assert "colour has an unknown value" in seen(colour="purple")
    assert "income has other missing values" in seen(income=np.nan)
    assert "not exactly one of" in seen(is_0=1, is_1=1)
    assert "more than 2 columns" in seen(
        age=first["age"] + 1, income=first["income"] + 1, plan="basic", gain=1
    )
    as_float32 = observed | {"age": observed["age"].astype(np.float32)}
    assert violations(observed, as_float32, observed, **limits) == ["age changed its type"]


def _linear(columns):
    """Return scores of a model that says 1 from an age of 40 on."""
    positive = 1 / (1 + np.exp(-(columns["age"] - 39.5)))
    return np.column_stack([1 - positive, positive])


def _attack(predict, columns, goal, **arguments):
    defaults = {"rules": Rules(), "eps": (1.0,), "max_columns": 1, "seed": 1}
    return attack(predict, columns, goal, observed=columns, **(defaults | arguments))


def test_the_least_change_of_a_known_model_is_found_exactly():
    columns = _columns(np.random.default_rng(2))
    old = (columns["age"] >= 40).astype(np.int64)
    found = _attack(_linear, columns, WrongClass(old))
    width = spread(columns["age"])
    need = np.where(old == 1, columns["age"] - 39, 40 - columns["age"])
    assert found.right.all()
    np.testing.assert_array_equal(found.found, need <= width)
    turned = found.found
    np.testing.assert_array_equal(found.columns["age"][turned], 40 - old[turned])
    np.testing.assert_allclose(found.distances[turned], need[turned] / width)
    assert np.isinf(found.distances[~turned]).all()
    # Rows that the model has wrong are left as they are, at a distance of 0.
    wrong = _attack(_linear, columns, WrongClass(1 - old))
    assert not wrong.right.any()
    assert not wrong.turned.any()
    assert (wrong.distances == 0).all()
    assert violations(columns, wrong.columns, columns, rules=Rules(), eps=0, max_columns=0) == []


def test_success_grows_with_the_budget_and_with_the_columns():
    random = np.random.default_rng(3)
    columns, weights = _columns(random), random.normal(size=6)
    labels = _bumpy(columns, weights).argmax(axis=1)
    found = _attack(
        lambda c: _bumpy(c, weights),
        columns,
        WrongClass(labels),
        eps=(2.0, 0.1, 0.5),
        max_columns=3,
    )
    assert found.eps == (0.1, 0.5, 2.0)
    assert (found.turned[1:] >= found.turned[:-1]).all()
    assert (found.turned[:, 1:] >= found.turned[:, :-1]).all()
    assert found.turned[0, 0].sum() < found.turned[-1, -1].sum()
    assert found.queries > 0


def test_restarts_find_what_no_single_step_shows():
    # The score changes only when two columns change together: every single step is on a plain.
    rows = 40
    columns = {
        "a": np.full(rows, "n", object),
        "b": np.full(rows, "n", object),
        "c": np.arange(rows, dtype=float),
    }
    observed = {name: np.append(values, values[:1]) for name, values in columns.items()}
    observed["a"][-1] = observed["b"][-1] = "y"

    def both(c):
        positive = np.where((c["a"] == "y") & (c["b"] == "y"), 0.9, 0.1)
        return np.column_stack([1 - positive, positive])

    arguments = {"rules": Rules(), "eps": (0.1,), "max_columns": 2, "seed": 1}
    goal = WrongClass(np.zeros(rows, np.int64))
    greedy = attack(both, columns, goal, observed=observed, restarts=0, **arguments)
    assert greedy.found.sum() == 0
    restarted = attack(both, columns, goal, observed=observed, restarts=4, **arguments)
    assert restarted.found.all()
    assert (restarted.changed == 2).all()
    assert (restarted.distances == 2).all()


def test_a_model_that_looks_at_nothing_withstands():
    columns = _columns(np.random.default_rng(4))
    found = _attack(
        lambda c: np.tile([0.7, 0.3], (len(c["age"]), 1)),
        columns,
        WrongClass(np.zeros(ROWS, np.int64)),
        max_columns=3,
    )
    assert not found.turned.any()
    assert (found.changed == 0).all()


def test_a_regression_is_turned_when_it_moves_far_enough():
    columns = _columns(np.random.default_rng(5))
    predict = lambda c: 2.0 * c["age"][:, None]  # noqa: E731
    width = spread(columns["age"])
    small, large = (
        _attack(predict, columns, Moved(predict(columns)[:, 0], change), eps=(0.25,))
        for change in (0.4 * width, 0.6 * width)
    )
    step = np.trunc(0.25 * width)
    reachable = np.maximum(80 - 1 - columns["age"], columns["age"] - 18) >= step
    assert 2 * step > 0.4 * width
    assert small.found[reachable].all()
    assert not large.found.any()


def test_a_group_moves_as_one_column_and_rows_that_break_it_stay():
    columns = _columns(np.random.default_rng(6))
    columns["is_0"][0] = columns["is_1"][0] = columns["is_2"][0] = 1
    labels = columns["is_2"].astype(np.int64)

    def predict(c):
        return np.column_stack([1 - c["is_2"], c["is_2"]])

    found = _attack(predict, columns, WrongClass(labels), rules=Rules(one_hot=(GROUP,)))
    assert found.found[1:].all()
    assert not found.found[0]
    assert (sum(found.columns[name] for name in GROUP)[1:] == 1).all()
    assert (found.changed[1:] == 1).all()


def test_a_seed_gives_one_result_and_time_that_is_over_leaves_budgets_out():
    random = np.random.default_rng(7)
    columns, weights = _columns(random), random.normal(size=6)
    goal = WrongClass(_bumpy(columns, weights).argmax(axis=1))
    first, again = (
        _attack(lambda c: _bumpy(c, weights), columns, goal, max_columns=2) for _ in range(2)
    )
    for one, other in zip(
        dataclasses.astuple(first)[1:4], dataclasses.astuple(again)[1:4], strict=True
    ):
        np.testing.assert_equal(one, other)
    late = iter([False, False, False, True, True, True, True])
    cut = _attack(
        lambda c: _bumpy(c, weights),
        columns,
        goal,
        eps=(0.1, 0.2, 0.3),
        ended=lambda: next(late, True),
    )
    assert len(cut.eps) == len(cut.turned) < 3


@pytest.mark.parametrize(
    ("rules", "column"),
    [
        (Rules(one_hot=(("is_0", "age"),)), "age"),
        (Rules(one_hot=(("is_0", "colour"),)), "colour"),
        (Rules(directions={"colour": 1}), "colour"),
        (Rules(one_hot=(GROUP,), directions={"is_1": 1}), "is_1"),
    ],
)
def test_rules_that_do_not_suit_the_columns_are_named(rules, column):
    with pytest.raises(InputError) as error:
        Space.of(_columns(np.random.default_rng(1)), rules, 5)
    assert error.value.details["column"] == column


def test_columns_that_cannot_change_are_told():
    space = Space.of(
        _columns(np.random.default_rng(1)), Rules(frozenset({"age", "is_0"}), (GROUP,)), 5
    )
    assert set(space.fixed) == {"age", "always", *GROUP}
