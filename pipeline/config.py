"""PipelineConfig: a YAML file, validated and typed; composed of each component's own config."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from components.compressor.config import CompressorConfig
from components.dimensionality_reducer.config import ReducerConfig
from components.distiller.config import DistillerConfig
from components.drift_monitor.config import DriftMonitorConfig
from components.errors import InputError
from components.evaluator.config import EvaluatorConfig
from components.example_gen.config import DataConfig, SpansConfig
from components.example_validator.config import ValidatorConfig
from components.explainer.config import ExplainerConfig
from components.model_debugger.config import ModelDebuggerConfig
from components.models.distribution.config import TAGGED as STRATEGIES
from components.models.hyperparameters import TAGGED as FAMILIES
from components.models.hyperparameters import tag
from components.models.training_config import TrainingConfig
from components.naming import nearest
from components.pusher.config import PusherConfig
from components.remediator.config import RemediatorConfig
from components.schema_gen.config import SchemaConfig
from components.settings import Settings
from components.statistics_gen.config import StatisticsConfig
from components.trainer.config import TrainerConfig
from components.transform.config import TransformConfig
from components.tuner.config import TunerConfig
from pipeline.dag import NODES, Node, check_node, without
from pipeline.report.config import ReportConfig
from pipeline.store_config import StoreConfig

#: Prefix of a path inside an installed package: ``package:tfx/examples/...``.
PACKAGE_PREFIX = "package:"

#: Sections of components that train, and take from the Trainer's how.
_TRAINING = ("tuner", "distiller", "compressor", "remediator")

#: Sets of settings of which one is meant, by the tag in the place of an error.
TAGGED = {**FAMILIES, **STRATEGIES}

#: Key that names another config file, or a shipped config, to build on.
EXTENDS = "extends"

CONFIGS = Path(__file__).parent / "configs"
DEFAULT_CONFIG = CONFIGS / "taxi.yaml"


class NodeConfig(Settings):
    """How one node is run.

    Attributes
    ----------
    enabled : bool
        A node that is off leaves a valid DAG.
    retries : int
        Further attempts after a failure or a timeout.
    timeout : float or None
        Seconds after which an attempt is ended, with its child processes.
    """

    enabled: bool = True
    retries: int = Field(default=0, ge=0, le=100)
    timeout: float | None = Field(default=None, gt=0)


class BeamConfig(Settings):
    """Where passes over all the data run.

    Attributes
    ----------
    engine : {"auto", "memory", "beam"}
        ``memory`` works in the pipeline's process, ``beam`` on Beam; both give the
        same results. ``auto`` takes Beam for data over `memory_limit_mb`, and
        whenever `runner` is set.
    memory_limit_mb : float
        Size of the raw data files, in megabytes.
    runner : str or None
        A Beam runner such as FlinkRunner, SparkRunner or DataflowRunner; None is
        Beam's runner inside this process.
    args : tuple of str
        Further Beam options for `runner`.
    """

    engine: Literal["auto", "memory", "beam"] = "auto"
    memory_limit_mb: float = Field(default=200, gt=0)
    runner: str | None = None
    args: tuple[str, ...] = ()

    @property
    def pipeline_args(self) -> list[str]:
        """Beam's command-line arguments; none for the runner inside this process."""
        return [f"--runner={self.runner}", *self.args] if self.runner else []

    def choose(self, data_bytes: int) -> Literal["memory", "beam"]:
        """Return the engine for raw data of `data_bytes` bytes."""
        if self.runner:
            return "beam"
        if self.engine != "auto":
            return self.engine
        return "beam" if data_bytes > self.memory_limit_mb * 1e6 else "memory"


class LaterData(Settings):
    """What a run has to do with data that came after training; set by the verb ``monitor``.

    Attributes
    ----------
    spans : SpansConfig or None
        Later data to monitor.
    history : int or None
        Artifact with the history that the DriftMonitor goes on from.
    window : int or None
        Artifact with the history whose window is trained on.
    """

    spans: SpansConfig | None = None
    history: int | None = None
    window: int | None = None


class PipelineConfig(Settings):
    """Everything that a run needs to know.

    Attributes
    ----------
    name : str
        Name of the pipeline; by default the config file's name.
    root : Path
        Directory of all that the pipeline writes: artifacts, metadata, logs and
        pushed models; by default ``runs/<name>`` below the current directory.
    cache : bool
        Whether a node whose inputs, settings and code are unchanged is reused.
    data, statistics, schema, validator, transform, trainer, evaluator, pusher
        The settings of each component.
    reducer : ReducerConfig or None
    tuner : TunerConfig or None
    distiller : DistillerConfig or None
    compressor : CompressorConfig or None
    debugger : ModelDebuggerConfig or None
    remediator : RemediatorConfig or None
    explainer : ExplainerConfig or None
    monitor : DriftMonitorConfig or None
        Those of the DimensionalityReducer, the Tuner, the Distiller, the Compressor, the
        ModelDebugger, the Remediator, the Explainer and the DriftMonitor, each of which runs only
        if the config has its section.
    report : ReportConfig
        The page that each run leaves, and its model card.
    later : LaterData
        What the verb ``monitor`` adds, and no config file.
    store : StoreConfig
        The metadata store.
    """

    name: str
    root: Path
    data: DataConfig
    statistics: StatisticsConfig = StatisticsConfig()
    schema_: SchemaConfig = Field(default=SchemaConfig(), alias="schema")
    validator: ValidatorConfig = ValidatorConfig()
    transform: TransformConfig = TransformConfig()
    reducer: ReducerConfig | None = None
    tuner: TunerConfig | None = None
    trainer: TrainerConfig = TrainerConfig()
    distiller: DistillerConfig | None = None
    compressor: CompressorConfig | None = None
    debugger: ModelDebuggerConfig | None = None
    remediator: RemediatorConfig | None = None
    explainer: ExplainerConfig | None = None
    evaluator: EvaluatorConfig = EvaluatorConfig()
    pusher: PusherConfig = PusherConfig()
    monitor: DriftMonitorConfig | None = None
    later: LaterData = LaterData()
    report: ReportConfig = ReportConfig()
    store: StoreConfig = StoreConfig()
    beam: BeamConfig = BeamConfig()
    nodes: dict[str, NodeConfig] = Field(default={})
    cache: bool = True

    @field_validator("name")
    @classmethod
    def _name_is_a_file_name(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
            raise ValueError("1 to 64 letters, digits, '_', '-' or '.', not starting with '.'")
        return name

    @field_validator(*_TRAINING)
    @classmethod
    def _training_is_the_trainer_s(cls, settings: Any, info: ValidationInfo) -> Any:
        if settings is not None and settings.training is not None:
            raise InputError(
                "What else is trained is trained as the Trainer does.",
                setting=f"{info.field_name}.training",
                remedy="Set trainer.epochs, trainer.model and their like.",
            )
        return settings

    @field_validator("distiller")
    @classmethod
    def _content_is_found(cls, distiller: DistillerConfig | None) -> DistillerConfig | None:
        if distiller is not None and distiller.content:
            raise InputError(
                "What is in the teachers' directories is found, and not set.",
                setting="distiller.content",
                remedy="Set distiller.teachers.",
            )
        return distiller

    @field_validator("nodes")
    @classmethod
    def _nodes_exist(cls, nodes: dict[str, NodeConfig]) -> dict[str, NodeConfig]:
        for name, node in nodes.items():
            check_node(name)
            if not node.enabled and NODES[name].required:
                raise ValueError(f"{name} cannot be switched off: the Trainer's input needs it")
        return nodes

    def node(self, name: str) -> NodeConfig:
        """Return how the node `name` is run."""
        return self.nodes.get(name, NodeConfig())

    @property
    def spans(self) -> SpansConfig | None:
        """Later data to monitor: the section of SpanGen."""
        return self.later.spans

    @property
    def enabled_nodes(self) -> list[Node]:
        """The nodes that are switched on, in the order in which they run."""
        off = {name for name, node in self.nodes.items() if not node.enabled}
        off |= {
            node.name
            for node in NODES.values()
            if not node.resolver and getattr(self, node.section) is None
        }
        if self.tuner is not None and not self.tuner.warm_start:
            off.add("TrialsResolver")
        if self.later.history is None:
            off.add("HistoryResolver")
        if self.later.window is None:
            off.add("WindowResolver")
        return without(off)

    def settings_of(self, section: str) -> Settings:
        """Return the settings in `section`, completed by what only the whole knows."""
        settings: Settings = getattr(self, section)
        if section in _TRAINING:
            shared = self.trainer.model_dump(include=set(TrainingConfig.model_fields))
            settings = settings.model_copy(update={"training": TrainingConfig(**shared)})
        if isinstance(settings, DistillerConfig):
            return settings.with_content()
        if section == "pusher":
            return settings.model_copy(update={"directory": str(self.serving_directory)})
        return settings

    @property
    def serving_directory(self) -> Path:
        """Where the Pusher puts blessed models."""
        return Path(self.pusher.directory or self.root / "serving")


def load(path: str | Path, overrides: tuple[str, ...] = ()) -> PipelineConfig:
    """Read, complete and validate a config file.

    Parameters
    ----------
    path : path
        A YAML file, or the name of a shipped config (``taxi``).
    overrides : tuple of str
        ``key.subkey=value`` settings that take precedence; values are YAML, paths
        start at the current directory.

    Raises
    ------
    InputError
        For a file that cannot be read and for each setting that is wrong.
    """
    path = _find(path)
    values = _read_extended(path, ())
    for override in overrides:
        _apply(values, override)
    # What was typed is meant from where it was typed.
    _resolve_paths(values, Path.cwd())
    if "later" in values:
        raise InputError(
            "Later data are given to the verb monitor, and not set.",
            file=str(path),
            setting="later",
            remedy="Use monitor FILE; or data.spans and data.periods for what a run holds back.",
        )
    values.setdefault("name", path.stem)
    values.setdefault("root", f"runs/{values['name']}")
    if isinstance(values["root"], str):
        values["root"] = str(Path(values["root"]).expanduser().absolute())
    try:
        return PipelineConfig.model_validate(values)
    except ValidationError as error:
        raise _explain(error, path) from None
    except InputError as error:  # a validator that knows what to do about it
        error.details = {"file": str(path), **error.details}
        raise


def _find(path: str | Path) -> Path:
    shipped = {config.stem: config for config in CONFIGS.glob("*.yaml")}
    if str(path) in shipped and not Path(path).is_file():
        return shipped[str(path)]
    path = Path(path).expanduser()
    if not path.is_file():
        siblings = [str(p) for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise InputError(
            f"There is no config file {str(path)!r}{nearest(str(path), siblings)}.",
            expected=f"a YAML file, or a shipped config: {', '.join(sorted(shipped))}",
        )
    return path


def _read_extended(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """Read a config file on top of the one that it names in `extends`, if it does."""
    if path in seen:
        raise InputError(
            "The config files extend each other.",
            setting="extends",
            got=" -> ".join(str(each) for each in (*seen, path)),
        )
    values = _read(path)
    base = values.pop(EXTENDS, None)
    _resolve_paths(values, path.parent)
    if base is None:
        return values
    beside = Path(os.path.normpath(path.parent / str(base)))
    below = _read_extended(_find(beside if beside.is_file() else str(base)), (*seen, path))
    # These say where the runs of the other config are.
    for key in ("name", "root"):
        below.pop(key, None)
    old, new = (_model_of(each) for each in (below, values))
    if old and "architecture" in new and tag(old) != tag(new):
        # Trees have no layers, and networks on tables no convolutions.
        del below["trainer"]["model"]
    return _merge(below, values)


def _model_of(values: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the model, as far as they can be read yet."""
    trainer = values.get("trainer")
    model = trainer.get("model") if isinstance(trainer, dict) else None
    return model if isinstance(model, dict) else {}


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of both, `above` taking precedence."""
    merged = dict(below)
    for key, value in above.items():
        other = merged.get(key)
        if isinstance(value, dict) and isinstance(other, dict):
            value = _merge(other, value)
        merged[key] = value
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        raise InputError(
            "The config file is not valid YAML.",
            file=str(path),
            line=mark.line + 1 if mark else None,
            got=getattr(error, "problem", None) or str(error),
        ) from None
    if not isinstance(values, dict):
        raise InputError(
            "The config file holds no settings.",
            file=str(path),
            expected="a mapping with at least data.path and data.label",
            got=type(values).__name__,
        )
    return values


def _apply(values: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise InputError(
            f"{override!r} is no setting.", expected="KEY=VALUE, such as trainer.epochs=3"
        )
    *parents, last = key.split(".")
    place = values
    for parent in parents:
        if place.get(parent) is None:
            place[parent] = {}
        place = place[parent]
        if not isinstance(place, dict):
            raise InputError(f"{parent!r} has no settings of its own.", setting=key)
    try:
        place[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError("The value is not valid YAML.", setting=key, got=text) from None


def _resolve_paths(values: dict[str, Any], base: Path) -> None:
    """Make the paths in `values` absolute: relative ones start at the config file."""

    def resolve(path: Any) -> Any:
        if isinstance(path, list):
            return [resolve(item) for item in path]
        if isinstance(path, dict):
            return {name: resolve(item) for name, item in path.items()}
        if not isinstance(path, str):
            return path
        if path.startswith(PACKAGE_PREFIX):
            package, _, rest = path.removeprefix(PACKAGE_PREFIX).partition("/")
            spec = importlib.util.find_spec(package)
            if spec is None or spec.origin is None:
                raise InputError(f"The package {package!r} is not installed.", got=path)
            return str(Path(spec.origin).parent / rest)
        return str((base / Path(path).expanduser()).absolute())

    for section, keys in {
        "data": ("path", "test_path", "labels_path", "spans"),
        "schema": ("path",),
        "pusher": ("directory",),
        "store": ("path",),
        "distiller": ("teachers", "unlabelled_path"),
        "explainer.tcav": ("folders",),
    }.items():
        settings: Any = values
        for name in section.split("."):
            settings = settings.get(name) if isinstance(settings, dict) else None
        if isinstance(settings, dict):
            for key in keys:
                if settings.get(key) is not None:
                    settings[key] = resolve(settings[key])


def _explain(error: ValidationError, path: Path) -> InputError:
    """Turn the first of pydantic's findings into an error that says what to do."""
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    setting = ".".join(part for part in location if part not in TAGGED)
    kind, got = first["type"], first.get("input")
    further = len(error.errors()) - 1
    more = f" ({further} further setting(s) are wrong too)" if further else ""
    if kind == "extra_forbidden":
        valid = _valid_keys(location[:-1])
        return InputError(
            f"There is no setting {setting!r}{nearest(location[-1], valid)}.{more}",
            file=str(path),
            setting=setting,
            expected=", ".join(valid),
        )
    if kind == "missing":
        return InputError(
            f"The setting {setting!r} is missing.{more}",
            file=str(path),
            setting=setting,
            remedy="Set data.path and data.label, in the file or by --set."
            if location[0] == "data"
            else None,
        )
    return InputError(
        f"The setting {setting!r} is wrong.{more}",
        file=str(path),
        setting=setting,
        expected=first["msg"].removeprefix("Value error, "),
        got=got if isinstance(got, str | int | float | bool) else type(got).__name__,
    )


def _valid_keys(location: list[str]) -> list[str]:
    """Return the keys that the settings at `location` may have."""
    model: Any = PipelineConfig
    for part in location:
        if part in TAGGED:
            model = TAGGED[part]
            continue
        fields = {f.alias or n: f for n, f in model.model_fields.items()}
        if part not in fields:  # a key of a mapping, such as a node's name
            continue
        annotation = fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next(
            (c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model
        )
    return sorted(field.alias or name for name, field in model.model_fields.items())
