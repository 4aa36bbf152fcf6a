"""Overlapping segments of an image, from small to large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import binary_dilation
from skimage.morphology import disk
from skimage.segmentation import felzenszwalb
from skimage.transform import resize

#: Side to which images are brought, smoothing before the segmentation, and the range of pixels.
SIDE, SIGMA, RANGE = 224, 0.8, (-1.0, 1.0)


def segments(
    pixels: np.ndarray, scales: Sequence[float], least_size: int, grown: float
) -> np.ndarray:
    """Return masks of segments at several scales, bool [segments, h, w].

    Parameters
    ----------
    pixels : ndarray, shape [h, w, c]
    scales : sequence of float
    least_size : int
        Pixels of a segment, of 224 x 224.
    grown : float
        Share of the longer side by which each is dilated.

    Notes
    -----
    Felzenszwalb and Huttenlocher 2004, with the settings of Kapishnikov et al. 2019, section 3.2.
    """
    low, high = float(pixels.min()), float(pixels.max())
    span = (high - low) or 1.0
    normal = RANGE[0] + (pixels - low) * ((RANGE[1] - RANGE[0]) / span)
    large = resize(
        normal,
        (SIDE, SIDE),
        order=3,
        mode="constant",
        preserve_range=True,
        anti_aliasing=True,
    )
    radius = round(grown * max(pixels.shape[:2]))
    found = []
    for scale in scales:
        labels = felzenszwalb(large, scale=scale, sigma=SIGMA, min_size=least_size, channel_axis=-1)
        labels = resize(
            labels,
            pixels.shape[:2],
            order=0,
            mode="constant",
            preserve_range=True,
            anti_aliasing=False,
        ).astype(int)
        found += [labels == label for label in np.unique(labels)]
    if radius:
        found = [binary_dilation(mask, disk(radius)) for mask in found]
    return np.unique(np.stack(found), axis=0)
