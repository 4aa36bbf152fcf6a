"""Rows that are alike in all features but one: what that one tells beyond the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from components.models.subject import Columns

#: Most frequent texts of a column that have an indicator of their own.
MOST_TEXTS = 10


def strata(columns: Columns, feature: Sequence[str], stratum_rows: int, seed: int) -> np.ndarray:
    """Return the stratum of each row, shape [n].

    Parameters
    ----------
    columns : dict of str to ndarray
    feature : sequence of str
        Its columns, which others are to tell nothing about within a stratum.
    stratum_rows : int
        At least, of a stratum.
    seed : int

    Notes
    -----
    The leaves of a regression tree of the feature on all other columns, in which it depends on
    them as little as the tree can see (Debeer and Strobl 2020, "Conditional permutation importance
    revisited"; Molnar et al. 2023, "Model-agnostic feature importance and effects with dependent
    features"). Text counts by the rank of its frequency, or if it is the feature, by indicators.
    """
    from sklearn.tree import DecisionTreeRegressor

    rows = len(columns[feature[0]])
    others = [_ranked(columns[name]) for name in columns if name not in feature]
    if not others:
        return np.zeros(rows, np.int64)
    target = np.concatenate([_scaled(columns[name]) for name in feature], axis=1)
    tree = DecisionTreeRegressor(min_samples_leaf=min(stratum_rows, rows), random_state=seed)
    known = np.stack(others, axis=1)
    return np.asarray(tree.fit(known, target).apply(known))


def permuted(among: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the row whose value each row takes: any, but of its own stratum."""
    order = np.argsort(among, kind="stable")
    shuffled = np.lexsort((random.random(len(among)), among))
    places = np.empty(len(among), np.int64)
    places[order] = shuffled
    return places


def _ranked(values: np.ndarray) -> np.ndarray:
    """Return a column as numbers; missing ones are less than all others."""
    if values.dtype == object:
        ranks = {text: rank for rank, text in enumerate(_by_frequency(values))}
        return np.array([ranks[value] for value in values], np.float64)
    known = values[~np.isnan(values)]
    return np.where(np.isnan(values), known.min() - 1 if len(known) else 0.0, values)


def _by_frequency(values: np.ndarray) -> list[str]:
    """Return the texts of a column, the most frequent first."""
    counts = {str(text): n for text, n in pd.Series(values).value_counts().items()}
    return sorted(counts, key=lambda text: (-counts[text], text))


def _scaled(values: np.ndarray) -> np.ndarray:
    """Return a column as targets [n, k] of about equal spread."""
    if values.dtype == object:
        texts = _by_frequency(values)[:MOST_TEXTS]
        return np.stack([values == text for text in texts], axis=1).astype(np.float64)
    # By rank: a few far values do not decide where the tree divides.
    ranks = pd.Series(values).rank(pct=True).fillna(-0.5)
    return ranks.to_numpy()[:, np.newaxis]
