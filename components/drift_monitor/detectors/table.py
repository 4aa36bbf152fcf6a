"""All detectors by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.drift_monitor.detectors.adwin import ADWIN
from components.drift_monitor.detectors.base import Detector
from components.drift_monitor.detectors.cusum import CUSUM
from components.drift_monitor.detectors.ddm import DDM
from components.drift_monitor.detectors.eddm import EDDM
from components.drift_monitor.detectors.ewma import EWMA
from components.drift_monitor.detectors.hddm_a import HDDMA
from components.drift_monitor.detectors.hddm_w import HDDMW
from components.drift_monitor.detectors.linear_four_rates import LFR
from components.drift_monitor.detectors.p_chart import PChart
from components.drift_monitor.detectors.page_hinkley import PageHinkley
from components.errors import InputError

#: Name -> detector. `Detector.INPUT` says what its rows are.
DETECTORS: dict[str, type[Detector]] = {
    detector.NAME: detector
    for detector in (DDM, EDDM, HDDMA, HDDMW, PageHinkley, ADWIN, LFR, PChart, EWMA, CUSUM)
}


def make(name: str, parameters: Mapping[str, Any] | None = None) -> Detector:
    """Return a new detector.

    Parameters
    ----------
    name : str
        One of `DETECTORS`.
    parameters : mapping, optional
        Those that are not the default.

    Raises
    ------
    InputError
        There is no such detector or parameter, or its value is impossible.

    Examples
    --------
    >>> make("ddm", {"warm_start": 50})
    DDM(warm_start=50, warning_threshold=2.0, drift_threshold=3.0)
    """
    return _kind(name).make(parameters or {})


def from_json(saved: Mapping[str, Any]) -> Detector:
    """Return a detector that goes on where the one that was saved ended.

    Parameters
    ----------
    saved : mapping
        What `Detector.to_json` returned.

    Raises
    ------
    InputError
        It is no state of a detector of this version.

    Examples
    --------
    >>> detector = make("ddm")
    >>> detector.update(1)
    >>> from_json(detector.to_json()).to_json() == detector.to_json()
    True
    """
    name = saved.get("detector") if isinstance(saved, Mapping) else type(saved).__name__
    return _kind(name).from_json(saved)


def _kind(name: object) -> type[Detector]:
    if not isinstance(name, str) or name not in DETECTORS:
        raise InputError(
            "There is no such detector.",
            setting="detector",
            expected=f"one of {', '.join(DETECTORS)}",
            got=name,
        )
    return DETECTORS[name]
