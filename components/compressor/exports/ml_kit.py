"""ML Kit: a TF Lite file of an image classifier that says by itself how it is used.

What ML Kit asks of a custom model (developers.google.com/ml-kit/custom-models, the same as
MediaPipe's image classifier): one input [1, height, width, 3] of red, green and blue, which has its
normalization in the metadata if it is float32; one output of class scores [1, n]; the class
names as an associated file. The metadata are a flatbuffer by TF Lite's schema
``metadata_schema.fbs``, and the file's entry ``TFLITE_METADATA``. The class names are in a ZIP
archive behind the model, which runtimes do not see.

The model's scores are those of pixels from 0 to 255, so that the normalization is
``(pixel - 0) / 1``. A model of grey images is put behind a layer that makes a colour image grey.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import tensorflow as tf
import tf_keras
from flatbuffers.table import Table

from components import files
from components.compressor.exports.base import (
    SCORES,
    CannotExportError,
    Comparison,
    Exported,
    Subject,
)
from components.models.transformed import COLOURS, IMAGE, WHITE

FILE = "model_ml_kit.tflite"
#: Name of the metadata in a TF Lite file, and of the class names in the archive behind it.
METADATA, LABELS = "TFLITE_METADATA", "labels.txt"
#: Identifiers of the two flatbuffers.
MODEL_IDENTIFIER, METADATA_IDENTIFIER = b"TFL3", b"M001"
#: First version of the metadata's parser, which knows all that is said here.
PARSER_VERSION = "1.0.0"
#: Luminance of red, green and blue in ITU-R BT.601, as decoders of images make grey of them.
LUMINANCE = (0.299, 0.587, 0.114)
#: Examples that the file is run on, row by row.
EXAMPLES = 256


def export(subject: Subject, directory: str | os.PathLike[str]) -> list[Exported]:
    """Write `FILE` below `directory`, once LiteRT has computed the model's scores from it.

    Raises
    ------
    CannotExportError
        If the model is none that ML Kit takes.
    """
    features = subject.features
    if features.image is None:
        raise CannotExportError(
            "ML Kit takes models of images only; this model takes a table. "
            "Take its TF Lite file as it is."
        )
    if not features.classes:
        raise CannotExportError("ML Kit takes classifiers only; this model is a regression.")
    rows = {IMAGE: in_colour(subject.rows()[IMAGE])}
    plain = subject.convert(as_rgb(subject.model), rows)
    content = with_metadata(
        plain,
        features.classes,
        name=subject.name,
        description=subject.description,
        version=subject.version,
        author=subject.author,
    )
    images = rows[IMAGE][:EXAMPLES]
    got = run(content, images)
    if not np.array_equal(got, run(plain, images)):
        raise CannotExportError("The metadata have changed what LiteRT computes from the file.")
    comparison = Comparison.of(subject.scores(subject.rows(EXAMPLES)), got)
    path = Path(directory) / FILE
    files.write_bytes(path, content)
    verified = (
        f"LiteRT {installed('ai-edge-litert')}: {comparison}; to the last bit as without metadata. "
        "ML Kit itself runs on Android and iOS only, and has not run this file."
    )
    return [Exported(path, "ML Kit", len(content), comparison, verified)]


def as_rgb(model: tf_keras.Model) -> tf_keras.Model:
    """Return a model that takes one red, green and blue image, and shares `model`'s weights.

    Parameters
    ----------
    model : tf_keras.Model
        Takes ``image`` [n, height, width, 1 or 3], pixels from 0 to 255.
    """
    height, width, channels = model.inputs[0].shape[1:]
    image = tf_keras.Input((height, width, len(COLOURS)), batch_size=1, name=IMAGE)
    seen = image if channels == len(COLOURS) else Grey(name="grey")(image)
    return tf_keras.Model({IMAGE: image}, model({IMAGE: seen}), name=model.name)


def in_colour(images: np.ndarray) -> np.ndarray:
    """Return images [n, height, width, 1 or 3] with three channels, which are equal for grey."""
    return np.broadcast_to(images, (*images.shape[:3], len(COLOURS)))


@tf_keras.utils.register_keras_serializable("modelworks")
class Grey(tf_keras.layers.Layer):
    """Luminance of red, green and blue: [n, height, width, 3] -> [n, height, width, 1]."""

    def call(self, images: tf.Tensor) -> tf.Tensor:
        kernel = tf.constant(LUMINANCE, tf.float32, (1, 1, len(LUMINANCE), 1))
        return tf.nn.conv2d(images, kernel, strides=1, padding="VALID")


def with_metadata(
    content: bytes,
    classes: Sequence[str],
    *,
    name: str,
    description: str,
    version: str,
    author: str | None = None,
) -> bytes:
    """Return a TF Lite file with the metadata and class names that ML Kit looks for.

    Parameters
    ----------
    content : bytes
        A TF Lite file of an image classifier.
    classes : sequence of str
        In the order of the scores.
    name, description, version, author : str
        For people.

    Raises
    ------
    CannotExportError
        If the file's input or output, or a class name, is none that ML Kit takes.
    """
    height, width = _check(content, classes)
    model = {0: name, 1: description, 2: version} | ({} if author is None else {4: author})
    metadata = _metadata(model, height, width)
    buffer = io.BytesIO(_with_entry(content, METADATA, metadata))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_STORED) as archive:
        # With a fixed date: the same model gives the same file.
        archive.writestr(zipfile.ZipInfo(LABELS), "\n".join(classes) + "\n")
    return buffer.getvalue()


def run(content: bytes, images: np.ndarray) -> np.ndarray:
    """Return the scores [n, k] that LiteRT computes of images, one at a time."""
    interpreter = _interpreter(content)
    interpreter.allocate_tensors()
    [entry], [result] = interpreter.get_input_details(), interpreter.get_output_details()
    scores = []
    for index in range(len(images)):
        interpreter.set_tensor(entry["index"], images[index : index + 1].astype(entry["dtype"]))
        interpreter.invoke()
        scores.append(interpreter.get_tensor(result["index"])[0])
    return np.array(scores)


def _interpreter(content: bytes) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_content=content, num_threads=1)


def _check(content: bytes, classes: Sequence[str]) -> tuple[int, int]:
    """Return the height and width of the images, or raise a `CannotExportError`."""
    interpreter = _interpreter(content)
    entries, results = interpreter.get_input_details(), interpreter.get_output_details()
    shape = [int(size) for size in entries[0]["shape"]]
    if len(entries) != 1 or len(shape) != 4 or (shape[0], shape[3]) != (1, len(COLOURS)):
        raise CannotExportError(
            f"ML Kit takes one image [1, height, width, 3]; this file takes {shape}."
        )
    for each in (*entries, *results):
        if each["dtype"] != np.float32:
            raise CannotExportError(
                f"The metadata are those of a file with float32 at its ends; this one has "
                f"{np.dtype(each['dtype'])} there. Convert it with float inputs and outputs."
            )
    found = [int(size) for size in results[0]["shape"]]
    if len(results) != 1 or found != [1, len(classes)]:
        raise CannotExportError(
            f"ML Kit takes one output [1, {len(classes)}]; this file returns {found}."
        )
    for name in classes:
        if not name.strip() or len(name.splitlines()) != 1:
            raise CannotExportError(
                f"ML Kit reads a class name from each line; {name!r} is no line of its own."
            )
    return shape[1], shape[2]


# Fields are given by their numbers in the schema, in the order of the comments.


def _metadata(about: Mapping[int, Any], height: int, width: int) -> bytes:
    """Return the metadata of an image classifier; `about` are fields of ModelMetadata."""
    # AssociatedFile: name, description, type (2: labels of an axis)
    labels = {0: LABELS, 1: "Class names in the order of the scores.", 2: np.int8(2)}
    # ImageProperties: colour space (1: RGB), size as width and height
    image = {0: np.int8(1), 1: {0: np.uint32(width), 1: np.uint32(height)}}
    # NormalizationOptions: mean, deviation
    normalization = {0: [0.0], 1: [1.0]}
    # TensorMetadata: name, description, (dimensions), content, process units, statistics, files
    entry = {
        0: IMAGE,
        1: "Red, green and blue from 0 to 255.",
        3: {0: np.uint8(2), 1: image},  # of the kinds of content, 2 is an image
        4: [{0: np.uint8(1), 1: normalization}],  # of the process units, 1 is normalization
        5: {0: [WHITE], 1: [0.0]},
    }
    result = {
        0: SCORES,
        1: "Probability of each class.",
        3: {0: np.uint8(1), 1: {}},  # 1: numbers
        5: {0: [1.0], 1: [0.0]},
        6: [labels],
    }
    # ModelMetadata: name, description, version, subgraphs (of which inputs, outputs), author,
    # (licence), (files), least version of the parser
    model = {**about, 3: [{2: [entry], 3: [result]}], 7: PARSER_VERSION}
    builder = flatbuffers.Builder(1024)
    builder.Finish(_write(builder, model), METADATA_IDENTIFIER)
    return bytes(builder.Output())


def _write(builder: flatbuffers.Builder, table: Mapping[int, Any]) -> int:
    """Write a table, from fields by their numbers, and return where it is."""
    made = {
        field: value if isinstance(value, np.generic) else _child(builder, value)
        for field, value in table.items()
    }
    builder.StartObject(max(table, default=-1) + 1)
    for field, value in made.items():
        if isinstance(value, np.uint32):
            builder.PrependUint32Slot(field, int(value), 0)
        elif isinstance(value, np.generic):  # an enumeration
            builder.PrependInt8Slot(field, int(value), 0)
        else:
            builder.PrependUOffsetTRelativeSlot(field, value, 0)
    offset: int = builder.EndObject()
    return offset


def _child(builder: flatbuffers.Builder, value: Any) -> int:
    """Write a text, a table, or a list of numbers or of tables, and return where it is."""
    offset: int
    if isinstance(value, str):
        offset = builder.CreateString(value)
    elif isinstance(value, Mapping):
        offset = _write(builder, value)
    elif isinstance(value[0], Mapping):
        offset = _offsets(builder, [_write(builder, each) for each in value])
    else:
        offset = builder.CreateNumpyVector(np.array(value, np.float32))
    return offset


def _offsets(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    end: int = builder.EndVector()
    return end


#: Fields of the root of a TF Lite file: its version, which is a number; its buffers; and its
#: metadata, whose entries are a name and the number of a buffer. All but the first are offsets.
_VERSION, _BUFFERS, _METADATA = 0, 4, 6
#: Alignment of weights, in bytes.
_ALIGNMENT = 16


def _with_entry(content: bytes, name: str, entry: bytes) -> bytes:
    """Return a TF Lite file with one more entry of metadata.

    Offsets in a flatbuffer are relative and lead onwards. So the file stays as it is, at the
    end of the new one, with a new root before it that points into it: no weight is touched,
    nor leaves its alignment.
    """
    size = len(content) + -len(content) % _ALIGNMENT
    builder = flatbuffers.Builder(size + len(entry) + 1024)
    builder.Prep(_ALIGNMENT, size)
    builder.head = builder.Head() - size
    builder.Bytes[builder.Head() : builder.Head() + len(content)] = content

    root = _root(content)
    [fields] = np.frombuffer(content, "<u2", 1, root.Pos - root.Get(_int32, root.Pos))
    kept = {
        field: root.Offset(4 + 2 * field)
        for field in range(int(fields) // 2 - 2)
        if root.Offset(4 + 2 * field)
    }
    old = {
        field: size - root.Indirect(root.Pos + place)  # offsets count from the end
        for field, place in kept.items()
        if field != _VERSION
    }
    buffers = _elements(root, kept.get(_BUFFERS), size)
    entries = _elements(root, kept.get(_METADATA), size)

    data = builder.CreateByteVector(entry)
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, data, 0)
    buffers.append(builder.EndObject())
    text = builder.CreateString(name)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, text, 0)
    builder.PrependUint32Slot(1, len(buffers) - 1, 0)
    entries.append(builder.EndObject())
    old[_BUFFERS], old[_METADATA] = _offsets(builder, buffers), _offsets(builder, entries)

    builder.StartObject(max(*old, *kept) + 1)
    builder.PrependUint32Slot(_VERSION, root.Get(_uint32, root.Pos + kept[_VERSION]), 0)
    for field, offset in old.items():
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    builder.Finish(builder.EndObject(), MODEL_IDENTIFIER)
    return bytes(builder.Output())


_int32, _uint32 = flatbuffers.number_types.Int32Flags, flatbuffers.number_types.Uint32Flags


def _root(content: bytes) -> Table:
    return Table(bytearray(content), int(np.frombuffer(content, "<u4", 1)[0]))


def _elements(root: Table, place: int | None, size: int) -> list[int]:
    """Return where the tables of a vector are, counted from the end of the file."""
    if place is None:
        return []
    start = root.Vector(place)
    return [size - root.Indirect(start + 4 * i) for i in range(root.VectorLen(place))]
