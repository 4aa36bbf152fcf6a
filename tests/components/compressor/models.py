"""Small trained models, and the work that recipes do on them, for the Compressor's tests."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import tf_keras
from sklearn.datasets import load_digits

from components.compressor.config import FineTuningConfig, RecipesConfig
from components.compressor.recipes.base import Work
from components.models import fitting
from components.models.hyperparameters import HyperParameters, ImageHyperParameters
from components.models.specification import Member
from components.models.training_config import TrainingConfig
from components.models.transformed import LABEL, CategoricalColumn, Features, ImageFeature

CLASSES = {"binary": ("no", "yes"), "multiclass": ("low", "mid", "high"), "regression": ()}
ROWS, VALIDATION_ROWS = 640, 320
#: Images of the digits that are trained on; the other 597 are for validation.
TRAIN_IMAGES = 1200
#: Of the brightest pixel of scikit-learn's digits.
DIGITS_WHITE = 16
RECIPES = RecipesConfig(fine_tuning=FineTuningConfig(epochs=2))


def tabular(
    architecture: str = "wide_and_deep",
    task: str = "binary",
    *,
    recipes: RecipesConfig = RECIPES,
    epochs: int = 4,
    **hp: Any,
) -> tuple[tf_keras.Model, Work]:
    """Return a model of four numbers and two categories, briefly trained.

    Parameters
    ----------
    architecture, task : str
    recipes : RecipesConfig
    epochs : int
        Of the training; 0 leaves the weights that it would begin with.
    **hp
        Hyperparameters that are not those of the tests.
    """
    small = {"hidden_units": (24, 12), "embedding_dim": 4, "batch_size": 32, "learning_rate": 0.01}
    settings = HyperParameters(architecture=architecture, **{**small, **hp})
    features = Features(
        numeric=("a", "b", "c", "a:cdf"),
        categorical=(CategoricalColumn(name="d", size=9), CategoricalColumn(name="e", size=5)),
        label="y",
        task=task,
        classes=CLASSES[task],
    )
    train, validation = _table(ROWS, task, seed=0), _table(VALIDATION_ROWS, task, seed=1)
    return _made(features, train, validation, settings, recipes, epochs)


def images(
    architecture: str = "cnn",
    *,
    recipes: RecipesConfig = RECIPES,
    epochs: int = 4,
    side: int = 8,
    **hp: Any,
) -> tuple[tf_keras.Model, Work]:
    """Return a model of scikit-learn's digits, briefly trained.

    Parameters
    ----------
    architecture : str
    recipes : RecipesConfig
    epochs : int
        Of the training; 0 leaves the weights that it would begin with.
    side : int
        Of the images in pixels, a multiple of 8; lenet5 takes 16 and more.
    **hp
        Hyperparameters that are not those of the tests.
    """
    small = {"filters": 8, "batch_size": 32, "learning_rate": 0.005}
    settings = ImageHyperParameters(architecture=architecture, **{**small, **hp})
    found = load_digits()
    pixels = np.round(found.images * (255 / DIGITS_WHITE)).astype(np.uint8)
    pixels = pixels.repeat(side // 8, axis=1).repeat(side // 8, axis=2)[..., np.newaxis]
    label = found.target.astype(np.int64)
    train = {"image": pixels[:TRAIN_IMAGES], LABEL: label[:TRAIN_IMAGES]}
    validation = {"image": pixels[TRAIN_IMAGES:], LABEL: label[TRAIN_IMAGES:]}
    features = Features(
        label="digit",
        task="multiclass",
        classes=tuple("0123456789"),
        image=ImageFeature(
            height=side,
            width=side,
            channels=1,
            mean=(float(pixels[:TRAIN_IMAGES].mean()),),
            deviation=(float(pixels[:TRAIN_IMAGES].std()),),
        ),
    )
    return _made(features, train, validation, settings, recipes, epochs)


def outputs(model: tf_keras.Model, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Return what a model makes of transformed examples."""
    features = {name: values for name, values in arrays.items() if name != LABEL}
    features = {
        name: values.astype(np.float32) if name == "image" else values
        for name, values in features.items()
    }
    return np.asarray(model(features, training=False))


def accuracy(model: tf_keras.Model, arrays: dict[str, np.ndarray]) -> float:
    """Return the share of rows that a classifier is right about."""
    said = outputs(model, arrays)
    guess = said.argmax(axis=1) if said.shape[1] > 1 else said[:, 0] > 0
    return float(np.mean(guess == arrays[LABEL]))


def _table(rows: int, task: str, seed: int) -> dict[str, np.ndarray]:
    """Return transformed examples whose rule is no straight line."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(rows, 3))
    rank = 1 / (1 + np.exp(-1.7 * scores[:, :1]))
    categorical = np.stack([random.integers(0, 9, rows), random.integers(0, 5, rows)], axis=1)
    value = scores[:, 0] * scores[:, 1] + (categorical[:, 0] > 4) + random.normal(0, 0.3, rows)
    label = (
        (10 + 5 * value).astype(np.float32)
        if task == "regression"
        else np.searchsorted([0.5] if task == "binary" else [0.0, 1.0], value).astype(np.int64)
    )
    numeric = np.concatenate([scores, rank], axis=1).astype(np.float32)
    return {"numeric": numeric, "categorical": categorical.astype(np.int64), LABEL: label}


def _made(
    features: Features,
    train: dict[str, np.ndarray],
    validation: dict[str, np.ndarray],
    hp: HyperParameters | ImageHyperParameters,
    recipes: RecipesConfig,
    epochs: int,
) -> tuple[tf_keras.Model, Work]:
    training = TrainingConfig(model=hp, epochs=max(epochs, 1), patience=max(epochs, 1))
    work = Work(features, train, validation, training, hp, recipes)
    tf_keras.utils.set_random_seed(training.seed)
    model = fitting.build(Member(model=hp), features, train[LABEL])
    if epochs:
        model.set_weights(_weights(_Key(work)))
    return model, work


class _Key:
    """A work, equal to all whose model is trained alike."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._text = repr((work.features, work.training, work.hp))

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._text == other._text


@functools.cache
def _weights(key: _Key) -> list[np.ndarray]:
    """Return the trained weights: each model is trained once in a process."""
    work = key.work
    model, _ = fitting.fit(
        Member(model=work.hp), work.features, work.train, work.validation, work.training
    )
    return model.get_weights()
