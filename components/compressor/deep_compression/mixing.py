"""Probabilities of bits from several contexts at once, learnt while the bits are coded.

Each context counts how often the bit was 1 in it. What a context says is its share, drawn towards
the share over all contexts as long as it has seen little. The logits of what they say
are added with weights, which follow the gradient of the code length.

Both sides must come to the same numbers on every machine. So there are only sums, products and
quotients of doubles here, which IEEE 754 defines to the last bit, and two tables made of them; no
library's logarithm or exponential.

References
----------
.. [1] M. Mahoney, "Adaptive weighing of context models for lossless data compression",
   Florida Tech. CS-2005-16, 2005: logistic mixing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.compressor.deep_compression.range_coder import ONE, Coder

#: Observations that the share over all contexts counts for in each of them.
PRIOR = 2.0
#: Ones and bits that are taken as seen before the first.
FIRST_ONES, FIRST_BITS = 0.4, 0.8
#: Steps of the weights.
RATE = 0.02

#: Largest logit, and entries of the table for each unit.
_LARGEST, _STEPS = 11.0, 256


def _exponential(x: np.ndarray) -> np.ndarray:
    """Return ``e ** x`` for ``|x| <= 16``: Taylor's series of x / 256, squared eight times."""
    small = x / 256.0
    result = np.ones_like(x)
    for k in range(12, 0, -1):
        result = 1.0 + small / k * result
    for _ in range(8):
        result = result * result
    return result


def _logarithm(x: np.ndarray) -> np.ndarray:
    """Return the natural logarithm of positive numbers, by its series in (x - 1) / (x + 1)."""
    fraction, exponent = np.frexp(x)
    y = (fraction - 0.75) / (fraction + 0.75)
    square, series = y * y, np.zeros_like(y)
    for k in range(25, 0, -2):
        series = series * square + 1.0 / k
    three_quarters, two = -0.2876820724517809, 0.6931471805599453
    return 2.0 * y * series + three_quarters + exponent * two


def _logits() -> list[float]:
    share = (np.arange(ONE) + 0.5) / ONE
    return [float(z) for z in _logarithm(share) - _logarithm(1.0 - share)]


def _probabilities() -> list[int]:
    count = int(2 * _LARGEST * _STEPS) + 1
    odds = _exponential((np.arange(count) + 0.5) / _STEPS - _LARGEST)
    return [min(max(int(p), 1), ONE - 1) for p in np.rint(ONE * (odds / (1.0 + odds)))]


#: Logit of a share, at ``int(share * ONE)``.
_LOGIT = _logits()
#: Probability of a logit z, at ``int((z + _LARGEST) * _STEPS)``.
_PROBABILITY = _probabilities()


class Mixture:
    """Codes bits, each in several contexts.

    Parameters
    ----------
    sizes : sequence of int
        How many contexts of each kind there are.
    weights : sequence of float
        Of each kind at the start: 1 trusts what its contexts say as if they were alone.
    """

    def __init__(self, sizes: Sequence[int], weights: Sequence[float]) -> None:
        self._weights = list(weights)
        # Of all contexts, one kind after the other. The prior counts as bits seen.
        self._offsets = [sum(sizes[:kind]) for kind in range(len(sizes))]
        self._ones = [0.0] * sum(sizes)
        self._bits = [PRIOR] * sum(sizes)
        self._all_ones, self._all_bits = FIRST_ONES, FIRST_BITS

    def code(self, coder: Coder, bit: int, contexts: Sequence[int]) -> int:
        """Code a bit in one context of each kind, and learn from it.

        Parameters
        ----------
        coder : Coder
        bit : {0, 1}
            Ignored by a decoder.
        contexts : sequence of int
            Index of a context of each kind.

        Returns
        -------
        int
            The bit.
        """
        ones, bits, weights = self._ones, self._bits, self._weights
        share = self._all_ones / self._all_bits
        prior = PRIOR * share
        logit = base = _LOGIT[int(share * ONE)]
        places = [offset + context for offset, context in zip(self._offsets, contexts, strict=True)]
        said = [_LOGIT[int((ones[place] + prior) / bits[place] * ONE)] - base for place in places]
        for weight, beyond in zip(weights, said, strict=True):
            logit += weight * beyond
        logit = min(max(logit, -_LARGEST), _LARGEST)
        p = _PROBABILITY[int((logit + _LARGEST) * _STEPS)]
        bit = coder.code(bit, p)
        step = (bit - p / ONE) * RATE
        for kind, place in enumerate(places):
            weights[kind] += step * said[kind]
            ones[place] += bit
            bits[place] += 1.0
        self._all_ones += bit
        self._all_bits += 1.0
        return bit
