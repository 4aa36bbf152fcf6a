"""Look through a data set once or twice and say what is in it, or what is wrong with it.

Imports nothing heavy (TensorFlow only for TFRecord files), and holds one batch at a time.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components import files
from components.errors import InputError
from components.example_gen import discovery, image_folder, periods, splitting, storage
from components.example_gen.config import SPLITS, DataConfig, Format
from components.example_gen.dataset import Column, DatasetSpec
from components.example_gen.image_inspection import Inspection, image_feature
from components.example_gen.label import Label, resolve
from components.example_gen.profile import ColumnProfile
from components.example_gen.readers import (
    READERS,
    Reader,
    read_batches,
    read_labelled,
    with_label,
)
from components.naming import nearest

#: Kinds of columns that tell when.
_TIMES = ("time", "integer")
#: Fewer rows cannot fill train, eval and test.
MIN_ROWS = len(SPLITS)


def inspect(config: DataConfig) -> DatasetSpec:
    """Return what the data set of `config` holds.

    Parameters
    ----------
    config : DataConfig
        With absolute paths, or paths relative to the current directory.

    Returns
    -------
    DatasetSpec

    Raises
    ------
    InputError
        For data or settings with which no pipeline could end well.
    """
    found = discovery.find(config)
    feature = image_feature(found, config)
    if found.format in ("images", "idx") or feature is not None:
        return _inspect_images(Inspection(config, found, feature))
    _check_is_table(config)
    data_files = (*found.data, *found.test)
    all_files = (*data_files, *found.span_files)
    reader = READERS[found.format](config.delimiter, config.encoding)
    names = _column_names(reader, data_files, found.span_files)
    _check_settings(config, names)
    profiles, rows = _profile(reader, config, names, data_files, found.span_files)
    for profile in profiles.values():
        _check_kind(profile, reader, config, all_files)
    _check_rows(rows, profiles[config.label].missing)
    label = resolve(profiles[config.label], config)
    spec = _describe(config, found.format, profiles, label)
    spec = spec.model_copy(
        update={
            "files": found.data,
            "test_files": found.test,
            "spans": {f"span-{i:03d}": group for i, group in enumerate(found.spans, 1)},
            "bytes": sum(os.path.getsize(file) for file in all_files),
            "rows": rows,
            "rows_without_label": profiles[config.label].missing,
        }
    )
    if config.periods is not None:
        spec = _with_periods(spec)
    if config.split.by == "time":
        spec = spec.model_copy(update={"time_boundaries": _time_boundaries(spec, reader)})
    rows_of = functools.partial(read_labelled, spec)
    spec = spec.model_copy(update={"split_rows": _count_splits(spec, rows_of)})
    return spec.model_copy(update={"fingerprint": fingerprint(spec)})


def _inspect_images(inspection: Inspection) -> DatasetSpec:
    """Return what a data set of images holds."""
    spec = inspection.describe()
    _check_rows(spec.rows, spec.rows_without_label)

    def rows_of(paths: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for batch in inspection.batches(paths):
            yield with_label(storage.to_storage(batch, spec), spec)

    paths = [path for _, group in spec.sources for path in group]
    paths += (spec.image.labels if spec.image else {}).values()
    update = {
        "bytes": sum(
            image_folder.size(path) if os.path.isdir(path) else os.path.getsize(path)
            for path in paths
        ),
        "split_rows": _count_splits(spec, rows_of),
    }
    spec = spec.model_copy(update=update)
    return spec.model_copy(update={"fingerprint": fingerprint(spec)})


def _check_is_table(config: DataConfig) -> None:
    """Refuse a table whose label is not named, and settings that only images have."""
    if "label" not in config.model_fields_set:
        raise InputError(
            "The setting 'data.label' is missing.",
            setting="data.label",
            expected="the name of the column to predict",
            remedy="Set data.label; only images, whose folders or files give the label, can do "
            "without.",
        )
    for name in ("image_size", "labels_path"):
        if getattr(config, name) is not None:
            raise InputError(
                f"The data are a table, and data.{name} is for images.",
                setting=f"data.{name}",
                remedy="Leave it out.",
            )


def _check_rows(rows: int, without_label: int) -> None:
    labelled = rows - without_label
    if 0 < labelled < MIN_ROWS:  # without any, the label is to blame
        raise InputError(
            "The data has too few rows for train, eval and test.",
            expected=f"at least {MIN_ROWS} rows with a label",
            got=f"{labelled} of {rows} rows",
            remedy="Add rows.",
        )


def fingerprint(spec: DatasetSpec) -> str:
    """Return SHA-256 over the content of the files and over how `spec` reads them."""
    image = spec.image.model_copy(update={"labels": {}}) if spec.image else None
    settings = spec.model_copy(
        update={"files": (), "test_files": (), "spans": {}, "fingerprint": "", "image": image}
    )
    digest = hashlib.sha256(settings.model_dump_json().encode())
    for name, group in spec.sources:
        for file in group:
            is_folder = os.path.isdir(file)
            content = image_folder.folder_digest(file) if is_folder else files.file_digest(file)
            digest.update(f"\0{name or ''}\0{content}".encode())
            if spec.image and file in spec.image.labels:
                digest.update(files.file_digest(spec.image.labels[file]).encode())
    return digest.hexdigest()


def _column_names(
    reader: Reader, data_files: Sequence[str], span_files: Sequence[str]
) -> list[str]:
    """Return the columns of the data, after checking that all files agree on them."""
    first, *others = data_files
    names = reader.names(first)
    for file in (*others, *span_files):
        further = reader.names(file)
        if not reader.same_columns:
            names.extend(name for name in further if name not in names and file in data_files)
        elif set(further) != set(names):
            lacking, extra = set(names) - set(further), set(further) - set(names)
            raise InputError(
                "The files have different columns.",
                file=file,
                expected=f"the columns of {first}",
                got="; ".join(
                    f"{word} {', '.join(map(repr, sorted(found)))}"
                    for word, found in (("without", lacking), ("with", extra))
                    if found
                ),
                remedy="Give all files the same columns.",
            )
    return names


def _check_settings(config: DataConfig, names: Sequence[str]) -> None:
    """Check that each column that the settings name is there."""
    named = {
        "data.label": [config.label],
        "data.exclude": config.exclude,
        "data.columns": config.columns,
        "data.split.column": [config.split.column] if config.split.column is not None else [],
        "data.periods.column": [config.periods.column] if config.periods is not None else [],
    }
    for setting, columns in named.items():
        for column in columns:
            if column not in names:
                raise InputError(
                    f"There is no column {column!r}{nearest(column, names)}.",
                    setting=setting,
                    expected="one of " + ", ".join(names),
                    got=column,
                )
    if config.label in config.exclude:
        raise InputError(
            "The label is excluded.",
            column=config.label,
            setting="data.exclude",
            remedy="Take the label out of data.exclude.",
        )
    if not set(names) - {config.label, *config.exclude}:
        raise InputError(
            "There is no column besides the label to predict it from.",
            column=config.label,
            got=f"columns {', '.join(names)}; excluded: {', '.join(config.exclude) or 'none'}",
            remedy="Add feature columns; check data.delimiter and data.exclude.",
        )


def _profile(
    reader: Reader,
    config: DataConfig,
    names: Sequence[str],
    data_files: Sequence[str],
    span_files: Sequence[str],
) -> tuple[dict[str, ColumnProfile], int]:
    """Return a profile of each column in use, and the rows of the data without spans."""
    profiles = {
        name: ColumnProfile(
            name,
            config.columns.get(name),
            config.missing_values,
            is_label=name == config.label,
        )
        for name in names
        if name not in config.exclude or name in _deciding(config)
    }
    rows = 0
    for file in (*data_files, *span_files):
        counted = file not in span_files
        for batch in reader.batches(file, list(profiles)):
            rows += batch.num_rows if counted else 0
            for name, column in zip(profiles, batch.columns, strict=True):
                try:
                    profiles[name].update(column, infer=reader.infers, counted=counted)
                except pa.ArrowInvalid:
                    raise InputError(
                        f"Column {name!r} holds bytes that are no UTF-8 text.",
                        file=file,
                        column=name,
                        remedy=f"Add {name!r} to data.exclude, or encode it as text before.",
                    ) from None
    return profiles, rows


def _check_kind(
    profile: ColumnProfile, reader: Reader, config: DataConfig, all_files: Sequence[str]
) -> None:
    """Raise an error that names the first value which is not of the column's kind."""
    name, kind = profile.name, profile.kind
    if kind is None:
        raise InputError(
            f"The files state different types for column {name!r}.",
            column=name,
            expected="one type in all files",
            remedy=f"Write the column alike, or set data.columns.{name}.",
        )

    def find(is_bad: Callable[[pa.Array], pa.Array | None]) -> dict[str, Any]:
        for file in all_files:
            row = 0
            for batch in reader.batches(file, [name]):
                bad = is_bad(batch.column(0))
                if bad is not None and (index := pc.index(bad, True).as_py()) >= 0:
                    line = reader.line(file, row + index)
                    value = batch.column(0)[index].as_py()
                    where = "" if line else f" in row {row + index + 1}"
                    return {"file": file, "line": line, "got": repr(value) + where}
                row += batch.num_rows
        raise AssertionError(f"{name}: the value is gone")

    is_number = kind in ("integer", "numeric") or profile.number_share == 1
    if profile.not_finite and is_number:
        place = find(storage.is_not_finite)
        raise InputError(
            "The label is not a finite number.",
            column=name,
            expected="a finite number, or nothing where the label is unknown",
            remedy="Correct the value, or leave it empty: the row is then dropped.",
            **place,
        )
    wrong = profile.wrong_kind
    if wrong is None:
        return
    share = f", as in {profile.number_share:.2%} of its values" if not profile.declared else ""
    place = find(
        lambda raw: storage.convert(storage.with_nulls(raw, config.missing_values), wrong)[1]
    )
    if reader.infers:
        remedy = (
            f"Add the value to data.missing_values if it means 'missing', or set "
            f"data.columns.{name}: categorical."
        )
    else:
        remedy = f"Correct the value, or add {name!r} to data.exclude."
    raise InputError(
        f"Column {name!r} holds a value that is not {wrong}.",
        column=name,
        setting=f"data.columns.{name}" if profile.declared else None,
        expected=storage.DESCRIPTIONS[wrong] + share,
        remedy=remedy,
        **place,
    )


def _describe(
    config: DataConfig, format_: Format, profiles: dict[str, ColumnProfile], label: Label
) -> DatasetSpec:
    """Return the spec, as far as the columns decide it."""
    empty = tuple(name for name, p in profiles.items() if p.empty and name not in config.exclude)
    if empty:
        logging.warning("Columns without any value are left out: %s", ", ".join(empty))
    columns = tuple(
        profile.column(label.kind if name == config.label else profile.kind or "categorical")
        for name, profile in profiles.items()
        if name not in empty and name not in config.exclude
    )
    if len(columns) == 1:
        raise InputError(
            "There is no column with values besides the label.",
            column=config.label,
            got=f"empty columns: {', '.join(empty)}",
            remedy="Check data.missing_values, or add feature columns.",
        )
    split_only = _split_only(config, profiles, columns)
    return DatasetSpec(
        format=format_,
        files=(),
        spans={},
        bytes=0,
        rows=0,
        rows_without_label=0,
        split_rows={},
        fingerprint="",
        columns=columns,
        empty_columns=empty,
        label=config.label,
        task=label.task,
        classes=label.classes,
        split=config.split,
        split_only=split_only,
        periods=config.periods,
        period_only=_period_only(config, profiles, (*columns, split_only)),
        delimiter=config.delimiter,
        encoding=config.encoding,
        missing_values=config.missing_values,
    )


def _split_only(
    config: DataConfig, profiles: dict[str, ColumnProfile], columns: Sequence[Column]
) -> Column | None:
    """Return the column that decides the split if it is no feature, after checking it."""
    name = config.split.column
    if name is None:
        return None
    profile = profiles[name]
    kind = profile.kind or "categorical"
    if profile.empty or (config.split.by == "time" and kind not in _TIMES):
        raise InputError(
            f"Column {name!r} cannot order the rows by time."
            if config.split.by == "time"
            else f"Column {name!r} cannot group the rows.",
            column=name,
            setting="data.split.column",
            expected="dates, times or integers"
            if config.split.by == "time"
            else "a column with values",
            got="no values" if profile.empty else f"a {kind} column",
        )
    return None if name in {column.name for column in columns} else profile.column(kind)


def _deciding(config: DataConfig) -> set[str]:
    """Return the columns that decide the split of a row, features or not."""
    periods = None if config.periods is None else config.periods.column
    return {name for name in (config.split.column, periods) if name is not None}


def _period_only(
    config: DataConfig, profiles: dict[str, ColumnProfile], known: Sequence[Column | None]
) -> Column | None:
    """Return the column of the periods if it is read for nothing else, after checking it."""
    if config.periods is None:
        return None
    name = config.periods.column
    profile = profiles[name]
    kind = profile.kind or "categorical"
    if profile.empty or kind not in _TIMES:
        raise InputError(
            f"Column {name!r} cannot place the rows in time.",
            column=name,
            setting="data.periods.column",
            expected="dates, times or seconds since 1970",
            got="no values" if profile.empty else f"a {kind} column",
        )
    return None if name in {each.name for each in known if each} else profile.column(kind)


def _with_periods(spec: DatasetSpec) -> DatasetSpec:
    """Return `spec` with a span for each later period that has a row with a label."""
    assert spec.periods is not None
    column = spec.periods.column
    times: set[int] = set()
    for batch in read_batches(spec, spec.files, [spec.label, column]):
        known = with_label(batch, spec).column(column).drop_null()
        times.update(pc.unique(known).to_pylist())
    try:
        starts = periods.cut(times, spec.periods)
    except (ValueError, OverflowError, OSError):
        raise InputError(
            f"Column {column!r} holds a number that is no time.",
            column=column,
            setting="data.periods.column",
            expected="seconds since 1970 (UTC)",
            got=f"{min(times)} to {max(times)}",
        ) from None
    if not starts:
        raise InputError(
            "No row is as late as the periods that are to be monitored.",
            column=column,
            setting="data.periods.start",
            expected="a day before the last row",
            got=spec.periods.start.isoformat(),
            remedy="Set an earlier day, or leave out data.periods.",
        )
    return spec.model_copy(update={"period_starts": starts, "spans": dict.fromkeys(starts, ())})


def _time_boundaries(spec: DatasetSpec, reader: Reader) -> tuple[int, ...]:
    """Return the boundaries of a split by time over all rows of `files` with a label."""
    column = spec.split.column
    assert column is not None
    wanted = [spec.label, column, *([spec.periods.column] if spec.periods else [])]
    found: Counter[int] = Counter()
    for file in spec.files:
        row = 0
        for batch in read_batches(spec, [file], wanted):
            times, labels = batch.column(column), batch.column(spec.label)
            bad = pc.and_(pc.is_null(times), pc.is_valid(labels))
            if (index := pc.index(bad, True).as_py()) >= 0:
                raise InputError(
                    f"Column {column!r} lacks a value, so the row has no place in time.",
                    file=file,
                    line=reader.line(file, row + index),
                    column=column,
                    setting="data.split.column",
                    expected="a time in every row",
                    got=f"nothing in row {row + index + 1}",
                    remedy="Fill in the times, remove the rows, or split by hash.",
                )
            row += batch.num_rows
            counted = np.logical_and(
                labels.is_valid().to_numpy(zero_copy_only=False), _before_periods(batch, spec)
            )
            counts = pc.value_counts(times.filter(pa.array(counted)))
            found.update(
                dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True))
            )
    times = np.array(sorted(found), np.int64)
    return splitting.time_boundaries(times, np.array([found[int(t)] for t in times]), spec.shares)


def _before_periods(batch: pa.RecordBatch, spec: DatasetSpec) -> np.ndarray:
    """Return which rows are earlier than what is monitored, shape [rows]."""
    if spec.periods is None:
        return np.ones(batch.num_rows, bool)
    times = batch.column(spec.periods.column)
    first = periods.start_of(spec.periods)
    return np.asarray(pc.less(times, first).fill_null(True).to_numpy(zero_copy_only=False))


def _count_splits(
    spec: DatasetSpec, rows_of: Callable[[Sequence[str]], Iterator[pa.RecordBatch]]
) -> dict[str, int]:
    """Return the rows of each split, after checking that each can serve.

    Parameters
    ----------
    spec : DatasetSpec
    rows_of : callable
        Returns the rows with a label of some files: the label, and what decides the split.
    """
    names = (*SPLITS, *spec.period_starts)
    rows = np.zeros(len(names), np.int64)
    classes: Counter[str] = Counter()
    for batch in rows_of(spec.files):
        splits = splitting.assign(batch, spec)
        rows += np.bincount(splits, minlength=len(names))
        if spec.classes:
            labels = batch.column(spec.label).filter(pa.array(splits == 0))
            for count in pc.value_counts(labels).to_pylist():
                classes[str(count["values"])] += count["counts"]
    shares = dict(zip(SPLITS, spec.shares, strict=False))
    for name, count in zip(shares, rows.tolist(), strict=False):
        if not count:
            raise InputError(
                f"The split {name!r} is empty.",
                setting="data.split",
                expected="at least one row in each split",
                got=f"{rows[: len(SPLITS)].sum()} rows with shares {shares}"
                + (f" by {spec.split.column!r}" if spec.split.column else ""),
                remedy="Add rows, or give the split a larger share; rows that are equal, or "
                "of one group or time, stay together.",
            )
    for name in spec.classes:
        if not classes[name]:
            raise InputError(
                f"The train split has no row of class {name!r}.",
                column=spec.label,
                setting="data.split",
                expected="at least one row of each class to learn from",
                got=f"{rows[0]} of {rows[: len(SPLITS)].sum()} rows in train, none of this class",
                remedy="Add rows of the class, remove the class, or change data.split.",
            )
    counts = dict(zip(names, rows.tolist(), strict=True))
    for split, group in spec.sources:
        if split is None or split in spec.period_starts:
            continue
        counts[split] = sum(batch.num_rows for batch in rows_of(group))
        if not counts[split]:
            setting = "data.spans" if split in spec.spans else "data.test_path"
            raise InputError(
                f"The split {split!r} is empty.",
                file=group[0],
                setting=setting,
                expected="at least one row with a label",
                remedy=f"Take the file out of {setting}, or add labels.",
            )
    return counts
