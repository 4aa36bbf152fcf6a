"""Importance: exact marginals of the trees, and shares of variance that are known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from components.tuner.importance import MIN_TRIALS, importance, variances
from components.tuner.trials import Trial

Point = dict[str, Any]


def trials_of(
    draw: Callable[[np.random.Generator], Point], score: Callable[[Point], float], count: int
) -> list[Trial]:
    rng = np.random.default_rng(count)
    points = [draw(rng) for _ in range(count)]
    return [
        Trial(id=str(index), state="complete", values=point, score=score(point))
        for index, point in enumerate(points)
    ]


def shares(trials: list[Trial]) -> dict[str, float]:
    return {item.name: item.share for item in importance(trials)}


@pytest.mark.parametrize("seed", range(3))
def test_marginals_are_those_of_the_whole_grid(seed: int) -> None:
    # A continuous column whose thresholds are multiples of 1/8 is constant on eighths.
    rng = np.random.default_rng(seed)
    levels, continuous = [3, 4], np.arange(8) / 8 + 1 / 16
    grid = np.array(list(itertools.product(range(3), range(4), continuous)))
    drawn = grid[rng.integers(len(grid), size=40)]
    target = rng.standard_normal(3)[drawn[:, 0].astype(int)] + drawn[:, 1] * drawn[:, 2]
    tree = DecisionTreeRegressor(max_features=0.7, random_state=seed).fit(drawn, target)
    assert tree.get_depth() > 3

    # The thresholds lie between two seen values, not always at the end of an eighth.
    fine = (np.arange(1600) + 0.5) / 1600
    table = tree.predict(np.array(list(itertools.product(range(3), range(4), fine))))
    table = table.reshape(3, 4, 1600)
    total, main = variances(tree.tree_, [*levels, 0])
    assert total == pytest.approx(table.var(), rel=1e-3)
    for column, others in enumerate([(1, 2), (0, 2), (0, 1)]):
        assert main[column] == pytest.approx(table.mean(axis=others).var(), rel=1e-2, abs=1e-6)


def test_additive_function_gives_its_variance_shares() -> None:
    # Variances of a * uniform are proportional to a^2: 9, 4, 1 and 0 of 14.
    factors = {"a": 3.0, "b": 2.0, "c": 1.0, "nothing": 0.0}
    found = shares(
        trials_of(
            lambda rng: {name: rng.random() for name in factors},
            lambda point: sum(factor * point[name] for name, factor in factors.items()),
            1000,
        )
    )
    for name, factor in factors.items():
        assert found[name] == pytest.approx(factor**2 / 14, abs=0.06)
    assert list(found) == ["a", "b", "c", "nothing"]
    assert found["nothing"] < 0.01


def test_numbers_of_many_magnitudes_are_judged_on_a_log_scale() -> None:
    found = shares(
        trials_of(
            lambda rng: {"rate": 10 ** rng.uniform(-5, -1), "share": rng.random()},
            lambda point: math.log10(point["rate"]) / 4 + point["share"],
            400,
        )
    )
    assert found["rate"] == pytest.approx(0.5, abs=0.1)
    assert found["share"] == pytest.approx(0.5, abs=0.1)


def test_categories_are_judged_whatever_they_are_called() -> None:
    # Variance of the effects 0, 0, 3 (a third each) is 2; of 0, 2 (half each) it is 1.
    effect = {"kind": {"u": 0, "<v>": 3, "w": 0}, "flag": {True: 0, False: 2}}
    found = shares(
        trials_of(
            lambda rng: {
                "kind": ["u", "<v>", "w"][rng.integers(3)],
                "flag": bool(rng.integers(2)),
                "idle": "abcdef"[rng.integers(6)],
            },
            lambda point: sum(effect[name][point[name]] for name in effect),
            200,
        )
    )
    assert found["kind"] == pytest.approx(2 / 3, abs=0.08)
    assert found["flag"] == pytest.approx(1 / 3, abs=0.08)
    assert found["idle"] < 0.01


def test_what_turns_hyperparameters_off_gets_the_effect_of_that() -> None:
    def draw(rng: np.random.Generator) -> Point:
        if rng.random() < 0.5:
            return {"family": "trees", **{f"trees.{i}": rng.random() for i in range(5)}}
        return {"family": "network", **{f"network.{i}": rng.random() for i in range(5)}}

    found = shares(trials_of(draw, lambda p: 1.0 * (p["family"] == "trees"), 100))
    assert found.pop("family") > 0.8
    assert max(found.values()) < 0.05


def test_a_conditional_hyperparameter_counts_where_it_is_active() -> None:
    def draw(rng: np.random.Generator) -> Point:
        on = bool(rng.random() < 0.7)
        return {"on": on, "idle": rng.random(), **({"rate": rng.random()} if on else {})}

    found = shares(trials_of(draw, lambda point: 3 * point.get("rate", 0.5), 300))
    assert found["rate"] > 0.2
    assert found["on"] < 0.1
    assert found["idle"] < 0.05


def test_effects_of_two_together_are_neither_ones() -> None:
    found = shares(
        trials_of(
            lambda rng: {"a": bool(rng.integers(2)), "b": bool(rng.integers(2))},
            lambda point: float(point["a"] != point["b"]),
            200,
        )
    )
    assert sum(found.values()) < 0.1


def test_one_failed_trial_is_not_all_there_is_to_explain() -> None:
    trials = trials_of(
        lambda rng: {"a": rng.random(), "b": rng.random()}, lambda point: point["a"], 60
    )
    failed = Trial(id="x", state="stopped", values={"a": 0.5, "b": 0.99}, score=-1e9)
    assert shares([*trials, failed])["a"] > 0.8


def test_equal_scores_are_due_to_nothing() -> None:
    trials = trials_of(lambda rng: {"a": rng.random(), "b": "xy"[rng.integers(2)]}, lambda _: 7, 20)
    assert [(i.share, i.deviation) for i in importance(trials)] == [(0.0, 0.0), (0.0, 0.0)]


def test_only_scored_trials_and_what_varies_among_them_count() -> None:
    trials = trials_of(lambda rng: {"a": rng.random(), "fixed": 3}, lambda p: p["a"], 20)
    others = [
        Trial(id="c", state="crashed", values={"a": 0.1, "fixed": 4}),
        Trial(id="n", state="diverged", values={"a": 0.1, "fixed": 5}, score=math.nan),
    ]
    others.append(Trial(id="default", state="complete", values={}, score=9.0))
    assert importance([*trials, *others]) == importance(trials)
    assert [item.name for item in importance(trials)] == ["a"]


def test_the_notes_of_a_strategy_are_no_hyperparameters() -> None:
    found = shares(
        trials_of(
            lambda rng: {"a": rng.random(), "tuner/epochs": int(rng.integers(9))},
            lambda point: point["a"] + point["tuner/epochs"],
            30,
        )
    )
    assert list(found) == ["a"]


def test_too_few_trials_say_nothing() -> None:
    trials = trials_of(lambda rng: {"a": rng.random()}, lambda p: p["a"], MIN_TRIALS)
    assert importance([]) == importance(trials[:-1]) == []
    assert len(importance(trials)) == 1
    fixed = [trial.model_copy(update={"values": {"a": 1}}) for trial in trials]
    assert importance(fixed) == []


def test_the_seed_decides() -> None:
    trials = trials_of(
        lambda rng: {"a": rng.random(), "k": "xyz"[rng.integers(3)]}, lambda p: p["a"], 30
    )
    assert importance(trials, seed=3) == importance(trials, seed=3)
    assert importance(trials, seed=3) != importance(trials, seed=4)
    assert all(0 <= item.share <= 1 for item in importance(trials))
