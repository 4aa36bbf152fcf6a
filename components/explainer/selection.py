"""Whether the settings fit the data. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from components.errors import InputError
from components.explainer.config import ExplainerConfig
from components.slicing import check_columns


def check(config: ExplainerConfig, columns: Sequence[str], splits: Sequence[str]) -> None:
    """Raise InputError if the settings do not fit the data.

    Parameters
    ----------
    config : ExplainerConfig
    columns, splits : sequence of str
        Those that the data have.
    """
    if config.split not in splits:
        raise InputError(
            f"The examples have no split {config.split!r} to explain.",
            setting="explainer.split",
            expected=", ".join(splits),
            got=config.split,
        )
    for name, members in config.groups.items():
        check_columns(members, columns, f"explainer.groups.{name}")
