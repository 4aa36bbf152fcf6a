"""Arithmetic coding of bits whose probabilities are known to both sides.

Encoder and decoder have one method ``code(bit, p)`` each, so that a model of the data is written
once and serves both: the encoder takes the bit and returns it, the decoder ignores what it is
given and returns the bit that was encoded.

References
----------
.. [1] I. Witten, R. Neal, J. Cleary, "Arithmetic coding for data compression",
   Communications of the ACM 30(6), 1987.
.. [2] M. Mahoney, "Adaptive weighing of context models for lossless data compression",
   Florida Tech. CS-2005-16, 2005, whose interval of two numbers this is.
"""

from __future__ import annotations

from typing import Protocol

#: Probabilities are whole numbers below `ONE`.
PROBABILITY_BITS = 16
ONE = 1 << PROBABILITY_BITS
HALF = ONE >> 1

_ALL = 0xFFFFFFFF
_TOP = 24


class Coder(Protocol):
    """An encoder or a decoder."""

    def code(self, bit: int, p: int) -> int:
        """Code one bit.

        Parameters
        ----------
        bit : {0, 1}
            What an encoder writes.
        p : int
            Probability that it is 1, in units of ``1 / ONE``; in ``[1, ONE - 1]``.

        Returns
        -------
        int
            The bit.
        """


class Encoder:
    """Writes bits; `finish` returns the bytes.

    A bit takes ``-log2`` of its probability in bits, less than 0.01 % more, and the end of the
    stream two bytes at most.
    """

    def __init__(self) -> None:
        self._low, self._high = 0, _ALL
        self._bytes = bytearray()

    def code(self, bit: int, p: int) -> int:
        """Write a bit; see `Coder.code`."""
        low, high = self._low, self._high
        middle = low + ((high - low) * p >> PROBABILITY_BITS)
        if bit:
            high = middle
        else:
            low = middle + 1
        while (low ^ high) >> _TOP == 0:
            self._bytes.append(high >> _TOP)
            low = low << 8 & _ALL
            high = high << 8 & _ALL | 0xFF
        self._low, self._high = low, high
        return bit

    def finish(self) -> bytes:
        """Return what was written: of all numbers in the last interval the shortest."""
        for shift in (32, 24, 16, 8):
            last = (self._low + (1 << shift) - 1) >> shift << shift
            if last <= self._high:
                break
        else:
            last = self._low
        return (bytes(self._bytes) + last.to_bytes(4, "big")).rstrip(b"\0")


class Decoder:
    """Reads the bits that an `Encoder` wrote.

    Parameters
    ----------
    data : bytes
        What `Encoder.finish` returned. Zeros are read beyond its end.
    """

    def __init__(self, data: bytes) -> None:
        self._low, self._high = 0, _ALL
        self._data = data
        self._value = int.from_bytes(data[:4].ljust(4, b"\0"), "big")
        self._next = 4

    def code(self, bit: int, p: int) -> int:
        """Read a bit; see `Coder.code`."""
        low, high = self._low, self._high
        middle = low + ((high - low) * p >> PROBABILITY_BITS)
        bit = int(self._value <= middle)
        if bit:
            high = middle
        else:
            low = middle + 1
        while (low ^ high) >> _TOP == 0:
            low = low << 8 & _ALL
            high = high << 8 & _ALL | 0xFF
            byte = self._data[self._next] if self._next < len(self._data) else 0
            self._value = self._value << 8 & _ALL | byte
            self._next += 1
        self._low, self._high = low, high
        return bit


def code_bits(coder: Coder, value: int, width: int) -> int:
    """Code a whole number in ``[0, 2 ** width)`` whose bits are all equally likely."""
    result = 0
    for shift in range(width - 1, -1, -1):
        result = result << 1 | coder.code(value >> shift & 1, HALF)
    return result


def code_count(coder: Coder, value: int) -> int:
    """Code a whole number of at least 0 in ``2 log2(value + 1) + 1`` bits [Elias 1975, gamma]."""
    width = 0
    while coder.code(int((value + 1) >> (width + 1) > 0), HALF):
        width += 1
    return (1 << width | code_bits(coder, (value + 1) & ((1 << width) - 1), width)) - 1
