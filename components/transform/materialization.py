"""Application of a transform graph to examples, in this process or on Beam."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.saved import saved_transform_io_v2
from tfx_bsl.tfxio.tensor_adapter import TensorAdapter

from components import examples
from components.errors import InputError
from components.models.transformed import IMAGE, LABEL, NUMERIC, to_record_batch
from components.transform import graph as transform_graph
from components.transform.preprocessing import SETTING, Plan


class Transformation:
    """A transform graph, loaded: raw Arrow batches in, transformed arrays out.

    Parameters
    ----------
    directory : path
        The transform graph.
    schema : Schema
        Schema of the raw data.
    plan : Plan
        Tells what the label is.
    """

    def __init__(
        self, directory: str | os.PathLike[str], schema: schema_pb2.Schema, plan: Plan
    ) -> None:
        self._plan = plan
        self._adapter = TensorAdapter(transform_graph.adapter_config(schema))
        self._loader = saved_transform_io_v2.SavedModelLoader(
            os.path.join(directory, tft.TFTransformOutput.TRANSFORM_FN_DIR)
        )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the transformed rows of `batch`.

        Raises
        ------
        InputError
            For a row with a label that is missing or of no known class, and for a
            feature that is not finite.
        """
        tensors = self._adapter.ToBatchTensors(batch, produce_eager_tensors=True)
        outputs = self._loader.apply_transform_model(tensors)
        arrays = {name: tensor.numpy() for name, tensor in sorted(outputs.items())}
        check(arrays, self._plan)
        if IMAGE in arrays:
            arrays[IMAGE] = arrays[IMAGE].astype(np.uint8)
        return to_record_batch(arrays)


def check(arrays: dict[str, np.ndarray], plan: Plan) -> None:
    """Raise an `InputError` if a row could not be trained on."""
    label = arrays[LABEL]
    bad = label < 0 if plan.classes else ~np.isfinite(label)
    if bad.any():
        raise InputError(
            f"{bad.sum()} of {len(label)} rows have no usable label.",
            column=plan.label,
            expected=", ".join(plan.classes) or "finite numbers",
            got="a missing value, or one of no known class"
            if plan.classes
            else "a missing or infinite number",
            remedy="Mend or drop these rows; the classes come from the data as first read.",
        )
    finite = np.isfinite(arrays.get(NUMERIC, np.zeros((0, 0)))).all(axis=0)
    if not finite.all():
        raise InputError(
            "The preprocessing function makes numbers that are not finite.",
            column=f"{NUMERIC}_{np.argmin(finite)}",
            setting=SETTING,
        )


def materialize(
    transformation: Transformation, shards: transform_graph.Shards, directory: str
) -> int:
    """Write the transformed rows of `shards` as a split and return their number."""
    return examples.write_split(
        (transformation(batch) for shard in shards for batch in shard()), directory
    )


class _Transform(beam.DoFn):
    """Applies a transform graph that each worker loads once."""

    def __init__(self, load: Callable[[], Transformation]) -> None:
        self._load = load

    def setup(self) -> None:
        self._transformation = self._load()

    def process(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        yield from examples.encode(self._transformation(batch))


def materialize_on_beam(
    graph_dir: str,
    schema: schema_pb2.Schema,
    plan: Plan,
    splits: dict[str, transform_graph.Shards],
    make_pipeline: Callable[[], beam.Pipeline],
) -> None:
    """Write transformed splits on Beam.

    Parameters
    ----------
    graph_dir, schema, plan
        See `Transformation`.
    splits : dict
        Output directory -> readers of the raw split.
    make_pipeline : callable
        Returns the pipeline to run on.
    """
    load = functools.partial(Transformation, graph_dir, schema, plan)
    with make_pipeline() as pipeline:
        for number, (directory, shards) in enumerate(splits.items()):
            prefix = str(Path(directory) / examples.FILE_NAME.partition("-")[0])
            _ = (
                pipeline
                | f"Read{number}" >> transform_graph.read_shards(shards)
                | f"Transform{number}" >> beam.ParDo(_Transform(load))
                | f"Write{number}" >> beam.io.WriteToTFRecord(prefix, file_name_suffix=".gz")
            )
