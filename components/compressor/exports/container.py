"""The container of deep compression: one file of few bytes that the model is rebuilt from.

See `components.compressor.deep_compression.container`, whose ``decode`` returns the Keras model.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from components import files
from components.compressor.deep_compression import container
from components.compressor.exports.base import CannotExportError, Comparison, Exported, Subject
from components.errors import InputError

FILE = "model.mwdc"


def export(subject: Subject, directory: str | os.PathLike[str]) -> list[Exported]:
    """Write `FILE` below `directory`, once the model rebuilt from it gives the same scores.

    Raises
    ------
    CannotExportError
        If the model has layers that the container cannot describe.
    """
    if any("quantize" in type(layer).__name__.lower() for layer in subject.model.layers):
        raise CannotExportError(
            "The model simulates quantization: the container holds plain networks. Leave "
            "quantization_aware_training out of the chain."
        )
    try:
        content = container.encode(subject.model)
    except InputError as problem:
        raise CannotExportError(str(problem)) from problem
    rows = subject.rows()
    rebuilt = replace(subject, model=container.decode(content))
    comparison = Comparison.of(subject.scores(rows), rebuilt.scores(rows))
    comparison.check(subject.tolerance, "The model rebuilt from the container")
    path = Path(directory) / FILE
    files.write_bytes(path, content)
    verified = f"the rebuilt model in TensorFlow: {comparison}."
    return [Exported(path, "deep compression", len(content), comparison, verified)]
