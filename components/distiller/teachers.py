"""Teachers: models of any kind, asked for their outputs and for a layer of theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.distiller.hints import layer_output
from components.errors import InputError
from components.models import input_pipeline, loading, measuring, scores
from components.models.transformed import Features

#: Least probability that is taken for a logit: a pushed model rounds smaller ones to 0.
LEAST_PROBABILITY = 1e-7
_DENSE = "transformed_features"
_SETTING = "distiller.teachers"


class Answers(NamedTuple):
    """What a teacher says of some rows.

    Attributes
    ----------
    outputs : ndarray of float32, shape [n, k]
        Logits or values, as those of a student.
    hints : ndarray of float32, shape [n, h]
        Of its layer; h is 0 without one.
    """

    outputs: np.ndarray
    hints: np.ndarray


@dataclass(frozen=True)
class Source:
    """Where a teacher is.

    Attributes
    ----------
    directory : str
        Of a Model artifact, or of a pushed model.
    features : Features
        What it is to take.
    layer : str or None
        The layer that is asked for besides the outputs.
    setting : str
        Dotted key of the config that names the directory.
    """

    directory: str
    features: Features
    layer: str | None = None
    setting: str = _SETTING

    def open(self) -> Teacher:
        """Load the teacher.

        Raises
        ------
        InputError
            There is no model, or its inputs or outputs are others than the student's; or
            it has no such layer.
        """
        if loading.is_model(self.directory):
            return _open_model(self)
        for place in (Path(self.directory) / "Format-Serving", Path(self.directory)):
            if (place / "saved_model.pb").is_file():
                return _open_served(self, place)
        raise InputError(
            "There is no model to learn from.",
            setting=self.setting,
            expected="the directory of a Model artifact or of a pushed model",
            got=self.directory,
        )

    def check_outputs(self, width: int) -> None:
        """Raise an `InputError` if a teacher puts out another number of values."""
        task, classes = self.features.task, self.features.classes
        expected = scores.outputs(task, len(classes))
        if width != expected:
            raise InputError(
                "The teacher's outputs are not those of a student.",
                setting=self.setting,
                expected=f"{expected} for {task} with the classes {', '.join(classes)}"
                if classes
                else f"{expected} for {task}",
                got=f"{width} in {self.directory}",
            )


@dataclass(frozen=True)
class Teacher:
    """A loaded teacher.

    Attributes
    ----------
    function : callable
        Features of some rows -> outputs and hints, as tensors.
    inputs : tuple of str
        Features that it takes.
    parameters, bytes : int
        Numbers in it, and their size.
    architecture : str
        What it is, for people.
    refit : bool
        Whether it has learnt from the rows of the eval split, too.
    """

    function: Callable[[Mapping[str, tf.Tensor]], tuple[tf.Tensor, tf.Tensor]]
    inputs: tuple[str, ...]
    parameters: int
    bytes: int
    architecture: str
    refit: bool

    def answer(self, arrays: Mapping[str, np.ndarray]) -> Answers:
        """Ask for rows of features."""
        features = {name: arrays[name] for name in self.inputs}
        size = input_pipeline.look_rows(features)
        rows = len(next(iter(features.values())))
        # In batches of one size at most, so that a row's answer is the same in any split.
        parts = [
            self.function({name: tf.constant(a[i : i + size]) for name, a in features.items()})
            for i in range(0, rows, size)
        ]
        return Answers(*(np.concatenate([part[j].numpy() for part in parts]) for j in range(2)))

    def latency_ms(self, arrays: Mapping[str, np.ndarray]) -> float:
        """Return the median milliseconds for the first row alone."""
        return measuring.latency_ms(lambda row: self.function(row)[0], self.inputs, arrays)


def _open_model(source: Source) -> Teacher:
    found = loading.load(source.directory)
    model = found.model
    if found.features != source.features:
        raise InputError(
            "The teacher was trained on other features.",
            setting=source.setting,
            expected="those of this run",
            got=f"{source.directory}, {_difference(found.features, source.features)}",
            remedy="Take a model of a run with the same data, transform and reducer.",
        )
    source.check_outputs(int(model.output_shape[-1]))
    hint = None
    if source.layer is not None:
        if len(found.specification.members) > 1:
            raise InputError(
                "An ensemble has no layer to take hints from.",
                setting="distiller.hints.teacher",
                got=source.layer,
                remedy="Leave distiller.hints out, or set tuner.ensemble to 1.",
            )
        hint = type(model)(
            model.input,
            [model.output, layer_output(model, source.layer, "distiller.hints.teacher")],
        )

    def call(features: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        if hint is not None:
            outputs, layer = hint(features, training=False)
            return outputs, layer
        outputs = model(features, training=False)
        return outputs, outputs[:, :0]

    names = tuple(tensor.name for tensor in model.inputs)
    specification = found.specification
    return Teacher(
        tf.function(call, autograph=False, reduce_retracing=True),
        names,
        int(model.count_params()),
        measuring.size_bytes(model),
        " + ".join(
            member.build_model or member.model.architecture for member in specification.members
        ),
        specification.refit,
    )


def _open_served(source: Source, place: Path) -> Teacher:
    if source.layer is not None:
        raise InputError(
            "A pushed model has no layers to take hints from.",
            setting="distiller.hints.teacher",
            got=source.directory,
        )
    loaded = tf.saved_model.load(str(place))
    if _DENSE not in loaded.signatures:
        raise InputError(
            "The model does not take transformed features.",
            setting=source.setting,
            expected=f"a signature {_DENSE}, as pushed models of this pipeline have",
            got=source.directory,
        )
    serve = loaded.signatures[_DENSE]
    takes = {
        name: tuple(spec.shape[1:]) for name, spec in serve.structured_input_signature[1].items()
    }
    if takes != source.features.shapes:
        raise InputError(
            "The teacher takes other features.",
            setting=source.setting,
            expected=str(source.features.shapes),
            got=f"{takes} in {source.directory}",
            remedy="Take a model of a run with the same data and transform, and no reducer.",
        )
    width = serve.structured_outputs["scores"].shape[-1]
    task = source.features.task
    source.check_outputs(1 if task == "binary" and width == 2 else width)
    call = tf.function(partial(_logits, serve, task), autograph=False, reduce_retracing=True)
    # Kept by the function's closure: else its variables would be gone.
    call.loaded = loaded
    sizes = _saved_sizes(place)
    return Teacher(
        call,
        tuple(takes),
        sum(count for count, _ in sizes),
        sum(count * width for count, width in sizes),
        "pushed model",
        False,
    )


def _saved_sizes(place: Path) -> list[tuple[int, int]]:
    """Return how many numbers each variable of a SavedModel has, and the bytes of one."""
    reader = tf.train.load_checkpoint(str(place / "variables" / "variables"))
    types = reader.get_variable_to_dtype_map()
    return [
        (int(np.prod(shape)), types[name].size)
        for name, shape in reader.get_variable_to_shape_map().items()
        if types[name] != tf.string and not name.startswith("save_counter")
    ]


def _logits(
    serve: Callable[..., dict[str, tf.Tensor]], task: str, features: Mapping[str, tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return logits for the scores of a served model; values stay as they are."""
    arguments = {
        name: tf.cast(values, tf.int64 if values.dtype == tf.int64 else tf.float32)
        for name, values in features.items()
    }
    found = serve(**arguments)["scores"]
    if task != "regression":
        found = tf.math.log(tf.maximum(found, LEAST_PROBABILITY))
    if task == "binary":
        found = found[:, 1:] - found[:, :1]
    return found, found[:, :0]


def _difference(one: Features, other: Features) -> str:
    """Return what differs first between two descriptions, for people."""
    for name in Features.model_fields:
        if getattr(one, name) != getattr(other, name):
            return f"whose {name} differ"
    return ""
