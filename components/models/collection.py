"""Several models in one artifact: a directory that holds that of each, by its name."""

from __future__ import annotations

import os
from pathlib import Path


def members(directory: str | os.PathLike[str]) -> dict[str, Path]:
    """Return the directory of each model of a ModelCollection artifact, by name."""
    return {path.name: path for path in sorted(Path(directory).iterdir()) if path.is_dir()}
