"""The lottery ticket's recipe: from the very weights that the model started from."""

import numpy as np
import pytest

from components.compressor import kernels
from components.compressor import lottery_ticket as algorithm
from components.compressor.config import LotteryTicketConfig
from components.compressor.recipes import lottery_ticket, structured_pruning
from components.compressor.recipes.base import SPARSIFY, Draft
from components.errors import InputError
from components.models import fitting
from components.models.specification import Member
from tests.components.compressor import models


def settings(**ticket):
    return models.RECIPES.model_copy(update={"lottery_ticket": LotteryTicketConfig(**ticket)})


def starts(monkeypatch):
    """Return a list that takes the weights with which each training begins."""
    seen = []
    start = algorithm.start

    def note(model, weights, masks):
        seen.append([each.copy() for each in weights])
        start(model, weights, masks)

    monkeypatch.setattr(algorithm, "start", note)
    return seen


@pytest.mark.parametrize(
    ("make", "arguments", "last"),
    [
        (models.tabular, {"embedding_dim": 12}, set()),
        (models.images, {"architecture": "lenet300"}, {"outputs"}),
        (models.images, {"cell": "depthwise", "filters": 16}, {"outputs"}),
    ],
)
def test_what_remains_after_the_rounds(make, arguments, last, monkeypatch, capsys):
    model, work = make(**arguments, recipes=settings(rounds=2, share=0.4))
    initial, _ = make(**arguments, epochs=0)
    before = model.get_weights()
    seen = starts(monkeypatch)
    capsys.readouterr()
    draft = lottery_ticket.RECIPE.apply(Draft(model), work)
    assert "after 2 of 2 rounds" in capsys.readouterr().out
    assert draft.steps == ("lottery_ticket",)
    assert [layer.name for layer in draft.model.layers] == [layer.name for layer in model.layers]
    for name, layer in kernels.prunable(draft.model, "lottery_ticket").items():
        size = np.prod(kernels.kernel(layer).shape)
        left = (0.8 if name in last else 0.6) ** 2
        assert kernels.zeros(layer) == pytest.approx(1 - left, abs=1.5 / size), name
    # The first training is that of the model itself.
    assert len(seen) == 2
    for weights in seen:
        for one, other in zip(weights, initial.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_weights_are_rewound_to_an_early_epoch(monkeypatch):
    model, work = models.tabular("mlp", recipes=settings(rounds=2, rewind_epoch=1))
    early, _ = fitting.fit(
        Member(model=work.hp), work.features, work.train, work.validation, work.training, epochs=1
    )
    seen = starts(monkeypatch)
    lottery_ticket.RECIPE.apply(Draft(model), work)
    assert len(seen) == 3
    for weights in seen[1:]:
        for one, other in zip(weights, early.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_ticket_is_about_as_good_as_the_model():
    model, work = models.images("lenet300", recipes=settings(rounds=5))
    draft = lottery_ticket.RECIPE.apply(Draft(model), work)
    before, after = (models.accuracy(each, work.validation) for each in (model, draft.model))
    assert after > before - 0.01


def test_an_epoch_that_the_training_does_not_have_is_refused():
    model, work = models.tabular("mlp", recipes=settings(rounds=1, rewind_epoch=40))
    with pytest.raises(InputError, match="ended before the epoch") as raised:
        lottery_ticket.RECIPE.apply(Draft(model), work)
    assert "compressor.lottery_ticket.rewind_epoch" in str(raised.value)


def test_a_model_with_other_layers_than_at_its_start_is_refused():
    model, work = models.tabular("mlp")
    smaller = structured_pruning.RECIPE.apply(Draft(model), work)
    with pytest.raises(InputError, match="does not have the layers that it started with"):
        lottery_ticket.RECIPE.apply(smaller, work)


def test_it_goes_before_clustering_and_quantization():
    assert lottery_ticket.RECIPE.stage == SPARSIFY
