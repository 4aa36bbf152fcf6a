"""What is told of a training: in the file ``history.json``, and in the run's summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from components.models.hyperparameters import TreesHyperParameters
from components.models.specification import Member
from components.models.training import ONE_DEVICE, History


def record(history: History, *, parameters: int, rows: int) -> dict[str, Any]:
    """Return what the file holds of one member.

    Parameters
    ----------
    history : History
    parameters : int
        Numbers in the model.
    rows : int
        Of the training data.

    Returns
    -------
    dict
        The attributes of `History`, ``parameters``, and of networks
        ``seconds_per_epoch`` (see `History.seconds_per_epoch`) and ``examples_per_second``:
        training rows in that time, and ``seconds_per_step``.
    """
    result = {**asdict(history), "parameters": parameters}
    seconds = history.seconds_per_epoch
    if seconds is not None:
        result |= {
            "seconds_per_epoch": seconds,
            "examples_per_second": rows / seconds,
            "seconds_per_step": history.seconds_per_step,
        }
    return result


def properties(record: dict[str, Any]) -> dict[str, str | float]:
    """Return what is recorded on the model itself: how it was trained, and how fast.

    Returns
    -------
    dict
        Of networks ``distribution`` and ``devices``, and, as far as they are known,
        ``examples_per_second``, ``seconds_per_step`` and ``bubble_share``. Of trees nothing.
    """
    if not record["devices"]:
        return {}
    measured = {
        name: float(record[name])
        for name in ("examples_per_second", "seconds_per_step", "bubble_share")
        if record.get(name) is not None
    }
    said = {"distribution": record["strategy"], "devices": ", ".join(record["devices"])}
    return {**said, **measured}


def lines(members: Sequence[Member], records: Sequence[dict[str, Any]]) -> str:
    """Return what the run's summary says: a line for each member."""
    return "\n".join(map(_line, members, records))


def _line(member: Member, record: dict[str, Any]) -> str:
    name = member.build_model or member.model.architecture
    if member.build_model is None and isinstance(member.model, TreesHyperParameters):
        return f"{name}: {record['rounds']:,} trees per output, {_time(record['seconds'])}"
    text = f"{name}: {record['parameters']:,} parameters, best epoch {record['best_epoch'] + 1}"
    text += f" of {len(record['epochs'])}"
    # None was trained by a process that found all epochs in the checkpoint.
    if "seconds_per_epoch" in record:
        text += f", {_time(record['seconds_per_epoch'])} per epoch"
    if record["strategy"] != ONE_DEVICE:
        text += f"; {_distribution(record)}"
    return text


def _distribution(record: dict[str, Any]) -> str:
    text = f"{record['strategy']} on {', '.join(record['devices'])}"
    if "examples_per_second" in record:
        milliseconds = 1000 * record["seconds_per_step"]
        text += f": {record['examples_per_second']:,.0f} examples/s, {milliseconds:.3g} ms per step"
    if record["bubble_share"] is not None:
        text += f", bubble {record['bubble_share']:.2f}"
    if record["restarts"]:
        text += f", {record['restarts']} restart{'s' if record['restarts'] > 1 else ''}"
    return text


def _time(seconds: float) -> str:
    if seconds < 0.95:
        return f"{seconds:.2g} s"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:,.0f} s"
