"""Values that a tensor shares, and which of them stands where.

The codebook holds the distinct values in rising order. An index is coded as the way through a
binary tree, from its highest bit down; the probability at each node is mixed from what its unit,
its row and the values before it in both have been [Han et al. 2016 code indices by Huffman,
whose codes are whole bits long and have no context].
"""

from __future__ import annotations

import numpy as np

from components.compressor.deep_compression.mixing import Mixture
from components.compressor.deep_compression.range_coder import Coder

#: Weights at the start: of nodes alone, after the value before in the unit, after that in the
#: row, and in the unit.
_WEIGHTS = (0.4, 0.3, 0.3, 0.1)


def book_of(patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct patterns of float32 values in the values' order, and the indices.

    Parameters
    ----------
    patterns : ndarray of uint32
        Shape ``[n]``.

    Returns
    -------
    book : ndarray of uint32
        Shape ``[k]``.
    indices : ndarray of int64
        Shape ``[n]``, so that ``book[indices]`` are the patterns.
    """
    book, indices = np.unique(patterns, return_inverse=True)
    order = np.argsort(book.view(np.float32), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return book[order], rank[indices.reshape(-1)]


def code_indices(
    coder: Coder, indices: np.ndarray, places: np.ndarray, shape: tuple[int, int], size: int
) -> np.ndarray:
    """Code the index of each value into a codebook.

    Parameters
    ----------
    coder : Coder
    indices : ndarray of int
        Shape ``[n]``, unit by unit; ignored by a decoder.
    places : ndarray of int
        Row and unit of each, ``[n, 2]``.
    shape : tuple of int
        Numbers of rows and of units.
    size : int
        Of the codebook.

    Returns
    -------
    ndarray of int64
        The indices, ``[n]``.
    """
    result = np.zeros(len(places), np.int64)
    depth = (size - 1).bit_length()
    if not depth:
        return result
    rows, units = shape
    nodes = 1 << depth
    # Only the sign of what went before, roughly: the half of the codebook, or none so far.
    step = Mixture((nodes, 3 * nodes, 3 * nodes, units * 2), _WEIGHTS)
    in_row, in_unit = [0] * rows, [0] * units
    values = indices.tolist() if len(indices) else [0] * len(places)
    for position, (row, unit) in enumerate(places.tolist()):
        value, node = values[position], 1
        unit_half, row_half = in_unit[unit], in_row[row]
        for level in range(depth - 1, -1, -1):
            # Where the rest of the way leads to one value only, there is nothing to tell.
            if (((node << 1 | 1) << level) & (nodes - 1)) >= size:
                node <<= 1
                continue
            contexts = (
                node,
                unit_half * nodes + node,
                row_half * nodes + node,
                unit * 2 + (node == 1),
            )
            node = node << 1 | step.code(coder, value >> level & 1, contexts)
        result[position] = found = node - nodes
        in_unit[unit] = in_row[row] = 1 + (2 * found >= size)
    return result
