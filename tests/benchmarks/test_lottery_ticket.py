"""The benchmark of the lottery ticket: fair trainings, kept results, and figures of their means."""

import json

import numpy as np
import pytest

from benchmarks import lottery_ticket
from benchmarks.lottery_ticket import Experiment, Learner


@pytest.fixture(scope="module")
def learner():
    return Learner()


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    label = random.integers(0, 10, 400)
    image = random.integers(0, 30, (400, 28, 28, 1))
    image[np.arange(400), label + 9] += 220  # a line, lower or higher
    return {"image": image.astype(np.uint8), "label": label}


def test_each_round_trains_once_and_results_are_kept(learner, rows, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lottery_ticket, "LEVELS", (1, 2))
    experiment = Experiment(learner, rows, rows, tmp_path, 1, 100, 100, 200)
    found = experiment.run()
    assert [level["round"] for level in found["levels"]] == [1, 2]
    assert [round(level["remaining"], 3) for level in found["levels"]] == [0.8, 0.641]
    for figures in (found["dense"], *(level["ticket"] for level in found["levels"])):
        assert figures["accuracy"] > 0.5
        assert figures["iteration"] in (100, 200)
    assert capsys.readouterr().err.count("seed 1") == 5
    assert len(list(tmp_path.glob("*/*.json"))) == 5
    monkeypatch.setattr(learner, "train", None)
    assert experiment.run() == found


def test_a_training_stops_at_the_least_loss_and_holds_its_mask(learner, rows):
    from components.compressor import kernels
    from components.compressor import lottery_ticket as algorithm

    initial = lottery_ticket.network(1).get_weights()
    whole = algorithm.whole(learner.model, learner.names)
    arguments = {"seed": 1, "patience": 200, "iterations": 1000}
    dense = learner.train(initial, whole, rows, rows, **arguments)
    masks = algorithm.pruned(learner.model, whole, dict.fromkeys(whole, 0.7))
    ticket = learner.train(initial, masks, rows, rows, **arguments)
    for name, mask in masks.items():
        weights = kernels.kernel(learner.model.get_layer(name)).numpy()
        assert np.all(weights[~mask] == 0)
    again = learner.train(initial, whole, rows, rows, **arguments)
    assert again.iteration == dense.iteration
    for one, other in zip(dense.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert learner.accuracy(ticket, rows) > 0.9


def test_batches_hold_each_row_once_in_an_epoch():
    batches = lottery_ticket.batches(130, seed=1)
    epochs = [np.concatenate([next(batches), next(batches)]) for _ in range(2)]
    for epoch in epochs:
        assert len(set(epoch.tolist())) == 2 * lottery_ticket.BATCH
        assert 0 <= epoch.min() <= epoch.max() < 130
    assert list(epochs[0]) != list(epochs[1])


def test_the_last_line_says_who_won():
    def seed(ticket, other, iteration=900):
        levels = [
            {
                "round": number,
                "remaining": remaining,
                "ticket": {"accuracy": ticket, "iteration": iteration},
                "reinitialised": {"accuracy": other, "iteration": 2000},
            }
            for number, remaining in ((3, 0.512), (7, 0.211), (9, 0.135))
        ]
        return {"dense": {"accuracy": 0.98, "iteration": 1000}, "levels": levels}

    found = lottery_ticket.summary([seed(0.985, 0.97), seed(0.981, 0.982), seed(0.983, 0.97, 1100)])
    assert found["ticket_above_reinitialised"]
    assert found["win_share"] == pytest.approx(4 / 6, abs=1e-3)  # the third comes too late
    assert found["tries"] == 5  # 1 - (1/3)^5 = 0.996
    assert found["levels"][1]["ticket"] == {"accuracy": 0.983, "iteration": 967}
    assert found["seeds"] == 3
    assert json.loads(json.dumps(found)) == found
    lost = lottery_ticket.summary([seed(0.97, 0.98)])
    assert not lost["ticket_above_reinitialised"]
    assert lost["tries"] is None
