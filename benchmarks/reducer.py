"""Principal components of 2,000,000 rows: ours on Beam against scikit-learn's IncrementalPCA.

    python -m benchmarks.reducer [--quick] [--rows N] [--rounds N]

Both see the same stream of float32 rows, which is made on the fly, shard by shard, and
both run in fresh processes with one thread each, in turn. Their time is that of the fit,
which includes the making of the rows; their memory is the peak of the whole process. The
components of both are held against the eigenvectors of the exact covariance, which a
third process computes in double precision, in two passes over blocks of rows.

The last line on standard output is one JSON object: ``max_error`` of our components and
``sklearn_max_error`` of theirs (largest difference of a coordinate of a unit vector),
``peak_mb`` and ``sklearn_peak_mb``, ``ours_s`` and ``sklearn_s`` (medians), ``rows_s``,
the part of both that goes into making the rows, and ``rows``.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).parents[1]
ROWS, QUICK_ROWS = 2_000_000, 200_000
WIDTH = 50
COMPONENTS = 10
SHARD_ROWS = 50_000
BATCH_ROWS = 5_000
SEED = 7
#: Libraries compute on one thread, so that a figure does not hang on the number of cores.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def shard_rows(number: int, rows: int) -> Iterator[np.ndarray]:
    """Yield the rows of one shard, float32 [at most BATCH_ROWS, WIDTH].

    Their means are far from zero, and their principal variances fall by a tenth each.
    """
    shape = np.random.default_rng(SEED)
    turn = np.linalg.qr(shape.normal(size=(WIDTH, WIDTH)))[0]
    mixing = (np.sqrt(0.9 ** np.arange(WIDTH))[:, np.newaxis] * turn.T).astype(np.float32)
    means = shape.normal(scale=10.0, size=WIDTH).astype(np.float32)
    random = np.random.default_rng([SEED, number])
    for start in range(0, rows, BATCH_ROWS):
        count = min(BATCH_ROWS, rows - start)
        yield random.standard_normal((count, WIDTH), dtype=np.float32) @ mixing + means


def shard_sizes(rows: int) -> list[int]:
    """Return the number of rows of each shard."""
    return [min(SHARD_ROWS, rows - start) for start in range(0, rows, SHARD_ROWS)]


def stream(rows: int) -> Iterator[np.ndarray]:
    """Yield all rows, shard after shard."""
    for number, size in enumerate(shard_sizes(rows)):
        yield from shard_rows(number, size)


def fixed_signs(vectors: np.ndarray) -> np.ndarray:
    """Return the rows with their largest coordinate positive."""
    largest = np.abs(vectors).argmax(axis=1)
    return vectors * np.sign(vectors[np.arange(len(vectors)), largest])[:, np.newaxis]


def exact(rows: int) -> tuple[float, np.ndarray]:
    """Return the eigenvectors of the covariance: means first, then deviations from them."""
    started = time.perf_counter()
    mean = sum(block.sum(axis=0, dtype=np.float64) for block in stream(rows)) / rows
    scatter = np.zeros((WIDTH, WIDTH))
    for block in stream(rows):
        deviations = block - mean
        scatter += deviations.T @ deviations
    vectors = np.linalg.eigh(scatter)[1].T[::-1][:COMPONENTS]
    return time.perf_counter() - started, fixed_signs(vectors)


def theirs(rows: int) -> tuple[float, np.ndarray]:
    """Fit scikit-learn's IncrementalPCA."""
    from sklearn.decomposition import IncrementalPCA

    started = time.perf_counter()
    model = IncrementalPCA(COMPONENTS)
    for block in stream(rows):
        model.partial_fit(block)
    return time.perf_counter() - started, fixed_signs(model.components_)


def ours(rows: int) -> tuple[float, np.ndarray]:
    """Fit from moments that Beam sums up, with the runner that the pipeline uses."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    from components.dimensionality_reducer import pca
    from components.dimensionality_reducer.accumulation import accumulate
    from components.dimensionality_reducer.basis import Statistics
    from components.dimensionality_reducer.columns import Columns
    from components.dimensionality_reducer.scaling import Scaling

    columns = Columns(numeric=tuple(f"x{number}" for number in range(WIDTH)))
    started = time.perf_counter()
    moments = accumulate(
        [
            functools.partial(shard_batches, number, size)
            for number, size in enumerate(shard_sizes(rows))
        ],
        functools.partial(start_moments, columns),
        lambda: beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])),
    )
    # As the peer, which knows no other: without standardisation.
    statistics_ = Statistics.of(moments, Scaling.of(moments, False))
    basis = pca.from_statistics(statistics_, COMPONENTS)
    return time.perf_counter() - started, basis.loadings


def shard_batches(number: int, rows: int) -> Iterator[Any]:
    """Yield the rows of a shard as the reducer takes them."""
    from components.dimensionality_reducer.columns import Batch

    for block in shard_rows(number, rows):
        count = len(block)
        yield Batch(block, np.zeros((count, 0), np.int64), np.zeros(count, np.float32))


def start_moments(columns: Any, shard: int) -> Any:
    """Return moments without rows."""
    from components.dimensionality_reducer.moments import Moments

    return Moments(columns)


def making(rows: int) -> tuple[float, np.ndarray]:
    """Only make the rows."""
    started = time.perf_counter()
    for _ in stream(rows):
        pass
    return time.perf_counter() - started, np.zeros((0, WIDTH))


PARTS: dict[str, Callable[[int], tuple[float, np.ndarray]]] = {
    "exact": exact,
    "making": making,
    "ours": ours,
    "sklearn": theirs,
}


def run(part: str, rows: int) -> dict[str, Any]:
    """Run a part in a fresh process and return its figures."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reducer", "--part", part, "--rows", str(rows)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env=os.environ | ONE_THREAD,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{part}: {result['seconds']:.2f} s, {result['peak_mb']:.0f} MB", file=sys.stderr)
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="200,000 rows, 1 round")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int, help="processes of each kind")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    if options.part:
        seconds, vectors = PARTS[options.part](rows)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "peak_mb": peak, "vectors": vectors.tolist()}))
        return
    truth = np.array(run("exact", rows)["vectors"])
    results: dict[str, list[dict[str, Any]]] = {"making": [], "ours": [], "sklearn": []}
    for _ in range(options.rounds or (1 if options.quick else 3)):
        for part, found in results.items():
            found.append(run(part, rows))

    def error(part: str) -> float:
        return max(float(np.abs(np.array(r["vectors"]) - truth).max()) for r in results[part])

    def seconds_of(part: str) -> float:
        return round(statistics.median(result["seconds"] for result in results[part]), 2)

    def peak_of(part: str) -> int:
        return round(max(result["peak_mb"] for result in results[part]))

    print(
        json.dumps(
            {
                "max_error": error("ours"),
                "peak_mb": peak_of("ours"),
                "ours_s": seconds_of("ours"),
                "sklearn_s": seconds_of("sklearn"),
                "sklearn_max_error": error("sklearn"),
                "sklearn_peak_mb": peak_of("sklearn"),
                "rows_s": seconds_of("making"),
                "rows": rows,
            }
        )
    )


if __name__ == "__main__":
    main()
