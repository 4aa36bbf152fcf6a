"""Analysis of data by a preprocessing function in this process, without Beam."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.python.eager import wrap_function
from tensorflow.python.trackable import resource as tracking
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import (
    analyzer_nodes,
    annotators,
    graph_context,
    graph_tools,
    impl_helper,
    nodes,
    schema_inference,
    tf2_utils,
)
from tensorflow_transform.beam import analysis_graph_builder, beam_nodes
from tensorflow_transform.saved import saved_transform_io_v2
from tensorflow_transform.tf_metadata import dataset_metadata
from tfx_bsl.tfxio.tensor_adapter import TensorAdapter

from components.errors import InputError
from components.transform import graph as transform_graph
from components.transform.interpreter import Evaluator, Tensors

TensorsByName = Mapping[str, tft.common_types.TensorType]
PreprocessingFn = Callable[[TensorsByName], TensorsByName]


class _Trace:
    """The preprocessing function, traced once.

    The module and the trackers hold the tables that the traced function looks up:
    without them they would be freed.

    Parameters
    ----------
    function : callable
        The preprocessing function.
    specs : dict
        Types of its inputs.
    directory : str
        Gets stand-ins for the vocabularies that are not known yet.
    """

    def __init__(
        self, function: PreprocessingFn, specs: dict[str, tf.TypeSpec], directory: str
    ) -> None:
        self._resources = tracking.ResourceTracker()
        traced = self._make(function, specs, directory, None)
        with (
            tracking.resource_tracker_scope(self._resources),
            annotators.object_tracker_scope(annotators.ObjectTracker()),
        ):
            self.function = traced.get_concrete_function()

    @classmethod
    def exportable(
        cls,
        function: PreprocessingFn,
        specs: dict[str, tf.TypeSpec],
        directory: str,
        known: dict[str, tf.Tensor],
        outputs: dict[str, str] | None = None,
    ) -> _Trace:
        """Trace with analysis results that are `known`, by the names of their tensors.

        `module.transform_fn` is then the traced function; while other results are
        missing, it returns the tensors that `outputs` names.
        """
        trace = cls.__new__(cls)
        trace.function = saved_transform_io_v2.trace_and_update_module(
            trace.module,
            trace._make(function, specs, directory, known, outputs),
            "transform_fn",
            strip_control_dependencies=False,
        )
        return trace

    def _make(
        self,
        function: PreprocessingFn,
        specs: dict[str, tf.TypeSpec],
        directory: str,
        known: dict[str, tf.Tensor] | None,
        outputs: dict[str, str] | None = None,
    ) -> tf.types.experimental.GenericFunction:
        context = graph_context.TFGraphContext(
            module_to_export=self.module, temp_dir=directory, evaluated_replacements=known
        )
        return impl_helper.get_traced_transform_fn(function, specs, context, outputs)

    @functools.cached_property
    def module(self) -> tf.Module:
        """What is saved."""
        return tf.Module()

    @property
    def graph(self) -> tf.Graph:
        """The traced graph."""
        return self.function.graph

    @property
    def inputs(self) -> TensorsByName:
        """The graph's inputs."""
        return tf2_utils.get_structured_inputs_from_func_graph(self.graph)

    def prune(
        self, inputs: Sequence[tf.Tensor], outputs: dict[str, tf.Tensor]
    ) -> Callable[..., dict[str, tf.Tensor]]:
        """Return the function that computes some tensors of the graph from others."""
        holder = wrap_function.VariableHolder(share_variables=True)
        return wrap_function.WrappedFunction(self.graph, variable_holder=holder).prune(
            inputs, outputs
        )

    def metadata(self) -> dataset_metadata.DatasetMetadata:
        """Return the schema of the outputs, with what analyzers have noted on it.

        TensorFlow Transform traces the function once more for this. The notes are
        tensors of the graph at hand as well, and depend on no input.
        """
        outputs = self.function.structured_outputs
        # The graph's outputs are copies of the tensors that the notes are about.
        tensors, _ = tf2_utils.strip_and_get_tensors_and_control_dependencies(
            tf.nest.flatten(outputs, expand_composites=True)
        )
        keys = schema_inference._get_tensor_value_to_key_map(
            tf.nest.pack_sequence_as(outputs, tensors, expand_composites=True)
        )
        notes: dict[str, list[Any]] = {}
        for collection, *details, default in _NOTES:
            notes |= schema_inference._get_schema_overrides(
                self.graph, keys, collection, details, default
            )
        notes[schema_inference._METADATA_SPARSE_OUTPUT_OVERRIDES_FIELD] = [
            schema_inference._get_sparse_output_annotations_v2(self.graph, keys)
        ]
        flat = tf.nest.flatten(notes)
        symbolic = {str(n): t for n, t in enumerate(flat) if isinstance(t, tf.Tensor)}
        values = self.prune([], symbolic)() if symbolic else {}
        flat = [values.get(str(n), t) for n, t in enumerate(flat)]
        flat = [tf.constant(t) if isinstance(t, str) else t for t in flat]
        evaluated = tf.nest.pack_sequence_as(notes, flat)
        return dataset_metadata.DatasetMetadata(
            schema_inference.infer_feature_schema_v2(
                outputs, lambda: evaluated, evaluate_schema_overrides=True
            )
        )


#: Collections of notes: the tensors noted on, what is noted, and the key of notes on
#: the whole schema.
_NOTES = (
    (
        schema_inference._TF_METADATA_TENSOR_COLLECTION,
        schema_inference._TF_METADATA_TENSOR_MIN_COLLECTION,
        schema_inference._TF_METADATA_TENSOR_MAX_COLLECTION,
        None,
    ),
    (
        schema_inference._TF_METADATA_EXTRA_ANNOTATION,
        schema_inference._TF_METADATA_EXTRA_ANNOTATION_TYPE_URL,
        schema_inference._TF_METADATA_EXTRA_ANNOTATION_PROTO,
        schema_inference._TF_METADATA_EXTRA_ANNOTATION_GLOBAL,
    ),
)


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

    first = _Trace(preprocessing_fn, specs, temp_dir)
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
            traces.append(_Trace.exportable(preprocessing_fn, specs, temp_dir, known, names))
            function = traces[-1].module.transform_fn
        else:  # nothing is known yet, so that the first trace is also this phase's
            function = first.prune(first.function.inputs, dict(op.output_signature))

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

    final = _Trace.exportable(preprocessing_fn, specs, temp_dir, known)
    _check_order(fingerprint, graph_tools.get_analyzers_fingerprint(final.graph, final.inputs))
    if final.graph.get_collection(analyzer_nodes.TENSOR_REPLACEMENTS):
        raise RuntimeError("An analyzer was left without a result.")
    target = transform_graph.clear(output_dir)
    tf.saved_model.save(final.module, str(target / tft.TFTransformOutput.TRANSFORM_FN_DIR))
    transform_graph.write_metadata(target, schema, final.metadata(), asset_map)


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


def _check_order(
    first: Mapping[str, graph_tools.AnalyzersFingerprint],
    final: Mapping[str, graph_tools.AnalyzersFingerprint],
) -> None:
    """Check that tracing twice met the same analyzers: their results go by their names."""
    sources = [{name: fp.source_keys for name, fp in trace.items()} for trace in (first, final)]
    if sources[0] != sources[1]:
        raise InputError(
            "The preprocessing function calls its analyzers in an order that changes.",
            setting="transform.preprocessing_fn",
            remedy="Iterate over sorted names, or give each analyzer a `name`.",
        )
