"""Configs: what is inferred, where paths start, and errors that say what to do."""

import pytest

from components.errors import InputError
from components.models.hyperparameters import HyperParameters
from pipeline import config, dag

MINIMAL = "data:\n  path: rides.csv\n  label: tip\n"


#: The nodes of a config that says no more than where the data are; others take a minute or
#: more, or change the features, and run where they are asked for.
OPTIONAL = (
    "DimensionalityReducer",
    "TrialsResolver",
    "Tuner",
    "Distiller",
    "Compressor",
    "ModelDebugger",
    "Remediator",
    "Explainer",
    "DriftMonitor",
    "WindowResolver",
    "HistoryResolver",
    "SpanGen",
)
ALWAYS = [name for name in dag.NODES if name not in OPTIONAL]


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
    assert [node.name for node in loaded.enabled_nodes] == ALWAYS


def test_the_tuner_runs_where_the_config_has_its_section(write):
    nodes = {node.name for node in config.load(write(MINIMAL + "tuner: {}\n")).enabled_nodes}
    assert nodes == {*ALWAYS, "Tuner"}
    warm = config.load(write(MINIMAL + "tuner: {warm_start: true}\n"))
    assert {node.name for node in warm.enabled_nodes} == {*ALWAYS, "Tuner", "TrialsResolver"}
    off = config.load(write(MINIMAL + "tuner: {}\nnodes: {Tuner: {enabled: false}}\n"))
    assert "Tuner" not in [node.name for node in off.enabled_nodes]


def test_features_are_reduced_where_the_config_has_its_section(write):
    loaded = config.load(write(MINIMAL + "reducer: {}\ntuner: {}\n"))
    nodes = {node.name: node for node in loaded.enabled_nodes}
    assert set(nodes) == {*ALWAYS, "Tuner", "DimensionalityReducer"}
    assert loaded.reducer.method == "auto"
    for name in ("Tuner", "Trainer"):
        assert nodes[name].inputs["examples"] == "DimensionalityReducer.reduced_examples"
        assert nodes[name].inputs["projection"] == "DimensionalityReducer.projection"
    off = "reducer: {}\nnodes: {DimensionalityReducer: {enabled: false}}\n"
    [trainer] = [n for n in config.load(write(MINIMAL + off)).enabled_nodes if n.name == "Trainer"]
    assert trainer.inputs["examples"] == "Transform.transformed_examples"
    assert "projection" not in trainer.inputs


def test_the_tuner_trains_as_the_trainer_is_told(write):
    loaded = config.load(write(MINIMAL + "tuner: {}\ntrainer: {epochs: 7, seed: 9}\n"))
    training = loaded.settings_of("tuner").training
    assert (training.epochs, training.seed) == (7, 9)
    with pytest.raises(InputError, match="as the Trainer does"):
        config.load(write(MINIMAL + "tuner: {training: {epochs: 3}}\n"))


def test_a_student_is_taught_where_the_config_has_its_section(write, tmp_path):
    text = MINIMAL + "trainer: {epochs: 7, seed: 9}\n"
    loaded = config.load(write(text + "distiller: {temperature: 3}\n"))
    nodes = {node.name: node for node in loaded.enabled_nodes}
    assert set(nodes) == {*ALWAYS, "Distiller"}
    assert nodes["Distiller"].inputs["teacher"] == "Trainer.model"
    settings = loaded.settings_of("distiller")
    assert (settings.training.epochs, settings.training.seed) == (7, 9)
    assert (settings.temperature.start, settings.temperature.end) == (3, 3)
    assert type(settings).model_validate_json(settings.model_dump_json()) == settings
    with pytest.raises(InputError, match="as the Trainer does"):
        config.load(write(MINIMAL + "distiller: {training: {epochs: 3}}\n"))


def test_a_student_is_compressed_or_else_the_trainer_s_model(write):
    alone = config.load(write(MINIMAL + "compressor: {}\n"))
    nodes = {node.name: node for node in alone.enabled_nodes}
    assert set(nodes) == {*ALWAYS, "Compressor"}
    assert nodes["Compressor"].inputs["model"] == "Trainer.model"
    assert nodes["Evaluator"].inputs["compressed_model"] == "Compressor.compressed_model"
    both = config.load(write(MINIMAL + "distiller: {}\ncompressor: {}\n"))
    [compressor] = [node for node in both.enabled_nodes if node.name == "Compressor"]
    assert compressor.inputs["model"] == "Distiller.model"
    settings = both.settings_of("compressor")
    assert settings.training.epochs == both.trainer.epochs


def test_models_are_looked_into_and_remedied_where_the_config_has_the_sections(write):
    checks = "{checks: [{check: calibration, limit: 0.02}]}"
    loaded = config.load(write(MINIMAL + f"debugger: {{}}\nremediator: {checks}\n"))
    nodes = {node.name: node for node in loaded.enabled_nodes}
    assert set(nodes) == {*ALWAYS, "ModelDebugger", "Remediator"}
    evaluated = nodes["Evaluator"].inputs
    assert evaluated["benchmark_models"] == "ModelDebugger.benchmark_models"
    assert evaluated["remediated_models"] == "Remediator.remediated_models"
    assert loaded.settings_of("remediator").training.epochs == loaded.trainer.epochs
    with pytest.raises(InputError, match="as the Trainer does"):
        config.load(write(MINIMAL + f"remediator: {checks[:-1]}, training: {{epochs: 3}}}}\n"))


def test_what_a_distillation_reads_elsewhere_is_part_of_its_settings(write, tmp_path):
    loaded = config.load(write(MINIMAL + "distiller: {teachers: [older]}\n"))
    assert loaded.distiller.teachers == (str(tmp_path / "older"),)
    with pytest.raises(InputError, match="no such directory"):
        loaded.settings_of("distiller")
    (tmp_path / "older").mkdir()
    (tmp_path / "older" / "weights").write_text("1")
    before = loaded.settings_of("distiller")
    (tmp_path / "older" / "weights").write_text("2")
    assert loaded.settings_of("distiller") != before


def test_a_config_builds_on_another(write, tmp_path):
    write(MINIMAL + "name: base\ntrainer: {epochs: 5, seed: 3}\n", "base.yaml")
    (tmp_path / "deeper").mkdir()
    above = "extends: ../base.yaml\ntrainer: {epochs: 9}\n"
    loaded = config.load(write(above, "deeper/mine.yaml"))
    assert (loaded.name, loaded.trainer.epochs, loaded.trainer.seed) == ("mine", 9, 3)
    assert loaded.data.path == str(tmp_path / "rides.csv")  # from where it is written
    automl = config.load(write("extends: automl\n" + MINIMAL, "mine.yaml"))
    assert automl.name == "mine"
    assert automl.tuner.ensemble > 1
    for text, words in (
        ("extends: self.yaml\n", "extend each other"),
        ("extends: nowhere\n", "no config file"),
    ):
        with pytest.raises(InputError, match=words):
            config.load(write(text, "self.yaml"))


def test_what_is_typed_starts_at_the_current_directory(write, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    loaded = config.load("automl", ("data.path=rides.csv", "data.label=tip"))
    assert loaded.data.path == str(tmp_path / "here" / "rides.csv")
    assert config.load(write(), ("data.path=other.csv",)).data.path == str(
        tmp_path / "here" / "other.csv"
    )
    with pytest.raises(InputError, match="data"):
        config.load("automl")


@pytest.mark.parametrize("path", sorted(config.CONFIGS.glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_configs_load_by_name(path):
    data = ("data.path=x.csv", "data.label=y") if path.stem == "automl" else ()
    loaded = config.load(path.stem, data)
    assert loaded.name == path.stem


def test_a_model_of_another_family_takes_the_place_of_the_extended_one(write):
    def model(settings):
        path = write(f"extends: digits\ntrainer: {{model: {{{settings}}}}}\n")
        return config.load(path).trainer.model

    assert model("kernel: 5").cell == model("architecture: lenet5").cell == "residual"
    assert model("architecture: mlp") == HyperParameters(architecture="mlp")
    assert model("architecture: boosted_trees, trees: 9").trees == 9


def test_a_directory_does_not_hide_a_shipped_config(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()  # its data, maybe
    monkeypatch.chdir(tmp_path)
    assert config.load("digits").name == "digits"


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
        (
            MINIMAL + "trainer: {model: {architecture: boosted_trees, dropout: 1}}\n",
            ("trainer.model.dropout", "max_leaves"),
        ),
        (
            MINIMAL + "trainer: {model: {architecture: forest}}\n",
            ("trainer.model.architecture", "forest"),
        ),
        (MINIMAL + "tuner: {strategy: genetic}\n", ("tuner.strategy", "evolution", "genetic")),
        (MINIMAL + "tuner: {budget: {minutes: 3}}\n", ("tuner.budget.minutes", "seconds")),
        (MINIMAL + "tuner: {space: {lr: 1}}\n", ("tuner.space.lr", "learning_rate")),
        (MINIMAL + "distiller: {loss: soft}\n", ("distiller.loss", "soft_targets", "soft")),
        (MINIMAL + "distiller: {temperature: 0}\n", ("distiller.temperature", "above 0", "0")),
        (MINIMAL + "distiller: {temperature: {start: 4, end: -1}}\n", ("above 0", "-1")),
        (MINIMAL + "distiller: {mix: 1.2}\n", ("distiller.mix", "from 0", "1")),
        (
            MINIMAL + "distiller: {mix: {start: 0, end: 1, schedule: constant}}\n",
            ("distiller.mix", "linear or cosine"),
        ),
        (
            MINIMAL + "distiller: {student: {architecture: boosted_trees}}\n",
            ("distiller.student.architecture", "network"),
        ),
        (
            MINIMAL + "distiller: {student: {hidden_units: [4]}, budget: {bytes: 9}}\n",
            ("distiller", "only one of student and budget"),
        ),
        (MINIMAL + "distiller: {budget: {}}\n", ("distiller.budget", "at least one")),
        (
            MINIMAL + "distiller: {loss: bounded, unlabelled_split: span-1}\n",
            ("distiller", "needs the labels"),
        ),
        (
            MINIMAL + "distiller: {unlabelled_split: eval}\n",
            ("distiller.unlabelled_split", "judges models"),
        ),
        (MINIMAL + "nodes: {Trainr: {retries: 1}}\n", ("Trainr", "nearest: Trainer")),
        (MINIMAL + "nodes: {Trainer: {enabled: false}}\n", ("Trainer cannot be switched off",)),
        (MINIMAL + "name: ../evil\n", ("name", "letters, digits")),
        (MINIMAL + "evaluator: {metrics: [AUCC]}\n", ("AUCC", "nearest: AUC")),
        ("data:\n  label: y\n", ("data.path", "missing")),
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


def test_later_data_are_no_setting(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("data: {path: d.csv, label: y}\nlater: {history: 3}\n")
    with pytest.raises(InputError, match="given to the verb monitor") as caught:
        config.load(path)
    assert caught.value.details["setting"] == "later"
