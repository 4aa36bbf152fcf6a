"""Bad settings of a search are refused before anything runs, by name and with what to do."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from components.errors import InputError
from components.tuner.config import TunerConfig


@pytest.mark.parametrize(
    ("settings", "setting", "said"),
    [
        ({"space": {"learning_rat": 0.1}}, "tuner.space.learning_rat", "nearest: learning_rate"),
        ({"space": {"activation": ["relu", "rela"]}}, "tuner.space.activation", "'rela'"),
        ({"space": {"dropout": {"min": 0, "max": 2}}}, "tuner.space.dropout", "less than 1"),
        ({"space": {"dropout": {"min": 0.5, "max": 0.1}}}, "tuner.space.dropout", "min < max"),
        (
            {"space": {"dropout": {"mn": 0.5, "max": 0.1}}},
            "tuner.space.dropout.mn",
            "not permitted",
        ),
        ({"space": {"l2": {"min": 0, "max": 1, "scale": "log"}}}, "tuner.space.l2", "min > 0"),
        ({"space": {"hidden_units": [[64, 0]]}}, "tuner.space.hidden_units", "greater than"),
        ({"space": {"layers": [0]}}, "tuner.space.layers", "positive integer"),
        ({"space": {"shape": ["round"]}}, "tuner.space.shape", "constant, halving"),
        (
            {"space": {"boosted_trees.max_leaves": [1]}},
            "tuner.space.boosted_trees.max_leaves",
            "greater than",
        ),
        ({"objective": "AUK"}, "tuner.objective", "nearest: AUC"),
        ({"objective": "MeanLabel"}, "tuner.objective", "No model reports"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], setting: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        TunerConfig(**settings)
    assert caught.value.details["setting"] == setting
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"strategy": "genetic"},
        {"budget": {}},
        {"budget": {"trials": 0}},
        {"budget": {"seconds": -1}},
        {"budget": {"minutes": 3}},
        {"objective": ["AUC", "AUC"]},
        {"families": []},
        {"families": ["forest"]},
        {"space": {}},
        {"families": ["mlp"], "space": {"dropout": [0, 0.1]}},
        {"build_model": "mine.build", "ensemble": 3},
        {"parallel": 0},
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TunerConfig(**settings)


def test_numbers_that_yaml_takes_for_text_are_numbers() -> None:
    space = TunerConfig(space={"learning_rate": ["1e-3", 0.01]}).space
    assert space is not None
    assert space["learning_rate"].examples == (0.001, 0.01)


def test_config_survives_its_way_through_the_store() -> None:
    config = TunerConfig(
        space={
            "architecture": ["mlp", "boosted_trees"],
            "hidden_units": [[64, 32], [128]],
            "learning_rate": {"min": "1e-4", "max": 0.1, "scale": "log"},
            "boosted_trees.max_leaves": {"min": 4, "max": 64},
            "dropout": {"min": 0, "max": 0.5, "step": 0.1},
        },
        objective=["AUC", {"metric": "latency_ms", "weight": 0.2}],
    )
    assert TunerConfig.model_validate_json(config.model_dump_json()) == config
