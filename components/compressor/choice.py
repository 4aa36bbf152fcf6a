"""Which candidate meets the constraint, and which comes nearest."""

from __future__ import annotations

from collections.abc import Sequence

from components.compressor.config import ConstraintConfig
from components.compressor.figures import Figures


def violations(figures: Figures, constraint: ConstraintConfig) -> dict[str, float]:
    """Return by what share each broken bound is missed; empty if the constraint is met.

    A metric that is no number misses every bound on it.
    """
    drop = constraint.max_metric_drop
    bounds = {
        "max_bytes": (float(figures.bytes), constraint.max_bytes),
        "max_latency_ms": (figures.median_ms, constraint.max_latency_ms),
        "max_metric_drop": (figures.drop, drop),
        "max_slice_drop": (figures.slice_drop, constraint.max_slice_drop),
    }
    return {
        name: (value - limit) / max(limit, _SMALL)
        for name, (value, limit) in bounds.items()
        if limit is not None and not value <= limit
    }


#: In place of a bound of 0, of which nothing is a share.
_SMALL = 1e-3


def score(figures: Figures, constraint: ConstraintConfig, source_bytes: int) -> float:
    """Return how good a candidate is, the larger the better: what a search strategy is told.

    Among those that meet the constraint the smaller file is better; all others come after
    them, by how far they miss it.
    """
    missed = sum(violations(figures, constraint).values())
    size = figures.bytes / source_bytes
    return -size if missed == 0 else -(1.0 + size + missed)


def best(figures: Sequence[Figures], constraint: ConstraintConfig) -> int:
    """Return the index of the smallest file that meets the constraint; of equal ones the faster.

    If none meets it, of the one that comes nearest: the least sum of shares by which bounds
    are missed.
    """

    def order(index: int) -> tuple[float, int, float]:
        each = figures[index]
        return sum(violations(each, constraint).values()), each.bytes, each.median_ms

    return min(range(len(figures)), key=order)


def explain(figures: Figures, constraint: ConstraintConfig, metric: str) -> list[str]:
    """Return a sentence for each bound that a candidate breaks."""
    where = f" on {figures.worst_slice}" if figures.worst_slice else ""
    texts = {
        "max_bytes": f"it has {figures.bytes:,} bytes, more than {constraint.max_bytes:,}"
        if constraint.max_bytes is not None
        else "",
        "max_latency_ms": f"a row takes {figures.median_ms:.3g} ms, more than "
        f"{constraint.max_latency_ms:g} ms"
        if constraint.max_latency_ms is not None
        else "",
        "max_metric_drop": f"its {metric} is worse by {figures.drop:.3g}, more than "
        f"{constraint.max_metric_drop:g}",
        "max_slice_drop": f"its {metric}{where} is worse by {figures.slice_drop:.3g}, more than "
        f"{constraint.max_slice_drop}",
    }
    return [texts[name] for name in violations(figures, constraint)]
