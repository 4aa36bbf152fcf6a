"""Margin density of a model's scores (MD3)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

#: Gaps of the reference that are kept, and parts that they are cut into.
KEPT = 5000
PARTS = 10
#: Difference of shares from which on it counts by default.
SMALL = 0.05


def gaps(scores: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the gap between the two greatest probabilities of each row, 0 to 1.

    Parameters
    ----------
    scores : ndarray of float64, shape [n] or [n, k]
        Probabilities; one column is that of the positive class.

    Returns
    -------
    ndarray of float64, shape [n], or None
        None if they are not probabilities.
    """
    scores = np.asarray(scores, np.float64)
    scores = scores[:, None] if scores.ndim == 1 else scores
    if not ((scores >= 0) & (scores <= 1)).all():
        return None
    if scores.shape[1] == 1:
        return np.abs(2 * scores[:, 0] - 1)
    top = np.partition(scores, scores.shape[1] - 2, axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0])


def gaps_to_json(scores: NDArray[np.float64], seed: int) -> dict[str, Any] | None:
    """Return the gaps of the reference as plain values, or None if there are none."""
    found = gaps(scores)
    if found is None:
        return None
    rng = np.random.default_rng(seed)
    return {"gaps": rng.permutation(found)[:KEPT].round(6).tolist()}


def compare(
    saved: dict[str, Any], scores: NDArray[np.float64], margin: float
) -> dict[str, Any] | None:
    """Compare the share of rows in the margin with that of the reference.

    Parameters
    ----------
    saved : dict
        What `gaps_to_json` returned.
    scores : ndarray of float64, shape [n] or [n, k]
    margin : float
        Gap up to which a row is in the margin.

    Returns
    -------
    dict or None
        ``reference`` and ``current`` share, ``deviations`` by which they differ, in standard
        deviations of the share over parts of the reference, scaled to the current number of rows
        (the paper's signal; None where the parts do not differ), ``size``, and ``p_value`` of
        Fisher's exact test. None if the scores are not probabilities.

    References
    ----------
    T. S. Sethi and M. Kantardzic, "On the reliable detection of concept drift from streaming
    unlabeled data", Expert Systems with Applications 82, 2017. There the model is trained anew for
    each part; here it has not seen the reference rows, and so is the same for all parts.
    """
    current = gaps(scores)
    if current is None:
        return None
    inside = np.array(saved["gaps"]) <= margin
    now = current <= margin
    parts = np.array([part.mean() for part in np.array_split(inside, PARTS) if len(part)])
    deviation = float(parts.std(ddof=1)) if len(parts) > 1 else 0.0
    # A share of n rows differs by 1 / sqrt(n); that of the reference itself is uncertain, too.
    deviation *= math.sqrt(len(inside) / len(parts) * (1 / len(now) + 1 / len(inside)))
    apart = float(now.mean() - inside.mean())
    counted = [[int(rows.sum()), int((~rows).sum())] for rows in (inside, now)]
    return {
        "reference": float(inside.mean()),
        "current": float(now.mean()),
        "deviations": apart / deviation if deviation > 0 else None,
        "size": abs(apart),
        "p_value": float(min(1.0, stats.fisher_exact(counted)[1])),
    }
