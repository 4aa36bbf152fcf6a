"""One decision tree (Breiman et al. 1984), as large as the validation rows find good."""

from __future__ import annotations

import numpy as np
import tf_keras
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from components.model_debugger.benchmark_models.problem import Arrays, Fitted, Problem
from components.models.judge import Judge
from components.models.transformed import CATEGORICAL, LABEL, NUMERIC
from components.models.tree_layer import LogProbabilities, TreeEnsemble
from components.models.tree_tables import Tree, pack
from components.page import count

#: Leaves at most, of the trees among which one is chosen.
LEAVES = (8, 32, 128, 512)
#: Rows of a leaf: this share of all, but no more than `LEAF_ROWS`.
LEAF_SHARE, LEAF_ROWS = 0.01, 20
#: Levels of the tree: there is one step for each when it is served.
DEPTH = 16

Estimator = DecisionTreeClassifier | DecisionTreeRegressor


def fit(problem: Problem) -> Fitted:
    """Return scikit-learn's tree as a model.

    The id of a category counts as a number: its rank by frequency, as in the forests.
    """
    problem = problem.sample(problem.config.max_rows)
    fitted = _best(problem)
    tree = fitted.tree_
    model = _model(problem, tree)
    return Fitted(model, _learned(problem, tree), len(problem))


def matrix(arrays: Arrays) -> np.ndarray:
    """Return ids and numbers side by side, as float32."""
    parts = [arrays[name] for name in (CATEGORICAL, NUMERIC) if name in arrays]
    return np.concatenate([part.astype(np.float32) for part in parts], axis=1)


def predicted(problem: Problem, fitted: Estimator, rows: np.ndarray) -> np.ndarray:
    """Return scikit-learn's own scores: probabilities, or values [n, 1]."""
    if problem.features.regression:
        return fitted.predict(rows)[:, np.newaxis]
    return fitted.predict_proba(rows)


def _best(problem: Problem) -> Estimator:
    family = DecisionTreeRegressor if problem.features.regression else DecisionTreeClassifier
    judge = Judge(problem.features.task, problem.validation[LABEL], problem.seed)
    rows, validation = matrix(problem.train), matrix(problem.validation)
    best, quality = None, -np.inf
    for leaves in LEAVES:
        fitted = family(
            max_leaf_nodes=leaves,
            max_depth=DEPTH,
            min_samples_leaf=int(np.clip(LEAF_SHARE * len(rows), 1, LEAF_ROWS)),
            random_state=problem.seed,
        ).fit(rows, problem.labels)
        found = judge.measure(predicted(problem, fitted, validation))[judge.metric]
        found = found if judge.higher_is_better else -found
        if best is None or found > quality:
            best, quality = fitted, found
    assert best is not None
    return best


def _model(problem: Problem, tree: object) -> tf_keras.Model:
    values = tree.value.reshape(tree.node_count, -1)
    if problem.features.task == "binary":
        values = values[:, 1:]
    packed = pack(
        [
            Tree(
                left=tree.children_left,
                right=tree.children_right,
                feature=tree.feature,
                threshold=tree.threshold,
                values=values,
                goes_right={},
            )
        ]
    )
    inputs, parts = problem.inputs()
    columns = [parts[name] for name in (CATEGORICAL, NUMERIC) if name in parts]
    result = TreeEnsemble.of(packed, np.zeros(problem.outputs), 1, name="tree")(columns)
    if problem.features.classes:
        result = LogProbabilities(name="logits")(result)
    return tf_keras.Model(inputs, result, name="decision_tree")


def _learned(problem: Problem, tree: object) -> tuple[str, ...]:
    shape = (
        f"{count(int(tree.n_leaves), 'leaf').replace('leafs', 'leaves')}, depth {tree.max_depth}."
    )
    if tree.children_left[0] < 0:
        return (shape, "No question helps.")
    names = [column.name for column in problem.features.categorical] + list(problem.table.numeric)
    importances = tree.compute_feature_importances()
    order = np.argsort(-importances, kind="stable")[:5]
    used = ", ".join(f"{names[i]} ({importances[i]:.0%})" for i in order if importances[i] > 0)
    root = names[tree.feature[0]]
    return (
        shape,
        f"It asks first whether {root} is at most {tree.threshold[0]:.4g}.",
        f"What lowers the impurity: {used}.",
    )
