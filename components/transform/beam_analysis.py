"""Analysis of data by a preprocessing function on Beam."""

from __future__ import annotations

from collections.abc import Callable

import apache_beam as beam
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_metadata.proto.v0 import schema_pb2

from components.transform import graph as transform_graph
from components.transform.local_analysis import PreprocessingFn


def in_memory_pipeline() -> beam.Pipeline:
    """Return a pipeline on Beam's runner inside this process."""
    return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))


def analyze(
    preprocessing_fn: PreprocessingFn,
    schema: schema_pb2.Schema,
    shards: transform_graph.Shards,
    output_dir: str,
    temp_dir: str,
    make_pipeline: Callable[[], beam.Pipeline] = in_memory_pipeline,
) -> None:
    """Do on Beam what `components.transform.local_analysis.analyze` does.

    Parameters
    ----------
    preprocessing_fn, schema, shards, output_dir, temp_dir
        As there; the function and the shards have to be picklable.
    make_pipeline : callable
        Returns the pipeline to run on.
    """
    target = transform_graph.clear(output_dir)
    # Each phase reads the data anew: that needs no space for a copy of them, and with
    # one copy for all, Beam's runner inside this process fails from three phases on.
    context = tft_beam.Context(temp_dir=temp_dir, use_deep_copy_optimization=True)
    with make_pipeline() as pipeline, context:
        batches = pipeline | transform_graph.read_shards(shards)
        (
            (batches, transform_graph.adapter_config(schema))
            | "Analyze" >> tft_beam.AnalyzeDataset(preprocessing_fn)
            | "Write" >> tft_beam.WriteTransformFn(str(target))
        )
    transform_graph.write_raw_metadata(target, schema)
