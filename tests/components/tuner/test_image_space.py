"""The space of images: its points are models, and no table's hyperparameter is in it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.errors import InputError
from components.models.hyperparameters import ImageHyperParameters
from components.models.training_config import TrainingConfig
from components.models.transformed import Features, ImageFeature
from components.strategies.search_space import SearchSpace
from components.tuner.config import TunerConfig
from components.tuner.space import ImageSpace, build_space

CNN = TrainingConfig(model=ImageHyperParameters())


def features(side: int = 28) -> Features:
    image = ImageFeature(height=side, width=side, channels=1, mean=(0.0,), deviation=(1.0,))
    return Features(label="label", task="multiclass", classes=("a", "b", "c"), image=image)


def image_space(
    training: TrainingConfig = CNN, side: int = 28, **settings: Any
) -> tuple[ImageSpace, SearchSpace]:
    space = build_space(TunerConfig(**settings), training, features(side))
    assert isinstance(space, ImageSpace)
    return space, SearchSpace.from_hyperparameters(space.hyperparameters)


@pytest.mark.parametrize("families", [None, ["lenet300"], ["cnn"], ["cnn", "lenet5"]])
def test_every_point_is_a_model_with_what_it_uses(families: list[str] | None) -> None:
    space, points = image_space(families=families)
    rng = np.random.default_rng(0)
    for _ in range(200):
        values = points.sample(rng)
        model = space.member(values).model
        assert isinstance(model, ImageHyperParameters)
        assert model.architecture in space.architectures
        assert ("stages" in values) == (model.architecture == "cnn")
        assert ("shift" in values) == (model.augmentation != "none")
        assert ("rotation" in values) == (model.augmentation == "shift_rotate")
        assert not {"units", "numeric", "activation"} & set(values)


def test_small_images_are_not_given_to_lenet5() -> None:
    assert image_space(side=8)[0].architectures == ("lenet300", "cnn")
    assert image_space(side=16)[0].architectures == ("lenet300", "lenet5", "cnn")


def test_the_configured_model_is_a_point_and_others_are_starts() -> None:
    space, points = image_space()
    default = space.default()
    assert default is not None
    assert points.contains(default)
    assert space.member(default).model.architecture == "cnn"
    assert set(space.starts()) == {"lenet300", "lenet5"}


def test_only_what_a_config_names_is_searched() -> None:
    training = TrainingConfig(
        model=ImageHyperParameters(architecture="lenet5", augmentation="shift")
    )
    space, points = image_space(
        training, space={"shift": {"min": 0.05, "max": 0.1}, "dropout": [0, 0.5]}
    )
    model = space.member(points.sample(np.random.default_rng(0))).model
    assert isinstance(model, ImageHyperParameters)
    assert (model.architecture, model.augmentation) == ("lenet5", "shift")
    assert 0.05 <= model.shift <= 0.1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"families": ["mlp"]}, ["mlp does not take images", "tuner.families"]),
        ({"space": {"architecture": ["cnn", "mlp"]}}, ["mlp does not take images"]),
        ({"space": {"units": [8, 16]}}, ["No architecture of the search uses units"]),
        ({"space": {"rotation": [1, 2]}}, ["needs augmentation=shift_rotate"]),
        ({"space": {"architecture": ["lenet5"], "stages": [1, 2]}}, ["uses stages", "cnn"]),
    ],
)
def test_spaces_that_are_refused(settings: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        image_space(**settings)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"stages": [0, 1]}, "greater than or equal to 1"),
        ({"kernel": [4]}, "Input should be 1, 3, 5 or 7"),
        ({"augmentaton": ["none"]}, "nearest: augmentation"),
        ({"architecture": ["lenet6"]}, "lenet6"),
    ],
)
def test_values_that_no_hyperparameter_can_have(space: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        TunerConfig(space=space)
    assert words in str(caught.value)


def test_a_table_s_search_has_no_hyperparameter_of_images() -> None:
    table = Features(numeric=("a", "b"), label="y", task="regression")
    for settings in ({"space": {"stages": [1, 2]}}, {"families": ["cnn"]}):
        with pytest.raises(InputError):
            build_space(TunerConfig(**settings), TrainingConfig(), table)
