"""The integral of a model's gradients along straight lines, with as many steps as it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.explainer.network import BATCH_VALUES, Network, Points

#: Least change that an error is a share of, in standard deviations of the explained values.
LEAST_CHANGE = 0.1


@dataclass(frozen=True)
class Integral:
    """Attributions of rows, and how exact they are.

    Attributes
    ----------
    attributions : dict of ndarray, shape [r, targets, ...]
        By input, of the shape of a row's point.
    change : ndarray, shape [r, targets]
        What they should sum up to: the value of the row less the mean of the baselines'.
    errors : ndarray, shape [r, targets]
        Share of the change by which they do not; see `integrate`.
    steps : ndarray of int, shape [r]
        Points on each way.
    """

    attributions: Points
    change: np.ndarray
    errors: np.ndarray
    steps: np.ndarray


def integrate(
    network: Network,
    points: Points,
    baselines: Points,
    weights: np.ndarray,
    scale: np.ndarray,
    *,
    steps: int,
    most_steps: int,
    tolerance: float,
) -> Integral:
    """Return the mean over baselines of the integrated gradients of some rows.

    Parameters
    ----------
    network : Network
    points, baselines : dict of ndarray, shapes [r, ...] and [b, ...]
    weights : ndarray, shape [r, targets, outputs]
        A target is the sum of a row's outputs times these.
    scale : ndarray, shape [r, targets]
        Standard deviation of each target among usual rows.
    steps, most_steps : int
        Rows with an error beyond the tolerance take twice as many, up to the latter.
    tolerance : float

    Notes
    -----
    Sundararajan, Taly and Yan 2017, eq. 1, by the midpoint rule; over several baselines, Erion et
    al. 2021, eq. 3. The attributions sum up to the change of the value [proposition 1], but for
    the error of the rule. It is given as a share of the change, or of `LEAST_CHANGE` times `scale`
    where the change is less: no share can be had of a change of 0.
    """
    ends = np.einsum("ro,rto->rt", network.values(points), weights)
    starts = np.einsum("o,rto->rt", network.values(baselines).mean(axis=0), weights)
    change = ends - starts
    whole = np.maximum(np.abs(change), LEAST_CHANGE * scale)
    targets = weights.shape[1]
    rows = len(change)
    found = {name: np.zeros((rows, targets, *values.shape[1:])) for name, values in points.items()}
    errors, taken = np.zeros((rows, targets)), np.zeros(rows, int)
    left = np.arange(rows)
    while len(left):
        part = _attributions(
            network, {n: v[left] for n, v in points.items()}, baselines, weights[left], steps
        )
        total = sum(each.reshape(len(left), targets, -1).sum(axis=-1) for each in part.values())
        wrong = np.abs(total - change[left])
        error = np.divide(wrong, whole[left], out=np.zeros_like(wrong), where=whole[left] > 0)
        for name, each in part.items():
            found[name][left] = each
        errors[left], taken[left] = error, steps
        if 2 * steps > most_steps:
            break
        left, steps = left[(error > tolerance).any(axis=1)], 2 * steps
    return Integral(found, change, errors, taken)


def _attributions(
    network: Network, points: Points, baselines: Points, weights: np.ndarray, steps: int
) -> Points:
    ways = len(next(iter(baselines.values()))) * steps
    width = sum(values[0].size for values in points.values())
    chunk = max(1, BATCH_VALUES // (ways * width))
    parts = [
        _chunk(
            network,
            {name: values[start : start + chunk] for name, values in points.items()},
            baselines,
            weights[start : start + chunk],
            steps,
        )
        for start in range(0, len(weights), chunk)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in points}


def _chunk(
    network: Network, points: Points, baselines: Points, weights: np.ndarray, steps: int
) -> Points:
    places = ((np.arange(steps) + 0.5) / steps).astype(np.float32)
    rows, targets = weights.shape[:2]
    starts = len(next(iter(baselines.values())))
    width = sum(values[0].size for values in points.values())
    # A large image does not have all of its steps in memory.
    block = max(1, BATCH_VALUES // (rows * starts * width))
    lengths = {name: values[:, None] - baselines[name][None] for name, values in points.items()}
    # Doubles: the sum over all steps is held against a difference.
    sums = {
        name: np.zeros((rows, starts, targets, *values.shape[1:]))
        for name, values in points.items()
    }
    for first in range(0, steps, block):
        some = places[first : first + block]
        ways = {}
        for name, values in points.items():
            along = some.reshape(-1, *[1] * (values.ndim - 1))
            # Shape [rows, baselines, steps, ...].
            grid = baselines[name][None, :, None] + along * lengths[name][:, :, None]
            ways[name] = grid.reshape(-1, *values.shape[1:])
        for target in range(targets):
            repeated = np.repeat(weights[:, target], starts * len(some), axis=0)
            for name, slope in network.slopes(ways, repeated).items():
                by_step = slope.reshape(rows, starts, len(some), *points[name].shape[1:])
                sums[name][:, :, target] += by_step.sum(axis=2, dtype=np.float64)
    return {
        name: (total / steps * lengths[name][:, :, None]).mean(axis=1)
        for name, total in sums.items()
    }
