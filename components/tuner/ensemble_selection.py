"""Which trials' models, together, are best: greedy ensemble selection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np

#: Best models among which is chosen; more fit the noise of the rows.
CANDIDATES = 15


def select(
    outputs: Mapping[str, np.ndarray],
    score: Callable[[np.ndarray], float],
    *,
    largest: int,
    rounds: int = 50,
) -> dict[str, float]:
    """Return the weights of the models whose weighted sum of outputs scores best.

    Parameters
    ----------
    outputs : mapping
        Outputs [n, k] of each model on the same rows, the best model first.
    score : callable
        Takes outputs, returns a number; larger is better.
    largest : int
        Models that may have a weight.
    rounds : int
        Models that are drawn, with replacement; a weight is the share of a model's draws.

    Returns
    -------
    dict
        Positive weights that sum to 1.

    Notes
    -----
    Starts from the best single model, adds in each round the one that improves the mean most,
    and returns the best of all rounds: never worse, on these rows, than the best model.

    References
    ----------
    Caruana, R. et al. (2004). Ensemble selection from libraries of models. ICML.

    Examples
    --------
    >>> truth = np.array([[0.0], [1.0]])
    >>> outputs = {"a": np.array([[0.2], [1.2]]), "b": np.array([[-0.2], [0.8]])}
    >>> select(outputs, lambda y: -float(np.square(y - truth).sum()), largest=2)
    {'a': 0.5, 'b': 0.5}
    """
    names = list(outputs)
    alone = {name: score(outputs[name]) for name in names}
    first = max(names, key=lambda name: alone[name])
    drawn: Counter[str] = Counter({first: 1})
    total = outputs[first].astype(np.float64)
    best_score, best_drawn = alone[first], Counter(drawn)
    for _ in range(rounds - 1):
        allowed = names if len(drawn) < largest else list(drawn)
        size = drawn.total() + 1
        scores = {name: score((total + outputs[name]) / size) for name in allowed}
        chosen = max(allowed, key=lambda name: scores[name])
        drawn[chosen] += 1
        total = total + outputs[chosen]
        if scores[chosen] > best_score:
            best_score, best_drawn = scores[chosen], Counter(drawn)
    return {name: count / best_drawn.total() for name, count in best_drawn.items()}
