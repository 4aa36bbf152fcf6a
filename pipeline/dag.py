"""The whole DAG on one page: the table of nodes, and config and data -> TFX pipeline.

Nothing else wires nodes. Reading the table imports nothing heavy; TFX is imported when
a pipeline is made from it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.errors import InputError
from components.naming import nearest

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

    from components.example_gen.dataset import DatasetSpec
    from pipeline.config import PipelineConfig


@dataclass(frozen=True)
class Node:
    """One node: a component, its section of the config, and where its inputs come from.

    Attributes
    ----------
    name : str
        Node id; for a component also the name of its class.
    room : str
        Its package below `components`.
    section : str
        Attribute of `PipelineConfig` that holds its settings.
    inputs : dict
        Input channel -> ``"Producer.output"``. An input whose producer is switched off
        is left out; the components say which inputs they can do without.
    after : tuple of str
        Nodes that must have run before, though none of their outputs is read.
    required : bool
        Whether no DAG can do without it.
    """

    name: str
    room: str
    section: str
    inputs: dict[str, str]
    after: tuple[str, ...] = ()
    required: bool = False

    @property
    def upstream(self) -> tuple[str, ...]:
        """The nodes that this one waits for."""
        producers = [source.split(".")[0] for source in self.inputs.values()]
        return tuple(dict.fromkeys([*producers, *self.after]))


#: In the order in which they run.
NODES: dict[str, Node] = {
    node.name: node
    for node in (
        Node("ExampleGen", "example_gen", "data", {}, required=True),
        Node(
            "StatisticsGen",
            "statistics_gen",
            "statistics",
            {"examples": "ExampleGen.examples"},
            required=True,
        ),
        Node(
            "SchemaGen",
            "schema_gen",
            "schema_",
            {"statistics": "StatisticsGen.statistics"},
            required=True,
        ),
        Node(
            "ExampleValidator",
            "example_validator",
            "validator",
            {"statistics": "StatisticsGen.statistics", "schema": "SchemaGen.schema"},
        ),
        Node(
            "Transform",
            "transform",
            "transform",
            {"examples": "ExampleGen.examples", "schema": "SchemaGen.schema"},
            after=("ExampleValidator",),  # a refusal comes before the costly nodes
            required=True,
        ),
        Node(
            "Trainer",
            "trainer",
            "trainer",
            {
                "examples": "Transform.transformed_examples",
                "transform_graph": "Transform.transform_graph",
            },
            required=True,
        ),
        # Finds the last blessed model; part of the Evaluator's settings.
        Node("BaselineResolver", "evaluator", "evaluator", {"candidate": "Trainer.model"}),
        Node(
            "Evaluator",
            "evaluator",
            "evaluator",
            {
                "examples": "ExampleGen.examples",
                "model": "Trainer.model",
                "baseline_model": "BaselineResolver.model",
                "schema": "SchemaGen.schema",
            },
        ),
        Node(
            "Pusher",
            "pusher",
            "pusher",
            {"model": "Trainer.model", "blessing": "Evaluator.blessing"},
        ),
    )
}


def check_node(name: str) -> str:
    """Return `name` if the DAG has such a node.

    Raises
    ------
    InputError
        With the valid names and the nearest.
    """
    if name in NODES:
        return name
    raise InputError(
        f"There is no node {name!r}{nearest(name, NODES)}.",
        expected=", ".join(NODES),
        got=name,
    )


def enabled_nodes(config: PipelineConfig) -> list[Node]:
    """Return the nodes that `config` leaves on, in the order in which they run."""
    off = {name for name in NODES if not config.node(name).enabled}
    if "Evaluator" in off:
        off.add("BaselineResolver")
    return [node for name, node in NODES.items() if name not in off]


def downstream(name: str, nodes: list[Node]) -> list[str]:
    """Return the nodes among `nodes` that depend on `name`, in the order of the DAG."""
    found = {name}
    for node in nodes:
        if found & set(node.upstream):
            found.add(node.name)
    return [node.name for node in nodes if node.name in found - {name}]


def import_components() -> None:
    """Import every component, with TensorFlow and TFX: some seconds, better spent early."""
    for node in NODES.values():
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
    from tfx.orchestration.pipeline import Pipeline

    engine = config.beam.choose(dataset.bytes)
    components: dict[str, Any] = {}
    for node in enabled_nodes(config):
        channels = {
            channel: components[source.split(".")[0]].outputs[source.split(".")[1]]
            for channel, source in node.inputs.items()
            if source.split(".")[0] in components
        }
        if node.name == "BaselineResolver":
            component = _baseline_resolver(**channels)
        else:
            module = importlib.import_module(f"components.{node.room}.component")
            kind = getattr(module, node.name)
            if "dataset" in kind.SPEC_CLASS.PARAMETERS:
                channels["dataset"] = dataset.model_dump_json()
            component = kind(config.settings_of(node.section), engine, **channels)
        components[node.name] = component.with_id(node.name)
        for name in node.after:
            if name in components:
                component.add_upstream_node(components[name])
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=str(config.root / "artifacts"),
        components=list(components.values()),
        enable_cache=config.cache,
        beam_pipeline_args=config.beam.pipeline_args,
    )


def _baseline_resolver(candidate: Any) -> Any:
    from tfx.dsl.components.common.resolver import Resolver
    from tfx.types import standard_artifacts
    from tfx.types.channel import Channel

    from components.evaluator.baseline import PreviousBlessedModelStrategy

    return Resolver(
        strategy_class=PreviousBlessedModelStrategy,
        candidate=candidate,
        model=Channel(type=standard_artifacts.Model),
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
    )
