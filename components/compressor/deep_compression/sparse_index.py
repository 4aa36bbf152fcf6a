"""Where the values of a tensor are that are not zero.

Pruning leaves structure: pixels at the border, channels and units die altogether, and what is left
is dense where the information is. A tensor is looked at as ``[height, width, channels, units]``.
First it is told of each row (a place and channel of the input) whether anything in it is not zero;
then, unit by unit, whether the unit has anything at all and, if so, which of its values in rows
that have. The probability of each bit is mixed from what is known of its row, its unit, its
channel, its place, its channel in this unit, the bits next to it and the two bits before it.

So the index takes time for values in live rows and units only, some microseconds each.
"""

from __future__ import annotations

import numpy as np

from components.compressor.deep_compression.mixing import Mixture
from components.compressor.deep_compression.range_coder import Coder

#: Weights at the start: of a row's guess, channel and neighbours; of a unit's guess and
#: predecessor; and of a value's row, unit, channel, place, channel in the unit, neighbours,
#: and predecessors.
_ROW_WEIGHTS = (0.5, 0.3, 0.6)
_UNIT_WEIGHTS = (0.5, 0.2)
_VALUE_WEIGHTS = (0.6, 0.7, 0.1, 0.1, 0.3, 0.3, 0.1)
#: Guesses are no, yes, and none.
_NO_GUESS, _GUESSES = 2, 3
#: Bits above, to the left, and diagonally above, as one number.
_NEIGHBOURS = 16


def code_index(
    coder: Coder,
    mask: np.ndarray,
    live_channels: np.ndarray | None = None,
    live_units: np.ndarray | None = None,
) -> np.ndarray:
    """Code which values are not zero.

    Parameters
    ----------
    coder : Coder
    mask : ndarray of bool
        Shape ``[height, width, channels, units]``; a decoder takes nothing but the shape.
    live_channels, live_units : ndarray of bool, optional
        Guesses which channels and units have any such value; both sides have the same.

    Returns
    -------
    ndarray of bool
        The mask.
    """
    height, width, channels, units = mask.shape
    live_rows = _code_rows(coder, mask.any(axis=3), live_channels)
    rows = np.argwhere(live_rows.transpose(2, 0, 1))[:, [1, 2, 0]].tolist()
    result = np.zeros(mask.shape, bool)
    if not rows:
        return result
    unit_lives = Mixture((_GUESSES, 2), _UNIT_WEIGHTS)
    has_value = Mixture(
        (len(rows), units, channels, height * width, channels * units, _NEIGHBOURS, 4),
        _VALUE_WEIGHTS,
    )
    any_value = mask.any(axis=(0, 1, 2)).tolist()
    previous = 0
    for unit in range(units):
        guess = _NO_GUESS if live_units is None else int(live_units[unit])
        previous = unit_lives.code(coder, int(any_value[unit]), (guess, previous))
        if previous:
            result[..., unit] = _code_unit(coder, has_value, mask[..., unit], rows, unit)
    return result


def _code_rows(coder: Coder, live: np.ndarray, channel_lives: np.ndarray | None) -> np.ndarray:
    """Code which rows have any value that is not zero, bool ``[height, width, channels]``."""
    height, width, channels = live.shape
    row_lives = Mixture((_GUESSES, channels, _NEIGHBOURS), _ROW_WEIGHTS)
    bits = live.astype(int).tolist()
    result = np.zeros(live.shape, bool)
    for channel in range(channels):
        guess = _NO_GUESS if channel_lives is None else int(channel_lives[channel])
        seen = _Plane(height, width)
        for y in range(height):
            for x in range(width):
                contexts = (guess, channel, seen.neighbours(y, x))
                if row_lives.code(coder, bits[y][x][channel], contexts):
                    seen.set(y, x)
                    result[y, x, channel] = True
    return result


def _code_unit(
    coder: Coder, has_value: Mixture, wanted: np.ndarray, rows: list[list[int]], unit: int
) -> np.ndarray:
    """Code which values of a unit in the given rows are not zero, ``[height, width, channels]``."""
    height, width, channels = wanted.shape
    bits = wanted.astype(int).tolist()
    result = np.zeros(wanted.shape, bool)
    channel_before, last_two = -1, 0
    for row, (y, x, channel) in enumerate(rows):
        if channel != channel_before:
            seen, channel_before = _Plane(height, width), channel
        contexts = (
            row,
            unit,
            channel,
            y * width + x,
            unit * channels + channel,
            seen.neighbours(y, x),
            last_two,
        )
        bit = has_value.code(coder, bits[y][x][channel], contexts)
        last_two = (last_two << 1 | bit) & 3
        if bit:
            seen.set(y, x)
            result[y, x, channel] = True
    return result


class _Plane:
    """Bits of one channel, with a margin of zeros."""

    def __init__(self, height: int, width: int) -> None:
        self._stride = width + 2
        self._bits = bytearray((height + 1) * self._stride)

    def set(self, y: int, x: int) -> None:
        self._bits[(y + 1) * self._stride + x + 1] = 1

    def neighbours(self, y: int, x: int) -> int:
        """Return the bits to the left, above, and diagonally above as one number."""
        above = y * self._stride + x
        bits = self._bits
        return (
            bits[above + self._stride] << 3
            | bits[above] << 2
            | bits[above + 1] << 1
            | bits[above + 2]
        )
