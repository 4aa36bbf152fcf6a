"""The search: which points, when it ends, and what is chosen."""

from __future__ import annotations

import pytest

from components.compressor import chains, choice, search
from components.compressor.config import CompressorConfig, ConstraintConfig
from components.compressor.figures import Figures
from components.compressor.workbench import Candidate
from components.errors import InputError

CHAINS = ("float16", "int8", "pruning+int8")


def figures(size: int, drop: float = 0.0, ms: float = 0.1, **more: object) -> Figures:
    return Figures(size, size, ms, ms, 1, {"AUC": 0.9 - drop}, drop, **more)


def make(values):
    """Return a candidate by arithmetic: each recipe is smaller and worse."""
    recipes = values["chain"].split("+") if values else []
    sparsity = values.get("pruning.sparsity", 0.5)
    size, drop = 1000.0, 0.0
    for recipe in recipes:
        size *= {"float16": 0.5, "int8": 0.25, "pruning": 1 - sparsity}[recipe]
        drop += {"float16": 0.0, "int8": 0.001, "pruning": 0.01 * sparsity}[recipe]
    return Candidate(values, b"", figures(round(size), drop), 0.0)


def run(**settings):
    config = CompressorConfig(chains=CHAINS, **settings)
    told = []
    found = search.run(
        chains.space(config), make, chains.title, config, lambda i, title: told.append(title)
    )
    return found, told


def test_grid_tries_all_and_takes_the_smallest_that_loses_little():
    found, told = run(constraint={"max_metric_drop": 0.002})
    assert told == ["float32", "float16", "int8", "pruning + int8"]
    assert found.candidates[found.chosen].title == "int8"
    assert found.met
    found, _ = run(constraint={"max_metric_drop": 0.01})
    assert found.candidates[found.chosen].title == "pruning + int8"
    found, _ = run(constraint={"max_metric_drop": 0.0})
    assert found.candidates[found.chosen].title == "float16"


def test_search_stops_when_the_constraint_is_met():
    found, told = run(constraint={"max_bytes": 300})
    assert told[-1] == "int8"
    assert found.met
    assert found.ended == "a candidate meets the constraint"


def test_nearest_candidate_where_none_meets_the_constraint():
    found, told = run(constraint={"max_bytes": 10, "max_metric_drop": 0.02})
    assert len(told) == 4
    assert not found.met
    assert found.candidates[found.chosen].title == "pruning + int8"
    said = choice.explain(
        found.candidates[found.chosen].figures, ConstraintConfig(max_bytes=10), "AUC"
    )
    assert said[0] == "it has 125 bytes, more than 10"


def test_settings_are_searched_only_where_a_recipe_uses_them():
    space = chains.space(CompressorConfig(chains=CHAINS, space={"pruning.sparsity": [0.9, 0.5]}))
    points = [tuple(values.values()) for values in space.points()]
    assert points == [("float16",), ("int8",), ("pruning+int8", 0.5), ("pruning+int8", 0.9)]


@pytest.mark.parametrize(
    "strategy", ["grid", "random", "bayesian", "evolution", "reinforcement", "local_search"]
)
def test_every_strategy_finds_the_best_of_a_small_space(strategy):
    settings = {
        "constraint": {"max_metric_drop": 0.02},
        "space": {"pruning.sparsity": [0.5, 0.8, 0.9]},
        "strategy": strategy,
    }
    found, told = run(**settings)
    assert len(told) == len(set(told)) == 6
    assert found.candidates[found.chosen].title == "pruning + int8 (pruning.sparsity 0.9)"
    _, told_again = run(**settings)
    assert told_again == told


def test_budget_ends_the_search_and_says_so():
    found, told = run(budget={"candidates": 2})
    assert told == ["float32", "float16", "int8"]
    assert "budget of 2 candidates" in found.ended


def test_recipe_that_does_not_fit_is_left_out_and_named():
    def refusing(values):
        if values.get("chain") == "int8":
            raise InputError("the layer 'x' is not supported")
        return make(values)

    config = CompressorConfig(chains=("int8", "float16"))
    found = search.run(
        chains.space(config), refusing, chains.title, config, lambda number, title: None
    )
    assert "not supported" in found.failures["int8"]
    assert [each.title for each in found.candidates] == ["float32", "float16"]


def test_slices_latency_and_nan_are_held_against_their_bounds():
    constraint = ConstraintConfig(max_latency_ms=0.2, max_slice_drop=0.01)
    assert choice.violations(figures(1), constraint) == {}
    assert set(choice.violations(figures(1, ms=0.3), constraint)) == {"max_latency_ms"}
    bad = figures(1, slice_drop=0.02, worst_slice="zone=North")
    assert set(choice.violations(bad, constraint)) == {"max_slice_drop"}
    assert "on zone=North" in choice.explain(bad, constraint, "AUC")[0]
    assert "max_metric_drop" in choice.violations(figures(1, drop=float("nan")), constraint)
