"""Which raw column each transformed feature comes from, and so which feature of a person's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from components.explainer.network import Points
from components.models.transformed import NUMERIC, Features


def raw_column(name: str, columns: Sequence[str]) -> str | None:
    """Return the raw column of a transformed one, or None where it cannot be told.

    Examples
    --------
    >>> raw_column("fare:cdf", ["fare"]), raw_column("fare", ["fare"]), raw_column("z", ["fare"])
    ('fare', 'fare', None)
    """
    for candidate in (name, name.rpartition(":")[0]):
        if candidate in columns:
            return candidate
    return None


def untraceable(features: Features, columns: Sequence[str]) -> list[str]:
    """Return the transformed features whose raw column cannot be told."""
    names = [*features.numeric, *(each.name for each in features.categorical)]
    return [name for name in names if raw_column(name, columns) is None]


def by_feature(
    attributions: Points, features: Features, groups: Mapping[str, Sequence[str]]
) -> np.ndarray:
    """Return what falls to each feature, shape [r, features, targets].

    Parameters
    ----------
    attributions : dict of ndarray
        ``numeric`` [r, targets, k], and of embeddings [r, targets, columns, d].
    features : Features
        What the columns of these are.
    groups : mapping of str to sequence of str
        The raw columns of each feature.
    """
    columns = [column for group in groups.values() for column in group]
    place = {column: index for index, group in enumerate(groups.values()) for column in group}
    rows, targets = next(iter(attributions.values())).shape[:2]
    found = np.zeros((rows, len(groups), targets))
    for kind, values in attributions.items():
        numeric = kind == NUMERIC
        names = features.numeric if numeric else [each.name for each in features.categorical]
        summed = values if numeric else values.sum(axis=-1)
        for index, name in enumerate(names):
            column = raw_column(name, columns)
            if column is not None:
                found[:, place[column]] += summed[:, :, index]
    return found
