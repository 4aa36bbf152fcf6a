"""Where a sequence of layers is cut, so that the slowest part is as fast as can be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from components.errors import InputError


def partition(costs: Sequence[float], partitions: int) -> tuple[int, ...]:
    """Return the cuts that minimise the largest sum of costs between two of them.

    Parameters
    ----------
    costs : sequence of float
        Of each layer, in order; at least 0, in any unit.
    partitions : int
        Number of contiguous parts; none is empty.

    Returns
    -------
    tuple of int
        Index of the first layer of each part but the first, ascending. Of several best
        answers, the one whose cuts come latest, the last cut first.

    Raises
    ------
    InputError
        If there are fewer layers than parts, or less than one part.

    Notes
    -----
    Exact, by dynamic programming over the prefixes: the best of `k` parts of the first `n`
    layers is the least, over the place of the last cut, of the larger of the last part and
    the best of `k - 1` parts before it. n^2 * k steps.

    Examples
    --------
    >>> partition([1, 2, 3, 4, 5, 6], 3)
    (3, 5)
    """
    layers = len(costs)
    if not 1 <= partitions <= layers:
        raise InputError(
            "A model cannot be cut into that many partitions.",
            setting="trainer.distribution.partitions",
            expected=f"1 to {layers}, the number of its layers",
            got=partitions,
            remedy="Set fewer partitions, or train a deeper model.",
        )
    until = [0.0, *accumulate(costs)]
    best = [0.0, *[math.inf] * layers]
    choices = []
    for part in range(1, partitions + 1):
        now, choice = [math.inf] * (layers + 1), [0] * (layers + 1)
        for end in range(part, layers + 1):
            for cut in range(part - 1, end):
                largest = max(best[cut], until[end] - until[cut])
                if largest <= now[end]:
                    now[end], choice[end] = largest, cut
        best = now
        choices.append(choice)
    cuts, end = [], layers
    for choice in reversed(choices[1:]):
        end = choice[end]
        cuts.append(end)
    return tuple(reversed(cuts))


def ranges(cuts: Sequence[int], layers: int) -> tuple[range, ...]:
    """Return the indices of the layers of each part.

    Examples
    --------
    >>> ranges((3, 5), 6)
    (range(0, 3), range(3, 5), range(5, 6))
    """
    edges = [0, *cuts, layers]
    return tuple(range(edges[i], edges[i + 1]) for i in range(len(edges) - 1))
