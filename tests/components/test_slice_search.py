"""Slices on which a model fails are found, and no others."""

from __future__ import annotations

import time

import numpy as np
import pytest

from components import slice_search
from components.slice_search import search


def people(rows: int, seed: int):
    random = np.random.default_rng(seed)
    return {
        "sex": random.choice(["f", "m"], rows).astype(object),
        "work": random.choice(
            list("abcdefgh"), rows, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.06, 0.05, 0.04]
        ).astype(object),
        "age": random.integers(17, 90, rows).astype(float),
        "gain": np.where(random.random(rows) < 0.1, np.nan, random.exponential(1, rows)),
    }, random


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_crossed_slice_is_the_worst(seed):
    columns, random = people(15_000, seed)
    planted = (columns["sex"] == "f") & (columns["work"] == "f")
    losses = random.exponential(0.3, 15_000) + 1.5 * planted
    found = search(columns, losses).slices
    assert found[0].name == "sex=f, work=f"
    assert np.array_equal(found[0].members(columns), planted)
    # Its parents are bad by it alone, and its children are in it.
    assert len(found) == 1
    assert found[0].rows == planted.sum()
    assert found[0].mean_loss == pytest.approx(losses[planted].mean())
    assert found[0].rest_loss == pytest.approx(losses[~planted].mean())


def test_several_slices_in_their_order():
    columns, random = people(10_000, 1)
    losses = random.exponential(0.3, 10_000)
    losses += 2.0 * (columns["work"] == "d") + 1.0 * (columns["age"] >= 78)
    names = [found.name for found in search(columns, losses).slices[:2]]
    assert names[0] == "work=d"
    assert names[1].startswith("age >= 7")


def test_missing_values_are_a_slice():
    columns, random = people(5_000, 2)
    losses = random.exponential(0.3, 5_000) + np.isnan(columns["gain"])
    assert search(columns, losses).slices[0].name == "gain is missing"


def test_noise_has_no_slices():
    found = 0
    for seed in range(40):
        columns, random = people(2_000, seed)
        found += bool(search(columns, random.exponential(0.3, 2_000)).slices)
    assert found <= 40 * 0.05 + 3


def test_three_columns_are_crossed():
    columns, random = people(20_000, 4)
    planted = (columns["sex"] == "m") & (columns["work"] == "a") & (columns["age"] < 30)
    losses = random.exponential(0.3, 20_000) + 2 * planted
    best = search(columns, losses, max_degree=3).slices[0]
    assert {c.column for c in best.conditions} == {"sex", "work", "age"}
    overlap = (best.members(columns) & planted).sum() / (best.members(columns) | planted).sum()
    assert overlap > 0.9


def test_effect_size_and_p_value_are_those_of_the_definition():
    from scipy import stats

    columns, random = people(3_000, 5)
    losses = random.exponential(0.3, 3_000) + (columns["sex"] == "f")
    found = search({"sex": columns["sex"]}, losses).slices[0]
    inside, outside = losses[found.members(columns)], losses[~found.members(columns)]
    spread = np.sqrt((inside.var(ddof=1) + outside.var(ddof=1)) / 2)
    assert found.effect_size == pytest.approx((inside.mean() - outside.mean()) / spread, rel=1e-4)
    expected = stats.ttest_ind(inside, outside, equal_var=False, alternative="greater").pvalue
    assert found.p_value == pytest.approx(expected, rel=1e-2, abs=1e-300)


def test_columns_that_divide_nothing_are_no_slices():
    rows = 500
    columns = {
        "constant": np.ones(rows),
        "empty": np.full(rows, np.nan),
        "text": np.full(rows, "x", object),
        "unique": np.array([str(i) for i in range(rows)], object),
    }
    found = search(columns, np.random.default_rng(0).random(rows))
    assert found.slices == ()
    assert search(columns, np.zeros(rows)).slices == ()
    assert search({}, np.zeros(rows)).tried == 0


def test_equal_losses_have_no_slices():
    columns, _ = people(1_000, 0)
    assert search(columns, np.full(1_000, 0.7)).slices == ()


def test_many_rows_and_columns_take_seconds():
    random = np.random.default_rng(0)
    columns = {f"n{i}": random.normal(size=15_000) for i in range(10)} | {
        f"c{i}": random.choice([f"v{j}" for j in range(30)], 15_000).astype(object)
        for i in range(10)
    }
    started = time.perf_counter()
    found = search(columns, random.random(15_000))
    assert time.perf_counter() - started < 15
    assert found.tried > 50_000
    assert slice_search.EFFECT_SIZE > 0
