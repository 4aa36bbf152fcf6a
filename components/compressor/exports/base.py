"""What every export is: a model in another format, compared with its source on real examples."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras

from components import files
from components.models import measuring, scores
from components.models.transformed import Features

Arrays = Mapping[str, np.ndarray]

#: Name of the output of every exported model.
SCORES = "scores"
#: Largest difference of a score from the source model's that arithmetic in another order makes;
#: of regressions as a share of the largest score, where that is above 1.
TOLERANCE = 1e-4
#: The same of a model that simulates quantization: a number on the edge between two levels is
#: rounded to the other one, and the layers behind it see a step of 1/255 of a range.
QUANTIZED_TOLERANCE = 0.05


@dataclass(frozen=True)
class Subject:
    """What is exported.

    Attributes
    ----------
    model : tf_keras.Model
        From features to outputs (logits, or values). It is not changed.
    features : Features
        What the model takes.
    examples : mapping
        Real rows of the features, [n, ...] each; others are not looked at. Each export is
        compared with the model on them.
    convert : callable
        Makes a TF Lite file of a model (first argument) as that of the subject was made; the
        second argument are rows of the features of that model, by which ranges are
        calibrated. The file has the model's inputs, and `SCORES` as its only output.
    name : str
        For people.
    description : str
        For people: what the model tells from what.
    version : str
        Of the model, for people.
    author : str, optional
    """

    model: tf_keras.Model
    features: Features
    examples: Arrays
    convert: Callable[[tf_keras.Model, Arrays], bytes]
    name: str
    description: str
    version: str = "1"
    author: str | None = None

    def rows(self, limit: int | None = None) -> dict[str, np.ndarray]:
        """Return the first rows of what the model takes, in its types."""
        return {
            tensor.name: np.asarray(self.examples[tensor.name][:limit]).astype(
                tensor.dtype.as_numpy_dtype
            )
            for tensor in self.model.inputs
        }

    def scores(self, rows: Arrays) -> np.ndarray:
        """Return the model's scores [n, k] of `rows`."""
        outputs = tf.constant(measuring.outputs(self.model, rows))
        result: np.ndarray = scores.from_outputs(outputs, self.features.task).numpy()
        return result

    def function(self, rows: int | None) -> tf.types.experimental.ConcreteFunction:
        """Return the model as a function of named features, with the one output `SCORES`.

        Parameters
        ----------
        rows : int or None
            How many the function takes at once; None for any number.
        """

        def score(**features: tf.Tensor) -> dict[str, tf.Tensor]:
            outputs = self.model(features, training=False)
            return {SCORES: scores.from_outputs(outputs, self.features.task)}

        inputs = {
            tensor.name: tf.TensorSpec([rows, *tensor.shape[1:]], tensor.dtype, name=tensor.name)
            for tensor in self.model.inputs
        }
        return tf.function(score, autograph=False).get_concrete_function(**inputs)

    @property
    def tolerance(self) -> float:
        """Largest difference of an exported model's score that is no fault."""
        simulates = any("quantize" in type(layer).__name__.lower() for layer in self.model.layers)
        return QUANTIZED_TOLERANCE if simulates else TOLERANCE


@dataclass(frozen=True)
class Comparison:
    """How near an exported model comes to its source.

    Attributes
    ----------
    rows : int
        Real examples that were compared.
    difference : float
        Largest difference of a score; of scores above 1 as a share of the largest.
    agreement : float or None
        Share of the rows with the same most probable class; None for regressions.
    """

    rows: int
    difference: float
    agreement: float | None

    @classmethod
    def of(cls, wanted: np.ndarray, got: np.ndarray) -> Comparison:
        """Compare scores [n, k] with those of the source, `wanted`."""
        scale = max(1.0, float(np.abs(wanted).max(initial=0.0)))
        agreement = None
        if wanted.shape[1] > 1:
            agreement = float(np.mean(wanted.argmax(axis=1) == got.argmax(axis=1)))
        difference = np.abs(wanted.astype(np.float64) - got).max(initial=0.0) / scale
        return cls(len(wanted), float(difference), agreement)

    def __str__(self) -> str:
        same = "" if self.agreement is None else f", the same class on {self.agreement:.1%}"
        return f"on {self.rows} examples the scores differ by {self.difference:.1g} at most{same}"

    def check(self, tolerance: float, what: str) -> None:
        """Raise a `CannotExportError` if the difference is above `tolerance`, or no number."""
        if not self.difference <= tolerance:
            raise CannotExportError(
                f"{what} does not compute what the model does: {self}. "
                f"It is left out, for not more than {tolerance:g} is expected."
            )


@dataclass(frozen=True)
class Exported:
    """A file, or a package of files, that was written.

    Attributes
    ----------
    path : Path
    title : str
        For people.
    bytes : int
        Of the file, or of all files of the package.
    comparison : Comparison or None
        With the source model; None where nothing here can compute what the file says.
    verified : str
        What was checked, by which runtime, or that none exists here.
    """

    path: Path
    title: str
    bytes: int
    comparison: Comparison | None
    verified: str


@dataclass(frozen=True)
class Skipped:
    """Why a model has no copy in a format; the rest of the work goes on.

    Attributes
    ----------
    reason : str
        Says what stands against it and, if anything helps, what to do.
    """

    reason: str


class CannotExportError(Exception):
    """A format has no place for a model: becomes `Skipped`."""


Export = Callable[[Subject, "str | os.PathLike[str]"], list[Exported]]


@contextlib.contextmanager
def atomic_directory(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary directory's path that becomes `path` if the block succeeds.

    The block makes the directory. What was at `path` before is there until then.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = (
        path.with_name(f"{files.TEMPORARY_PREFIX}{os.getpid()}{mark}-{path.name}")
        for mark in ("", "-old")
    )
    try:
        yield temporary
        for each in files.list_files(temporary):
            with open(temporary / each, "rb") as file:
                os.fsync(file.fileno())
        if path.exists():
            os.rename(path, old)
        os.rename(temporary, path)
    finally:
        for left in (temporary, old):
            shutil.rmtree(left, ignore_errors=True)


def size_of(path: str | os.PathLike[str]) -> int:
    """Return the bytes of a file, or of all files of a directory."""
    path = Path(path)
    if path.is_file():
        return path.stat().st_size
    return sum((path / each).stat().st_size for each in files.list_files(path))
