from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from components.compressor import fine_tuning
from components.compressor.best_epoch import BestEpoch
from components.compressor.config import FineTuningConfig, RecipesConfig
from components.compressor.recipes.base import copy_model
from components.models import scores
from tests.components.compressor import models

RUINOUS = RecipesConfig(fine_tuning=FineTuningConfig(epochs=2, learning_rate=1000.0))


def loss(model, work) -> float:
    outputs = models.outputs(model, work.validation)
    labels = work.validation["label"][:, np.newaxis]
    return float(scores.loss(work.features.task)(labels, outputs))


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_ruinous_training_changes_nothing(task):
    model, work = models.tabular("mlp", task, recipes=RUINOUS)
    trained = copy_model(model)
    fine_tuning.fit(trained, work, [BestEpoch(work)], each_step=False)
    for old, new in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_epoch_with_the_least_loss_is_kept():
    model, work = models.tabular("mlp", epochs=0)
    trained = copy_model(model)
    seen = []

    class Spy(BestEpoch):
        def _look(self):
            super()._look()
            seen.append(loss(self.model, work))

    fine_tuning.fit(trained, work, [Spy(work)], each_step=False)
    assert len(seen) == 1 + work.config.fine_tuning.epochs
    assert loss(trained, work) == pytest.approx(min(seen), rel=1e-5)
    assert loss(trained, work) < loss(model, work)


def test_without_validation_rows_the_last_epoch_is_kept():
    model, work = models.tabular("mlp", epochs=0)
    empty = replace(work, validation={name: rows[:0] for name, rows in work.validation.items()})
    kept, last = copy_model(model), copy_model(model)
    fine_tuning.fit(kept, empty, [BestEpoch(empty)], each_step=False)
    fine_tuning.fit(last, empty)
    for one, other in zip(kept.get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_images_are_looked_at_as_the_model_takes_them():
    model, work = models.images("cnn", epochs=0)
    fine_tuning.fit(copy_model(model), work, [BestEpoch(work)], each_step=False)
