"""Masks: which weights go, that they stay away, and how many tries hold a winner."""

import math
from typing import get_args

import numpy as np
import pytest

from components.compressor import kernels, lottery_ticket
from components.errors import InputError
from components.models import training
from components.models.hyperparameters import Optimizer
from components.models.transformed import LABEL
from tests.components.compressor import models


def masks_of(model, share=0.5, seed=0):
    """Return masks of all prunable layers, at random."""
    random = np.random.default_rng(seed)
    whole = lottery_ticket.whole(model, list(kernels.prunable(model, "test")))
    return {name: random.random(mask.shape) < share for name, mask in whole.items()}


@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_masked_weights_stay_zero_while_the_others_learn(optimizer):
    # An embedding's gradient is sparse, and a penalty pulls at each weight.
    model, work = models.tabular(
        epochs=0, embedding_dim=16, optimizer=optimizer, l2=1e-3, dropout=0.1
    )
    masks = masks_of(model)
    assert set(masks) == {"embedding", "hidden_0", "hidden_1"}
    held = lottery_ticket.maskable(model, list(masks))
    lottery_ticket.start(held, model.get_weights(), masks)
    seen = []

    def look(epoch, loss):
        seen.append({name: kernels.kernel(held.get_layer(name)).numpy() for name in masks})
        return False

    training.train(
        held,
        work.train,
        work.validation,
        label=LABEL,
        task="binary",
        hp=work.hp,
        epochs=2,
        patience=2,
        seed=1,
        on_epoch=look,
    )
    for now in seen:
        for name, mask in masks.items():
            start = kernels.kernel(model.get_layer(name)).numpy()
            assert np.all(now[name][~mask] == 0)
            moved = now[name][mask] != start[mask]
            assert np.mean(moved) > (0.5 if name == "embedding" else 0.9), name


def test_a_ticket_starts_from_the_weights_that_it_is_given():
    model, _ = models.tabular(epochs=0)
    before = model.get_weights()
    masks = masks_of(model)
    held = lottery_ticket.maskable(model, list(masks))
    for layer in held.layers:
        layer.set_weights([weights + 1 for weights in layer.get_weights()])
    lottery_ticket.start(held, before, masks)
    for layer in model.layers:
        expected = layer.get_weights()
        if layer.name in masks:
            expected[0] = expected[0] * masks[layer.name]
        for one, other in zip(expected, held.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_another_start_forgets_the_mask_before():
    model, _ = models.tabular(epochs=0)
    names = list(kernels.prunable(model, "test"))
    held = lottery_ticket.maskable(model, names)
    lottery_ticket.start(held, model.get_weights(), masks_of(model))
    lottery_ticket.start(held, model.get_weights(), lottery_ticket.whole(model, names))
    for old, new in zip(model.get_weights(), held.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_each_round_takes_the_smallest_of_what_remains():
    model, _ = models.images("lenet300", epochs=0)
    names = list(kernels.prunable(model, "test"))
    shares = lottery_ticket.shares(model, names, 0.2)
    assert shares == {"hidden_0": 0.2, "hidden_1": 0.2, "outputs": 0.1}
    masks = lottery_ticket.whole(model, names)
    for _ in range(4):
        before, masks = masks, lottery_ticket.pruned(model, masks, shares)
        for name, mask in masks.items():
            sizes = np.abs(kernels.kernel(model.get_layer(name)).numpy())
            assert not np.any(mask & ~before[name])
            assert sizes[before[name] & ~mask].max() <= sizes[mask].min()
            assert mask.sum() == pytest.approx((1 - shares[name]) * before[name].sum(), abs=0.51)
    sizes = {name: mask.size for name, mask in masks.items()}
    left = 0.8**4 * (sizes["hidden_0"] + sizes["hidden_1"]) + 0.9**4 * sizes["outputs"]
    assert lottery_ticket.remaining(masks) == pytest.approx(left / sum(sizes.values()), abs=1e-4)


def test_one_weight_always_remains():
    model, _ = models.tabular("mlp", epochs=0)
    masks = lottery_ticket.whole(model, ["hidden_1"])
    for _ in range(20):
        masks = lottery_ticket.pruned(model, masks, {"hidden_1": 0.9})
    assert masks["hidden_1"].sum() == 1


def test_tries_are_the_least_that_are_certain_enough():
    for p in (1e-6, 0.01, 0.2, 0.5, 0.889, 0.999999):
        for certainty in (0.01, 0.5, 0.875, 0.95, 0.999999):
            tries = lottery_ticket.tries_for(p, certainty)
            assert lottery_ticket.winning_chance(p, tries) >= certainty
            assert tries == 1 or lottery_ticket.winning_chance(p, tries - 1) < certainty


def test_the_chance_is_that_of_a_draw():
    random = np.random.default_rng(0)
    won = (random.random((200_000, 4)) < 0.3).any(axis=1).mean()
    assert lottery_ticket.winning_chance(0.3, 4) == pytest.approx(won, abs=0.005)


def test_the_interval_holds_the_chance_as_often_as_it_says():
    random = np.random.default_rng(0)
    for p, tries in ((0.3, 30), (0.9, 20), (0.5, 9)):
        wins = random.binomial(tries, p, 4000)
        ends = {k: lottery_ticket.interval(int(k), tries) for k in np.unique(wins)}
        held = np.mean([ends[k][0] <= p <= ends[k][1] for k in wins])
        assert 0.92 < held < 0.99
    assert lottery_ticket.interval(0, 3)[0] == 0.0
    assert lottery_ticket.interval(3, 3)[1] == 1.0


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (lottery_ticket.winning_chance, (1.1, 2)),
        (lottery_ticket.winning_chance, (math.nan, 2)),
        (lottery_ticket.winning_chance, (0.5, -1)),
        (lottery_ticket.tries_for, (-0.1, 0.5)),
        (lottery_ticket.tries_for, (0.5, 1.0)),
        (lottery_ticket.interval, (4, 3)),
        (lottery_ticket.interval, (0, 0)),
        (lottery_ticket.interval, (1, 2, 1.0)),
    ],
)
def test_numbers_that_are_no_chances_are_refused(function, arguments):
    with pytest.raises(InputError, match="There is no such"):
        function(*arguments)
