"""What a candidate costs, and what it is worth."""

from __future__ import annotations

import gzip
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from components.compressor import flatbuffer, tflite_reading
from components.compressor.eval_rows import EvalRows
from components.models.lite_model import LiteModel

#: Threads of LiteRT whose latency is told.
THREADS = 1
#: Calls whose median is the latency.
CALLS = 1000
_KINDS = schema.BuiltinOperator


@dataclass(frozen=True)
class Figures:
    """A TF Lite file in numbers.

    Attributes
    ----------
    bytes, gzip_bytes : int
        Of the file on disk, and of it after gzip at its highest level.
    median_ms, p95_ms : float
        Of one row in LiteRT, warm, on `threads` threads.
    threads : int
    metrics : dict of str to float
        On the eval split.
    drop : float
        By how much the metric is worse than the source model's; below 0 if it is better.
    slices : dict of str to float
        The metric on each slice.
    slice_drop : float
        The largest drop on any slice; 0 without slices.
    worst_slice : str or None
        Where that is.
    parameters : int
        Weights in matrices, kernels and tables.
    sparsity : float
        Share of them that stand for 0.
    unique : int
        Distinct values among those of each matrix, added up.
    macs : int
        Multiplications with a weight for one row.
    """

    bytes: int
    gzip_bytes: int
    median_ms: float
    p95_ms: float
    threads: int
    metrics: dict[str, float]
    drop: float
    slices: dict[str, float] = field(default_factory=dict)
    slice_drop: float = 0.0
    worst_slice: str | None = None
    parameters: int = 0
    sparsity: float = 0.0
    unique: int = 0
    macs: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON; what is no number is null."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Source:
    """What candidates are held against: the metric of the model that is compressed.

    Attributes
    ----------
    metric : float
    slices : dict of str to float
    """

    metric: float
    slices: dict[str, float]


def measure(content: bytes, rows: EvalRows, source: Source) -> Figures:
    """Return the figures of a TF Lite file."""
    model = LiteModel(content, threads=THREADS)
    scores = model.scores(rows.arrays)
    metrics = rows.judge.measure(scores)
    slices = rows.by_slice(scores)
    drops = {
        name: rows.drop(source.slices[name], value)
        for name, value in slices.items()
        if name in source.slices
    }
    worst = max(drops, key=lambda name: drops[name], default=None)
    latency = model.latency_ms(rows.arrays, CALLS)
    found = tflite_reading.read(content)
    return Figures(
        bytes=len(content),
        gzip_bytes=len(gzip.compress(content, 9, mtime=0)),
        median_ms=latency.median_ms,
        p95_ms=latency.p95_ms,
        threads=THREADS,
        metrics=metrics,
        drop=rows.drop(source.metric, metrics[rows.judge.metric]),
        slices=slices,
        slice_drop=0.0 if worst is None else drops[worst],
        worst_slice=worst,
        parameters=found.parameters,
        sparsity=found.sparsity,
        unique=found.unique,
        macs=macs(content),
    )


def macs(content: bytes) -> int:
    """Return how many products with a weight one row takes, zeros among them included.

    It counts dense layers, convolutions and depthwise ones; all else is small beside them.
    """
    model = flatbuffer.read(content)
    graph = model.subgraphs[0]
    codes = [flatbuffer.code(entry) for entry in model.operatorCodes]
    total = 0
    for operator in graph.operators:
        kind = codes[operator.opcodeIndex]
        if kind not in (_KINDS.FULLY_CONNECTED, _KINDS.CONV_2D, _KINDS.DEPTHWISE_CONV_2D):
            continue
        weights = math.prod(int(n) for n in graph.tensors[operator.inputs[1]].shape)
        places = 1
        if kind != _KINDS.FULLY_CONNECTED:
            _, height, width, _ = graph.tensors[operator.outputs[0]].shape
            places = int(height) * int(width)
        total += weights * places
    return total
