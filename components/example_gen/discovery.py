"""From paths, folders and globs to data files and their format."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from components.errors import InputError
from components.example_gen import idx, image_folder
from components.example_gen.config import DataConfig, Format

_EXTENSIONS: dict[Format, str] = {
    "csv": r"\.(csv|tsv)(\.gz)?$",
    "parquet": r"\.(parquet|pq)$",
    "tfrecord": r"\.tfrecords?(\.gz)?$|tfrecord-\d{5}-of-\d{5}(\.gz)?$",
    "idx": idx.IMAGES_NAME,
}


class Found(NamedTuple):
    """The files of a data set, as absolute paths.

    Attributes
    ----------
    format : {"csv", "parquet", "tfrecord", "images", "idx"}
    data : tuple of str
        Files whose rows are divided into splits; of the format ``images`` the folder of
        each class.
    test : tuple of str
        Files of the test split; empty if it is a part of `data`.
    spans : tuple of tuple of str
        Later data: the file, or the class folders, of each span.
    """

    format: Format
    data: tuple[str, ...]
    test: tuple[str, ...]
    spans: tuple[tuple[str, ...], ...]

    @property
    def span_files(self) -> tuple[str, ...]:
        """The files of all spans."""
        return tuple(file for group in self.spans for file in group)


def find(config: DataConfig) -> Found:
    """Return the files that `config` names.

    Raises
    ------
    InputError
        For paths without files, files of several or unknown formats, and a file that is
        named for two uses, such as data and a later span of it.
    """
    if config.format == "images" or (
        config.format == "auto" and config.path and all(map(_is_image_folder, _listed(config.path)))
    ):
        return _find_class_folders(config)
    data = _expand(config.path, config, "data.path")
    test: tuple[str, ...] = ()
    if config.test_path is not None:
        test = _expand(config.test_path, config, "data.test_path")
    spans = _expand(config.spans, config, "data.spans") if config.spans else ()
    _check_disjoint(data, test, "A file is both data and test data.", "data.test_path")
    _check_disjoint(data, spans, "A file is both data and a later span of it.", "data.spans")
    _check_disjoint(test, spans, "A file is both test data and a later span.", "data.spans")
    found = format_of((*data, *test, *spans), config)
    return Found(found, data, test, tuple((file,) for file in spans))


def _listed(paths: str | Sequence[str]) -> tuple[str, ...]:
    return (paths,) if isinstance(paths, str) else tuple(paths)


def _is_image_folder(path: str) -> bool:
    """Whether a folder holds images and, directly in it, no other data."""
    if not image_folder.looks_like_images(path):
        return False
    return all(entry.is_dir() or _guess(entry.path) is None for entry in os.scandir(path))


def _find_class_folders(config: DataConfig) -> Found:
    """Return the class folders that `config` names; those of each span are together."""

    def classes(paths: str | Sequence[str], setting: str) -> tuple[tuple[str, ...], ...]:
        roots = image_folder.find_roots(_listed(paths), setting)
        return tuple(image_folder.find_classes(root, setting) for root in roots)

    data = sum(classes(config.path, "data.path"), ())
    test = sum(classes(config.test_path or (), "data.test_path"), ())
    spans = classes(config.spans, "data.spans")
    later = sum(spans, ())
    _check_disjoint(data, test, "A folder is both data and test data.", "data.test_path")
    _check_disjoint(data, later, "A folder is both data and a later span of it.", "data.spans")
    _check_disjoint(test, later, "A folder is both test data and a later span.", "data.spans")
    return Found("images", data, test, spans)


def _check_disjoint(
    files: Sequence[str], others: Sequence[str], problem: str, setting: str
) -> None:
    # Two names may be links to one file.
    known = {os.path.realpath(file) for file in files}
    for file in others:
        if os.path.realpath(file) in known:
            raise InputError(
                problem,
                file=file,
                setting=setting,
                remedy=f"Keep the files of {setting} in a folder of their own.",
            )


def _expand(paths: str | Sequence[str], config: DataConfig, setting: str) -> tuple[str, ...]:
    paths = _listed(paths)
    if not paths:
        raise InputError("No data is named.", setting=setting, expected="at least one path")
    found: dict[str, None] = {}
    for path in paths:
        found.update(dict.fromkeys(_expand_one(path, config, setting)))
    return tuple(found)


def _expand_one(path: str, config: DataConfig, setting: str) -> list[str]:
    path = os.path.abspath(path)
    if os.path.isdir(path):
        names = sorted(entry.path for entry in os.scandir(path) if _is_data(entry.path, config))
        if not names:
            raise InputError(
                "The folder holds no data files.",
                file=path,
                setting=setting,
                expected="files such as *.csv, *.csv.gz, *.parquet or *.tfrecord, or a folder of "
                "images for each class",
                got=", ".join(sorted(os.listdir(path))[:5]) or "an empty folder",
            )
    elif os.path.exists(path):
        names = [path]
    elif glob.has_magic(path):
        names = sorted(name for name in glob.glob(path, recursive=True) if os.path.isfile(name))
        if not names:
            raise InputError("No file matches the pattern.", setting=setting, got=path)
    else:
        raise InputError(
            "There is no such file or folder.",
            setting=setting,
            got=path,
            remedy=_suggest(Path(path)),
        )
    for name in names:
        if not os.access(name, os.R_OK):
            raise InputError("The file may not be read.", file=name, setting=setting)
    return names


def _is_data(path: str, config: DataConfig) -> bool:
    name = os.path.basename(path)
    if not os.path.isfile(path) or name.startswith((".", "_")):
        return False
    return config.format != "auto" or _guess(path) is not None


def _suggest(path: Path) -> str | None:
    """Name what exists and is most like `path`."""
    missing = path
    while not missing.parent.is_dir():
        missing = missing.parent
    siblings = sorted(entry.name for entry in missing.parent.iterdir())
    matches = difflib.get_close_matches(missing.name, siblings, n=1, cutoff=0.5)
    if matches:
        return f"Did you mean {missing.parent / matches[0]}?"
    return f"The nearest folder that exists is {missing.parent}."


def _guess(path: str) -> Format | None:
    for name, pattern in _EXTENSIONS.items():
        if re.search(pattern, os.path.basename(path).lower()):
            return name
    return None


def format_of(files: Sequence[str], config: DataConfig) -> Format:
    """Return the format of files, by the settings or by their names.

    Raises
    ------
    InputError
        For names that say none, or several.
    """
    if config.format != "auto":
        return config.format
    guesses = {file: _guess(file) for file in files}
    for file, guess in guesses.items():
        if guess is None:
            raise InputError(
                "The file's name does not say its format.",
                file=file,
                setting="data.format",
                expected="a name that ends in .csv, .tsv, .parquet, .pq, .tfrecord(s) or "
                "-images-idx3-ubyte",
                remedy="Set data.format to csv, parquet, tfrecord or idx.",
            )
    first, *others = guesses.items()
    for file, guess in others:
        if guess != first[1]:
            raise InputError(
                "The files have several formats.",
                file=file,
                expected=f"{first[1]}, as {first[0]}",
                got=guess,
                remedy="Name the files of one format, such as with the pattern *.csv.",
            )
    assert first[1] is not None
    return first[1]
