"""Settings of ExampleGen: where the data is, how it is read, what is predicted."""

from __future__ import annotations

import codecs
import datetime
import math
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from components.settings import Settings

#: What a user may declare a column to be.
DeclaredKind = Literal["numeric", "categorical", "boolean", "time"]
Format = Literal["csv", "parquet", "tfrecord", "images", "idx"]
Task = Literal["binary", "multiclass", "regression"]
Every = Literal["day", "week", "month", "quarter", "year"]

#: Name of the label of images, unless a config gives another.
IMAGE_LABEL = "label"

#: The splits of the data itself, in the order of their indices.
SPLITS = ("train", "eval", "test")

_Side = Annotated[int, Field(ge=1, le=8192)]
# A number such as -999 in a YAML list means the text of that number.
_Text = Annotated[str, Field(coerce_numbers_to_str=True)]


class SplitConfig(Settings):
    """How rows are divided into train, eval and test.

    Attributes
    ----------
    by : {"hash", "time"}
        ``hash`` places a row by a hash of its content, so that it stays in its split
        whatever the order of files and rows; ``time`` trains on the oldest rows and
        tests on the newest.
    column : str or None
        ``time``: the column that orders the rows. ``hash``: a column whose equal values
        (a customer, a site) stay in one split. It may be excluded from the features.
    train, eval, test : float
        Shares of the rows; positive, and 1 in sum. That of test has no meaning where
        the test split has files of its own.
    """

    by: Literal["hash", "time"] = "hash"
    column: str | None = None
    train: float = Field(default=0.7, gt=0, lt=1)
    eval: float = Field(default=0.15, gt=0, lt=1)
    test: float = Field(default=0.15, gt=0, lt=1)

    @property
    def shares(self) -> tuple[float, float, float]:
        """The shares in the order of `SPLITS`."""
        return self.train, self.eval, self.test

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not math.isclose(sum(self.shares), 1, abs_tol=1e-6):
            raise ValueError(f"train + eval + test must be 1, and is {sum(self.shares):.6g}")
        if self.by == "time" and self.column is None:
            raise ValueError("a split by time needs `column`, the column that holds the time")
        return self


class Periods(Settings):
    """Rows from a day on, which are not trained on, but monitored period by period.

    Attributes
    ----------
    column : str
        Holds the time of each row: times, or seconds since 1970 (UTC). It may be excluded from
        the features.
    start : date
        First day (UTC) that is monitored.
    every : {"day", "week", "month", "quarter", "year"}
        Length of a period, by the calendar; the splits are called such as ``span-2016-Q1``.
    """

    column: str
    start: datetime.date
    every: Every = "month"


class DataConfig(Settings):
    """The data set.

    Attributes
    ----------
    path : str or tuple of str
        Files, folders (the data files directly in them) or globs. Of images: a folder with
        a folder for each class, or IDX files, or TFRecord files with one image an example.
    test_path : str or tuple of str or None
        Files, folders or globs whose rows are the test split; those of `path` are then
        divided into train and eval alone, by the ratio of their shares.
    labels_path : str or tuple of str or None
        IDX files of labels, in the order of the images files of `path`, `test_path` and
        `spans`; None finds them by MNIST's names (``...-images-idx3-ubyte`` and
        ``...-labels-idx1-ubyte``).
    image_size : (int, int) or None
        Height and width, in pixels, to which Transform resizes each image; None takes
        images as they are, which must then be of one size.
    label : str
        The column to predict. Only images, whose folders or files give the label,
        can do without; theirs is then called ``label``.
    task : {"auto", "binary", "multiclass", "regression"}
        ``auto`` decides by the label: two values are ``binary``; fractional numbers, or
        integers with more than 20 values, ``regression``; all else ``multiclass``. Labels
        of images that are no fractions are classes, however many.
    format : {"auto", "csv", "parquet", "tfrecord", "images", "idx"}
        ``auto`` decides by the file names' extension, or by the folders in a folder; CSV,
        TFRecord and IDX may be gzipped.
    delimiter, encoding : str
        Of CSV files.
    missing_values : tuple of str
        Values that mean "missing", besides the empty cell.
    columns : dict of str to {"numeric", "categorical", "boolean", "time"}
        Kinds of columns that are not to be inferred.
    exclude : tuple of str
        Columns left out, such as those that leak the label.
    positive_label : str, int, float, bool or None
        The positive class of a binary task; None is the last one in sort order.
    spans : tuple of str
        Files, folders or globs with later data to monitor: each file, in name order, is
        one span (split ``span-001``, ``span-002``, ...).
    periods : Periods or None
        Rows of `path` that are spans, where later data have no files of their own.
    split : SplitConfig
        Train, eval and test.
    """

    path: str | tuple[str, ...]
    test_path: str | tuple[str, ...] | None = None
    labels_path: str | tuple[str, ...] | None = None
    image_size: tuple[_Side, _Side] | None = None
    label: str = IMAGE_LABEL
    task: Literal["auto"] | Task = "auto"
    format: Literal["auto"] | Format = "auto"
    delimiter: str = ","
    encoding: str = "utf-8"
    missing_values: tuple[_Text, ...] = (
        "",
        "NA",
        "N/A",
        "NaN",
        "nan",
        "null",
        "NULL",
        "None",
        "?",
    )
    columns: dict[str, DeclaredKind] = Field(default={})
    exclude: tuple[str, ...] = ()
    positive_label: str | int | float | bool | None = None
    spans: tuple[str, ...] = ()
    periods: Periods | None = None
    split: SplitConfig = SplitConfig()

    @model_validator(mode="after")
    def _spans_come_from_one_place(self) -> Self:
        if self.spans and self.periods is not None:
            raise ValueError("later data from files (`spans`) or by time (`periods`), not both")
        return self

    @field_validator("delimiter")
    @classmethod
    def _is_delimiter(cls, delimiter: str) -> str:
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
            raise ValueError("one ASCII character that is no quote and no line break")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, encoding: str) -> str:
        try:
            return codecs.lookup(encoding).name
        except LookupError:
            raise ValueError("an encoding such as utf-8, utf-16, latin-1 or cp1252") from None


class LaterSpan(Settings):
    """Later data from one file, or one folder of images.

    Attributes
    ----------
    name : str
        Of the split.
    files : tuple of str
        Absolute path; of images the folder of each class.
    rows, labelled : int
        All, and those with a label.
    digest : str
        SHA-256 of the content.
    """

    name: str
    files: tuple[str, ...]
    rows: int
    labelled: int
    digest: str


class SpansConfig(Settings):
    """Later data to monitor: found by ``monitor``, and not set.

    Attributes
    ----------
    spans : tuple of LaterSpan
    key : str or None
        Column whose value tells a row from all others.
    labels_path : str or None
        File with labels of rows that came without.
    labels_digest : str or None
        SHA-256 of its content.
    """

    spans: tuple[LaterSpan, ...] = ()
    key: str | None = None
    labels_path: str | None = None
    labels_digest: str | None = None
