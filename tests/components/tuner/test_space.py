"""What the points of a search mean, and which spaces are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.errors import InputError
from components.models.hyperparameters import HyperParameters, TreesHyperParameters
from components.models.training_config import TrainingConfig
from components.models.transformed import CategoricalColumn, Features
from components.strategies.search_space import SearchSpace
from components.tuner import oracles
from components.tuner.config import TunerConfig
from components.tuner.space import ModelSpace, build_space

FEATURES = Features(
    numeric=("fare", "fare:cdf", "flag"),
    categorical=(CategoricalColumn(name="company", size=100),),
    label="tip",
    task="binary",
    classes=("0", "1"),
)


def model_space(training: TrainingConfig | None = None, **settings: Any) -> ModelSpace:
    space = build_space(TunerConfig(**settings), training or TrainingConfig(), FEATURES)
    assert isinstance(space, ModelSpace)
    return space


def names(space: ModelSpace) -> set[str]:
    return {hp.name for hp in space.hyperparameters.space}


@pytest.mark.parametrize("families", [None, ["linear"], ["boosted_trees"], ["mlp", "extra_trees"]])
def test_every_point_of_the_default_space_is_a_model(families: list[str] | None) -> None:
    space = model_space(families=families)
    points = SearchSpace.from_hyperparameters(space.hyperparameters)
    rng = np.random.default_rng(0)
    for _ in range(200):
        model = space.member(points.sample(rng)).model
        assert model.architecture in space.architectures


def test_default_space_leaves_out_what_the_data_have_not() -> None:
    assert {"numeric", "max_categories", "embedding_dim"} <= names(model_space())
    plain = Features(numeric=("a", "b"), categorical=(), label="y", task="regression")
    space = ModelSpace(TunerConfig(), TrainingConfig(), plain)
    assert not {"numeric", "max_categories", "embedding_dim"} & names(space)


def test_hyperparameters_are_active_only_where_they_are_used() -> None:
    points = SearchSpace.from_hyperparameters(
        model_space(families=["mlp", "cross", "linear", "boosted_trees"]).hyperparameters
    )
    rng = np.random.default_rng(1)
    for _ in range(200):
        values = points.sample(rng)
        architecture = values["architecture"]
        assert ("cross_layers" in values) == (architecture == "cross")
        assert ("layers" in values) == (architecture in ("mlp", "cross"))
        assert ("learning_rate" in values) == (architecture != "boosted_trees")
        assert ("boosted_trees.l2" in values) == (architecture == "boosted_trees")
        assert ("momentum" in values) == (values.get("optimizer") == "sgd")


def test_configured_model_is_a_point_of_the_default_space() -> None:
    space = model_space()
    values = space.default()
    assert values is not None
    training = TrainingConfig()
    expected = training.model.model_copy(
        update={"epochs": training.epochs, "patience": training.patience}
    )
    assert space.member(values).model == expected
    odd = TrainingConfig(model=HyperParameters(hidden_units=(100, 7)))
    assert model_space(odd).default() is None


def test_what_is_not_searched_stays_as_configured() -> None:
    training = TrainingConfig(model=HyperParameters(hidden_units=(32,), activation="elu"))
    space = model_space(training, space={"dropout": [0.0, 0.2]})
    model = space.member({"dropout": 0.2}).model
    assert (model.hidden_units, model.activation, model.dropout) == ((32,), "elu", 0.2)
    widths = model_space(training, space={"layers": [1, 3]}).member({"layers": 3}).model
    assert widths.hidden_units == (32, 32, 32)
    listed = model_space(training, space={"hidden_units": [[8, 4], [16]]})
    assert listed.member({"hidden_units": "8-4"}).model.hidden_units == (8, 4)


def test_trees_have_hyperparameters_of_their_own() -> None:
    training = TrainingConfig(model=TreesHyperParameters(architecture="boosted_trees", trees=70))
    space = model_space(training, space={"boosted_trees.max_leaves": [8, 16]})
    model = space.member({"boosted_trees.max_leaves": 8}).model
    assert (model.architecture, model.trees, model.max_leaves) == ("boosted_trees", 70, 8)


@pytest.mark.parametrize(
    "families", [None, ["boosted_trees", "random_forest", "extra_trees", "mlp"]]
)
def test_each_architecture_has_a_start(families: list[str] | None) -> None:
    space = model_space(families=families)
    starts = space.starts()
    for name, values in starts.items():
        assert space.member(values).model.architecture == name
    # The configured model has a trial of its own.
    assert set(starts) == set(space.architectures) - {"wide_and_deep"}


def test_steps_include_both_ends() -> None:
    space = model_space(space={"dropout": {"min": 0.0, "max": 0.5, "step": 0.05}})
    [parameter] = SearchSpace.from_hyperparameters(space.hyperparameters).parameters
    assert parameter.levels == tuple(round(0.05 * index, 2) for index in range(11))


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"dropout": 0.1}, "The search space is empty"),
        ({"dropout": [0.1], "activation": "relu"}, "The search space is empty"),
        ({"cross_layers": [1, 2]}, "No architecture of the search uses cross_layers"),
        ({"momentum": [0.5, 0.9]}, "it needs optimizer=sgd"),
        ({"optimizer": ["adam", "adamw"], "momentum": [0.5, 0.9]}, "it needs optimizer=sgd"),
        ({"boosted_trees.l2": [1.0, 2.0]}, "No architecture of the search uses boosted_trees.l2"),
    ],
)
def test_senseless_spaces_are_refused(space: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        model_space(space=space)


def test_grid_that_is_too_large_says_how_many_points() -> None:
    settings: dict[str, Any] = {
        "strategy": "grid",
        "space": {"layers": [1, 2, 3], "units": [8, 16], "dropout": [0.0, 0.1, 0.2, 0.3]},
    }
    config = TunerConfig(**settings, budget={"trials": 23})
    space = build_space(config, TrainingConfig(), FEATURES)
    with pytest.raises(InputError, match="The grid has 24 points"):
        oracles.prepare(config, space.hyperparameters)
    enough = TunerConfig(**settings, budget={"trials": 24})
    oracles.prepare(enough, space.hyperparameters)


def test_unknown_option_of_a_strategy_is_refused() -> None:
    config = TunerConfig(strategy="evolution", options={"popolation": 10})
    with pytest.raises(InputError, match="nearest: population"):
        oracles.prepare(config, model_space().hyperparameters)


@pytest.mark.parametrize("strategy", ["hyperband", "evolution", "local_search", "reinforcement"])
def test_options_are_the_strategy_s(strategy: str) -> None:
    assert oracles.option_names(strategy)
