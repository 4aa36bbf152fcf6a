"""The whole DAG on one page, as a table. Nothing else wires nodes.

Reading it imports nothing heavy; `pipeline.compilation` makes a TFX pipeline of it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from components.errors import InputError
from components.naming import nearest

_OR = " or "


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
        Input channel -> ``"Producer.output"``, or several of them joined by ``" or "``: the
        first whose producer is switched on. An input of which none is on is left out; the
        components say which inputs they can do without.
    after : tuple of str
        Nodes that must have run before, though none of their outputs is read.
    required : bool
        Whether no DAG can do without it.
    resolver : bool
        Whether it only looks into the metadata store, for the component of its room.
    """

    name: str
    room: str
    section: str
    inputs: dict[str, str]
    after: tuple[str, ...] = ()
    required: bool = False
    resolver: bool = False

    @property
    def upstream(self) -> tuple[str, ...]:
        """The nodes that this one waits for."""
        producers = [
            producer_of(source) for sources in self.inputs.values() for source in sources.split(_OR)
        ]
        return tuple(dict.fromkeys([*producers, *self.after]))

    def among(self, names: Collection[str]) -> Node:
        """Return the node as it is where only these nodes are on: one source for each input."""
        inputs = {}
        for channel, sources in self.inputs.items():
            for source in sources.split(_OR):
                if producer_of(source) in names:
                    inputs[channel] = source
                    break
        return replace(
            self, inputs=inputs, after=tuple(name for name in self.after if name in names)
        )


def producer_of(source: str) -> str:
    """Return the node in ``"Producer.output"``."""
    return source.partition(".")[0]


#: What models are trained on.
_FEATURES = "DimensionalityReducer.reduced_examples or Transform.transformed_examples"

#: What the Evaluator chooses from, and the Explainer explains one of.
CANDIDATES = {
    "model": "Trainer.model",
    "distilled_model": "Distiller.model",
    "compressed_model": "Compressor.compressed_model",
    "remediated_models": "Remediator.remediated_models",
    "benchmark_models": "ModelDebugger.benchmark_models",
}

#: What is looked into and remedied: a model, the rows as it sees them, and as users know them.
_MODEL_AND_ROWS = {
    "examples": _FEATURES,
    "raw_examples": "ExampleGen.examples",
    "schema": "SchemaGen.schema",
    "transform_graph": "Transform.transform_graph",
    "projection": "DimensionalityReducer.projection",
    "model": "Trainer.model",
}

#: In the order in which they run.
NODES: dict[str, Node] = {
    node.name: node
    for node in (
        # Finds the history whose window a run trains anew on.
        Node("WindowResolver", "drift_monitor", "monitor", {}, resolver=True),
        Node(
            "ExampleGen",
            "example_gen",
            "data",
            {"window": "WindowResolver.history"},
            required=True,
        ),
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
            "DimensionalityReducer",
            "dimensionality_reducer",
            "reducer",
            {
                "examples": "Transform.transformed_examples",
                "transform_graph": "Transform.transform_graph",
            },
        ),
        # Finds the last search with other settings or data; part of the Tuner's settings.
        Node("TrialsResolver", "tuner", "tuner", {}, resolver=True),
        Node(
            "Tuner",
            "tuner",
            "tuner",
            {
                "examples": _FEATURES,
                "transform_graph": "Transform.transform_graph",
                "projection": "DimensionalityReducer.projection",
                "earlier": "TrialsResolver.results",
            },
        ),
        Node(
            "Trainer",
            "trainer",
            "trainer",
            {
                "examples": _FEATURES,
                "transform_graph": "Transform.transform_graph",
                "projection": "DimensionalityReducer.projection",
                "hyperparameters": "Tuner.best_hyperparameters",
            },
            required=True,
        ),
        Node(
            "Distiller",
            "distiller",
            "distiller",
            {
                "examples": _FEATURES,
                "transform_graph": "Transform.transform_graph",
                "projection": "DimensionalityReducer.projection",
                "teacher": "Trainer.model",
            },
        ),
        Node(
            "Compressor",
            "compressor",
            "compressor",
            {**_MODEL_AND_ROWS, "model": "Distiller.model or Trainer.model"},
        ),
        Node("ModelDebugger", "model_debugger", "debugger", _MODEL_AND_ROWS),
        Node("Remediator", "remediator", "remediator", _MODEL_AND_ROWS),
        Node(
            "Explainer",
            "explainer",
            "explainer",
            {
                "raw_examples": "ExampleGen.examples",
                "schema": "SchemaGen.schema",
                "transform_graph": "Transform.transform_graph",
                "projection": "DimensionalityReducer.projection",
                **CANDIDATES,
            },
        ),
        # Finds the last blessed model; part of the Evaluator's settings.
        Node(
            "BaselineResolver",
            "evaluator",
            "evaluator",
            CANDIDATES,
            resolver=True,
        ),
        Node(
            "Evaluator",
            "evaluator",
            "evaluator",
            {
                "examples": "ExampleGen.examples",
                **CANDIDATES,
                "baseline_model": "BaselineResolver.baseline",
                "schema": "SchemaGen.schema",
            },
        ),
        Node(
            "Pusher",
            "pusher",
            "pusher",
            {
                "model": "Evaluator.blessed_model or Trainer.model",
                "blessing": "Evaluator.blessing",
            },
        ),
        # Later data that the verb `monitor` is given.
        Node("SpanGen", "example_gen", "spans", {}),
        # Finds the history that goes on.
        Node("HistoryResolver", "drift_monitor", "monitor", {}, resolver=True),
        Node(
            "DriftMonitor",
            "drift_monitor",
            "monitor",
            {
                "examples": "ExampleGen.examples",
                "schema": "SchemaGen.schema",
                "champion": "Evaluator.blessed_model or Trainer.model",
                "spans": "SpanGen.spans",
                "earlier": "HistoryResolver.history",
                **CANDIDATES,
            },
            after=("Pusher",),
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


def without(off: Collection[str]) -> list[Node]:
    """Return the nodes that are not in `off`, wired, in the order in which they run."""
    rooms = {node.room for node in NODES.values() if not node.resolver and node.name not in off}
    # Nobody else would look at what a resolver finds.
    on = [name for name, node in NODES.items() if name not in off and node.room in rooms]
    return [NODES[name].among(on) for name in on]


def downstream(name: str, nodes: list[Node]) -> list[str]:
    """Return the nodes among `nodes` that depend on `name`, in the order of the DAG."""
    found = {name}
    for node in nodes:
        if found & set(node.upstream):
            found.add(node.name)
    return [node.name for node in nodes if node.name in found - {name}]
