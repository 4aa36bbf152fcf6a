"""A TF Lite file in LiteRT: any number of rows, and how long one takes."""

from __future__ import annotations

import numpy as np

from components.compressor import conversion
from components.compressor.recipes.base import Draft
from components.models import lite_model
from components.models.lite_model import LiteModel
from tests.components.compressor import models


def test_many_rows_go_in_batches(monkeypatch):
    model, work = models.tabular()
    lite = LiteModel(conversion.convert(Draft(model), work))
    whole = lite.scores(work.validation)
    monkeypatch.setattr(lite_model, "_BATCH_ROWS", 37)
    np.testing.assert_allclose(lite.scores(work.validation), whole, atol=1e-6)


def test_integer_pixels_are_taken_as_they_are():
    model, work = models.images("cnn", epochs=0)
    lite = LiteModel(conversion.convert(Draft(model), work))
    as_floats = {"image": work.validation["image"].astype(np.float32)}
    np.testing.assert_array_equal(lite.scores(work.validation), lite.scores(as_floats))


def test_latency_is_of_one_row():
    model, work = models.tabular(epochs=0)
    lite = LiteModel(conversion.convert(Draft(model), work))
    found = lite.latency_ms(work.validation, calls=200)
    assert 0 < found.median_ms <= found.p95_ms < 10
    assert (found.calls, found.threads) == (200, 1)
    # It does not keep the model from taking many rows again.
    assert len(lite.scores(work.validation)) == len(work.validation["numeric"])
