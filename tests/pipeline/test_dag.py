"""The table of nodes is a DAG, and every way of switching nodes off leaves one."""

import itertools

import pytest

from components.errors import InputError
from pipeline import config, dag


def test_nodes_come_after_what_they_need():
    seen = set()
    for node in dag.NODES.values():
        assert set(node.upstream) <= seen
        seen.add(node.name)


OPTIONAL = [name for name, node in dag.NODES.items() if not node.required]
#: Few of them, and all but few.
NUMBERS = (0, 1, 2, len(OPTIONAL) - 2, len(OPTIONAL) - 1, len(OPTIONAL))


@pytest.mark.parametrize(
    "off", [each for number in NUMBERS for each in itertools.combinations(OPTIONAL, number)]
)
def test_any_optional_nodes_can_be_off(off):
    loaded = config.load("taxi", tuple(f"nodes.{name}.enabled=false" for name in off))
    names = [node.name for node in loaded.enabled_nodes]
    assert not set(off) & set(names)
    assert {name for name, node in dag.NODES.items() if node.required} <= set(names)


def test_an_input_comes_from_the_first_source_that_is_on():
    def examples_of(trainer, off):
        return {node.name: node.inputs for node in dag.without(off)}[trainer].get("examples")

    assert examples_of("Trainer", []) == "DimensionalityReducer.reduced_examples"
    assert examples_of("Trainer", ["DimensionalityReducer"]) == "Transform.transformed_examples"
    for off in OPTIONAL:
        on = {node.name for node in dag.without([off])}
        for node in dag.without([off]):
            assert set(node.upstream) <= on


def test_downstream():
    nodes = list(dag.NODES.values())
    assert dag.downstream("Trainer", nodes) == [
        "Distiller",
        "Compressor",
        "ModelDebugger",
        "Remediator",
        "Explainer",
        "BaselineResolver",
        "Evaluator",
        "Pusher",
        "DriftMonitor",
    ]
    assert dag.downstream("Pusher", nodes) == ["DriftMonitor"]
    assert dag.downstream("DriftMonitor", nodes) == []
    sources = {
        "WindowResolver",
        "ExampleGen",
        "TrialsResolver",
        "SpanGen",
        "HistoryResolver",
    }
    assert set(dag.downstream("ExampleGen", nodes)) == set(dag.NODES) - sources
    assert dag.downstream("Tuner", nodes)[0] == "Trainer"
    reduced = dag.downstream("Transform", dag.without(["TrialsResolver"]))
    assert reduced[:3] == ["DimensionalityReducer", "Tuner", "Trainer"]


def test_resolvers_go_with_the_component_that_they_look_for():
    names = [node.name for node in dag.without(["Evaluator", "Tuner"])]
    assert not {"BaselineResolver", "TrialsResolver"} & set(names)


def test_unknown_nodes_are_named():
    with pytest.raises(InputError, match="nearest: Evaluator"):
        dag.check_node("Evalator")
