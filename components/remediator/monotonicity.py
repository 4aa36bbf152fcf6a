"""How far a served model goes against the direction of a raw column."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

#: Rows and values of the column at which is looked.
PROBED_ROWS, PROBED_VALUES = 200, 33


def largest_step_against(
    predict: Callable[[dict[str, np.ndarray]], np.ndarray],
    columns: Mapping[str, np.ndarray],
    directions: Mapping[str, str],
    seed: int,
) -> tuple[float, str]:
    """Return the longest way of the last score against a direction, and with which column.

    In up to `PROBED_ROWS` rows, drawn by the seed, each column goes through up to
    `PROBED_VALUES` of the values that it has, all else being equal.

    Parameters
    ----------
    predict : callable
        Raw columns to scores [n, k].
    columns : mapping
        All raw columns that it takes.
    directions : mapping of str to {"increasing", "decreasing"}
    seed : int

    Returns
    -------
    way : float
        0 if the score never goes against a direction.
    column : str
    """
    rows = len(next(iter(columns.values())))
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(rows, min(rows, PROBED_ROWS), replace=False))
    found = [
        (_way(predict, columns, chosen, name, 1.0 if kind == "increasing" else -1.0), name)
        for name, kind in directions.items()
    ]
    return max(found)


def _way(
    predict: Callable[[dict[str, np.ndarray]], np.ndarray],
    columns: Mapping[str, np.ndarray],
    chosen: np.ndarray,
    name: str,
    sign: float,
) -> float:
    present = columns[name][~np.isnan(columns[name])]
    if not len(present):
        return 0.0
    shares = np.linspace(0, 1, PROBED_VALUES)
    grid = np.unique(np.quantile(present, shares, method="nearest"))
    probes = {other: np.repeat(values[chosen], len(grid)) for other, values in columns.items()}
    probes[name] = np.tile(grid, len(chosen))
    scores = predict(probes)[:, -1].astype(np.float64).reshape(len(chosen), len(grid))
    # From the best that came before, so that a slow way back counts in full.
    risen = np.maximum.accumulate(sign * scores, axis=1)
    return float((risen - sign * scores).max())
