"""Models in the formats of phones and other runtimes, one format a file, in one table."""

from __future__ import annotations

import os

from components.compressor.exports import container, core_ml, ml_kit, onnx
from components.compressor.exports.base import (
    CannotExportError,
    Comparison,
    Export,
    Exported,
    Skipped,
    Subject,
)

__all__ = ["EXPORTS", "Comparison", "Exported", "Skipped", "Subject", "export"]

EXPORTS: dict[str, Export] = {
    "core_ml": core_ml.export,
    "ml_kit": ml_kit.export,
    "onnx": onnx.export,
    "container": container.export,
}


def export(
    name: str, subject: Subject, directory: str | os.PathLike[str]
) -> list[Exported] | Skipped:
    """Write a model in the format `name` of `EXPORTS`.

    Files appear in `directory` when they are complete and verified; one of the same name is
    replaced. Nothing is written for a model that the format has no place for.

    Parameters
    ----------
    name : str
    subject : Subject
    directory : path

    Returns
    -------
    list of Exported, or Skipped
        What was written, or why nothing was.

    Raises
    ------
    OSError
        If the directory cannot be written to.
    """
    try:
        return EXPORTS[name](subject, directory)
    except CannotExportError as problem:
        return Skipped(str(problem))
