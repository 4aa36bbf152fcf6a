"""Look through a data set of images once and say what is in it, or what is wrong with it."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components.errors import InputError
from components.example_gen import idx, image_header
from components.example_gen.config import DataConfig
from components.example_gen.dataset import (
    IMAGE,
    IMAGE_DIGEST,
    IMAGE_FACTS,
    Column,
    DatasetSpec,
    ImageSpec,
)
from components.example_gen.discovery import Found
from components.example_gen.label import resolve
from components.example_gen.profile import ColumnProfile
from components.example_gen.readers import IMAGE_READERS, ImageReader
from components.example_gen.tfrecord_reader import TfRecordReader
from components.naming import nearest

#: What is read of each image: no pixel is decoded for it.
_HEADER = ("image_height", "image_width", "image_channels")
#: Records that are looked at to tell which feature of a TFRecord file holds images.
_PEEKED = 16

Size = tuple[int, int]


def image_feature(found: Found, config: DataConfig) -> str | None:
    """Return the feature of TFRecord files that holds images, or None if there is none.

    Raises
    ------
    InputError
        If there are several.
    """
    if found.format != "tfrecord":
        return None
    names = []
    for batch in TfRecordReader(_PEEKED).peek(found.data[0]):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            kept = name not in config.exclude and not pa.types.is_null(column.type)
            if kept and pa.types.is_large_binary(column.type.value_type):
                values = column.flatten().to_pylist()
                if values and all(map(image_header.is_image, values)):
                    names.append(name)
    if len(names) > 1:
        raise InputError(
            "Several features hold images.",
            file=found.data[0],
            setting="data.exclude",
            expected="one image an example",
            got=", ".join(names),
            remedy=f"Exclude all but one, such as data.exclude: [{', '.join(names[1:])}].",
        )
    return names[0] if names else None


class Inspection:
    """One pass over all images: sizes, labels and what decides their splits.

    Parameters
    ----------
    config : DataConfig
    found : Found
        With files, or class folders.
    feature : str or None
        See `ImageSpec`.
    """

    def __init__(self, config: DataConfig, found: Found, feature: str | None) -> None:
        _check_settings(config)
        self._config = config
        self._sizes: Counter[Size] = Counter()
        self._first: dict[Size, dict[str, Any]] = {}
        self._channels = 1
        self._label = ColumnProfile(config.label, None, (), is_label=True)
        self._rows = 0
        self._batches: dict[str, list[pa.RecordBatch]] = defaultdict(list)
        self._found = found
        self._image = ImageSpec(
            height=1, width=1, channels=1, feature=feature, labels=_labels(config, found)
        )
        if feature is not None:
            self._check_features(feature)
        reader = IMAGE_READERS[found.format](config.label, self._image)
        for path in (*found.data, *found.test):
            self._read(reader, path, counted=True)
        for path in found.span_files:
            self._read(reader, path, counted=False)

    def _check_features(self, feature: str) -> None:
        for path in (*self._found.data, *self._found.test, *self._found.span_files):
            names = TfRecordReader().names(path)
            for name, setting in ((feature, "data.path"), (self._config.label, "data.label")):
                if name not in names:
                    raise InputError(
                        f"There is no feature {name!r}{nearest(name, names)}.",
                        file=path,
                        setting=setting,
                        expected="one of " + ", ".join(names),
                        got=name,
                    )

    def _read(self, reader: ImageReader, path: str, *, counted: bool) -> None:
        row = 0
        for batch in reader.batches(path, [*_HEADER, self._config.label, IMAGE_DIGEST]):
            label = batch.column(self._config.label)
            try:
                self._label.update(label, infer=False, counted=counted)
            except pa.ArrowInvalid:
                raise InputError(
                    "The label holds bytes that are no UTF-8 text.",
                    file=path,
                    column=self._config.label,
                ) from None
            heights, widths, channels = (batch.column(name).to_numpy() for name in _HEADER)
            self._channels = max(self._channels, int(channels.max()))
            sizes, firsts, counts = np.unique(
                np.stack([heights, widths], axis=1), axis=0, return_index=True, return_counts=True
            )
            for (height, width), first, count in zip(sizes.tolist(), firsts, counts, strict=True):
                size = (height, width)
                self._sizes[size] += int(count)
                if size not in self._first:
                    self._first[size] = reader.place(path, row + int(first))
            row += batch.num_rows
            self._batches[path].append(batch.select([self._config.label, IMAGE_DIGEST]))
        self._rows += row if counted else 0

    def describe(self) -> DatasetSpec:
        """Return what the images are, but for what depends on all splits.

        Raises
        ------
        InputError
            For images of several sizes, unless the settings say to which to resize them,
            and for labels that nothing can be learnt from.
        """
        config = self._config
        height, width = self._size()
        label = self._resolve()
        columns = (
            Column(name=IMAGE, kind="image", missing=0, distinct=None),
            *(
                Column(name=name, kind=kind, missing=0, distinct=None)
                for name, kind in IMAGE_FACTS.items()
            ),
            self._label.column(label.kind),
        )
        return DatasetSpec(
            kind="image",
            image=self._image.model_copy(
                update={
                    "height": height,
                    "width": width,
                    "channels": self._channels,
                    "resize": set(self._sizes) != {(height, width)},
                }
            ),
            format=self._found.format,
            files=self._found.data,
            test_files=self._found.test,
            spans={f"span-{i:03d}": group for i, group in enumerate(self._found.spans, 1)},
            bytes=0,
            rows=self._rows,
            rows_without_label=self._label.missing,
            split_rows={},
            fingerprint="",
            columns=columns,
            label=config.label,
            task=label.task,
            classes=label.classes,
            split=config.split.model_copy(update={"column": IMAGE_DIGEST}),
            split_only=Column(name=IMAGE_DIGEST, kind="integer", missing=0, distinct=None),
            delimiter=config.delimiter,
            encoding=config.encoding,
            missing_values=(),
        )

    def batches(self, paths: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield label and hash of each image in `paths`, as they were read."""
        for path in paths:
            yield from self._batches[path]

    def _size(self) -> Size:
        if self._config.image_size is not None:
            return self._config.image_size
        (usual, count), *others = self._sizes.most_common()
        if others:
            other = others[-1][0]
            where = self._first[other]
            where.pop("got", None)
            raise InputError(
                "The images are of several sizes.",
                **where,
                setting="data.image_size",
                expected=f"{usual[0]} x {usual[1]} pixels (height x width), as {count:,} images",
                got=f"{other[0]} x {other[1]} pixels; {len(self._sizes)} sizes in all",
                remedy=f"Set data.image_size: [{usual[0]}, {usual[1]}], to resize each.",
            )
        return usual

    def _resolve(self) -> Any:
        config = self._config
        if self._found.format == "images" and len(self._label.values) == 1:
            raise InputError(
                "There is one class only.",
                file=os.path.dirname(self._found.data[0]),
                setting="data.path",
                expected="at least two class folders",
                got=next(iter(self._label.values)),
                remedy="Add folders of images of other classes.",
            )
        # Whole numbers are classes: EMNIST has more than a table's label may have.
        if config.task == "auto" and self._label.kind != "numeric" and not self._label.empty:
            task = "binary" if len(self._label.values) == 2 else "multiclass"
            config = config.model_copy(update={"task": task})
        return resolve(self._label, config)


def _labels(config: DataConfig, found: Found) -> dict[str, str]:
    """Return the file of labels of each file of images, of the format IDX."""
    images = (*found.data, *found.test, *found.span_files)
    given = config.labels_path
    if found.format != "idx":
        if given is not None:
            raise InputError(
                "Only IDX files have their labels in files of their own.",
                setting="data.labels_path",
                got=f"data of the format {found.format}",
                remedy="Leave it out.",
            )
        return {}
    names: Sequence[str | None] = [None] * len(images)
    if given is not None:
        names = [given] if isinstance(given, str) else list(given)
        if len(names) != len(images):
            raise InputError(
                "The files of labels are not as many as the files of images.",
                setting="data.labels_path",
                expected=f"{len(images)}, for {', '.join(images)}",
                got=len(names),
            )
    return {path: idx.labels_file(path, name) for path, name in zip(images, names, strict=True)}


def _check_settings(config: DataConfig) -> None:
    """Refuse what would have no effect on images."""
    if config.split.by == "time" or config.split.column is not None:
        raise InputError(
            "Images are split by a hash of each image.",
            setting="data.split",
            expected="shares alone: train, eval and test",
            got=f"by: {config.split.by}, column: {config.split.column}",
            remedy="Leave out data.split.by and data.split.column, or give data.test_path.",
        )
    if config.periods is not None:
        raise InputError(
            "Images say nothing of when they were taken.",
            setting="data.periods",
            got=config.periods.column,
            remedy="Put later images into folders of their own, and name these in data.spans.",
        )
    if config.columns:
        raise InputError(
            "Images have no columns to declare.",
            setting="data.columns",
            got=", ".join(config.columns),
            remedy="Leave it out.",
        )
