"""All novelty detectors by name."""

from __future__ import annotations

from typing import Any

from components.drift_monitor.novelty.base import NoveltyDetector
from components.drift_monitor.novelty.ecsminer import EcsMiner
from components.drift_monitor.novelty.gc3 import Gc3
from components.drift_monitor.novelty.minas import Minas
from components.drift_monitor.novelty.olindda import Olindda
from components.errors import InputError

NOVELTY_DETECTORS: dict[str, type[NoveltyDetector]] = {
    detector.NAME: detector for detector in (Olindda, Minas, EcsMiner, Gc3)
}


def from_json(saved: Any) -> NoveltyDetector:
    """Return the novelty detector of a saved state.

    Raises
    ------
    InputError
        No detector has that name, or it cannot use the state.
    """
    name = saved.get("detector") if isinstance(saved, dict) else None
    if not isinstance(name, str) or name not in NOVELTY_DETECTORS:
        raise InputError(
            "The saved state is of no known novelty detector.",
            setting="detector",
            expected=f"one of {', '.join(NOVELTY_DETECTORS)}",
            got=name,
            remedy="Fit a detector anew.",
        )
    return NOVELTY_DETECTORS[name].from_json(saved)
