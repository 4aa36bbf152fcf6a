"""The nearest rows of the data of which a model says something else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.explainer.counterfactuals.space import Space


@dataclass(frozen=True)
class Neighbour:
    """A row, and how far it is.

    Attributes
    ----------
    place : int
    distance : float
        See `components.explainer.counterfactuals.space.Space`.
    parts : ndarray, shape [features]
        Of the distance.
    """

    place: int
    distance: float
    parts: np.ndarray


def nearest(
    space: Space, points: np.ndarray, own: np.ndarray, other: np.ndarray, count: int
) -> list[Neighbour]:
    """Return the nearest rows among some.

    The distance is the sum over numbers of their difference in median absolute deviations,
    plus 1 for each category that differs: Wachter, Mittelstadt and Russell, "Counterfactual
    Explanations without Opening the Black Box" (2017, section IV).

    Parameters
    ----------
    space : Space
    points : ndarray, shape [n, features]
        Coordinates of the rows.
    own : ndarray, shape [features]
        Those of the example.
    other : ndarray of bool, shape [n]
        Rows of which the model says something else.
    count : int

    Returns
    -------
    list of Neighbour
        The nearest first; of equally near ones the first in the data.
    """
    among = np.flatnonzero(other)
    distances = space.distances(points[among], own[None])
    order = np.argsort(distances, kind="stable")[:count]
    return [
        Neighbour(
            int(among[place]), float(distances[place]), _parts(space, points[among[place]], own)
        )
        for place in order
    ]


def _parts(space: Space, point: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return how far each feature is: the point with that one alone changed."""
    changed = np.where(np.eye(len(own), dtype=bool), point, own)
    return np.asarray(space.distances(changed, own[None]))
