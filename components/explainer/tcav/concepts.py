"""Examples of concepts: rows of a slice of a table, or pictures of a directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.errors import InputError
from components.models.subject import Columns
from components.models.transformed import WHITE
from components.naming import nearest

#: Files that are read as pictures.
SUFFIXES = (".png", ".jpg", ".jpeg")


def rows_of(columns: Columns, conditions: Mapping[str, Any], setting: str) -> np.ndarray:
    """Return which rows meet all conditions, as places.

    Parameters
    ----------
    columns : dict of ndarray
    conditions : mapping of str to str, float or pair of float
        See `components.explainer.tcav.config.TcavConfig.slices`.
    setting : str
        Dotted key of the conditions, for errors.

    Raises
    ------
    InputError
        For an unknown column, or a value of the other kind than its column.
    """
    if not conditions:
        raise InputError(
            "A concept has no condition.",
            setting=setting,
            expected="a value for at least one column",
            got="none",
        )
    met = np.ones(len(next(iter(columns.values()), ())), bool)
    for name, value in conditions.items():
        if name not in columns:
            raise InputError(
                f"The model has no raw column {name!r}{nearest(name, columns)}.",
                setting=setting,
                expected="some of " + ", ".join(columns),
                got=name,
            )
        values = columns[name]
        text = values.dtype == object
        if text != isinstance(value, str):
            raise InputError(
                f"The column {name!r} holds {'text' if text else 'numbers'}.",
                setting=f"{setting}.{name}",
                expected="a category" if text else "a number, or the least and the greatest",
                got=value,
            )
        if isinstance(value, tuple):
            met &= (values >= value[0]) & (values <= value[1])
        else:
            met &= values == value
    return np.flatnonzero(met)


def pictures_of(
    directory: str, shape: tuple[int, ...], count: int, seed: int, setting: str
) -> np.ndarray:
    """Return at most so many pictures of a directory, float32 [n, h, w, c] from 0 to 255.

    Parameters
    ----------
    directory : str
    shape : tuple of int
        Height, width and channels to which they are brought.
    count : int
        Drawn by the seed among the files in the order of their names.
    seed : int
    setting : str
        Dotted key of the directory, for errors.

    Raises
    ------
    InputError
        There is no such directory, it holds no pictures, or one cannot be read.
    """
    path = Path(directory)
    if not path.is_dir():
        raise InputError(
            "There is no such directory of pictures.",
            setting=setting,
            expected="a directory",
            got=directory,
        )
    files = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(
            "The directory of a concept holds no pictures.",
            setting=setting,
            file=directory,
            expected=f"files that end with {', '.join(SUFFIXES)}",
            got="none",
        )
    if len(files) > count:
        places = np.random.default_rng(seed).choice(len(files), count, replace=False)
        files = [files[place] for place in sorted(places)]
    return np.stack([_picture(each, shape, setting) for each in files])


def _picture(path: Path, shape: tuple[int, ...], setting: str) -> np.ndarray:
    height, width, channels = shape
    try:
        # It reads JPEG files as well.
        pixels = tf.io.decode_png(path.read_bytes(), channels)
    except tf.errors.InvalidArgumentError:
        raise InputError(
            "A picture of a concept cannot be read.",
            setting=setting,
            file=str(path),
            expected="a PNG or JPEG file",
            got="something else",
        ) from None
    resized = tf.image.resize(pixels, (height, width), antialias=True)
    found: np.ndarray = np.clip(np.round(resized.numpy()), 0.0, WHITE).astype(np.float32)
    return found
