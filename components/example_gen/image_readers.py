"""Images in batches, whatever their format: bytes, label and what sums an image up."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.errors import InputError
from components.example_gen import idx, image_folder, image_header, pixels
from components.example_gen.dataset import IMAGE, IMAGE_DIGEST, ImageSpec
from components.example_gen.tfrecord_reader import TfRecordReader

#: Bounds on a batch: images, and bytes of their files.
BATCH_IMAGES = 1024
BATCH_BYTES = 1 << 25

#: Given a row of a batch, says where the image is: arguments of an `InputError`.
Place = Callable[[int], dict[str, Any]]


class FolderReader:
    """Reads the PNG and JPEG files in the folder of a class, whose name is their label."""

    def __init__(self, label: str, image: ImageSpec) -> None:
        self._label = label

    def batches(self, path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield a folder's images in name order."""
        label = os.path.basename(path)
        for names, contents in _chunks(image_folder.list_images(path)):
            table = _from_encoded(contents, columns, lambda row: {"file": names[row]})  # noqa: B023
            table[self._label] = pa.array([label] * len(names))
            yield _batch(table, columns)

    def place(self, path: str, row: int) -> dict[str, Any]:
        """Return where a row of `path` is, for a message."""
        return {"file": image_folder.list_images(path)[row]}


class IdxReader:
    """Reads IDX files of images; an image's file is made from its pixels, as PNG."""

    def __init__(self, label: str, image: ImageSpec) -> None:
        self._label = label
        self._labels = image.labels

    def batches(self, path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield a file's images in order."""
        size = idx.image_size(path)
        rows = max(1, min(BATCH_IMAGES, BATCH_BYTES // (size.height * size.width * size.channels)))
        labels = idx.read(self._labels[path], rows)
        for images, numbers in zip(idx.read(path, rows), labels, strict=True):
            table = _sizes([size] * len(images))
            table[self._label] = pa.array(numbers.astype(np.int64))
            if IMAGE_DIGEST in columns:
                table[IMAGE_DIGEST] = _digests(image.tobytes() for image in images)
            if IMAGE in columns:
                encoded = [pixels.encode(image) for image in images]
                table[IMAGE] = pa.array(encoded, pa.large_binary())
                table["image_bytes"] = pa.array([len(each) for each in encoded], pa.int64())
                table |= _brightness(*pixels.brightness(images))
            yield _batch(table, columns)

    def place(self, path: str, row: int) -> dict[str, Any]:
        """Return where a row of `path` is, for a message."""
        return {"file": path}


class TfRecordImageReader:
    """Reads TFRecord files of tf.Examples that hold one encoded image each."""

    def __init__(self, label: str, image: ImageSpec) -> None:
        self._label = label
        self._feature = image.feature or IMAGE

    def batches(self, path: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield a file's images in order."""
        first = 0
        reader = TfRecordReader(BATCH_IMAGES // 4)
        for batch in reader.batches(path, [self._feature, self._label]):
            contents = batch.column(0).to_pylist()
            table = _from_encoded(contents, columns, lambda row: self.place(path, first + row))  # noqa: B023
            table[self._label] = batch.column(1)
            yield _batch(table, columns)
            first += batch.num_rows

    def place(self, path: str, row: int) -> dict[str, Any]:
        """Return where a row of `path` is, for a message."""
        return {"file": path, "column": self._feature, "got": f"in record {row + 1}"}


def _chunks(names: Sequence[str]) -> Iterator[tuple[list[str], list[bytes]]]:
    """Yield the names and contents of files, so many at once as a batch may hold."""
    read: list[str] = []
    contents: list[bytes] = []
    for name in names:
        with open(name, "rb") as file:
            contents.append(file.read())
        read.append(name)
        if len(read) == BATCH_IMAGES or sum(map(len, contents)) >= BATCH_BYTES:
            yield read, contents
            read, contents = [], []
    if read:
        yield read, contents


def _from_encoded(
    contents: Sequence[bytes | None], columns: Sequence[str], place: Place
) -> dict[str, pa.Array]:
    """Return the columns of images that come as files; pixels are decoded only if asked for."""

    def apply(function: Callable[[bytes], Any]) -> list[Any]:
        results = []
        for row, content in enumerate(contents):
            try:
                results.append(function(content or b""))
            except image_header.BadImageError as error:
                where = place(row)
                got = ", ".join(filter(None, [str(error), where.pop("got", None)]))
                raise InputError(
                    "An image cannot be read.",
                    **where,
                    expected="a PNG or JPEG image",
                    got=got,
                    remedy="Make the image again, or remove it.",
                ) from None
        return results

    table = _sizes(apply(image_header.read))
    if IMAGE_DIGEST in columns:
        table[IMAGE_DIGEST] = _digests(content or b"" for content in contents)
    if IMAGE in columns:
        table[IMAGE] = pa.array(contents, pa.large_binary())
        table["image_bytes"] = pa.array([len(each or b"") for each in contents], pa.int64())
        found = apply(lambda data: pixels.brightness(pixels.decode(data)[np.newaxis]))
        mean, deviation = (np.concatenate(parts) for parts in zip(*found, strict=True))
        table |= _brightness(mean, deviation)
    return table


def _sizes(headers: Sequence[image_header.Header]) -> dict[str, pa.Array]:
    heights, widths, channels = zip(*headers, strict=True)
    return {
        "image_height": pa.array(heights, pa.int64()),
        "image_width": pa.array(widths, pa.int64()),
        "image_channels": pa.array(channels, pa.int64()),
    }


def _brightness(mean: np.ndarray, deviation: np.ndarray) -> dict[str, pa.Array]:
    return {"image_mean": pa.array(mean), "image_deviation": pa.array(deviation)}


def _digests(contents: Iterator[bytes]) -> pa.Array:
    """Return a 64-bit hash of each image."""
    joined = b"".join(hashlib.blake2b(each, digest_size=8).digest() for each in contents)
    return pa.array(np.frombuffer(joined, np.int64))


def _batch(table: dict[str, pa.Array], columns: Sequence[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([table[name] for name in columns], list(columns))
