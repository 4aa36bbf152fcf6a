"""Transformed examples as arrays, and the file that says what their columns are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from components import examples, files
from components.settings import Settings

#: Name of the description, beside the transform graph.
FEATURES_FILE = "features.json"

#: Outputs of the transform graph.
NUMERIC, CATEGORICAL, IMAGE, LABEL = "numeric", "categorical", "image", "label"

#: Ids that every categorical column reserves: no value, and a value that the
#: training data do not have.
MISSING_ID, UNKNOWN_ID = 0, 1
RESERVED_IDS = 2

#: The brightest pixel.
WHITE = 255.0
#: Names of the channels of coloured images.
COLOURS = ("red", "green", "blue")


class CategoricalColumn(Settings):
    """One column of `categorical`.

    Attributes
    ----------
    name : str
        Raw column that it comes from.
    size : int
        Number of ids, the reserved ones included; ids lie in ``[0, size)``.
    """

    name: str
    size: int


class ImageFeature(Settings):
    """What `image` is.

    Attributes
    ----------
    height, width : int
        Pixels.
    channels : int
        1 (grey) or 3 (red, green, blue).
    mean, deviation : tuple of float
        Mean and standard deviation of each channel over the train split, of values from 0
        to 255; the latter is never 0.
    """

    height: int
    width: int
    channels: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image."""
        return self.height, self.width, self.channels

    @property
    def pixels(self) -> tuple[str, ...]:
        """Names of the pixels from the top left, row by row, such as ``pixel[3,4]``.

        Those of coloured images have a name for each channel, such as ``pixel[3,4,red]``.
        """
        channels = [f",{name}" for name in COLOURS] if self.channels > 1 else [""]
        return tuple(
            f"pixel[{row},{column}{channel}]"
            for row in range(self.height)
            for column in range(self.width)
            for channel in channels
        )


class Features(Settings):
    """What the columns of transformed examples are.

    Attributes
    ----------
    numeric : tuple of str
        Columns of `numeric`, in order. ``fare`` is the raw column as a z-score,
        ``fare:cdf`` its rank, ``fare:missing`` an indicator.
    categorical : tuple of CategoricalColumn
        Columns of `categorical`, in order.
    label : str
        Raw column of the label.
    task : str
        ``regression`` or a kind of classification.
    classes : tuple of str
        Class of each label index; empty for regression.
    image : ImageFeature or None
        What the image is that is then the only feature; None for tables.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[CategoricalColumn, ...] = ()
    label: str
    task: str
    classes: tuple[str, ...] = ()
    image: ImageFeature | None = None

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Write the description into a transform graph's directory."""
        files.write_json(Path(directory) / FEATURES_FILE, self.model_dump(mode="json"))

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Features:
        """Read the description from a transform graph's directory."""
        return cls.model_validate_json((Path(directory) / FEATURES_FILE).read_bytes())

    def as_table(self) -> Features:
        """Return the description of the same rows with the pixels as numeric columns."""
        if self.image is None:
            return self
        return self.model_copy(update={"image": None, "numeric": self.image.pixels})

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one row of each kind of feature; a kind without columns is absent."""
        shapes = {
            NUMERIC: (len(self.numeric),),
            CATEGORICAL: (len(self.categorical),),
            IMAGE: () if self.image is None else self.image.shape,
        }
        return {name: shape for name, shape in shapes.items() if shape not in ((), (0,))}

    @property
    def regression(self) -> bool:
        """Whether the label is a number and not a class."""
        return self.task == "regression"


def to_record_batch(arrays: dict[str, np.ndarray]) -> pa.RecordBatch:
    """Return transformed arrays as the Arrow batch that is written to disk.

    Parameters
    ----------
    arrays : dict of array
        Shapes ``[n, k]`` or ``[n]``; a row becomes a list of k values. A row of a uint8
        array of any shape becomes one value: its bytes.
    """
    columns = []
    for array in arrays.values():
        if array.dtype == np.uint8:
            rows = [row.tobytes() for row in array]
            offsets = np.arange(len(rows) + 1, dtype=np.int64)
            columns.append(
                pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(rows, pa.large_binary()))
            )
            continue
        width = array.size // len(array) if len(array) else 1
        offsets = np.arange(len(array) + 1, dtype=np.int64) * width
        columns.append(
            pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(array.reshape(-1)))
        )
    return pa.RecordBatch.from_arrays(columns, list(arrays))


def load_arrays(split_dir: str | os.PathLike[str], features: Features) -> dict[str, np.ndarray]:
    """Load a split of transformed examples into memory.

    Parameters
    ----------
    split_dir : path
        Directory of the split.
    features : Features
        Description of its columns.

    Returns
    -------
    dict of array
        See `load_files`.
    """
    return load_files(examples.split_files(split_dir), features)


def load_files(paths: Sequence[str], features: Features) -> dict[str, np.ndarray]:
    """Load some files of a split of transformed examples into memory.

    Parameters
    ----------
    paths : sequence of str
        Record files.
    features : Features
        Description of their columns.

    Returns
    -------
    dict of array
        ``numeric`` float32 of shape ``[n, len(features.numeric)]`` and ``categorical``
        int64 of shape ``[n, len(features.categorical)]``, each absent if it has no
        column, or ``image`` uint8 of shape ``[n, height, width, channels]``; and ``label``
        of shape ``[n]``: int64 class index, or float32 for regression.
    """
    layout: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
        NUMERIC: (np.float32, (-1, len(features.numeric))),
        CATEGORICAL: (np.int64, (-1, len(features.categorical))),
        LABEL: (np.float32 if features.regression else np.int64, (-1,)),
    }
    if features.image is not None:
        layout[IMAGE] = (np.uint8, (-1, *features.image.shape))
    layout = {name: (dtype, shape) for name, (dtype, shape) in layout.items() if 0 not in shape}
    parts: dict[str, list[np.ndarray]] = {name: [] for name in layout}
    for batch in examples.read_files(paths):
        for name, columns in parts.items():
            values = batch.column(name).flatten()
            columns.append(
                np.frombuffer(b"".join(values.to_pylist()), np.uint8)
                if name == IMAGE
                else values.to_numpy()
            )
    return {
        name: np.concatenate([np.empty(0, dtype), *parts[name]])
        .astype(dtype, copy=False)
        .reshape(shape)
        for name, (dtype, shape) in layout.items()
    }
