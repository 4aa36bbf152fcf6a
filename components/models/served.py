"""What of a Model artifact is served: the directory that the Pusher copies."""

from __future__ import annotations

import os
from pathlib import Path

from components.errors import InputError

#: A SavedModel, in the directory that TFX expects; or a TF Lite file beside its featurizer.
SERVING_DIRECTORY = "Format-Serving"
SAVED_MODEL_FILE = "saved_model.pb"
EDGE_DIRECTORY = "Format-TFLite"
MODEL_FILE = "model.tflite"


def is_edge(directory: str | os.PathLike[str]) -> bool:
    """Tell whether a served directory holds a TF Lite file."""
    return (Path(directory) / MODEL_FILE).is_file()


def served_directory(uri: str | os.PathLike[str]) -> Path:
    """Return what is served of a Model artifact, or of a pushed model.

    Raises
    ------
    InputError
        If there is neither a SavedModel nor a TF Lite file with its featurizer.
    """
    for name in (EDGE_DIRECTORY, SERVING_DIRECTORY, ""):
        directory = Path(uri) / name
        if is_edge(directory) or (directory / SAVED_MODEL_FILE).is_file():
            return directory
    raise InputError(
        "There is no SavedModel.", file=str(uri), expected=f"{SAVED_MODEL_FILE} or {MODEL_FILE}"
    )


def served_bytes(uri: str | os.PathLike[str]) -> int:
    """Return the size of all files that are served of a Model artifact."""
    return sum(p.stat().st_size for p in served_directory(uri).rglob("*") if p.is_file())
