"""How much explanations change where rows do by a little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from components.explainer.method import Explanation
from components.explainer.problem import Problem
from components.models import measuring
from components.models.transformed import IMAGE, NUMERIC, WHITE


def changed(problem: Problem, size: float, seed: int) -> Problem:
    """Return the problem with every number of the explained rows changed by a little.

    Parameters
    ----------
    problem : Problem
    size : float
        Largest change, of which each is drawn uniformly: in standard deviations of the
        background's column, or of pixels as a share of their range. Categories stay.
    seed : int
        Of the draws, which belong to the rows, whatever their order.
    """
    subject, usual = problem.subject, problem.background
    generators = [np.random.default_rng([seed, int(row)]) for row in subject.row_ids]

    def noise(*shape: int) -> np.ndarray:
        return np.stack([each.uniform(-size, size, shape) for each in generators])

    if subject.images is not None:
        drawn = WHITE * noise(*subject.images.shape[1:])
        pixels = np.clip(subject.images + drawn, 0, WHITE).astype(np.float32)
        arrays = {**subject.arrays, IMAGE: pixels}
        scores = measuring.scores(measuring.outputs(subject.model, arrays), subject.task)
        return replace(
            problem, subject=replace(subject, images=pixels, arrays=arrays, scores=scores)
        )
    columns = dict(subject.columns)
    for name, values in columns.items():
        drawn = noise()
        if values.dtype != object:
            spread = np.nanstd(usual.columns[name]) if len(usual) else 0.0
            columns[name] = values + (0.0 if np.isnan(spread) else spread) * drawn
    arrays = dict(subject.arrays)
    if NUMERIC in arrays:
        # What the changed rows are transformed to is not known: these are changed alike.
        spread = usual.arrays[NUMERIC].std(axis=0)
        moved = arrays[NUMERIC] + spread * noise(arrays[NUMERIC].shape[1])
        arrays[NUMERIC] = moved.astype(np.float32)
    assert subject.predict is not None
    scores = subject.predict(columns)
    return replace(problem, subject=replace(subject, columns=columns, arrays=arrays, scores=scores))


def sensitivities(
    problem: Problem,
    explain: Callable[..., Explanation],
    size: float,
    repeats: int,
    out_of_time: Callable[[], bool],
) -> np.ndarray | None:
    """Return the largest relative change of each row's attributions, [r].

    Parameters
    ----------
    problem : Problem
    explain : callable
    size : float
        See `changed`.
    repeats : int
        Draws, over which the largest counts.
    out_of_time : callable
        Asked before each draw; the draws so far count.

    Returns
    -------
    ndarray or None
        None where the method attributes nothing, or there was no time for a draw. Rows to which
        nothing is attributed are left out.

    Notes
    -----
    Yeh et al. 2019, definition 2, as a share of the norm of the row's own attributions.
    """
    first = explain(problem=problem).attributions
    if first is None or out_of_time():
        return None
    size_of = np.linalg.norm(first.values.reshape(len(first.values), -1), axis=1)
    largest = np.zeros(len(first.rows))
    seen = np.zeros(len(first.rows), bool)
    for repeat in range(repeats):
        if repeat and out_of_time():
            break
        again = explain(problem=changed(problem, size, problem.seed + repeat)).attributions
        if again is None:
            break
        _, ours, theirs = np.intersect1d(first.rows, again.rows, return_indices=True)
        moved = (again.values[theirs] - first.values[ours]).reshape(len(ours), -1)
        distance = np.linalg.norm(moved, axis=1)
        largest[ours], seen[ours] = np.maximum(largest[ours], distance), True
    kept = seen & (size_of > 0)
    if not kept.any():
        return None
    found: np.ndarray = largest[kept] / size_of[kept]
    return found
