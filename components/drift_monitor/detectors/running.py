"""Running minima and held values, the parts from which detectors scan a block at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Rows of which only the minimum is looked at first. A running minimum costs several times as much
#: as a plain one, and a stream whose level is steady rarely has a new one.
CHUNK = 128


def minima(
    values: NDArray[np.float64], before: float, *, strict: bool = False
) -> NDArray[np.int64]:
    """Return where a sequence is at a new minimum.

    Parameters
    ----------
    values : array [n]
    before : float
        Minimum of all that came before; infinite if nothing did.
    strict : bool
        Whether a value that only equals the minimum is none.

    Returns
    -------
    array [k] of int
        In increasing order.

    Examples
    --------
    >>> minima(np.array([5.0, 3.0, 4.0, 3.0, 1.0]), 4.0)
    array([1, 3, 4])
    >>> minima(np.array([5.0, 3.0, 4.0, 3.0, 1.0]), 4.0, strict=True)
    array([1, 4])
    """
    lowest = np.minimum.reduceat(values, np.arange(0, len(values), CHUNK))
    earlier = np.minimum.accumulate(np.concatenate(([before], lowest[:-1])))
    [hit] = np.nonzero(lowest < earlier if strict else (lowest <= earlier) & (lowest < np.inf))
    if not len(hit):
        return hit
    whole = len(values) // CHUNK
    chunks = values[: whole * CHUNK].reshape(-1, CHUNK)
    if hit[-1] == whole:
        rest = values[whole * CHUNK :]
        padded = np.concatenate((rest, np.full(CHUNK - len(rest), np.inf)))
        found = np.concatenate((chunks[hit[:-1]], padded[None]))
    else:
        found = chunks[hit]
    start = earlier[hit, None]
    if strict:
        seen = np.minimum.accumulate(np.hstack([start, found[:, :-1]]), axis=1)
        row, column = np.nonzero(found < seen)
    else:
        seen = np.minimum(np.minimum.accumulate(found, axis=1), start)
        row, column = np.nonzero((found <= seen) & (found < np.inf))
    return hit[row] * CHUNK + column


def chunk_extremes(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the minimum and the maximum of each run of `CHUNK` values; the last may be shorter."""
    begins = np.arange(0, len(values), CHUNK)
    return np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)


def hold(at: NDArray[np.int64], values: NDArray[Any], before: float, length: int) -> NDArray[Any]:
    """Return a sequence that takes on a value at each of some indices and keeps it until the next.

    Parameters
    ----------
    at : array [k] of int
        Increasing.
    values : array [k]
    before : float
        Value ahead of the first index.
    length : int

    Returns
    -------
    array [length]

    Examples
    --------
    >>> hold(np.array([1, 3]), np.array([7.0, 8.0]), 0.0, 5)
    array([0., 7., 7., 8., 8.])
    """
    return np.repeat(
        np.concatenate(([before], values)),
        np.concatenate((at, [length])) - np.concatenate(([0], at)),
    )


def run_at_end(at: NDArray[np.int64], length: int) -> int:
    """Return how many of the last indices of a sequence are among some, without a gap.

    Examples
    --------
    >>> run_at_end(np.array([1, 3, 4]), 5)
    2
    >>> run_at_end(np.array([1, 3]), 5)
    0
    """
    if not len(at) or at[-1] != length - 1:
        return 0
    gaps = np.flatnonzero(np.diff(at) > 1)
    return len(at) - (int(gaps[-1]) + 1 if len(gaps) else 0)
