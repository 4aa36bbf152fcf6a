"""How stable predictions of images are, under changes that leave their content."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

#: The greatest value of a pixel.
WHITE = 255.0


def noise(images: np.ndarray, size: float, random: np.random.Generator) -> np.ndarray:
    """Return images with normal noise of a standard deviation of `size` times white."""
    return _pixels(images, images + WHITE * size * random.normal(size=images.shape))


def brightness(images: np.ndarray, size: float, random: np.random.Generator) -> np.ndarray:
    """Return images that are lighter or darker by `size` times white, each at random."""
    sign = random.choice([-1.0, 1.0], (len(images), 1, 1, 1))
    return _pixels(images, images + WHITE * size * sign)


def contrast(images: np.ndarray, size: float, random: np.random.Generator) -> np.ndarray:
    """Return images whose differences from their mean are less or more by the part `size`."""
    factor = 1 + size * random.choice([-1.0, 1.0], (len(images), 1, 1, 1))
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return _pixels(images, mean + factor * (images - mean))


def shift(images: np.ndarray, size: float, random: np.random.Generator) -> np.ndarray:
    """Return images that are moved by the part `size` of their sides, in one of 4 directions.

    Notes
    -----
    By one pixel at least. What comes in from outside repeats the border.
    """
    height, width = images.shape[1:3]
    down, right = (max(1, round(size * side)) for side in (height, width))
    moves = ((down, 0), (-down, 0), (0, right), (0, -right))
    rows, columns = np.arange(height), np.arange(width)
    chosen = random.integers(0, len(moves), len(images))
    found = np.empty_like(images)
    for index, (y, x) in enumerate(moves):
        own = chosen == index
        moved = images[own][:, np.clip(rows - y, 0, height - 1)]
        found[own] = moved[:, :, np.clip(columns - x, 0, width - 1)]
    return found


#: By name. Sizes are parts of white, of the contrast, or of the sides.
CHANGES: dict[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "noise": noise,
    "brightness": brightness,
    "contrast": contrast,
    "shift": shift,
}


def cases(images: np.ndarray, sizes: Sequence[float]) -> list[tuple[str, float]]:
    """Return each change by name with its sizes; of shifts, those that differ in whole pixels."""
    found = [(name, size) for name in CHANGES if name != "shift" for size in sizes]
    side = max(images.shape[1:3])
    moves = dict.fromkeys(max(1, round(size * side)) for size in sizes)
    return found + [("shift", pixels / side) for pixels in moves]


def _pixels(images: np.ndarray, changed: np.ndarray) -> np.ndarray:
    changed = np.clip(changed, 0.0, WHITE)
    if np.issubdtype(images.dtype, np.integer):
        changed = np.round(changed)
    return changed.astype(images.dtype)
