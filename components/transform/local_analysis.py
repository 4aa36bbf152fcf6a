"""Analysis of data by a preprocessing function in this process, without Beam."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.python.eager import wrap_function
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import (
    analyzer_nodes,
    annotators,
    graph_context,
    graph_tools,
    impl_helper,
    nodes,
    tf2_utils,
)
from tensorflow_transform.beam import analysis_graph_builder, beam_nodes
from tensorflow_transform.saved import saved_transform_io_v2
from tfx_bsl.tfxio.tensor_adapter import TensorAdapter

from components.errors import InputError
from components.transform import graph as transform_graph
from components.transform.interpreter import Evaluator, Tensors

PreprocessingFn = Callable[[dict[str, tft.common_types.TensorType]], dict[str, tf.Tensor]]


class _Trace:
    """The preprocessing function, traced with the analysis results known so far.

    The module holds the tables that the traced function looks up: without it they
    would be freed.
    """

    def __init__(
        self,
        preprocessing_fn: PreprocessingFn,
        specs: dict[str, tf.TypeSpec],
        directory: str,
        known: dict[str, tf.Tensor] | None,
        outputs: dict[str, str] | None = None,
    ) -> None:
        self.module = tf.Module()
        context = graph_context.TFGraphContext(
            module_to_export=self.module, temp_dir=directory, evaluated_replacements=known
        )
        self.function = saved_transform_io_v2.trace_and_update_module(
            self.module,
            impl_helper.get_traced_transform_fn(preprocessing_fn, specs, context, outputs),
            "transform_fn",
            strip_control_dependencies=False,
        )
        self.inputs = tf2_utils.get_structured_inputs_from_func_graph(self.function.graph)

    @property
    def graph(self) -> tf.Graph:
        return self.function.graph

    def prune(self, outputs: dict[str, tf.Tensor]) -> Callable[..., dict[str, tf.Tensor]]:
        """Return the function of the same inputs that computes only `outputs`."""
        holder = wrap_function.VariableHolder(share_variables=True)
        whole = wrap_function.WrappedFunction(self.graph, variable_holder=holder)
        return whole.prune(self.function.inputs, outputs)


def analyze(
    preprocessing_fn: PreprocessingFn,
    schema: schema_pb2.Schema,
    shards: transform_graph.Shards,
    output_dir: str,
    temp_dir: str,
) -> None:
    """Run all analyzers of `preprocessing_fn` over the data and write the transform graph.

    The result is that of `tensorflow_transform.beam.AnalyzeDataset`, whose analysis
    graph and combiners it uses. What is saved there between two phases, and loaded
    to run the next, stays in memory here.

    Parameters
    ----------
    preprocessing_fn : callable
        A preprocessing function of TensorFlow Transform.
    schema : Schema
        Schema of the raw data.
    shards : sequence of callable
        Readers of the data; each is called once per phase.
    output_dir : str
        Gets the transform graph: `transform_fn`, `transformed_metadata` and `metadata`.
    temp_dir : str
        Gets vocabularies before they become assets.

    Raises
    ------
    InputError
        If the function returns no outputs, has trainable variables or uses an
        analyzer that only Beam can run.
    """
    config = transform_graph.adapter_config(schema)
    adapter = TensorAdapter(config)
    specs = adapter.OriginalTypeSpecs()
    os.makedirs(temp_dir, exist_ok=True)

    first = _Trace(preprocessing_fn, specs, temp_dir, None)
    outputs = first.function.structured_outputs
    _check(first.graph, outputs)
    asset_map = annotators.get_asset_annotations(first.graph)
    annotators.clear_asset_annotations(first.graph)
    fingerprint = graph_tools.get_analyzers_fingerprint(first.graph, first.inputs)
    root, _, _ = analysis_graph_builder.build(first.graph, first.inputs, outputs)

    traces = [first]  # keeps the tables of each phase alive

    def run_phase(
        op: beam_nodes.CreateSavedModel, known: dict[str, tf.Tensor]
    ) -> Callable[[], Iterator[Tensors]]:
        if known:
            names = {key: tensor.name for key, tensor in op.output_signature.items()}
            traces.append(_Trace(preprocessing_fn, specs, temp_dir, known, names))
            function = traces[-1].module.transform_fn
        else:  # nothing is known yet, so that the first trace is also this phase's
            function = first.prune(dict(op.output_signature))

        def batches() -> Iterator[Tensors]:
            for shard in shards:
                for batch in shard():
                    tensors = adapter.ToBatchTensors(batch, produce_eager_tensors=True)
                    # `tf.nest` orders the inputs by name, as it did when tracing.
                    result = function(*tf.nest.flatten(tensors, expand_composites=True))
                    yield {key: value.numpy() for key, value in result.items()}

        return batches

    evaluator = Evaluator(first.graph, temp_dir, run_phase)
    _, known = nodes.Traverser(evaluator).visit_value_node(root).get()

    final = _Trace(preprocessing_fn, specs, temp_dir, known)
    impl_helper._validate_analyzers_fingerprint(fingerprint, final.graph, final.inputs)
    if final.graph.get_collection(analyzer_nodes.TENSOR_REPLACEMENTS):
        raise RuntimeError("An analyzer was left without a result.")
    metadata = impl_helper._trace_and_get_metadata(
        final.function, final.inputs, preprocessing_fn, temp_dir, known
    )
    target = transform_graph.clear(output_dir)
    tf.saved_model.save(final.module, str(target / tft.TFTransformOutput.TRANSFORM_FN_DIR))
    transform_graph.write_metadata(target, schema, metadata, asset_map)


def _check(graph: tf.Graph, outputs: object) -> None:
    if not isinstance(outputs, dict) or not outputs:
        raise InputError(
            "The preprocessing function returned no outputs.",
            setting="transform.preprocessing_fn",
            expected="a dict of tensors by output name",
            got=type(outputs).__name__,
        )
    if graph.get_collection(tf.compat.v1.GraphKeys.TRAINABLE_VARIABLES):
        raise InputError(
            "The preprocessing function has trainable variables.",
            setting="transform.preprocessing_fn",
            remedy="Train them in the model; a transform graph is fixed.",
        )
