"""Which candidate is blessed: the rule of the settings, applied to what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.evaluator.config import BlessingRule
from components.models.candidates import TRAINED, group_of
from components.models.metric_names import METRIC_NAMES


@dataclass(frozen=True)
class Candidate:
    """What the rule looks at.

    Attributes
    ----------
    value : float or None
        The rule's metric on all rows.
    bytes : int
        Size of what would be served.
    reasons : tuple of str
        Bounds that it breaks.
    """

    value: float | None
    bytes: int
    reasons: tuple[str, ...]


def choose(
    candidates: Mapping[str, Candidate], rule: BlessingRule, metric: str
) -> tuple[str | None, list[str]]:
    """Return the blessed candidate, or why there is none.

    Parameters
    ----------
    candidates : mapping
        By name, in the order in which the first of equals is taken.
    rule : BlessingRule
    metric : str
        By which `best` and `smallest` compare.

    Returns
    -------
    name : str or None
    reasons : list of str
        Empty if there is one.
    """
    among = (TRAINED,) if rule.rule == "trained" else rule.among
    eligible = {
        name: each
        for name, each in candidates.items()
        if among is None or name in among or group_of(name) in among
    }
    kept = {name: each for name, each in eligible.items() if not each.reasons}
    if not eligible:
        return None, [f"None of {', '.join(among or ())} is there to be blessed."]
    if not kept:
        alone = len(eligible) == 1
        return None, [
            reason if alone else f"{name}: {reason}"
            for name, each in eligible.items()
            for reason in each.reasons
        ]
    if rule.rule == "trained":
        return TRAINED, []
    sign = 1.0 if METRIC_NAMES[metric].better == "higher" else -1.0
    quality = {n: sign * each.value for n, each in kept.items() if each.value is not None}
    if not quality:
        return None, [f"{metric} is undefined for every candidate, so that none is the best."]
    best = max(quality.values())
    if rule.rule == "best":
        return next(name for name, value in quality.items() if value == best), []
    within = [name for name, value in quality.items() if value >= best - rule.tolerance]
    return min(within, key=lambda name: kept[name].bytes), []
