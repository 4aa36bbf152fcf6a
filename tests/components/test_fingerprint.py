"""The fingerprint changes with the code that a component runs, and with nothing else."""

import importlib.metadata
from pathlib import Path

import pytest

import components.evaluator.config
from components import fingerprint
from components.evaluator.config import EvaluatorConfig
from components.statistics_gen.config import StatisticsConfig
from components.trainer.config import TrainerConfig
from components.transform.config import TransformConfig


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A copy of the tree of components, in which a test may edit."""
    source = Path(fingerprint.__file__).parent
    for path in source.rglob("*.py"):
        target = tmp_path / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    monkeypatch.setattr(fingerprint, "_COMPONENTS", tmp_path)
    monkeypatch.setattr(
        fingerprint.inspect,
        "getfile",
        lambda cls: str(tmp_path / cls.__module__.split(".")[1] / "config.py"),
    )
    return tmp_path


def _edit(path):
    path.write_text(path.read_text() + "\n# edited\n" if path.exists() else "")


@pytest.mark.parametrize(
    ("edited", "statistics_changes", "evaluator_changes"),
    [
        ("statistics_gen/statistics.py", True, False),
        ("evaluator/metrics.py", False, True),
        ("evaluator/new_helper.py", False, True),
        ("evaluator/card.py", False, False),
        ("models/predict.py", False, True),
        ("base.py", True, True),
        ("naming.py", True, True),
        ("pusher/push.py", False, False),
    ],
)
def test_changes_with_the_code_that_runs(tree, edited, statistics_changes, evaluator_changes):
    before = [fingerprint.code_fingerprint(s()) for s in (StatisticsConfig, EvaluatorConfig)]
    _edit(tree / edited)
    after = [fingerprint.code_fingerprint(s()) for s in (StatisticsConfig, EvaluatorConfig)]
    changed = [ours != theirs for ours, theirs in zip(before, after, strict=True)]
    assert changed == [statistics_changes, evaluator_changes]


def test_changes_with_a_library(monkeypatch):
    before = fingerprint.code_fingerprint(StatisticsConfig())
    version = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata,
        "version",
        lambda name: "0" if name == "tensorflow-data-validation" else version(name),
    )
    assert fingerprint.code_fingerprint(StatisticsConfig()) != before


def test_every_file_and_library_that_a_component_names_exists():
    import pipeline.config

    for field in pipeline.config.PipelineConfig.model_fields.values():
        settings = field.annotation
        if isinstance(settings, type) and hasattr(settings, "USES"):
            for name in settings.USES:
                assert (Path(components.__path__[0]) / name).exists()
            for library in settings.LIBRARIES:
                importlib.metadata.version(library)


@pytest.mark.parametrize(
    "settings",
    [TrainerConfig(build_model="mine.build"), TransformConfig(preprocessing_fn="mine.transform")],
)
def test_changes_with_the_module_of_an_own_function(tmp_path, monkeypatch, settings):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine.py").write_text("def build(features, hp): ...\n")
    before = fingerprint.code_fingerprint(settings)
    assert fingerprint.code_fingerprint(settings) == before
    (tmp_path / "mine.py").write_text("def build(features, hp): return None\n")
    assert fingerprint.code_fingerprint(settings) != before
