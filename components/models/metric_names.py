"""The metrics that may be configured, by their names in TFMA. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal, NamedTuple

Task = Literal["binary", "multiclass", "regression"]

BINARY: Task = "binary"
MULTICLASS: Task = "multiclass"
REGRESSION: Task = "regression"


class MetricInfo(NamedTuple):
    """What is known of a metric without computing it.

    Attributes
    ----------
    better : {"higher", "lower"} or None
        Direction in which a model improves; None where neither end is better.
    tasks : tuple of str
        Tasks for which the metric is defined.
    of_two_classes : bool
        Whether it needs two classes; for more, it is the plain mean over the classes
        of "this class against the rest" (TFMA's macro average).
    """

    better: Literal["higher", "lower"] | None
    tasks: tuple[Task, ...]
    of_two_classes: bool = False


_CLASSIFICATION = (BINARY, MULTICLASS)
_ALL = (BINARY, MULTICLASS, REGRESSION)

#: Metrics by name.
METRIC_NAMES: dict[str, MetricInfo] = {
    "ExampleCount": MetricInfo(None, _ALL),
    "AUC": MetricInfo("higher", _CLASSIFICATION, True),
    "AUCPrecisionRecall": MetricInfo("higher", _CLASSIFICATION, True),
    "BinaryAccuracy": MetricInfo("higher", (BINARY,)),
    "BalancedAccuracy": MetricInfo("higher", _CLASSIFICATION, True),
    "Precision": MetricInfo("higher", _CLASSIFICATION, True),
    "Recall": MetricInfo("higher", _CLASSIFICATION, True),
    "Specificity": MetricInfo("higher", _CLASSIFICATION, True),
    "FallOut": MetricInfo("lower", _CLASSIFICATION, True),
    "MissRate": MetricInfo("lower", _CLASSIFICATION, True),
    "F1Score": MetricInfo("higher", _CLASSIFICATION, True),
    "MatthewsCorrelationCoefficient": MetricInfo("higher", _CLASSIFICATION, True),
    "BinaryCrossentropy": MetricInfo("lower", (BINARY,)),
    "CoefficientOfDiscrimination": MetricInfo("higher", (BINARY,)),
    "RelativeCoefficientOfDiscrimination": MetricInfo("higher", (BINARY,)),
    "SparseCategoricalAccuracy": MetricInfo("higher", (MULTICLASS,)),
    "SparseCategoricalCrossentropy": MetricInfo("lower", (MULTICLASS,)),
    "Calibration": MetricInfo(None, (BINARY, REGRESSION)),
    "MeanLabel": MetricInfo(None, (BINARY, REGRESSION)),
    "MeanPrediction": MetricInfo(None, (BINARY, REGRESSION)),
    "MeanSquaredError": MetricInfo("lower", (REGRESSION,)),
    "RootMeanSquaredError": MetricInfo("lower", (REGRESSION,)),
    "MeanAbsoluteError": MetricInfo("lower", (REGRESSION,)),
    "MeanAbsolutePercentageError": MetricInfo("lower", (REGRESSION,)),
    "MeanSquaredLogarithmicError": MetricInfo("lower", (REGRESSION,)),
    "SquaredPearsonCorrelation": MetricInfo("higher", (REGRESSION,)),
    "R2Score": MetricInfo("higher", (REGRESSION,)),
}

#: Metrics of how well one class is ranked above another: without both they say nothing, though
#: TFMA gives them a number.
RANKINGS = ("AUC", "AUCPrecisionRecall")

#: Metrics that are computed when none are configured.
DEFAULT_METRICS: dict[Task, tuple[str, ...]] = {
    BINARY: (
        "ExampleCount",
        "AUC",
        "AUCPrecisionRecall",
        "BinaryAccuracy",
        "Precision",
        "Recall",
        "BinaryCrossentropy",
        "Calibration",
        "MeanLabel",
        "MeanPrediction",
    ),
    MULTICLASS: (
        "ExampleCount",
        "SparseCategoricalAccuracy",
        "SparseCategoricalCrossentropy",
        "AUC",
        "Precision",
        "Recall",
        "F1Score",
    ),
    REGRESSION: (
        "ExampleCount",
        "RootMeanSquaredError",
        "MeanAbsoluteError",
        "R2Score",
        "SquaredPearsonCorrelation",
        "Calibration",
        "MeanLabel",
        "MeanPrediction",
    ),
}
