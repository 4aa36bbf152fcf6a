"""The search space: which points it has and which are near."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import keras_tuner
import numpy as np
import pytest

from components.strategies.search_space import SearchSpace


def space_of(hp: keras_tuner.HyperParameters) -> SearchSpace:
    return SearchSpace.from_hyperparameters(hp)


def test_size_counts_branches_without_walking_them() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("model", ["a", "b"])
    with hp.conditional_scope("model", ["a"]):
        for index in range(30):
            hp.Int(f"units{index}", 1, 10)
    hp.Boolean("norm")
    assert space_of(hp).size() == (10**30 + 1) * 2


def test_one_name_may_have_other_values_in_each_branch() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("model", ["small", "large"])
    with hp.conditional_scope("model", ["small"]):
        hp.Choice("units", [8, 16])
    with hp.conditional_scope("model", ["large"]):
        hp.Choice("units", [256, 512])
    space = space_of(hp)
    rng = np.random.default_rng(0)
    assert len(list(space.points())) == space.size() == 4
    changed = [space.mutate({"model": "small", "units": 8}, rng) for _ in range(50)]
    assert all(space.contains(values) for values in changed)
    assert {values["model"] for values in changed} == {"small", "large"}
    assert not space.contains({"model": "small", "units": 256})


def test_contains_wants_all_active_and_nothing_else() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("model", ["a", "b"])
    with hp.conditional_scope("model", ["a"]):
        hp.Float("rate", 0.1, 1.0)
    space = space_of(hp)
    assert space.contains({"model": "a", "rate": 0.5})
    assert space.contains({"model": "b"})
    assert not space.contains({"model": "a"})
    assert not space.contains({"model": "b", "rate": 0.5})
    assert not space.contains({"model": "a", "rate": 2.0})
    assert not space.contains({"model": "a", "rate": "0.5"})


def test_neighbours_of_a_choice_are_all_others_and_of_a_number_the_next() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["x", "y", "z"])
    hp.Int("layers", 1, 5)
    found = space_of(hp).neighbours({"kind": "x", "layers": 3}, np.random.default_rng(0))
    points = sorted((values["kind"], values["layers"]) for values in found)
    assert points == [("x", 2), ("x", 4), ("y", 3), ("z", 3)]
    found = space_of(hp).neighbours({"kind": "x", "layers": 5}, np.random.default_rng(0))
    assert sorted(values["layers"] for values in found if values["kind"] == "x") == [4]


@pytest.mark.parametrize("sampling", ["linear", "log", "reverse_log"])
@pytest.mark.parametrize("step", [None, 2])
def test_changes_reach_every_level_and_stay_inside(sampling: str, step: int | None) -> None:
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 2, 32, sampling=sampling, step=step)
    hp.Float("rate", 0.5, 1.0)
    space = space_of(hp)
    rng = np.random.default_rng(0)
    values = space.sample(rng)
    seen: Counter[int] = Counter()
    for _ in range(2000):
        values = space.mutate(values, rng)
        assert space.contains(values)
        seen[values["units"]] += 1
    assert {2, 32} <= set(seen)


def test_sampling_follows_the_scale() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    space = space_of(hp)
    rng = np.random.default_rng(0)
    rates = [space.sample(rng)["rate"] for _ in range(2000)]
    assert np.median(rates) == pytest.approx(1e-2, rel=0.3)


def test_grid_of_a_number_without_step_has_ten_rising_values() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    rates = [values["rate"] for values in space_of(hp).points()]
    assert len(rates) == 10
    assert all(low < high for low, high in pairwise(rates))
