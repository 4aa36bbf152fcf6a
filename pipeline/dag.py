"""The whole DAG on one page: config and data in, TFX pipeline out. Nothing else wires nodes."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.resolver import Resolver
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components.evaluator.baseline import PreviousBlessedModelStrategy
from components.evaluator.component import Evaluator
from components.example_gen.component import ExampleGen
from components.example_gen.dataset import DatasetSpec
from components.example_validator.component import ExampleValidator
from components.pusher.component import Pusher
from components.schema_gen.component import SchemaGen
from components.statistics_gen.component import StatisticsGen
from components.trainer.component import Trainer
from components.transform.component import Transform
from pipeline.config import PipelineConfig


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
    data = {"dataset": dataset.model_dump_json()}
    nodes: dict[str, BaseNode] = {}

    def add(name: str, component: type, *arguments: Any, **channels: Any) -> Any:
        nodes[name] = component(*arguments, **channels).with_id(name)
        return nodes[name].outputs

    raw = add("ExampleGen", ExampleGen, config.data, engine, **data)
    statistics = add(
        "StatisticsGen", StatisticsGen, config.statistics, engine, examples=raw["examples"]
    )
    schema = add(
        "SchemaGen", SchemaGen, config.schema_, statistics=statistics["statistics"], **data
    )
    if config.enabled("ExampleValidator"):
        add(
            "ExampleValidator",
            ExampleValidator,
            config.validator,
            statistics=statistics["statistics"],
            schema=schema["schema"],
        )
    transformed = add(
        "Transform",
        Transform,
        config.transform,
        engine,
        examples=raw["examples"],
        schema=schema["schema"],
        **data,
    )
    if "ExampleValidator" in nodes:  # a refusal must come before the costly nodes
        nodes["Transform"].add_upstream_node(nodes["ExampleValidator"])
    model = add(
        "Trainer",
        Trainer,
        config.trainer,
        engine,
        examples=transformed["transformed_examples"],
        transform_graph=transformed["transform_graph"],
        schema=schema["schema"],
        **data,
    )
    baseline = None
    if config.enabled("BaselineResolver"):
        nodes["BaselineResolver"] = Resolver(
            strategy_class=PreviousBlessedModelStrategy,
            candidate=model["model"],
            model=Channel(type=standard_artifacts.Model),
            model_blessing=Channel(type=standard_artifacts.ModelBlessing),
        ).with_id("BaselineResolver")
        baseline = nodes["BaselineResolver"].outputs["model"]
    blessing = None
    if config.enabled("Evaluator"):
        blessing = add(
            "Evaluator",
            Evaluator,
            config.evaluator,
            engine,
            examples=raw["examples"],
            model=model["model"],
            baseline_model=baseline,
            schema=schema["schema"],
            **data,
        )["blessing"]
    if config.enabled("Pusher"):
        add(
            "Pusher",
            Pusher,
            config.pusher.model_copy(update={"directory": str(config.serving_directory)}),
            model=model["model"],
            blessing=blessing,
        )
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.root / "artifacts"),
        components=list(nodes.values()),
        enable_cache=config.cache,
        beam_pipeline_args=config.beam.pipeline_args,
    )
