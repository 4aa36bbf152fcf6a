"""Config and data in, TFX pipeline out: the table of nodes, with the components in it."""

from __future__ import annotations

import importlib
from typing import Any

from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components.artifacts import MonitoringHistory
from components.drift_monitor.earlier import ArtifactByIdStrategy
from components.evaluator.baseline import (
    BASELINE,
    BLESSING,
    PreviousBlessedModelStrategy,
)
from components.example_gen.dataset import DatasetSpec
from components.fingerprint import code_fingerprint
from components.tuner.earlier import EarlierTrialsStrategy, search_key
from pipeline import dag
from pipeline.config import PipelineConfig


def import_components() -> None:
    """Import every component, with TensorFlow and TFX: some seconds, better spent early."""
    for node in dag.NODES.values():
        importlib.import_module(f"components.{node.room}.component")


def create_pipeline(config: PipelineConfig, dataset: DatasetSpec) -> Pipeline:
    """Wire the nodes that are switched on.

    Parameters
    ----------
    config : PipelineConfig
        Settings of every node.
    dataset : DatasetSpec
        The data as it was found: columns, label, task and fingerprint.
    """
    engine = config.beam.choose(dataset.bytes)
    components: dict[str, Any] = {}
    for node in config.enabled_nodes:
        channels = {
            channel: components[dag.producer_of(source)].outputs[source.partition(".")[2]]
            for channel, source in node.inputs.items()
        }
        if node.resolver:
            component = _RESOLVERS[node.name](config, dataset, **channels)
        else:
            module = importlib.import_module(f"components.{node.room}.component")
            kind = getattr(module, node.name)
            if "dataset" in kind.SPEC_CLASS.PARAMETERS:
                channels["dataset"] = dataset.model_dump_json()
            component = kind(config.settings_of(node.section), engine, **channels)
        components[node.name] = component.with_id(node.name)
        for name in node.after:
            component.add_upstream_node(components[name])
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.root / "artifacts"),
        components=list(components.values()),
        enable_cache=config.cache,
        beam_pipeline_args=config.beam.pipeline_args,
    )


def _baseline_resolver(config: PipelineConfig, dataset: DatasetSpec, **candidates: Any) -> Any:
    return Resolver(
        strategy_class=PreviousBlessedModelStrategy,
        **candidates,
        **{
            BASELINE: Channel(type=standard_artifacts.Model),
            BLESSING: Channel(type=standard_artifacts.ModelBlessing),
        },
    )


def _trials_resolver(config: PipelineConfig, dataset: DatasetSpec) -> Any:
    settings = config.settings_of("tuner")
    key = search_key(
        settings.model_dump_json(), code_fingerprint(settings), dataset.model_dump_json()
    )
    return Resolver(
        strategy_class=EarlierTrialsStrategy,
        config={"key": key},
        results=Channel(type=standard_artifacts.TunerResults),
    )


def _history_resolver(config: PipelineConfig, dataset: DatasetSpec) -> Any:
    return _resolve_history(config.later.history)


def _window_resolver(config: PipelineConfig, dataset: DatasetSpec) -> Any:
    return _resolve_history(config.later.window)


def _resolve_history(artifact: int | None) -> Any:
    return Resolver(
        strategy_class=ArtifactByIdStrategy,
        config={"id": artifact},
        history=Channel(type=MonitoringHistory),
    )


_RESOLVERS = {
    "BaselineResolver": _baseline_resolver,
    "TrialsResolver": _trials_resolver,
    "HistoryResolver": _history_resolver,
    "WindowResolver": _window_resolver,
}
