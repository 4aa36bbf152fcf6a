"""Whether what is attributed to the features sums up to what the model says."""

from __future__ import annotations

from typing import Any

import numpy as np


def describe(values: np.ndarray, attributions: np.ndarray) -> dict[str, Any]:
    """Return how far the sums of attributions are from the explained values.

    Parameters
    ----------
    values : ndarray, shape [n, outputs]
        What the model says.
    attributions : ndarray, shape [n, features, outputs]

    Returns
    -------
    dict
        ``base`` of each output: what the attributions start from, the mean of what they leave of
        the values; and ``error``, the root mean square of the rest as a share of the values'
        standard deviation: 0 where all rows sum up to their value from the same base, and 1 where
        the base alone tells as much. None if the values do not vary.
    """
    left = values - attributions.sum(axis=1)
    base = left.mean(axis=0)
    spread = float(np.sqrt(((values - values.mean(axis=0)) ** 2).mean()))
    rest = float(np.sqrt(((left - base) ** 2).mean()))
    tiny = 1e-9 * (1 + float(np.abs(values).max()))
    return {"base": base.tolist(), "error": rest / spread if spread > tiny else None}
