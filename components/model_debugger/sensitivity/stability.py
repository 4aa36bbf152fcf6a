"""How often predictions change if all columns are disturbed a little at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.model_debugger.sensitivity.answers import Answers
from components.model_debugger.sensitivity.domains import Domain

#: Quantile of the rows that is told beside their mean.
TAIL = 0.95


def disturbed(domain: Domain, size: float, random: np.random.Generator) -> np.ndarray:
    """Return a column with noise.

    Parameters
    ----------
    domain : Domain
    size : float
        Standard deviation of normal noise in units of the column's; whole numbers stay whole, and
        all within their range. Of text, the probability that a value is drawn anew, as often as it
        comes. Missing values stay missing.
    random : Generator
    """
    rows = len(domain.values)
    if domain.numeric:
        return domain.moved(size * domain.spread * random.normal(size=rows))
    chosen = (random.random(rows) < size) & ~domain.is_missing
    found = domain.values.copy()
    if chosen.any():
        found[chosen] = random.choice(domain.known, int(chosen.sum()))
    return found


def describe(
    answers: Answers, domains: Sequence[Domain], size: float, repeats: int, seed: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Measure the change of predictions under noise of one size.

    Parameters
    ----------
    answers : Answers
    domains : sequence of Domain
        Of the columns that are disturbed.
    size : float
        See `disturbed`.
    repeats : int
    seed : int

    Returns
    -------
    dict
        ``size``; ``distance``, the mean change, and ``tail``, what 5 % of the rows exceed in the
        mean of the repeats; ``changed``, the share of predictions of another class (or of a
        notably different value), and ``ever``, the share of rows with one in any repeat.
    ndarray, shape [n]
        Mean change of each row.
    """
    random = np.random.default_rng(seed)
    wide = {name: np.tile(values, repeats) for name, values in answers.subject.columns.items()}
    for domain in domains:
        wide[domain.name] = np.concatenate(
            [disturbed(domain, size, random) for _ in range(repeats)]
        )
    scores = answers.ask(wide).reshape(repeats, len(answers.subject), -1)
    distance = answers.distance(scores).mean(axis=0)
    changed = answers.changed(scores)
    return {
        "size": size,
        "distance": float(distance.mean()),
        "tail": float(np.quantile(distance, TAIL)),
        "changed": float(changed.mean()),
        "ever": float(changed.any(axis=0).mean()),
    }, distance
