"""IDX files: MNIST's format of arrays of bytes [LeCun, "The MNIST database"]."""

from __future__ import annotations

import gzip
import os
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from components.errors import InputError
from components.example_gen.image_header import Header

#: Names of files of images, as MNIST and its kin have them.
IMAGES_NAME = r"images?[-.]idx[34]-ubyte(\.gz)?$"
#: Code of unsigned bytes, the one type of element that images and labels have.
_UBYTE = 0x08
_GZIP = b"\x1f\x8b"


class Idx(NamedTuple):
    """What a file's header says.

    Attributes
    ----------
    shape : tuple of int
        The first axis is the row.
    offset : int
        Bytes before the first element, in the file as unpacked.
    """

    shape: tuple[int, ...]
    offset: int


def read_header(path: str) -> Idx:
    """Return the header of an IDX file, after checking that the file has as many bytes.

    Raises
    ------
    InputError
        For another format, another type of elements, and a file that is cut off.
    """
    with _open(path) as file:
        start = file.read(4)
        if len(start) < 4 or start[:2] != b"\0\0" or start[2] != _UBYTE or not 1 <= start[3] <= 4:
            raise InputError(
                "The file is no IDX file of bytes.",
                file=path,
                expected="the first bytes 00 00 08, and the number of dimensions",
                got=start.hex(" ") or "an empty file",
            )
        sizes = file.read(4 * start[3])
        if len(sizes) < 4 * start[3]:
            raise _cut_off(path, "a header")
        shape = struct.unpack(f">{start[3]}I", sizes)
        found = Idx(shape, 4 + len(sizes))
        wanted = found.offset + int(np.prod(shape, dtype=np.int64))
        try:
            length = file.seek(0, os.SEEK_END)
        except (EOFError, OSError):
            raise _cut_off(path, f"{wanted:,} bytes") from None
    if length != wanted:
        raise _cut_off(path, f"{wanted:,} bytes", f"{length:,} bytes")
    return found


def image_size(path: str) -> Header:
    """Return the size of the images in a file.

    Raises
    ------
    InputError
        If the file does not hold images.
    """
    shape = read_header(path).shape
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)) or 0 in shape:
        raise InputError(
            "The IDX file does not hold images.",
            file=path,
            expected="[n, height, width], or [n, height, width, channels] with 1 or 3 channels",
            got=str(list(shape)),
        )
    return Header(shape[1], shape[2], shape[3] if len(shape) == 4 else 1)


def labels_file(path: str, given: str | None) -> str:
    """Return the file of the labels of a file of images.

    Parameters
    ----------
    path : str
        File of images.
    given : str or None
        What the settings say.

    Raises
    ------
    InputError
        If there is none, or it does not hold one label an image.
    """
    labels = given or _conventional(path)
    if labels is None or not os.path.isfile(labels):
        raise InputError(
            "The labels of the images are not found.",
            file=path,
            setting="data.labels_path",
            expected=labels or "a name such as train-images-idx3-ubyte",
            remedy="Set data.labels_path.",
        )
    rows, shape = read_header(path).shape[0], read_header(labels).shape
    if shape != (rows,):
        raise InputError(
            "The file does not hold one label for each image.",
            file=labels,
            setting="data.labels_path",
            expected=f"{rows:,} labels, as {path} has images",
            got=f"an array of {' x '.join(f'{size:,}' for size in shape)}",
        )
    return labels


def _conventional(path: str) -> str | None:
    """Return the name that MNIST gives to the file of the labels."""
    folder, name = os.path.split(path)
    labels = re.sub(r"images?([-.])idx[34]", r"labels\1idx1", name)
    if labels == name:
        return None
    unpacked = labels.removesuffix(".gz")
    candidates = [os.path.join(folder, each) for each in (labels, unpacked, f"{unpacked}.gz")]
    return next((each for each in candidates if os.path.isfile(each)), candidates[0])


def read(path: str, rows: int) -> Iterator[np.ndarray]:
    """Yield a file's array in parts of at most `rows` rows.

    Yields
    ------
    numpy.ndarray of uint8
        Of images always [n, height, width, channels].
    """
    shape, offset = read_header(path)
    row = shape[1:] if len(shape) != 3 else (*shape[1:], 1)
    length = int(np.prod(row, dtype=np.int64))
    with _open(path) as file:
        file.seek(offset)
        for first in range(0, shape[0], rows):
            count = min(rows, shape[0] - first)
            yield np.frombuffer(file.read(count * length), np.uint8).reshape(count, *row)


def _open(path: str) -> gzip.GzipFile:
    with open(path, "rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path) if packed else open(path, "rb")  # type: ignore[return-value]


def _cut_off(path: str, expected: str, got: str | None = None) -> InputError:
    return InputError(
        "The IDX file is cut off, or longer than it says.",
        file=path,
        expected=expected,
        got=got,
        remedy="Fetch or make the file again.",
    )
