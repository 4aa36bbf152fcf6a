"""What is told of a training: in the file ``history.json``, and in the run's summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from components.models.hyperparameters import TreesHyperParameters
from components.models.specification import Member
from components.models.training import History


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
        training rows in that time.
    """
    result = {**asdict(history), "parameters": parameters}
    seconds = history.seconds_per_epoch
    if seconds is not None:
        result |= {"seconds_per_epoch": seconds, "examples_per_second": rows / seconds}
    return result


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
    return text


def _time(seconds: float) -> str:
    if seconds < 0.95:
        return f"{seconds:.2g} s"
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:,.0f} s"
