"""Configs: what is inferred, where paths start, and errors that say what to do."""

import pytest

from components.errors import InputError
from pipeline import config, dag

MINIMAL = "data:\n  path: rides.csv\n  label: tip\n"


@pytest.fixture
def write(tmp_path):
    def write_config(text=MINIMAL, name="rides.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_config


def test_path_and_label_suffice(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = config.load(write())
    assert loaded.name == "rides"
    assert loaded.root == tmp_path / "runs" / "rides"
    assert loaded.data.path == str(tmp_path / "rides.csv")
    assert [node.name for node in loaded.enabled_nodes] == list(dag.NODES)


@pytest.mark.parametrize("path", sorted(config.CONFIGS.glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_configs_load_by_name(path):
    loaded = config.load(path.stem)
    assert loaded.name == path.stem


def test_overrides_take_precedence(write):
    loaded = config.load(write(), ("trainer.epochs=3", "trainer.model.hidden_units=[4, 2]"))
    assert loaded.trainer.epochs == 3
    assert loaded.trainer.model.hidden_units == (4, 2)


def test_a_config_survives_json(write):
    loaded = config.load(write(MINIMAL + "nodes:\n  Trainer: {retries: 2}\n"))
    again = config.PipelineConfig.model_validate_json(loaded.model_dump_json(by_alias=True))
    assert again == loaded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMAL + "trainr: {}\n", ("trainr", "nearest: trainer")),
        (MINIMAL + "trainer: {epoch: 3}\n", ("trainer.epoch", "nearest: epochs")),
        (MINIMAL + "trainer: {epochs: many}\n", ("trainer.epochs", "integer", "many")),
        (MINIMAL + "trainer: {epochs: 0}\n", ("trainer.epochs", "greater than", "0")),
        (MINIMAL + "trainer: {model: {unit: 3}}\n", ("trainer.model.unit", "hidden_units")),
        (MINIMAL + "nodes: {Trainr: {retries: 1}}\n", ("Trainr", "nearest: Trainer")),
        (MINIMAL + "nodes: {Trainer: {enabled: false}}\n", ("Trainer cannot be switched off",)),
        (MINIMAL + "name: ../evil\n", ("name", "letters, digits")),
        (MINIMAL + "evaluator: {metrics: [AUCC]}\n", ("AUCC", "nearest: AUC")),
        ("data:\n  path: x.csv\n", ("data.label", "missing")),
        ("data: [1\n", ("not valid YAML",)),
        ("", ("holds no settings",)),
        ("- a\n", ("holds no settings", "list")),
    ],
)
def test_a_wrong_config_is_explained(write, text, words):
    path = write(text)
    with pytest.raises(InputError) as caught:
        config.load(path)
    for word in words:
        assert word in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_config_names_the_nearest(write, tmp_path):
    write()
    with pytest.raises(InputError, match=r"nearest: .*rides\.yaml"):
        config.load(tmp_path / "ride.yaml")


@pytest.mark.parametrize("override", ["trainer.epochs", "=3", "trainer.epochs.x=3"])
def test_a_wrong_override_is_explained(write, override):
    with pytest.raises(InputError):
        config.load(write(MINIMAL + "trainer: {epochs: 3}\n"), (override,))


def test_the_engine_follows_the_size_of_the_data():
    assert config.BeamConfig().choose(10**6) == "memory"
    assert config.BeamConfig().choose(10**9) == "beam"
    assert config.BeamConfig(engine="beam").choose(10) == "beam"
    assert config.BeamConfig(runner="FlinkRunner", args=("--parallelism=4",)).choose(10) == "beam"
    assert config.BeamConfig().pipeline_args == []
    assert config.BeamConfig(runner="FlinkRunner", args=("--parallelism=4",)).pipeline_args == [
        "--runner=FlinkRunner",
        "--parallelism=4",
    ]
