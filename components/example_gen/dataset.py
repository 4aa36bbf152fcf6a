"""DatasetSpec: what inspection found, and all that is needed to read the data alike later."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.example_gen.config import SPLITS, Format, Periods, SplitConfig, Task
from components.settings import Settings

Kind = Literal["numeric", "integer", "categorical", "boolean", "time", "image"]

#: The encoded image, and what is stored of each image beside it. These are no inputs of a
#: model: they make statistics, validation and slices of images possible.
IMAGE = "image"
IMAGE_FACTS: dict[str, Kind] = {
    "image_height": "integer",
    "image_width": "integer",
    "image_channels": "integer",
    "image_bytes": "integer",
    "image_mean": "numeric",
    "image_deviation": "numeric",
}
#: Hash of an image, which decides its split and is not stored.
IMAGE_DIGEST = "image_digest"


class Column(Settings):
    """One column of the data.

    Attributes
    ----------
    name : str
    kind : {"numeric", "integer", "categorical", "boolean", "time", "image"}
        How its values are stored: numeric as float; integer, boolean (0 and 1) and time
        (UTC seconds since 1970) as int64; categorical as bytes (UTF-8); image as the bytes
        of a PNG or JPEG file.
    missing : int
        Rows without a value, spans not counted.
    distinct : int or None
        Distinct values, spans not counted; None if they are more than 10,000, and of images.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int | None


class ImageSpec(Settings):
    """The images of a data set, as a model sees them.

    Attributes
    ----------
    height, width : int
        Pixels.
    channels : int
        1 if all images are grey, otherwise 3.
    resize : bool
        Whether Transform resizes the images to that size.
    feature : str or None
        TFRecord: the feature that holds the encoded image.
    labels : dict of str to str
        IDX: file of images -> file of its labels, as absolute paths.
    """

    height: int
    width: int
    channels: int
    resize: bool = False
    feature: str | None = None
    labels: dict[str, str] = Field(default={})


class DatasetSpec(Settings):
    """A data set as it was found.

    Attributes
    ----------
    kind : {"table", "image"}
    image : ImageSpec or None
        What the images are; None for tables.
    format : {"csv", "parquet", "tfrecord", "images", "idx"}
    files : tuple of str
        Absolute paths of the data that are divided into splits; of the format ``images``
        the folder of each class.
    test_files : tuple of str
        Absolute paths of the test split; empty if it is a part of `files`.
    spans : dict of str to tuple of str
        Split name -> absolute paths; none for a period of `files`.
    bytes : int
        Size of all files on disk.
    rows, rows_without_label : int
        Rows in `files` and `test_files`, periods included, and those of them that are dropped
        because their label is missing.
    split_rows : dict of str to int
        Rows of each split, spans included, without the dropped ones.
    fingerprint : str
        SHA-256 over the files' contents and everything here that decides how they are
        read; independent of names and modification times.
    columns : tuple of Column
        The features and the label, in the order of the data.
    empty_columns : tuple of str
        Columns left out because they hold no value at all.
    label : str
        For a classification its kind is integer or categorical, and the text of a stored
        value is the class name.
    task : {"binary", "multiclass", "regression"}
    classes : tuple of str
        The label's values as text, in order (numeric order for numbers); the positive
        class of a binary task is the last. Empty for a regression.
    split : SplitConfig
    split_only : Column or None
        The column that decides the split, if it is none of `columns`.
    time_boundaries : tuple of int or None
        For a split by time: the first value of eval and, if `files` hold it, of test.
    periods : Periods or None
    period_only : Column or None
        The column of `periods`, if it is neither of `columns` nor `split_only`.
    period_starts : dict of str to int
        Split name -> the first second of each period, in their order.
    delimiter, encoding, missing_values
        As in `DataConfig`.
    """

    kind: Literal["table", "image"] = "table"
    image: ImageSpec | None = None
    format: Format
    files: tuple[str, ...]
    test_files: tuple[str, ...] = ()
    spans: dict[str, tuple[str, ...]]
    bytes: int
    rows: int
    rows_without_label: int
    split_rows: dict[str, int]
    fingerprint: str
    columns: tuple[Column, ...]
    empty_columns: tuple[str, ...] = ()
    label: str
    task: Task
    classes: tuple[str, ...]
    split: SplitConfig
    split_only: Column | None = None
    time_boundaries: tuple[int, ...] | None = None
    periods: Periods | None = None
    period_only: Column | None = None
    period_starts: dict[str, int] = Field(default={})
    delimiter: str
    encoding: str
    missing_values: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of `columns`."""
        return tuple(column.name for column in self.columns)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of `columns` without the label."""
        return tuple(name for name in self.names if name != self.label)

    @property
    def read_columns(self) -> tuple[Column, ...]:
        """The columns that are read: `columns`, and those that only decide the split."""
        others = (self.split_only, self.period_only)
        return (*self.columns, *(column for column in others if column is not None))

    @property
    def time_only(self) -> Column | None:
        """The column that orders the rows, if it is none of `columns`."""
        return self.period_only or (self.split_only if self.split.by == "time" else None)

    @property
    def sources(self) -> tuple[tuple[str | None, tuple[str, ...]], ...]:
        """All files, grouped by their split; None where each row has its own."""
        test = (("test", self.test_files),) if self.test_files else ()
        return ((None, self.files), *test, *self.spans.items())

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares of the rows of `files` that the first splits get."""
        if not self.test_files:
            return self.split.shares
        both = self.split.train + self.split.eval
        return self.split.train / both, self.split.eval / both

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of all splits, spans last."""
        return (*SPLITS, *self.spans)
