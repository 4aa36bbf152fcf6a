"""The libraries' own models beside which `benchmarks.benchmark_models` puts ours.

Each takes the transformed features as tables and returns scores of the test rows: probabilities
of the positive class, or values. They have the settings of ours.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.model_debugger.benchmark_models import (
    boosted_trees,
    decision_tree,
    linear,
    nearest_neighbours,
    rulefit,
)
from components.model_debugger.benchmark_models.config import BenchmarkModelsConfig
from components.models import lattice
from components.models.inputs import selected_numeric
from components.models.transformed import CATEGORICAL, LABEL, NUMERIC, Features

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Task:
    """What a peer gets.

    Attributes
    ----------
    features : Features
    train, validation, test : mapping
        Arrays of the splits.
    config : BenchmarkModelsConfig
        The settings of ours.
    seed : int
    quality : callable
        Scores of the validation rows -> the metric, the higher the better.
    """

    features: Features
    train: Arrays
    validation: Arrays
    test: Arrays
    config: BenchmarkModelsConfig
    seed: int
    quality: Callable[[np.ndarray], float]

    @property
    def labels(self) -> np.ndarray:
        """Labels of the training rows."""
        return self.train[LABEL]

    def rows(self, most: int) -> np.ndarray:
        """Return which training rows ours are given, where these are fewer than all."""
        if most >= len(self.labels):
            return np.arange(len(self.labels))
        return np.sort(np.random.default_rng(self.seed).permutation(len(self.labels))[:most])

    def fit(self, estimator: Any, matrix: Callable[[Arrays], np.ndarray], most: int) -> Any:
        """Fit an estimator of scikit-learn's kind on at most so many rows."""
        rows = self.rows(most)
        return estimator.fit(matrix(self.train)[rows], self.labels[rows])

    def scores(self, estimator: Any, matrix: np.ndarray) -> np.ndarray:
        """Return what a fitted estimator says of some rows."""
        if self.features.regression:
            return np.asarray(estimator.predict(matrix))
        return np.asarray(estimator.predict_proba(matrix)[:, 1])


def matrix(arrays: Arrays) -> np.ndarray:
    """Return ids and numbers side by side."""
    return np.concatenate([arrays[name] for name in (CATEGORICAL, NUMERIC) if name in arrays], 1)


def majority_of(task: Task) -> np.ndarray:
    """scikit-learn's dummies."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    family = DummyRegressor() if task.features.regression else DummyClassifier(strategy="prior")
    return task.scores(task.fit(family, matrix, task.config.max_rows), matrix(task.test))


def linear_of(task: Task) -> np.ndarray:
    """scikit-learn's ridge or logistic regression on its own coding of the columns."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    model = (
        Ridge(linear.PENALTY)
        if task.features.regression
        else LogisticRegression(C=1 / linear.PENALTY, max_iter=linear.STEPS)
    )
    width = len(task.features.numeric)
    estimator = make_pipeline(_coded(task, list(range(width))), model)
    return task.scores(task.fit(estimator, matrix, task.config.max_rows), matrix(task.test))


def decision_tree_of(task: Task) -> np.ndarray:
    """scikit-learn's tree, of the size that the validation rows find best."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    family = DecisionTreeRegressor if task.features.regression else DecisionTreeClassifier
    grown = [
        task.fit(
            family(
                max_leaf_nodes=leaves,
                max_depth=decision_tree.DEPTH,
                min_samples_leaf=decision_tree.LEAF_ROWS,
                random_state=task.seed,
            ),
            matrix,
            task.config.max_rows,
        )
        for leaves in decision_tree.LEAVES
    ]
    validation = matrix(task.validation)
    best = max(grown, key=lambda tree: task.quality(task.scores(tree, validation)))
    return task.scores(best, matrix(task.test))


def nearest_neighbours_of(task: Task) -> np.ndarray:
    """scikit-learn's nearest neighbours, in the space of ours."""
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.pipeline import make_pipeline

    family = KNeighborsRegressor if task.features.regression else KNeighborsClassifier
    numbers = selected_numeric(task.features.numeric, "standardized")
    near = family(task.config.neighbours, algorithm="brute")
    # At the square root of a half, two categories are at distance 1.
    coded = _coded(task, numbers, nearest_neighbours.CATEGORIES, 0.5**0.5)
    estimator = make_pipeline(coded, near)
    return task.scores(task.fit(estimator, matrix, task.config.max_anchors), matrix(task.test))


def boosted_trees_of(task: Task) -> np.ndarray:
    """scikit-learn's histogram gradient boosting; its early stopping keeps rows of its own."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    family = (
        HistGradientBoostingRegressor
        if task.features.regression
        else HistGradientBoostingClassifier
    )
    settings = boosted_trees.SETTINGS
    estimator = family(
        max_iter=settings.trees,
        learning_rate=settings.learning_rate,
        early_stopping=True,
        n_iter_no_change=settings.patience,
        categorical_features=list(range(len(task.features.categorical))) or None,
        random_state=task.seed,
    )
    return task.scores(task.fit(estimator, matrix, task.config.max_rows), matrix(task.test))


def lattice_of(task: Task) -> np.ndarray:
    """TensorFlow Lattice's premade ensemble of random lattices."""
    import tensorflow as tf
    import tensorflow_lattice as tfl
    import tf_keras

    tf_keras.utils.set_random_seed(task.seed)
    regression = task.features.regression
    numbers = selected_numeric(task.features.numeric, "standardized")
    columns = []
    for index in numbers:
        name = task.features.numeric[index]
        values = np.unique(task.train[NUMERIC][:, index]).astype(np.float64)
        points = min(lattice.KEYPOINTS, len(values))
        columns.append(
            tfl.configs.FeatureConfig(
                name=f"number_{index}",
                monotonicity=task.config.monotonic.get(name, "none"),
                pwl_calibration_num_keypoints=max(points, 2),
                pwl_calibration_input_keypoints=(
                    np.quantile(values, np.linspace(0, 1, points)).tolist()
                    if points > 1
                    else [float(values[0]), float(values[0]) + 1]
                ),
            )
        )
    columns += [
        tfl.configs.FeatureConfig(name=f"category_{index}", num_buckets=column.size)
        for index, column in enumerate(task.features.categorical)
    ]
    mean, deviation = (0.0, 1.0)
    if regression:
        mean, deviation = float(task.labels.mean()), float(task.labels.std())
    model = tfl.premade.CalibratedLatticeEnsemble(
        tfl.configs.CalibratedLatticeEnsembleConfig(
            feature_configs=columns,
            lattices="rtl_layer",
            num_lattices=lattice.LATTICES,
            lattice_rank=lattice.RANK,
            output_initialization=[-2.0, 2.0],
            random_seed=task.seed,
        )
    )
    model.compile(
        optimizer=tf_keras.optimizers.Adam(lattice.LEARNING_RATE),
        loss="mse" if regression else tf_keras.losses.BinaryCrossentropy(from_logits=True),
    )

    def inputs(arrays: Arrays) -> list[np.ndarray]:
        return [arrays[NUMERIC][:, index, np.newaxis] for index in numbers] + [
            arrays[CATEGORICAL][:, index, np.newaxis].astype(np.float32)
            for index in range(len(task.features.categorical))
        ]

    def labels(arrays: Arrays) -> np.ndarray:
        return (arrays[LABEL].astype(np.float32) - mean) / deviation

    model.fit(
        inputs(task.train),
        labels(task.train),
        batch_size=int(np.clip(len(task.labels) // lattice.BATCHES, *lattice.BATCH_ROWS)),
        epochs=lattice.EPOCHS,
        validation_data=(inputs(task.validation), labels(task.validation)),
        callbacks=[
            tf_keras.callbacks.EarlyStopping(patience=lattice.PATIENCE, restore_best_weights=True)
        ],
        verbose=0,
    )
    found = model.predict(inputs(task.test), batch_size=4096, verbose=0)[:, 0]
    return found * deviation + mean if regression else tf.sigmoid(found).numpy()


def rulefit_of(task: Task) -> np.ndarray:
    """imodels' RuleFit on numbers and indicators of frequent categories."""
    from imodels import RuleFitClassifier, RuleFitRegressor

    numbers = selected_numeric(task.features.numeric, "standardized")

    def coded(arrays: Arrays) -> np.ndarray:
        parts = [arrays[NUMERIC][:, numbers].astype(np.float64)]
        for index, column in enumerate(task.features.categorical):
            ids = np.arange(min(column.size, rulefit.CATEGORIES))
            parts.append((arrays[CATEGORICAL][:, index, np.newaxis] == ids).astype(np.float64))
        return np.concatenate(parts, axis=1)

    family = RuleFitRegressor if task.features.regression else RuleFitClassifier
    estimator = family(
        n_estimators=rulefit.TREES,
        tree_size=rulefit.LEAVES,
        max_rules=task.config.max_rules,
        cv=False,
        random_state=task.seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = task.fit(estimator, coded, task.config.max_rules_rows)
        return task.scores(fitted, coded(task.test))


def _coded(task: Task, numbers: list[int], most: int | None = None, weight: float = 1.0) -> Any:
    """Return scikit-learn's coding of `matrix`: z-scores, and indicators of categories."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    width = len(task.features.categorical)
    ids = [
        np.arange(column.size if most is None else min(column.size, most))
        for column in task.features.categorical
    ]
    return ColumnTransformer(
        [
            ("numbers", StandardScaler(), [width + index for index in numbers]),
            (
                "categories",
                OneHotEncoder(categories=ids, handle_unknown="ignore"),
                list(range(width)),
            ),
        ],
        transformer_weights={"categories": weight},
    )


PEERS: dict[str, Callable[[Task], np.ndarray]] = {
    "majority": majority_of,
    "linear": linear_of,
    "decision_tree": decision_tree_of,
    "nearest_neighbours": nearest_neighbours_of,
    "boosted_trees": boosted_trees_of,
    "lattice": lattice_of,
    "rulefit": rulefit_of,
}
