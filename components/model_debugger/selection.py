"""Whether the settings fit the data. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from components.errors import InputError
from components.model_debugger.adversarial import config as adversarial
from components.model_debugger.config import ModelDebuggerConfig
from components.slicing import check_columns


def check(config: ModelDebuggerConfig, columns: Sequence[str], splits: Sequence[str]) -> None:
    """Raise InputError if the settings do not fit the data.

    Parameters
    ----------
    config : ModelDebuggerConfig
    columns, splits : sequence of str
        Those that the data have.
    """
    if config.split not in splits:
        raise InputError(
            f"The examples have no split {config.split!r} to look into the model on.",
            setting="debugger.split",
            expected=", ".join(splits),
            got=config.split,
        )
    if config.benchmark_models is not None:
        check_columns(
            tuple(config.benchmark_models.monotonic),
            columns,
            "debugger.benchmark_models.monotonic",
        )
    if config.sensitivity is not None:
        check_columns(config.sensitivity.columns or (), columns, "debugger.sensitivity.columns")
        check_columns(
            tuple(config.sensitivity.monotonic), columns, "debugger.sensitivity.monotonic"
        )
    if config.adversarial is not None:
        adversarial.check(config.adversarial, columns)
