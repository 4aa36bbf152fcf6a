"""Settings of a distribution: what is refused, and what it says."""

import json

import pydantic
import pytest

from components.errors import InputError
from components.models.distribution import config
from components.models.distribution.table import STRATEGIES
from components.models.hyperparameters import HyperParameters, TreesHyperParameters
from components.trainer.config import TrainerConfig
from pipeline.config import load
from tests.components.models.distribution.trainings import settings


def test_each_strategy_of_the_table_has_settings_of_its_name():
    names = {tag.strip("<>") for tag in config.TAGGED}
    assert names == {"one_device", *STRATEGIES}
    for name in STRATEGIES:
        assert settings(name).strategy == name


def test_one_device_is_what_one_has_without_asking():
    assert TrainerConfig().distribution == settings("one_device")
    trainer = TrainerConfig(distribution={"strategy": "gpipe", "partitions": 3})
    assert TrainerConfig.model_validate_json(trainer.model_dump_json()) == trainer


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{strategy: mirored}", ["mirored", "nearest: mirrored", "distribution.strategy"]),
        ("{devices: 2}", ["one_device, mirrored", "distribution.strategy"]),
        ("mirrored", ["Set trainer.distribution: {strategy: mirrored}"]),
        ("{strategy: mirrored, devices: 1}", ["'trainer.distribution.devices'", "2 to 64"]),
        ("{strategy: mirrored, devices: [CPU:0, CPU:0]}", ["different"]),
        ("{strategy: mirrored, devices: [CPU:0, cpu1]}", ["CPU:0"]),
        ("{strategy: mirrored, device: 2}", ["nearest: devices", "deadline, devices, strategy"]),
        ("{strategy: gpipe, partitions: 1}", ["'trainer.distribution.partitions'", "equal to 2"]),
        ("{strategy: parameter_server, servers: 0}", ["'trainer.distribution.servers'"]),
        ("{strategy: multi_worker_mirrored, deadline: 0}", ["'trainer.distribution.deadline'"]),
    ],
)
def test_a_wrong_setting_is_named(text, words):
    with pytest.raises(InputError) as refused:
        load("taxi", (f"trainer.distribution={text}",))
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("values", "batch_size"),
    [
        ({"strategy": "mirrored", "devices": 3}, 64),
        ({"strategy": "multi_worker_mirrored", "workers": 2}, 63),
        ({"strategy": "gpipe", "micro_batches": 5}, 64),
    ],
)
def test_a_batch_must_divide(values, batch_size):
    with pytest.raises(InputError) as refused:
        config.check(settings(**values), HyperParameters(batch_size=batch_size))
    assert refused.value.details["setting"] == "trainer.model.batch_size"
    assert refused.value.details["got"] == batch_size
    settle = int(refused.value.details["to do"].removeprefix("Set ").rstrip("."))
    config.check(settings(**values), HyperParameters(batch_size=settle))


def test_workers_of_a_parameter_server_take_whole_batches():
    config.check(settings("parameter_server", workers=2), HyperParameters(batch_size=63))


def test_a_gpu_that_is_not_there_is_found_out_before_the_run(monkeypatch):
    monkeypatch.setattr(config, "_GPU_FILES", ("/dev/no-such-file",))
    named = settings("mirrored", devices=["GPU:0", "GPU:1"])
    with pytest.raises(InputError, match="no device GPU:0") as refused:
        config.check(named, HyperParameters())
    assert refused.value.details["setting"] == "trainer.distribution.devices"


def test_trees_are_not_distributed():
    trees = TreesHyperParameters(architecture="boosted_trees")
    config.check(settings("one_device"), trees)
    with pytest.raises(InputError, match="Trees") as refused:
        config.check(settings("mirrored"), trees)
    assert refused.value.details["setting"] == "trainer.distribution.strategy"


@pytest.mark.parametrize(
    "text",
    [
        "worker",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
    ],
)
def test_a_cluster_must_hold_its_own_task(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="TF_CONFIG"):
        config.given_cluster()


def test_a_given_cluster_says_how_many_work(monkeypatch):
    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    task = {"type": "worker", "index": 1}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    assert settings("multi_worker_mirrored", workers=2).pieces == 3
    monkeypatch.delenv("TF_CONFIG")
    assert settings("multi_worker_mirrored", workers=2).pieces == 2


def test_settings_are_data():
    with pytest.raises(pydantic.ValidationError):
        settings("mirrored").devices = 3
