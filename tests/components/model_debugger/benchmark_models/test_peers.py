"""The models say what the libraries' own say that are fitted beside them."""

from __future__ import annotations

import numpy as np
import pytest
from imodels import RuleFitClassifier, RuleFitRegressor
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, mean_squared_error, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from components.model_debugger.benchmark_models import boosted_trees, decision_tree, linear, rulefit
from components.models import measuring
from tests.components.model_debugger.benchmark_models.problems import QUICK, TASKS, fitted, make

CATEGORICAL = [0, 1]
NUMERIC = [2, 3, 4]


def rows(arrays):
    return np.concatenate([arrays["categorical"], arrays["numeric"]], axis=1)


def coded(weight=1.0):
    """Return scikit-learn's own coding of the columns."""
    return ColumnTransformer(
        [
            ("numbers", StandardScaler(), NUMERIC),
            ("categories", OneHotEncoder(handle_unknown="ignore"), CATEGORICAL),
        ],
        transformer_weights={"categories": weight},
    )


def said(name, task):
    """Return a model's scores of the validation rows."""
    return measuring.scores(
        measuring.outputs(fitted(name, task).model, make(task).validation), task
    )


def theirs(estimator, task, of=None):
    """Return scikit-learn's scores of the same rows."""
    of = of or make(task)
    estimator.fit(rows(of.train), of.labels)
    if task == "regression":
        return estimator.predict(rows(of.validation))[:, np.newaxis]
    return estimator.predict_proba(rows(of.validation))


@pytest.mark.parametrize("task", TASKS)
class TestAgainstScikitLearn:
    def test_majority(self, task):
        peer = DummyRegressor() if task == "regression" else DummyClassifier(strategy="prior")
        np.testing.assert_allclose(said("majority", task), theirs(peer, task), rtol=1e-5)

    def test_linear(self, task):
        peer = (
            Ridge(linear.PENALTY, solver="lsqr", tol=1e-8)
            if task == "regression"
            else LogisticRegression(C=1 / linear.PENALTY, solver="newton-cg", max_iter=1000)
        )
        expected = theirs(make_pipeline(coded(), peer), task)
        np.testing.assert_allclose(said("linear", task), expected, atol=2e-3)

    def test_decision_tree(self, task):
        of = make(task)
        family = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
        quality = {
            "binary": lambda scores: roc_auc_score(of.validation["label"], scores[:, 1]),
            "multiclass": lambda s: accuracy_score(of.validation["label"], s.argmax(axis=1)),
            "regression": lambda scores: -mean_squared_error(of.validation["label"], scores),
        }[task]
        grown = [
            theirs(
                family(max_leaf_nodes=leaves, max_depth=16, min_samples_leaf=5, random_state=1),
                task,
            )
            for leaves in decision_tree.LEAVES
        ]
        best = max(grown, key=quality)
        np.testing.assert_allclose(said("decision_tree", task), best, atol=1e-6)

    def test_nearest_neighbours(self, task):
        family = KNeighborsRegressor if task == "regression" else KNeighborsClassifier
        near = family(QUICK["neighbours"], algorithm="brute")
        # Of two categories two indicators differ, each by the weight.
        mean = theirs(make_pipeline(coded(0.5**0.5), near), task)
        if task != "regression":
            base = np.bincount(make(task).labels) / len(make(task))
            mean = (QUICK["neighbours"] * mean + base) / (QUICK["neighbours"] + 1)
        np.testing.assert_allclose(said("nearest_neighbours", task), mean, atol=1e-5)

    def test_boosted_trees(self, task):
        family = (
            HistGradientBoostingRegressor
            if task == "regression"
            else HistGradientBoostingClassifier
        )
        rounds = int(fitted("boosted_trees", task).learned[0].split()[0])
        peer = family(
            max_iter=rounds,
            max_depth=boosted_trees.SETTINGS.max_depth,
            categorical_features=CATEGORICAL,
            early_stopping=False,
            random_state=1,
        )
        assert rounds > 1
        expected = theirs(peer, task)
        np.testing.assert_allclose(said("boosted_trees", task), expected, atol=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_rulefit_against_imodels(task):
    of = make(task).sample(QUICK["max_rules_rows"])
    columns = rulefit.Columns.of(of)
    train, validation = columns.matrix(of.train), columns.matrix(of.validation)
    family = RuleFitRegressor if task == "regression" else RuleFitClassifier
    labels = [of.labels]
    mean, deviation = (of.labels.mean(), of.labels.std()) if task == "regression" else (0, 1)
    if task == "multiclass":
        labels = [of.labels == index for index in range(3)]
    log_odds = []
    for each in labels:
        peer = family(
            n_estimators=rulefit.TREES,
            tree_size=rulefit.LEAVES,
            max_rules=QUICK["max_rules"],
            cv=False,
            random_state=1,
        )
        peer.fit(train, (each - mean) / deviation if task == "regression" else each.astype(int))
        assert peer.complexity_ > 3
        if task == "regression":
            log_odds.append(peer.predict(validation) * deviation + mean)
        else:  # its probability is sigmoid(2z - 1) of the log-odds z
            probability = peer.predict_proba(validation)[:, 1]
            log_odds.append((np.log(probability / (1 - probability)) + 1) / 2)
    outputs = measuring.outputs(fitted("rulefit", task).model, of.validation)
    expected = np.stack(log_odds, axis=1)
    if task == "multiclass":
        expected = -np.log1p(np.exp(-expected))
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_rulefit_takes_labels_of_any_scale():
    """imodels would drop all rules for small labels, and keep all for large ones."""
    of = make("regression")
    whole = measuring.outputs(fitted("rulefit", "regression").model, of.validation)
    for scale in (1e-6, 1e6):
        scaled = make("regression", train=dict(of.train) | {"label": of.train["label"] * scale})
        found = measuring.outputs(rulefit.fit(scaled).model, of.validation)
        np.testing.assert_allclose(found / scale, whole, rtol=1e-2, atol=1e-3)


def test_rulefit_says_its_rules_in_the_columns_names():
    texts = fitted("rulefit").learned
    assert any(text.count("d = ") or text.count("d ≠ ") for text in texts)
    assert any(" > " in text or " ≤ " in text for text in texts)
