"""Model extraction: how much of the model a copy has that only knows its answers.

Through the adversarial-robustness-toolbox: Orekondy et al. 2019, Knockoff nets: stealing
functionality of black-box models.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor

from components.model_debugger.privacy.answers import Answers
from components.model_debugger.privacy.toolbox import (
    BaseEstimator,
    BlackBoxClassifierNeuralNetwork,
    ClassifierMixin,
    KnockoffNets,
)
from components.models.subject import Subject

#: Below every number that a column has: what is missing, for a tree.
BELOW = 1.0


@dataclass(frozen=True)
class Copy:
    """What a number of queries is worth.

    Attributes
    ----------
    queries : int
    agreement : float
        Share of other rows on which copy and model say the same class.
    chance : float
        The same of a copy that always says the model's most frequent class there.
    distance : float
        Mean total variation distance of their probabilities, from 0 to 1.
    accuracy, model_accuracy : float
        Of the copy and of the model, against the labels of these rows.
    """

    queries: int
    agreement: float
    chance: float
    distance: float
    accuracy: float
    model_accuracy: float


def steal(features: np.ndarray, answers: Answers, queries: int, *, trees: int, seed: int) -> Copy:
    """Ask the model about some rows, train a forest on its answers, and compare on others.

    Parameters
    ----------
    features : ndarray, shape [n, d]
        What the thief knows of the rows: see `seen`.
    answers : Answers
        Of a classification.
    queries : int
        At most half of the rows: the other half is what both are compared on.
    trees, seed : int
    """
    order = np.random.default_rng(seed).permutation(len(answers))
    middle = len(answers) // 2
    asked, held_out = order[:middle], order[middle:]
    victim = BlackBoxClassifierNeuralNetwork(
        answers.lookup, input_shape=(1,), nb_classes=answers.scores.shape[1]
    )
    attack = KnockoffNets(
        victim,
        batch_size_fit=queries,
        batch_size_query=queries,
        nb_epochs=1,
        nb_stolen=queries,
        sampling_strategy="random",
        use_probability=True,
        verbose=False,
    )
    with _seeded(seed):
        copy = attack.extract(
            answers.places[asked],
            thieved_classifier=_Thief(features, answers.scores.shape[1], trees, seed),
        )
    told, said = copy.predict(answers.places[held_out]), answers.scores[held_out]
    labels = answers.labels[held_out]
    model, stolen = said.argmax(axis=1), told.argmax(axis=1)
    return Copy(
        queries=queries,
        agreement=float((model == stolen).mean()),
        chance=float(np.bincount(model).max() / len(model)),
        distance=float(np.abs(told - said).sum(axis=1).mean() / 2),
        accuracy=float((stolen == labels).mean()),
        model_accuracy=float((model == labels).mean()),
    )


def seen(subject: Subject) -> np.ndarray:
    """Return the raw columns, or the pixels, as numbers [n, d] for a forest.

    A text becomes its place in the order of the texts.
    """
    if subject.images is not None:
        return subject.images.reshape(len(subject), -1).astype(np.float32)
    return np.column_stack([_numbers(values) for values in subject.columns.values()])


def _numbers(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "OUS":
        return np.unique(values, return_inverse=True)[1].astype(np.float64)
    finite = np.isfinite(values)
    lowest = values[finite].min() - BELOW if finite.any() else 0.0
    return np.where(finite, values, lowest)


class _Thief(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A forest on what is seen at the places that the toolbox passes around."""

    estimator_params = BaseEstimator.estimator_params

    def __init__(self, features: np.ndarray, classes: int, trees: int, seed: int) -> None:
        super().__init__(model=None, clip_values=None)
        self.nb_classes = classes
        self._features = features
        self._forest = ExtraTreesRegressor(trees, min_samples_leaf=2, random_state=seed)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (1,)

    def fit(self, x: np.ndarray, y: np.ndarray, **_: Any) -> None:
        self._forest.fit(self._at(x), y)

    def predict(self, x: np.ndarray, **_: Any) -> np.ndarray:
        return np.asarray(self._forest.predict(self._at(x))).reshape(len(x), -1)

    def _at(self, places: np.ndarray) -> np.ndarray:
        return self._features[places[:, 0].astype(np.int64)]


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, which the toolbox draws from, and put it back."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
