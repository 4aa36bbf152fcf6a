"""Deploy a model directory atomically as the next version of a served model."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from components.files import TEMPORARY_PREFIX


def push(model: str | os.PathLike[str], directory: str | os.PathLike[str]) -> Path:
    """Copy `model` to ``directory/<version>`` and return that path.

    The version is one more than the highest there is, as model servers expect. It
    appears under its final name only when it is complete, so that a server that
    polls the directory never loads half a model.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    versions = [int(p.name) for p in directory.iterdir() if p.name.isdigit()]
    target = directory / str(max(versions, default=0) + 1)
    temporary = directory / f"{TEMPORARY_PREFIX}{os.getpid()}-{target.name}"
    try:
        shutil.copytree(model, temporary)
        os.rename(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target
