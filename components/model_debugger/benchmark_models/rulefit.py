"""RuleFit: a sparse linear model of rules and columns (Friedman and Popescu 2008).

The rules are paths through small boosted trees; a lasso, or a logistic regression with an L1
penalty, keeps few of them and of the columns, as they are but without their tails. imodels fits
it; the layer `Rules` computes the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from imodels import RuleFitClassifier, RuleFitRegressor

from components.model_debugger.benchmark_models.layers import Indicators, frequent
from components.model_debugger.benchmark_models.problem import Arrays, Fitted, Problem, Skipped
from components.models.inputs import SelectColumns, selected_numeric
from components.models.transformed import CATEGORICAL, NUMERIC
from components.models.tree_tables import round_down
from components.page import count

#: Most frequent categories of a column that have an indicator.
CATEGORIES = 10
#: Trees whose paths are candidates, and their leaves on the mean.
TREES, LEAVES = 50, 4
#: Classes of which each has rules of its own.
MOST_CLASSES = 10
#: Terms that are told of.
SHOWN = 10

Estimator = RuleFitRegressor | RuleFitClassifier


@dataclass(frozen=True)
class Terms:
    """What a fitted RuleFit adds up: W linear terms and R rules of at most T conditions.

    Attributes
    ----------
    low, high, slopes : ndarray of float64, shape (W,)
        A column is cut off below and above, and multiplied.
    columns : ndarray of int, shape (R, T)
    above : ndarray of bool, shape (R, T)
        Whether a condition is that the column is above the threshold; else at most.
    thresholds : ndarray of float64, shape (R, T)
        Of conditions that are none, infinity.
    weights : ndarray of float64, shape (R,)
    support : ndarray of float64, shape (R,)
        Share of the training rows for which a rule holds.
    intercept : float
    """

    low: np.ndarray
    high: np.ndarray
    slopes: np.ndarray
    columns: np.ndarray
    above: np.ndarray
    thresholds: np.ndarray
    weights: np.ndarray
    support: np.ndarray
    intercept: float

    @classmethod
    def of(cls, fitted: Estimator) -> Terms:
        """Return those of imodels' estimator."""
        rules = fitted.rules_without_feature_names_
        longest = max((len(rule.agg_dict) for rule in rules), default=1)
        columns = np.zeros((len(rules), longest), np.int64)
        above = np.zeros((len(rules), longest), bool)
        thresholds = np.full((len(rules), longest), np.inf)
        for row, rule in enumerate(rules):
            for place, ((name, sign), value) in enumerate(sorted(rule.agg_dict.items())):
                columns[row, place] = int(name.removeprefix("X_"))
                above[row, place] = sign == ">"
                thresholds[row, place] = float(value)
        width = fitted.n_features_
        return cls(
            *fitted.winsorizer.winsor_lims,
            slopes=np.array(fitted.coef[:width]) * fitted.friedscale.scale_multipliers,
            columns=columns,
            above=above,
            thresholds=thresholds,
            weights=np.array([rule.args[0] for rule in rules], np.float64),
            support=np.array([rule.support for rule in rules], np.float64),
            intercept=float(np.ravel(fitted.intercept)[0]),
        )

    def in_units(self, deviation: float, mean: float) -> Terms:
        """Return those of a label that was standardized, in its own units."""
        return replace(
            self,
            slopes=self.slopes * deviation,
            weights=self.weights * deviation,
            intercept=self.intercept * deviation + mean,
        )


@tf_keras.utils.register_keras_serializable("modelworks")
class Rules(tf_keras.layers.Layer):
    """Adds up linear terms and rules: [n, width] -> [n, 1].

    Parameters
    ----------
    width, rules, conditions : int
        Sizes of the tables; see `Terms`. Their content is in the weights.
    """

    def __init__(self, *, width: int, rules: int, conditions: int, **arguments: Any) -> None:
        super().__init__(**{**arguments, "trainable": False})
        self.sizes = {"width": width, "rules": rules, "conditions": conditions}

        def table(name: str, shape: tuple[int, ...], dtype: tf.DType = tf.float32) -> tf.Variable:
            return self.add_weight(
                name=name, shape=shape, dtype=dtype, initializer="zeros", trainable=False
            )

        self.low, self.high = table("low", (width,)), table("high", (width,))
        self.slopes = table("slopes", (width, 1))
        self.columns = table("columns", (rules, conditions), tf.int32)
        self.above = table("above", (rules, conditions), tf.int32)
        self.thresholds = table("thresholds", (rules, conditions))
        self.rule_weights = table("rule_weights", (rules, 1))
        self.intercept = table("intercept", (1,))

    @classmethod
    def of(cls, terms: Terms, **arguments: Any) -> Any:
        """Return a layer with the content of `terms`."""
        rules, conditions = terms.columns.shape
        layer = cls(width=len(terms.slopes), rules=rules, conditions=conditions, **arguments)
        layer.set_weights(
            [
                terms.low,
                terms.high,
                terms.slopes[:, np.newaxis],
                terms.columns,
                terms.above,
                round_down(terms.thresholds),
                terms.weights[:, np.newaxis],
                np.array([terms.intercept]),
            ]
        )
        return layer

    def call(self, values: tf.Tensor) -> tf.Tensor:
        trimmed = tf.clip_by_value(values, self.low, self.high)
        above = tf.gather(values, self.columns, axis=1) > self.thresholds
        holds = tf.reduce_all(tf.equal(tf.cast(above, tf.int32), self.above), axis=2)
        of_rules = tf.matmul(tf.cast(holds, tf.float32), self.rule_weights)
        return tf.matmul(trimmed, self.slopes) + of_rules + self.intercept

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.sizes}


@tf_keras.utils.register_keras_serializable("modelworks")
class LogSigmoid(tf_keras.layers.Layer):
    """Turns log-odds into logarithms of probabilities."""

    def call(self, log_odds: tf.Tensor) -> tf.Tensor:
        return tf.math.log_sigmoid(log_odds)


def fit(problem: Problem) -> Fitted | Skipped:
    """Return RuleFit as a model; of several classes, one against the rest for each.

    imodels makes the probability sigmoid(2z - 1) of the log-odds z that it fits; the model's
    logit is z, for which the weights were fitted. The order of rows is the same.
    """
    features = problem.features
    if features.image is not None:
        return Skipped("Rules on single pixels tell nothing, and are as many as pixels.")
    if len(features.classes) > MOST_CLASSES:
        return Skipped(f"There are more than {MOST_CLASSES} classes, of which each needs a fit.")
    problem = problem.sample(min(problem.config.max_rules_rows, problem.config.max_rows))
    columns = Columns.of(problem)
    if not columns.numeric and not columns.ids[0]:
        return Skipped("No column varies within the middle 95 % of the rows.")
    matrix = columns.matrix(problem.train)
    terms = [Terms.of(estimator(problem, matrix, each)) for each in targets(problem)]
    if features.regression:
        terms = [terms[0].in_units(*moments(problem))]
    return Fitted(_model(problem, columns, terms), _learned(problem, columns, terms), len(problem))


def targets(problem: Problem) -> list[np.ndarray]:
    """Return what each fit is to learn.

    Numbers are standardized: imodels drops rules of weights that are small on the scale of the
    label's own.
    """
    if problem.features.regression:
        deviation, mean = moments(problem)
        return [(problem.labels - mean) / deviation]
    if problem.outputs == 1:
        return [problem.labels]
    return [(problem.labels == index).astype(np.int64) for index in range(problem.outputs)]


def moments(problem: Problem) -> tuple[float, float]:
    """Return the deviation of a regression's label, or 1 if it has none, and its mean."""
    return float(problem.labels.std()) or 1.0, float(problem.labels.mean())


def estimator(problem: Problem, matrix: np.ndarray, labels: np.ndarray) -> Estimator:
    """Return imodels' RuleFit, fitted with the least penalty that leaves few enough terms."""
    family = RuleFitRegressor if problem.features.regression else RuleFitClassifier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return family(
            n_estimators=TREES,
            tree_size=LEAVES,
            max_rules=problem.config.max_rules,
            cv=False,
            random_state=problem.seed,
        ).fit(matrix, labels)


@dataclass(frozen=True)
class Columns:
    """Which columns RuleFit sees: numbers, and indicators of frequent categories.

    Those that are constant but for the tails that are cut off are left out.

    Attributes
    ----------
    numeric : list of int
    ids : pair of list of int
        Column and id of each indicator.
    names : list of str
    """

    numeric: list[int]
    ids: tuple[list[int], list[int]]
    names: list[str]

    @classmethod
    def of(cls, problem: Problem) -> Columns:
        features = problem.features
        selected = selected_numeric(features.numeric, "standardized")
        columns, ids = frequent([column.size for column in features.categorical], CATEGORIES)
        everything = cls(selected, (columns, ids), [])
        low, high = np.quantile(everything.matrix(problem.train), [0.025, 0.975], axis=0)
        kept = low < high
        numbers = [each for each, keep in zip(selected, kept, strict=False) if keep]
        pairs = [
            pair
            for pair, keep in zip(
                zip(columns, ids, strict=True), kept[len(selected) :], strict=True
            )
            if keep
        ]
        return cls(
            numbers,
            ([column for column, _ in pairs], [index for _, index in pairs]),
            [features.numeric[each] for each in numbers]
            + [problem.id_name(column, index) for column, index in pairs],
        )

    def matrix(self, arrays: Arrays) -> np.ndarray:
        """Return the columns as float64 [n, k]."""
        parts = []
        if self.numeric:
            parts.append(arrays[NUMERIC][:, self.numeric].astype(np.float64))
        if self.ids[0]:
            parts.append((arrays[CATEGORICAL][:, self.ids[0]] == self.ids[1]).astype(np.float64))
        return np.concatenate(parts, axis=1)

    def layers(self, parts: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the same of a model's inputs."""
        found = []
        if self.numeric:
            found.append(SelectColumns(self.numeric, name="selected")(parts[NUMERIC]))
        if self.ids[0]:
            found.append(Indicators(*self.ids, name="indicators")(parts[CATEGORICAL]))
        return found[0] if len(found) == 1 else tf_keras.layers.Concatenate(name="columns")(found)


def _model(problem: Problem, columns: Columns, terms: Sequence[Terms]) -> tf_keras.Model:
    inputs, parts = problem.inputs()
    values = columns.layers(parts)
    results = [Rules.of(each, name=f"rules_{i}")(values) for i, each in enumerate(terms)]
    result = results[0]
    if len(results) > 1:
        joined = tf_keras.layers.Concatenate(name="log_odds")(results)
        result = LogSigmoid(name="logits")(joined)
    return tf_keras.Model(inputs, result, name="rulefit")


def _learned(problem: Problem, columns: Columns, terms: Sequence[Terms]) -> tuple[str, ...]:
    of_class = [""]
    if len(terms) > 1:
        of_class = [f" for {name}" for name in problem.features.classes]
    found: list[tuple[float, str]] = []
    matrix = columns.matrix(problem.train)
    for each, suffix in zip(terms, of_class, strict=True):
        spread = np.clip(matrix, each.low, each.high).std(axis=0)
        for column in np.flatnonzero(each.slopes):
            text = f"{columns.names[column]}: {each.slopes[column]:+.3g} for each unit{suffix}"
            found.append((abs(each.slopes[column]) * spread[column], text))
        for rule, weight in enumerate(each.weights):
            share = each.support[rule]
            text = (
                f"{_conditions(columns, each, rule)}: {weight:+.3g}{suffix} ({share:.0%} of rows)"
            )
            found.append((abs(weight) * (share * (1 - share)) ** 0.5, text))
    # Friedman and Popescu's importance, eq. 28 and 29.
    order = sorted(range(len(found)), key=lambda index: -found[index][0])
    rules = sum(len(each.weights) for each in terms)
    linear = sum(int(np.count_nonzero(each.slopes)) for each in terms)
    return (
        f"{count(rules, 'rule')} and {count(linear, 'linear term')}.",
        *(found[index][1] for index in order[:SHOWN]),
    )


def _conditions(columns: Columns, terms: Terms, rule: int) -> str:
    texts = []
    for column, above, threshold in zip(
        terms.columns[rule], terms.above[rule], terms.thresholds[rule], strict=True
    ):
        name = columns.names[column]
        if not np.isfinite(threshold):
            continue
        if column >= len(columns.numeric):
            texts.append(name if above else name.replace(" = ", " ≠ "))
        else:
            texts.append(f"{name} {'>' if above else '≤'} {threshold:.3g}")
    return " and ".join(texts)
