"""Numbers of 32 bits in as few bits as lose nothing.

Values that were rounded to a shorter mantissa end in zeros, and their exponents are near to each
other. So one header says where the exponents begin, and how many bits an exponent and a
mantissa take; half-precision values take about 16 bits each, and values of any other kind
32 at most.
"""

from __future__ import annotations

import numpy as np

from components.compressor.deep_compression.range_coder import Coder, code_bits

_MANTISSA_BITS, _EXPONENT_BITS = 23, 8
#: Of the header: the least exponent, and the widths of exponents and mantissas.
_HEADER_WIDTHS = (8, 4, 5)


def round_mantissas(values: np.ndarray, bits: int) -> np.ndarray:
    """Return float32 values rounded to so many bits of mantissa; ties go to even.

    Parameters
    ----------
    values : ndarray of float32
        Finite.
    bits : int
        In ``[0, 23]``.
    """
    shift = np.uint32(_MANTISSA_BITS - bits)
    patterns = np.ascontiguousarray(values, np.float32).view(np.uint32)
    if not shift:
        return patterns.view(np.float32)
    odd = patterns >> shift & np.uint32(1)
    half = np.uint32((1 << (int(shift) - 1)) - 1)
    return ((patterns + half + odd) >> shift << shift).view(np.float32)


def code_header(coder: Coder, patterns: np.ndarray) -> tuple[int, int, int]:
    """Code what `pack` and `unpack` need to know, 17 bits.

    Parameters
    ----------
    coder : Coder
    patterns : ndarray of uint32
        Those of the values; at least one. Ignored by a decoder.

    Returns
    -------
    tuple of int
        Least exponent, width of exponents, width of mantissas.
    """
    exponents = patterns >> _MANTISSA_BITS & 0xFF
    used = int(np.bitwise_or.reduce(patterns)) & ((1 << _MANTISSA_BITS) - 1)
    unused = (used & -used).bit_length() - 1 if used else _MANTISSA_BITS
    low = int(exponents.min())
    header = (low, (int(exponents.max()) - low).bit_length(), _MANTISSA_BITS - unused)
    first, second, third = (
        code_bits(coder, value, width) for value, width in zip(header, _HEADER_WIDTHS, strict=True)
    )
    return first, second, third


def pack(patterns: np.ndarray, header: tuple[int, int, int]) -> np.ndarray:
    """Return the bits of values, uint8 0 or 1, ``[n, width]`` with sign, exponent, mantissa.

    Parameters
    ----------
    patterns : ndarray of uint32
        Shape ``[n]``.
    header : tuple of int
        See `code_header`.
    """
    low, exponent, mantissa = header
    exponents = (patterns >> _MANTISSA_BITS & 0xFF) - np.uint32(low)
    used = (patterns & np.uint32((1 << _MANTISSA_BITS) - 1)) >> np.uint32(_MANTISSA_BITS - mantissa)
    codes = (patterns >> 31) << np.uint32(exponent + mantissa)
    codes = (codes | exponents << np.uint32(mantissa) | used).astype(">u4")
    bits = np.unpackbits(codes.view(np.uint8).reshape(-1, 4), axis=1)
    return bits[:, 32 - width(header) :]


def unpack(bits: np.ndarray, header: tuple[int, int, int]) -> np.ndarray:
    """Return the patterns, uint32 ``[n]``, that `pack` made bits of."""
    low, exponent, mantissa = header
    padded = np.zeros((len(bits), 32), np.uint8)
    padded[:, 32 - width(header) :] = bits
    codes = np.packbits(padded, axis=1).view(">u4").reshape(-1).astype(np.uint32)
    used = (codes & np.uint32((1 << mantissa) - 1)) << np.uint32(_MANTISSA_BITS - mantissa)
    exponents = (codes >> np.uint32(mantissa) & np.uint32((1 << exponent) - 1)) + np.uint32(low)
    signs = codes >> np.uint32(exponent + mantissa) & np.uint32(1)
    return signs << np.uint32(31) | exponents << np.uint32(_MANTISSA_BITS) | used


def width(header: tuple[int, int, int]) -> int:
    """Return how many bits one value takes."""
    return 1 + header[1] + header[2]
