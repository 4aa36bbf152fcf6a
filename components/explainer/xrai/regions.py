"""Regions in the order of what they gain: segments, each by what it adds to those before."""

from __future__ import annotations

import numpy as np


def ranked(
    attributions: np.ndarray, masks: np.ndarray, least_added: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gain of the region of each pixel, and when its region was added.

    The segment whose pixels that are not yet taken have the highest mean attribution comes
    next, until none adds enough; what is left is the last region.

    Parameters
    ----------
    attributions : ndarray, shape [h, w]
    masks : ndarray of bool, shape [segments, h, w]
    least_added : int
        Pixels that a segment must add.

    Returns
    -------
    gains : ndarray, shape [h, w]
        Mean attribution of the pixels that the region added.
    order : ndarray of int, shape [h, w]
        1 for the region that was added first.

    Notes
    -----
    Kapishnikov et al. 2019, algorithm 1.
    """
    shape = attributions.shape
    values = attributions.ravel()
    flat = masks.reshape(len(masks), -1)
    sizes = flat.sum(axis=1)
    totals = flat @ values
    gains, order = np.zeros(values.shape), np.zeros(values.shape, int)
    least_added = max(least_added, 1)
    left = np.arange(len(flat))
    region = 0
    while True:
        kept = sizes[left] >= least_added
        left = left[kept]
        if not len(left):
            break
        density = totals[left] / sizes[left]
        best = left[int(density.argmax())]
        region += 1
        added = flat[best] & (order == 0)
        gains[added], order[added] = density.max(), region
        # What the other segments still add, without a pass over all pixels.
        columns = np.flatnonzero(added)
        overlap = flat[:, columns]
        sizes = sizes - overlap.sum(axis=1)
        totals = totals - overlap @ values[columns]
    rest = order == 0
    if rest.any():
        gains[rest], order[rest] = values[rest].mean(), region + 1
    return gains.reshape(shape), order.reshape(shape)
