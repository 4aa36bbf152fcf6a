"""Which split a row belongs to: by a hash of its content or group, or by time.

Either way it depends on the row alone, so that every engine, file order and batch size
gives the same splits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from components.example_gen.config import SPLITS
from components.example_gen.dataset import DatasetSpec

_KEY = "modelworks-split"  # 16 characters, as the hash demands
_NULL = np.uint64(0x9E3779B97F4A7C15)


def assign(batch: pa.RecordBatch, spec: DatasetSpec) -> np.ndarray:
    """Return the split of each row.

    Parameters
    ----------
    batch : RecordBatch
        Rows of `spec.files`, as `readers.read_batches` yields them.
    spec : DatasetSpec

    Returns
    -------
    numpy.ndarray of int64, shape (rows,)
        Index into ``spec.split_names``.

    Notes
    -----
    Rows of a later period are of that period's span, however the others are placed.
    By hash: the hash, seen as a fraction in [0, 1), is compared with the cumulated shares.
    Equal rows go to the same split, so that no copy of a training row is tested. Rows
    without a group are placed by their content. By time: rows before the first boundary
    are train, those from the second on are test. An image's group is the hash of its bytes,
    or of its pixels where the data hold no file of it. Where the test split has files of its
    own, all others are train or eval.
    """
    places = _place(batch, spec)
    if spec.periods is None or not spec.period_starts:
        return places
    times = batch.column(spec.periods.column).fill_null(np.iinfo(np.int64).min).to_numpy()
    period = np.searchsorted(list(spec.period_starts.values()), times, side="right")
    return np.where(period > 0, len(SPLITS) - 1 + period, places)


def _place(batch: pa.RecordBatch, spec: DatasetSpec) -> np.ndarray:
    """Return each row's index into `SPLITS`."""
    if spec.time_boundaries is not None:
        times = batch.column(spec.split.column).to_numpy(zero_copy_only=False)
        places: np.ndarray = np.searchsorted(spec.time_boundaries, times, side="right")
        return places
    if spec.split.column is None:
        hashes = hash_rows(batch, spec.names)
    else:
        hashes = hash_rows(batch, [spec.split.column])
        group = batch.column(spec.split.column)
        if group.null_count:
            absent = group.is_null().to_numpy(zero_copy_only=False)
            hashes = np.where(absent, hash_rows(batch, spec.names), hashes)
    fractions = (hashes >> np.uint64(11)) * 2.0**-53
    return np.searchsorted(np.cumsum(spec.shares)[:-1], fractions, side="right")


def time_boundaries(
    times: np.ndarray, counts: np.ndarray, shares: Sequence[float]
) -> tuple[int, ...]:
    """Return the first time of each split but the first that comes closest to the shares.

    Parameters
    ----------
    times : numpy.ndarray of int64
        Distinct times, ascending.
    counts : numpy.ndarray of int64
        Rows at each time; rows of one time stay together.
    shares : sequence of float
        Of the splits, oldest first.
    """
    before = np.cumsum(counts) - counts
    wanted = np.cumsum(shares)[:-1] * counts.sum()
    return tuple(int(times[np.argmin(np.abs(before - rows))]) for rows in wanted)


def hash_rows(batch: pa.RecordBatch, names: Sequence[str]) -> np.ndarray:
    """Return a 64-bit hash of the values of `names` in each row.

    Numbers of equal value have equal hashes, whatever their type; so the order of columns
    does not matter either.
    """
    hashes = np.zeros(batch.num_rows, np.uint64)
    for name in sorted(names):
        key = hashlib.blake2b(name.encode(), digest_size=8).digest()
        values = _hash_values(batch.column(name)) ^ np.frombuffer(key, np.uint64)[0]
        hashes = _mix(hashes * np.uint64(3) + values)
    return hashes


def _hash_values(values: pa.Array) -> np.ndarray:
    absent = values.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_string(values.type):
        encoded = values.dictionary_encode()
        words = encoded.dictionary.to_numpy(zero_copy_only=False)
        if not len(words):
            return np.full(len(values), _NULL)
        table = pd.util.hash_array(words, hash_key=_KEY, categorize=False)
        hashes = table[encoded.indices.fill_null(0).to_numpy()]
    else:
        numbers = pc.cast(values, pa.float64(), safe=False).fill_null(0).to_numpy()
        hashes = _mix((numbers + 0.0).view(np.uint64))  # -0.0 + 0.0 is 0.0
    return np.where(absent, _NULL, hashes)


def _mix(bits: np.ndarray) -> np.ndarray:
    """Scramble 64-bit numbers (the finalizer of SplitMix64, Steele et al. 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = bits ^ (bits >> np.uint64(31))
    return mixed
