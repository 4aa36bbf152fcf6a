"""What is told of a training, of any family of models."""

import pytest

from components.models.hyperparameters import (
    HyperParameters,
    ImageHyperParameters,
    TreesHyperParameters,
)
from components.models.specification import Member
from components.models.training import History
from components.trainer import summary

EPOCHS = [{"loss": 1.0, "val_loss": 1.0}] * 3


def line(member, **history):
    record = summary.record(History(**history), parameters=431_080, rows=6000)
    return summary.lines([member], [record])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        ([9.0, 6.0, 6.2], ", 6.1 s per epoch"),
        ([0.9, 0.02, 0.04], ", 0.03 s per epoch"),
        ([9.0, 5.0], ", 5.0 s per epoch"),
        ([9.0, 0.97], ", 1.0 s per epoch"),
        ([99.0, 9.99, 9.99], ", 10 s per epoch"),
        ([1800.0], ", 1,800 s per epoch"),
        ([], ""),
    ],
)
def test_a_network_has_parameters_epochs_and_their_time(seconds, text):
    member = Member(model=ImageHyperParameters(architecture="lenet5"))
    said = line(member, epochs=EPOCHS, best_epoch=1, epoch_seconds=seconds)
    assert said == f"lenet5: 431,080 parameters, best epoch 2 of 3{text}"


def test_trees_have_no_epochs():
    member = Member(model=TreesHyperParameters(architecture="boosted_trees"))
    said = line(member, epochs=EPOCHS, best_epoch=2, rounds=1312, seconds=2.14)
    assert said == "boosted_trees: 1,312 trees per output, 2.1 s"


def test_an_own_model_goes_by_its_function():
    member = Member(build_model="mine.build_model")
    assert line(member, epochs=EPOCHS, best_epoch=0).startswith("mine.build_model: 431,080 ")


def test_each_member_of_an_ensemble_has_a_line():
    members = [Member(model=HyperParameters(architecture=name)) for name in ("mlp", "cross")]
    records = [
        summary.record(History(epochs=EPOCHS, best_epoch=0), parameters=7, rows=9) for _ in members
    ]
    said = summary.lines(members, records)
    assert [text.split(":")[0] for text in said.splitlines()] == ["mlp", "cross"]


def test_the_record_holds_time_and_rate_of_an_epoch():
    history = History(epochs=EPOCHS, epoch_seconds=[9.0, 1.0, 2.0], seconds=12.5)
    record = summary.record(history, parameters=7, rows=6000)
    assert record["seconds_per_epoch"] == 1.5
    assert record["examples_per_second"] == 4000
    assert (record["parameters"], record["seconds"], record["epochs"]) == (7, 12.5, EPOCHS)
    assert "seconds_per_epoch" not in summary.record(History(), parameters=7, rows=6000)


DISTRIBUTED = {
    "epochs": EPOCHS,
    "best_epoch": 1,
    "epoch_seconds": [9.0, 0.5, 0.5],
    "step_seconds": [0.1, 0.004, 0.006],
    "strategy": "gpipe",
    "devices": ["CPU:0", "CPU:1"],
    "bubble_share": 0.251,
}


def test_a_distribution_is_told_with_what_it_gave():
    member = Member(model=HyperParameters(architecture="mlp"))
    said = line(member, **DISTRIBUTED)
    assert said.endswith("; gpipe on CPU:0, CPU:1: 12,000 examples/s, 5 ms per step, bubble 0.25")
    assert line(member, **{**DISTRIBUTED, "restarts": 2}).endswith("bubble 0.25, 2 restarts")
    plain = {**DISTRIBUTED, "strategy": "one_device", "bubble_share": None}
    assert line(member, **plain).endswith("per epoch")


def test_the_model_itself_says_how_it_was_trained():
    record = summary.record(History(**DISTRIBUTED), parameters=7, rows=6000)
    assert summary.properties(record) == {
        "distribution": "gpipe",
        "devices": "CPU:0, CPU:1",
        "examples_per_second": 12_000,
        "seconds_per_step": pytest.approx(0.005),
        "bubble_share": 0.251,
    }
    trees = summary.record(History(epochs=EPOCHS, seconds=2.0), parameters=7, rows=6000)
    assert summary.properties(trees) == {}
