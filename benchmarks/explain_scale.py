"""Shapley values of a million rows on Beam, in bounded memory.

    python -m benchmarks.explain_scale [--quick] [--rows N]

A table like that of taxi trips, of eight numeric and text columns, is drawn by a seed, batch by
batch as it is read. A logistic model with interactions of two and three columns is asked for its
probability of the mixed rows: each row's Shapley values take 20 coalitions of the columns, against
8 background rows. Beam's in-memory runner explains all rows in this one process, whose peak of
resident memory is that of everything: libraries, runner, model and rows. Values go to Parquet
files, which are then read back: all rows must be there, and their values sum up.

The last line on standard output is one JSON object: ``rows``; ``peak_mb``, of 2^20 bytes;
``start_mb``, the peak before Beam started; ``rows_per_second``, by the clock; ``seconds``;
``predictions``, rows that the model was given; ``files`` and ``megabytes`` written; ``efficiency``,
the largest amount by which a row's values fail to sum up.
"""

from __future__ import annotations

import argparse
import functools
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from components.explainer.shapley.beam import Task, Values, write
from components.explainer.shapley.config import ShapleyConfig
from components.models.subject import Columns

ROWS, QUICK_ROWS = 1_000_000, 50_000
SHARD_ROWS, BATCH_ROWS = 50_000, 5_000
BACKGROUND, COALITIONS, SEED = 8, 20, 0
PAYMENTS = ("Cash", "Credit Card", "No Charge", "")
COMPANIES = ("Flash Cab", "Yellow Cab", "Dispatch Taxi", "Blue Ribbon", "")


def trips(rows: int, seed: int) -> Columns:
    """Return trips, drawn by the seed."""
    random = np.random.default_rng([SEED, seed])
    miles = random.lognormal(0.8, 0.9, rows)
    fare = 3.25 + 2.2 * miles + random.exponential(1.0, rows)
    return {
        "trip_miles": miles,
        "fare": np.where(random.random(rows) < 0.02, np.nan, fare),
        "trip_seconds": 180 * miles + random.exponential(300, rows),
        "trip_start_hour": random.integers(0, 24, rows).astype(np.float64),
        "trip_start_day": random.integers(1, 8, rows).astype(np.float64),
        "pickup_area": random.integers(1, 78, rows).astype(np.float64),
        "payment_type": np.array(PAYMENTS, object)[
            random.choice(4, rows, p=[0.5, 0.4, 0.08, 0.02])
        ],
        "company": np.array(COMPANIES, object)[random.integers(0, 5, rows)],
    }


class Model:
    """The model, which counts the rows that it is given."""

    predictions = 0

    def __call__(self, columns: Columns) -> np.ndarray:
        """Return the probability of a big tip, [n, 1]."""
        Model.predictions += len(columns["fare"])
        fare = np.nan_to_num(columns["fare"], nan=10.0)
        card = columns["payment_type"] == "Credit Card"
        night = np.cos(columns["trip_start_hour"] * (np.pi / 12))
        odds = -2.5 + card * (2 + 0.3 * night) + 0.02 * fare - 0.05 * columns["trip_miles"]
        odds += 0.0004 * columns["trip_seconds"] * (columns["company"] == "Flash Cab") * card
        odds += 0.1 * night * (columns["trip_start_day"] > 5)
        odds -= 0.004 * np.abs(columns["pickup_area"] - 32)
        return (1 / (1 + np.exp(-odds)))[:, np.newaxis]


def load() -> Values:
    """Return the model."""
    return Model()


def shard(number: int, rows: int) -> Iterator[Columns]:
    """Yield the batches of a shard."""
    for start in range(0, rows, BATCH_ROWS):
        print(f"shard {number}, row {start:,}", file=sys.stderr, end="\r")
        yield trips(min(BATCH_ROWS, rows - start), number * SHARD_ROWS + start + 1)


def peak_mb() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(rows: int, directory: Path) -> dict[str, Any]:
    """Explain rows, and return the figures."""
    background = trips(BACKGROUND, 0)
    task = Task(
        background,
        {name: (name,) for name in background},
        ("big_tip",),
        ShapleyConfig(method="kriging", coalitions=COALITIONS),
        SEED,
    )
    shards = [
        functools.partial(shard, number, min(SHARD_ROWS, rows - start))
        for number, start in enumerate(range(0, rows, SHARD_ROWS))
    ]
    before, started = peak_mb(), time.perf_counter()
    write(
        task,
        load,
        shards,
        directory,
        lambda: beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])),
    )
    seconds = time.perf_counter() - started
    peak = peak_mb()
    files = sorted(directory.iterdir())
    written, gap = check(files, list(background))
    if written != rows:
        raise RuntimeError(f"{written:,} of {rows:,} rows were written")
    return {
        "rows": rows,
        "peak_mb": round(peak),
        "start_mb": round(before),
        "rows_per_second": round(rows / seconds),
        "seconds": round(seconds, 1),
        "predictions": Model.predictions,
        "files": len(files),
        "megabytes": round(sum(path.stat().st_size for path in files) / 2**20),
        "efficiency": gap,
    }


def check(files: list[Path], features: list[str]) -> tuple[int, float]:
    """Return how many rows files hold, and how far their values are from their sums at most."""
    count, gap = 0, 0.0
    for path in files:
        for batch in pq.ParquetFile(path).iter_batches():
            total = sum(batch[f"value:{name}"].to_numpy() for name in features)
            short = batch["prediction"].to_numpy() - batch["base"].to_numpy() - total
            count, gap = count + batch.num_rows, max(gap, float(np.abs(short).max()))
    return count, gap


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.explain_scale", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} rows")
    parser.add_argument("--rows", type=int, default=None, help=f"default: {ROWS:,}")
    arguments = parser.parse_args()
    rows = arguments.rows or (QUICK_ROWS if arguments.quick else ROWS)
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(run(rows, Path(directory))))


if __name__ == "__main__":
    main()
