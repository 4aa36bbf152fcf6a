"""Trials without training, for tests of the search itself: a point's score is a formula."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from components.errors import InputError
from components.tuner.trials import TrialError


def make(arguments: Mapping[str, Any]) -> Callable[..., Any]:
    """Return a runner; `arguments` may have ``epochs``, ``pause`` (seconds of each) and ``faults``.

    ``faults`` maps a trial's number, or ``*`` for all others, to what it does: ``raise``,
    ``memory``, ``kill``, ``segfault``, ``nan``, ``input``, ``hang``.
    """
    epochs = arguments.get("epochs", 3)
    pause = arguments.get("pause", 0.0)
    faults = arguments.get("faults", {})

    def run(job: Mapping[str, Any], report: Callable[..., bool]) -> dict[str, Any]:
        values = job["values"] or {"x": 0.5, "kind": "a"}
        score = quality(values)
        stopped = False
        _misbehave(faults.get(job["id"].lstrip("0") or "0", faults.get("*")))
        trained = 0
        for epoch in range(epochs):
            time.sleep(pause)
            trained += 1
            if report(kind="network", loss=1.0 - score + 0.1 / (epoch + 1)):
                stopped = True
                break
        return {
            "model": dict(values),
            "metrics": {"AUC": score, "loss": 1.0 - score, "parameters": 10.0 * score},
            "epochs": trained,
            "parameters": 1,
            "stopped": stopped,
        }

    return run


def quality(values: Mapping[str, Any]) -> float:
    """Return a score in (0, 1) whose maximum is at ``x=0.7, kind="b"``."""
    return 0.9 - (values["x"] - 0.7) ** 2 - (0.0 if values["kind"] == "b" else 0.1)


def _misbehave(fault: str | None) -> None:
    if fault == "raise":
        raise RuntimeError("the fault of this test")
    if fault == "memory":
        raise MemoryError("cannot allocate")
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if fault == "nan":
        raise TrialError("diverged", "the loss is nan")
    if fault == "input":
        raise InputError("The function is wrong.", setting="tuner.build_model")
    if fault == "hang":
        time.sleep(1000)
