"""Tree ensembles: grown by scikit-learn, returned as an ordinary tf_keras model.

The three families are gradient boosting on histograms [Friedman 2001, Greedy Function
Approximation; Ke et al. 2017, LightGBM], random forests [Breiman 2001] and extremely
randomized trees [Geurts et al. 2006]. Boosting splits categories by their gradients;
the forests take a category's id, its rank by frequency, as a number.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import tensorflow as tf
import tf_keras
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

# Private, and pinned: scikit-learn has no public way to read the nodes of a boosted tree,
# nor to go on boosting without predicting the training rows from the first tree on again.
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import _patch_raw_predict
from threadpoolctl import threadpool_limits

from components import progress
from components.errors import InputError
from components.models.hyperparameters import TreesHyperParameters
from components.models.inputs import CapIds, SelectColumns, selected_numeric
from components.models.training import History
from components.models.transformed import (
    CATEGORICAL,
    NUMERIC,
    RESERVED_IDS,
    UNKNOWN_ID,
    Features,
)
from components.models.tree_layer import LogProbabilities, TreeEnsemble
from components.models.tree_tables import Tree, pack

#: Rounds of boosting, or trees of a forest, between two looks at the validation loss.
CHUNK = 25

#: Categories that scikit-learn's boosting tells apart in one column.
BOOSTING_CATEGORIES = 255

Arrays = Mapping[str, np.ndarray]


def fit(
    hp: TreesHyperParameters,
    features: Features,
    training: Arrays,
    validation: Arrays,
    *,
    label: str,
    seed: int,
    class_weights: Mapping[int, float] | None = None,
    on_round: Callable[[int, float], bool] | None = None,
) -> tuple[tf_keras.Model, History]:
    """Grow an ensemble and return it as a model.

    Parameters
    ----------
    hp : TreesHyperParameters
    features : Features
        Description of the transformed features.
    training, validation : mapping
        Arrays as `components.models.transformed.load_arrays` returns them.
    label : str
        Name of the label among them: class indices, or values for regression.
    seed : int
        Of drawn rows, features and thresholds. Equal seeds give equal models, whatever
        the number of processors.
    class_weights : mapping, optional
        Class index -> weight of its training rows.
    on_round : callable, optional
        Called with the index and the validation loss of each chunk; growing ends
        where it returns True.

    Returns
    -------
    model : tf_keras.Model
        Takes and returns what the models of `components.models.architectures` do.
    history : History
        One "epoch" for each chunk of `CHUNK` trees per output, with ``loss`` and
        ``val_loss``: mean cross-entropy in nats, or mean squared error; neither is
        weighted. Those of boosting are taken at the chunk's round of least ``val_loss``.

    Raises
    ------
    InputError
        If there is no feature, or a class has no training row.
    """
    started = time.monotonic()
    columns = _Columns.of(hp, features)
    labels = training[label]
    weights = None
    if features.classes:
        labels = labels.astype(np.int64)
        _check_classes(labels, features)
        if class_weights is not None:
            table = np.array([class_weights[i] for i in range(len(class_weights))])
            weights = table[labels]
    grower = _GROWERS[hp.architecture](hp, features, columns, seed)
    stages = grower.grow(columns.matrix(training), labels, weights, columns.matrix(validation))
    history = _watch(grower, stages, hp, features.task, (labels, validation[label]), on_round)
    model = _as_model(hp, features, columns, grower)
    history.seconds = time.monotonic() - started
    return model, history


@dataclass(frozen=True)
class _Columns:
    """Which transformed features the trees see: categorical ones first.

    Attributes
    ----------
    numeric : list of int
        Columns of the input ``numeric``.
    all_numeric : int
        Width of that input.
    sizes : list of int
        Number of ids of each column of the input ``categorical``, at most `cap`.
    cap : int or None
        Ids from here on count as unknown; None if there are none.
    """

    numeric: list[int]
    all_numeric: int
    sizes: list[int]
    cap: int | None

    @classmethod
    def of(cls, hp: TreesHyperParameters, features: Features) -> _Columns:
        if not features.numeric and not features.categorical:
            raise InputError("The transformed data has no features.", remedy="see transform")
        limits = [BOOSTING_CATEGORIES] if hp.architecture == "boosted_trees" else []
        if hp.max_categories is not None:
            limits.append(RESERVED_IDS + hp.max_categories)
        sizes = [column.size for column in features.categorical]
        cap = min(limits) if limits and max(sizes, default=0) > min(limits) else None
        return cls(
            numeric=selected_numeric(features.numeric, hp.numeric),
            all_numeric=len(features.numeric),
            sizes=[size if cap is None else min(size, cap) for size in sizes],
            cap=cap,
        )

    def matrix(self, arrays: Arrays) -> np.ndarray:
        """Return the columns as float32 [n, k]."""
        parts = []
        if self.sizes:
            ids = arrays[CATEGORICAL]
            parts.append(ids if self.cap is None else np.where(ids < self.cap, ids, UNKNOWN_ID))
        if self.numeric:
            parts.append(arrays[NUMERIC][:, self.numeric])
        return np.concatenate([part.astype(np.float32) for part in parts], axis=1)

    def layers(self, inputs: dict[str, tf.Tensor]) -> list[tf.Tensor]:
        """Return the same of a model's inputs."""
        parts = []
        if self.sizes:
            ids = inputs[CATEGORICAL]
            parts.append(ids if self.cap is None else CapIds(self.cap, name="capped")(ids))
        if self.numeric:
            numbers = inputs[NUMERIC]
            if len(self.numeric) < self.all_numeric:
                numbers = SelectColumns(self.numeric, name="selected")(numbers)
            parts.append(numbers)
        return parts


#: Number of rounds so far, and the outputs after them on training and validation rows.
_Stage = tuple[int, np.ndarray, np.ndarray]


class _Grower(Protocol):
    """A family of ensembles.

    Attributes
    ----------
    overfits : bool
        Whether it is logits or values that the trees add up to, so that more of them can
        be worse; those of the others are averages of probabilities or values.
    keep : int
        Rounds that `trees` returns; the first ones.
    """

    overfits: ClassVar[bool]
    keep: int

    def __init__(
        self, hp: TreesHyperParameters, features: Features, columns: _Columns, seed: int
    ) -> None: ...

    def grow(
        self,
        matrix: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray | None,
        validation: np.ndarray,
    ) -> Iterator[_Stage]:
        """Add `CHUNK` rounds whenever the stages of those before have been taken."""

    def trees(self) -> list[Tree]:
        """Return the trees that are kept."""

    @property
    def bias(self) -> Sequence[float]:
        """What is added to their sums."""


class _Boosting:
    """Gradient boosting on histograms; a stage is one round."""

    overfits = True

    def __init__(
        self, hp: TreesHyperParameters, features: Features, columns: _Columns, seed: int
    ) -> None:
        family = (
            HistGradientBoostingRegressor if features.regression else HistGradientBoostingClassifier
        )
        self._hp = hp
        self._sizes = columns.sizes
        # scikit-learn has one logit for two classes, also where two are asked for.
        self._add_zeros = features.task == "multiclass" and len(features.classes) == 2
        self._booster = family(
            learning_rate=hp.learning_rate,
            max_leaf_nodes=hp.max_leaves,
            max_depth=hp.max_depth,
            min_samples_leaf=hp.min_samples_leaf,
            l2_regularization=hp.l2,
            max_features=hp.max_features,
            categorical_features=list(range(len(self._sizes))) or None,
            early_stopping=False,
            warm_start=True,
            random_state=seed,
        )
        self.keep = 0

    def grow(
        self,
        matrix: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray | None,
        validation: np.ndarray,
    ) -> Iterator[_Stage]:
        booster, outputs = self._booster, None
        for first in range(0, self._hp.trees, CHUNK):
            booster.set_params(max_iter=min(first + CHUNK, self._hp.trees))
            # With several threads the sum of the gradients depends on their number.
            with threadpool_limits(1):
                if outputs is None:
                    booster.fit(matrix, labels, weights)
                    bias = booster._baseline_prediction
                    views = [self._as_seen(rows) for rows in (matrix, validation)]
                    outputs = [np.repeat(bias, len(rows), axis=0) for rows in views]
                else:
                    so_far = np.array(outputs[0], order="F")  # is written to
                    with _patch_raw_predict(booster, so_far):
                        booster.fit(matrix, labels, weights)
            for round_ in range(first, booster.n_iter_):
                outputs = [
                    output + self._predict(round_, rows)
                    for output, rows in zip(outputs, views, strict=True)
                ]
                yield round_ + 1, self._widen(outputs[0]), self._widen(outputs[1])

    def _widen(self, outputs: np.ndarray) -> np.ndarray:
        return np.pad(outputs, ((0, 0), (1, 0))) if self._add_zeros else outputs

    def _as_seen(self, matrix: np.ndarray) -> np.ndarray:
        if not self._sizes:
            return matrix.astype(np.float64)
        return self._booster._preprocessor.transform(matrix)

    def _predict(self, round_: int, rows: np.ndarray) -> np.ndarray:
        known, places = self._known()
        return np.stack(
            [
                tree.predict(rows, known, places, n_threads=1)
                for tree in self._booster._predictors[round_]
            ],
            axis=1,
        )

    def _known(self) -> tuple[np.ndarray, np.ndarray]:
        return self._booster._bin_mapper.make_known_categories_bitsets()

    def trees(self) -> list[Tree]:
        if self._sizes:
            encoder = self._booster._preprocessor.named_transformers_["encoder"]
            known = [ids.astype(np.int64) for ids in encoder.categories_]
        else:
            known = []
        return [
            self._tree(tree, known)
            for round_ in self._booster._predictors[: self.keep]
            for tree in round_
        ]

    def _tree(self, tree: object, known: list[np.ndarray]) -> Tree:
        """Translate a tree; `known` are the ids that each column had in training."""
        nodes = tree.nodes
        leaf = nodes["is_leaf"].astype(bool)
        goes_right = {}
        for node in np.flatnonzero(nodes["is_categorical"] & ~leaf):
            record = nodes[node]
            column = int(record["feature_idx"])
            bits = tree.raw_left_cat_bitsets[record["bitset_idx"]].view(np.uint8)
            goes_left = np.unpackbits(bits, bitorder="little").astype(bool)
            # An id that training did not have goes where the larger part of the rows went.
            right = np.full(self._sizes[column], not record["missing_go_to_left"])
            right[known[column]] = ~goes_left[: len(known[column])]
            goes_right[int(node)] = right
        return Tree(
            left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
            right=np.where(leaf, -1, nodes["right"].astype(np.int64)),
            feature=nodes["feature_idx"],
            threshold=nodes["num_threshold"],
            values=self._widen(nodes["value"][:, np.newaxis]),
            goes_right=goes_right,
        )

    @property
    def bias(self) -> Sequence[float]:
        return self._widen(self._booster._baseline_prediction)[0]


class _Forest:
    """Averaged trees; a stage is a chunk of them."""

    overfits = False

    def __init__(
        self, hp: TreesHyperParameters, features: Features, columns: _Columns, seed: int
    ) -> None:
        families = {
            ("random_forest", False): RandomForestClassifier,
            ("random_forest", True): RandomForestRegressor,
            ("extra_trees", False): ExtraTreesClassifier,
            ("extra_trees", True): ExtraTreesRegressor,
        }
        self._hp = hp
        self._task = features.task
        self._forest = families[hp.architecture, features.regression](
            max_leaf_nodes=hp.max_leaves,
            max_depth=hp.max_depth,
            min_samples_leaf=hp.min_samples_leaf,
            max_features=hp.max_features,
            warm_start=True,
            n_jobs=_processors(),
            random_state=seed,
        )
        self.keep = 0

    def grow(
        self,
        matrix: np.ndarray,
        labels: np.ndarray,
        weights: np.ndarray | None,
        validation: np.ndarray,
    ) -> Iterator[_Stage]:
        sums: list[np.ndarray | float] = [0.0, 0.0]
        for first in range(0, self._hp.trees, CHUNK):
            last = min(first + CHUNK, self._hp.trees)
            self._forest.set_params(n_estimators=last).fit(matrix, labels, weights)
            for tree in self._forest.estimators_[first:last]:
                sums = [
                    total + self._of_task(tree.tree_.predict(rows))
                    for total, rows in zip(sums, (matrix, validation), strict=True)
                ]
            yield last, self._outputs(sums[0] / last), self._outputs(sums[1] / last)

    def _of_task(self, values: np.ndarray) -> np.ndarray:
        """Return the probability of the positive class alone for a binary task."""
        values = values.reshape(len(values), -1)
        return values[:, 1:] if self._task == "binary" else values

    def _outputs(self, mean: np.ndarray) -> np.ndarray:
        if self._task == "regression":
            return mean
        mean = np.clip(mean, LogProbabilities.EPSILON, 1 - LogProbabilities.EPSILON)
        return np.log(mean) - np.log1p(-mean) if self._task == "binary" else np.log(mean)

    def trees(self) -> list[Tree]:
        return [
            Tree(
                left=tree.tree_.children_left,
                right=tree.tree_.children_right,
                feature=tree.tree_.feature,
                threshold=tree.tree_.threshold,
                values=self._of_task(tree.tree_.value) / self.keep,
                goes_right={},
            )
            for tree in self._forest.estimators_[: self.keep]
        ]

    @property
    def bias(self) -> Sequence[float]:
        first = self._forest.estimators_[0].tree_.value[:1]
        return np.zeros(self._of_task(first).shape[1])


_GROWERS: dict[str, type[_Grower]] = {
    "boosted_trees": _Boosting,
    "random_forest": _Forest,
    "extra_trees": _Forest,
}


def _watch(
    grower: _Grower,
    stages: Iterator[_Stage],
    hp: TreesHyperParameters,
    task: str,
    labels: tuple[np.ndarray, np.ndarray],
    on_round: Callable[[int, float], bool] | None,
) -> History:
    """Let the ensemble grow, and say how many rounds to keep."""
    history = History()
    at_best: dict[str, float] = {}
    for rounds, *outputs in stages:
        val_loss = _loss(task, outputs[1], labels[1])
        if not at_best or val_loss < at_best["val_loss"]:
            at_best = {"loss": _loss(task, outputs[0], labels[0]), "val_loss": val_loss}
            if val_loss < history.best_loss or not grower.overfits:
                grower.keep = rounds
                history.best_epoch, history.best_loss = len(history.epochs), val_loss
        if rounds % CHUNK and rounds < hp.trees:
            continue
        progress.report(
            rounds / hp.trees,
            f"{rounds} of at most {hp.trees} trees, val_loss {at_best['val_loss']:.4f}",
        )
        history.epochs.append(at_best)
        stop = on_round is not None and on_round(
            len(history.epochs) - 1, history.epochs[-1]["val_loss"]
        )
        if stop or (grower.overfits and rounds - grower.keep >= hp.patience):
            break
        at_best = {}
    history.rounds = grower.keep
    return history


def _as_model(
    hp: TreesHyperParameters, features: Features, columns: _Columns, grower: _Grower
) -> tf_keras.Model:
    inputs: dict[str, tf.Tensor] = {}
    if features.numeric:
        inputs[NUMERIC] = tf_keras.Input((len(features.numeric),), dtype=tf.float32, name=NUMERIC)
    if features.categorical:
        inputs[CATEGORICAL] = tf_keras.Input(
            (len(features.categorical),), dtype=tf.int64, name=CATEGORICAL
        )
    trees, bias = grower.trees(), grower.bias
    leaf_values = trees[0].values.shape[1]
    tables = pack(trees, len(bias) // leaf_values)
    result = TreeEnsemble.of(tables, bias, len(trees), name="trees")(columns.layers(inputs))
    if features.classes and not grower.overfits:
        result = LogProbabilities(name="logits")(result)
    return tf_keras.Model(inputs, result, name=hp.architecture)


def _check_classes(labels: np.ndarray, features: Features) -> None:
    counts = np.bincount(labels, minlength=len(features.classes))
    for name, count in zip(features.classes, counts, strict=True):
        if not count:
            raise InputError(
                f"The train split has no row of class {name!r}.",
                column=features.label,
                expected="at least one row of each class to learn from",
                remedy="Add rows of the class, remove the class, or change data.split.",
            )


def _loss(task: str, outputs: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy in nats, or the mean squared error."""
    if task == "regression":
        return float(np.mean((outputs[:, 0] - labels) ** 2))
    if task == "binary":
        signed = np.where(labels == 1, outputs[:, 0], -outputs[:, 0])
        return float(np.mean(np.logaddexp(0, -signed)))
    greatest = outputs.max(axis=1)
    total = greatest + np.log(np.exp(outputs - greatest[:, np.newaxis]).sum(axis=1))
    return float(np.mean(total - outputs[np.arange(len(labels)), labels.astype(np.int64)]))


def _processors() -> int:
    """Return how many threads may work: the process' share, if whoever started it says so."""
    return int(os.environ.get("OMP_NUM_THREADS") or len(os.sched_getaffinity(0)))
