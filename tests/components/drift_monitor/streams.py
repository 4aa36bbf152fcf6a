"""Spans of made-up data: a model whose errors are known, and what changes in them."""

from __future__ import annotations

import numpy as np

from components.drift_monitor.config import DriftMonitorConfig
from components.drift_monitor.span import Problem, Span

BINARY = Problem("binary", "y", ("no", "yes"))
MULTICLASS = Problem("multiclass", "y", ("a", "b", "c"))
REGRESSION = Problem("regression", "y", ())
#: Cheap: no features, few replicates.
CHEAP = {"features": None, "replicates": 20, "min_slice_size": 20}


def config(**settings) -> DriftMonitorConfig:
    """Return settings that take no longer than a test may."""
    return DriftMonitorConfig.model_validate(CHEAP | settings)


def binary(name, rows, seed, *, flip_from=None, start=0.0, labelled=True, keys=False) -> Span:
    """Return rows whose probability is right, but from `flip_from` on is that of the other class.

    The columns are ``x``, from which the probability is made, and ``word``.
    """
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    chance = 1 / (1 + np.exp(-3 * x))
    labels = (random.random(rows) < chance).astype(float)
    if flip_from is not None:
        labels[flip_from:] = 1 - labels[flip_from:]
    return Span(
        name,
        {"x": x, "word": random.choice(np.array(["red", "blue"], object), rows)},
        labels if labelled else np.full(rows, np.nan),
        {"champion": np.stack([1 - chance, chance], axis=1)},
        time=start + np.arange(rows, dtype=float),
        keys=np.array([f"{name}-{i}" for i in range(rows)], object) if keys else None,
    )


def regression(name, rows, seed, *, bias=0.0) -> Span:
    """Return rows whose residual is standard normal plus a bias."""
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    return Span(
        name, {"x": x}, 3 * x + random.normal(size=rows) + bias, {"champion": 3 * x[:, None]}
    )
