"""Greedy ensemble selection: never worse than the best, and right where that is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.tuner.ensemble_selection import select


def negative_error(truth: np.ndarray):
    return lambda outputs: -float(np.square(outputs - truth).mean())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), models=st.integers(1, 8), largest=st.integers(1, 8))
def test_is_never_worse_than_the_best_model(seed: int, models: int, largest: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(40, 2))
    outputs = {str(k): truth + rng.normal(scale=k + 1, size=truth.shape) for k in range(models)}
    score = negative_error(truth)
    weights = select(outputs, score, largest=largest)
    assert np.isclose(sum(weights.values()), 1.0)
    assert 1 <= len(weights) <= largest
    combined = sum(weight * outputs[name] for name, weight in weights.items())
    assert score(combined) >= max(score(each) for each in outputs.values()) - 1e-12


def test_finds_the_weights_that_cancel_the_errors() -> None:
    rng = np.random.default_rng(1)
    truth, error = rng.normal(size=(200, 1)), rng.normal(size=(200, 1))
    # 3/4 of a and 1/4 of b have no error; c, which greed may take on the way, is all noise.
    outputs = {"a": truth + error, "b": truth - 3 * error, "c": rng.normal(size=(200, 1))}
    weights = select(outputs, negative_error(truth), largest=3)
    assert weights["a"] == pytest.approx(0.75, abs=0.03)
    assert weights["b"] == pytest.approx(0.25, abs=0.03)


def test_one_model_is_the_best_one() -> None:
    truth = np.zeros((3, 1))
    outputs = {"bad": truth + 2, "good": truth + 1}
    assert select(outputs, negative_error(truth), largest=1) == {"good": 1.0}
