"""The models of a run that could be pushed, by the names that people know them by."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TRAINED = "trained"
#: Inputs of components that are one candidate each, and those that hold several.
SINGLE = {"model": TRAINED, "distilled_model": "distilled", "compressed_model": "compressed"}
SEVERAL = {"remediated_models": "remediated", "benchmark_models": "benchmark"}
GROUPS = (*SINGLE.values(), *SEVERAL.values())
#: Between a group and what a model is called in it.
MARK = "/"


def group_of(name: str) -> str:
    """Return the group of a candidate, which is its name where it is alone."""
    return name.partition(MARK)[0]


def members(directory: str | os.PathLike[str]) -> dict[str, Path]:
    """Return the directory of each model of a ModelCollection artifact, by name."""
    return {path.name: path for path in sorted(Path(directory).iterdir()) if path.is_dir()}


def find(inputs: Mapping[str, Sequence[Any]]) -> dict[str, tuple[Any, Path]]:
    """Return each candidate's artifact and directory among a component's inputs, by name."""
    found = {}
    for channel, name in SINGLE.items():
        for artifact in inputs.get(channel, ()):
            found[name] = (artifact, Path(artifact.uri))
    for channel, group in SEVERAL.items():
        for artifact in inputs.get(channel, ()):
            for name, path in members(artifact.uri).items():
                found[f"{group}{MARK}{name}"] = (artifact, path)
    return found
