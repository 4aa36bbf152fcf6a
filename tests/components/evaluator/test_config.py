"""Settings: what is accepted, and what is said of what is not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from components.errors import InputError
from components.evaluator.config import EvaluatorConfig


def test_short_forms():
    config = EvaluatorConfig.model_validate(
        {
            "slices": ["hour", ["hour", "area"], {"area": "north"}],
            "thresholds": {"AUC": {"min": 0.9, "max_drop": 0.01, "slices": [[], "hour"]}},
        }
    )
    assert config.slices == (("hour",), ("hour", "area"), {"area": "north"})
    [threshold] = config.thresholds["AUC"]
    assert threshold.slices == ((), ("hour",))
    assert EvaluatorConfig.model_validate_json(config.model_dump_json()) == config


def test_unknown_metric_names_the_nearest_and_all():
    with pytest.raises(InputError) as error:
        EvaluatorConfig(metrics=("Precison",))
    assert "nearest: Precision" in str(error.value)
    assert "MeanSquaredError" in error.value.details["expected"]
    with pytest.raises(InputError, match="nearest: AUC"):
        EvaluatorConfig.model_validate({"thresholds": {"auc_": {"min": 0.5}}})


@pytest.mark.parametrize(
    ("metric", "wrong", "right"),
    [("AUC", "max_rise", "max_drop"), ("MeanSquaredError", "max_drop", "max_rise")],
)
def test_a_bound_against_improvement_is_refused(metric, wrong, right):
    with pytest.raises(InputError) as error:
        EvaluatorConfig.model_validate({"thresholds": {metric: {wrong: 0.1}}})
    assert error.value.details["to do"] == f"Use {right}."


@pytest.mark.parametrize(
    "threshold", [{}, {"min": 2, "max": 1}, {"max_drop": -0.1}, {"minimum": 1}, {"slices": []}]
)
def test_senseless_thresholds_are_refused(threshold):
    with pytest.raises(ValidationError):
        EvaluatorConfig.model_validate({"thresholds": {"MeanLabel": threshold}})


def test_settings_are_checked_without_tensorflow():
    script = (
        "import sys; from components.evaluator.config import EvaluatorConfig;"
        "EvaluatorConfig(metrics=('AUC',));"
        "print([m for m in ('tensorflow', 'apache_beam', 'numpy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert found.stdout.strip() == "[]", found.stderr
