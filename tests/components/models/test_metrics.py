"""The vectorised metrics against scikit-learn and against their own definitions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from components.models.metric_names import DEFAULT_METRICS, METRIC_NAMES
from components.models.metrics import METRICS, Sample, macro_average, vectorised

random = np.random.default_rng(5)
N = 3000
Y = random.integers(0, 2, N)
P = np.clip(random.normal(0.3 + 0.3 * Y, 0.2), 0.01, 0.99).astype(np.float32)
HARD = P > 0.5
TARGET = random.normal(50, 10, N)
GUESS = (TARGET + random.normal(1, 4, N)).astype(np.float32)
CLASS = random.integers(0, 4, N)
PROBABILITIES = random.random((N, 4)) + np.eye(4)[CLASS] * 0.4
PROBABILITIES = (PROBABILITIES / PROBABILITIES.sum(1, keepdims=True)).astype(np.float32)
ONE = np.ones((N, 1))

REFERENCES = {
    "ExampleCount": (Y, P, N),
    "AUC": (Y, P, sk.roc_auc_score(Y, P)),
    "BinaryAccuracy": (Y, P, sk.accuracy_score(Y, HARD)),
    "BalancedAccuracy": (Y, P, sk.balanced_accuracy_score(Y, HARD)),
    "Precision": (Y, P, sk.precision_score(Y, HARD)),
    "Recall": (Y, P, sk.recall_score(Y, HARD)),
    "Specificity": (Y, P, sk.recall_score(1 - Y, ~HARD)),
    "FallOut": (Y, P, 1 - sk.recall_score(1 - Y, ~HARD)),
    "MissRate": (Y, P, 1 - sk.recall_score(Y, HARD)),
    "F1Score": (Y, P, sk.f1_score(Y, HARD)),
    "MatthewsCorrelationCoefficient": (Y, P, sk.matthews_corrcoef(Y, HARD)),
    "BinaryCrossentropy": (Y, P, sk.log_loss(Y, P.astype(float))),
    "SparseCategoricalAccuracy": (
        CLASS,
        PROBABILITIES,
        sk.accuracy_score(CLASS, PROBABILITIES.argmax(1)),
    ),
    "SparseCategoricalCrossentropy": (
        CLASS,
        PROBABILITIES,
        -np.log(PROBABILITIES[np.arange(N), CLASS].astype(float)).mean(),
    ),
    "Calibration": (Y, P, P.astype(float).sum() / Y.sum()),
    "MeanLabel": (Y, P, Y.mean()),
    "MeanPrediction": (Y, P, P.astype(float).mean()),
    "MeanSquaredError": (TARGET, GUESS, sk.mean_squared_error(TARGET, GUESS)),
    "RootMeanSquaredError": (TARGET, GUESS, sk.mean_squared_error(TARGET, GUESS) ** 0.5),
    "MeanAbsoluteError": (TARGET, GUESS, sk.mean_absolute_error(TARGET, GUESS)),
    "MeanAbsolutePercentageError": (
        TARGET,
        GUESS,
        100 * sk.mean_absolute_percentage_error(TARGET, GUESS),
    ),
    "MeanSquaredLogarithmicError": (TARGET, GUESS, sk.mean_squared_log_error(TARGET, GUESS)),
    "SquaredPearsonCorrelation": (TARGET, GUESS, np.corrcoef(TARGET, GUESS)[0, 1] ** 2),
    "R2Score": (TARGET, GUESS, sk.r2_score(TARGET, GUESS)),
}


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_equals_reference(name):
    y, p, expected = REFERENCES[name]
    # TFMA's AUC knows scores only to 1/10,000.
    tolerance = 1e-4 if name == "AUC" else 2e-6
    assert METRICS[name](Sample(y, p, ONE))[0] == pytest.approx(expected, rel=tolerance)


def test_area_under_precision_recall_is_near_average_precision():
    [value] = METRICS["AUCPrecisionRecall"](Sample(Y, P, ONE))
    assert value == pytest.approx(sk.average_precision_score(Y, P), abs=2e-3)


def test_macro_auc_equals_one_against_the_rest():
    [value] = macro_average(METRICS["AUC"])(Sample(CLASS, PROBABILITIES, ONE))
    expected = sk.roc_auc_score(CLASS, PROBABILITIES, multi_class="ovr", average="macro")
    assert value == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_weight_counts_a_row_that_often(name):
    """Every metric, under integer weights, equals itself on rows repeated that often."""
    task = METRIC_NAMES[name].tasks[0]
    y, p = {"binary": (Y, P), "multiclass": (CLASS, PROBABILITIES)}.get(task, (TARGET, GUESS))
    y, p = y[:200], p[:200]
    weights = np.random.default_rng(1).poisson(1.0, (200, 3)).astype(float)
    metric = vectorised(name, task)
    values = metric(Sample(y, p, weights))
    for weight, value in zip(weights.T, values, strict=True):
        times = weight.astype(int)
        repeated = np.repeat(y, times), np.repeat(p, times, axis=0)
        expected = metric(Sample(*repeated, np.ones((times.sum(), 1))))
        assert value == pytest.approx(expected[0], rel=1e-9)


def test_one_class_alone():
    y, p = np.ones(4, int), np.array([0.2, 0.6, 0.7, 0.9], np.float32)
    sample = Sample(y, p, np.ones((4, 1)))
    assert METRICS["AUC"](sample)[0] == 0.0
    assert METRICS["Recall"](sample)[0] == 0.75
    assert np.isnan(METRICS["Specificity"](sample)[0])
    assert np.isnan(METRICS["Calibration"](Sample(0 * y, p, sample.w))[0])


def test_table_of_names_covers_the_metrics():
    assert set(METRICS) <= set(METRIC_NAMES)
    for task, names in DEFAULT_METRICS.items():
        assert all(task in METRIC_NAMES[name].tasks for name in names)
        assert all(vectorised(name, task) for name in names), "a default must not need Beam"
