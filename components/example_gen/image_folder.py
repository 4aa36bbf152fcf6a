"""Images in one folder for each class: where they are."""

from __future__ import annotations

import glob
import hashlib
import logging
import os
import re
from collections.abc import Iterator, Sequence

from components import files
from components.errors import InputError

EXTENSIONS = r"\.(png|jpe?g)$"
_LAYOUT = "a folder with one folder of PNG or JPEG images for each class"


def is_image_name(name: str) -> bool:
    """Whether a file's name says that it is an image.

    Examples
    --------
    >>> [is_image_name(name) for name in ("a.png", "b.JPEG", "c.csv")]
    [True, True, False]
    """
    return re.search(EXTENSIONS, name.lower()) is not None


def looks_like_images(path: str) -> bool:
    """Whether `path` is a folder that holds images, or folders with images."""
    if not os.path.isdir(path):
        return False
    for entry in _entries(path):
        if not entry.is_dir():
            if is_image_name(entry.name):
                return True
        elif any(is_image_name(inner.name) for inner in _entries(entry.path)):
            return True
    return False


def find_roots(paths: Sequence[str], setting: str) -> tuple[str, ...]:
    """Return the folders of class folders that `paths` and patterns name.

    Raises
    ------
    InputError
        For a path that is no folder, and a pattern that no folder matches.
    """
    roots: dict[str, None] = {}
    for path in map(os.path.abspath, paths):
        if glob.has_magic(path) and not os.path.exists(path):
            found = sorted(name for name in glob.glob(path, recursive=True) if os.path.isdir(name))
            if not found:
                raise InputError("No folder matches the pattern.", setting=setting, got=path)
            roots.update(dict.fromkeys(found))
        elif os.path.isdir(path):
            roots[path] = None
        else:
            raise InputError(
                "The data are images in folders, and this is no folder.",
                file=path,
                setting=setting,
                expected=_LAYOUT,
                got="a file" if os.path.exists(path) else "nothing there",
            )
    return tuple(roots)


def find_classes(root: str, setting: str) -> tuple[str, ...]:
    """Return the class folders in `root`, in name order.

    Raises
    ------
    InputError
        For images outside a class folder, an empty class folder, and anything else in it
        than PNG and JPEG files.
    """
    folders, strays = [], []
    for entry in _entries(root):
        if entry.is_dir():
            folders.append(entry.path)
        elif is_image_name(entry.name):
            raise InputError(
                "An image lies outside the class folders.",
                file=entry.path,
                setting=setting,
                expected=_LAYOUT,
                remedy="Put the images of each class into a folder that has its name.",
            )
        else:
            strays.append(entry.name)
    if not folders:
        raise InputError(
            "There are no class folders.", file=root, setting=setting, expected=_LAYOUT
        )
    if strays:
        logging.warning("Files beside the class folders are left out: %s", ", ".join(strays))
    for folder in folders:
        if not list_images(folder, setting):
            raise InputError(
                f"The class folder {os.path.basename(folder)!r} is empty.",
                file=folder,
                setting=setting,
                expected="at least one PNG or JPEG image",
                remedy="Add images of the class, or remove the folder.",
            )
    return tuple(folders)


def list_images(folder: str, setting: str = "data.path") -> list[str]:
    """Return the paths of a class folder's images, in name order.

    Raises
    ------
    InputError
        For anything else in the folder; hidden files are left out.
    """
    names = []
    for entry in _entries(folder):
        if entry.is_dir() or not is_image_name(entry.name):
            raise InputError(
                "A class folder holds something else than images.",
                file=entry.path,
                setting=setting,
                expected="files that end in .png, .jpg or .jpeg",
                got="a folder" if entry.is_dir() else "another file",
                remedy="Move it elsewhere; each class is one folder, without folders in it.",
            )
        names.append(entry.path)
    return names


def folder_digest(folder: str) -> str:
    """Return SHA-256 over a class folder's name and images, whatever the images' names."""
    digest = hashlib.sha256(os.path.basename(folder).encode(errors="surrogateescape"))
    for content in sorted(files.file_digest(path) for path in list_images(folder)):
        digest.update(content.encode())
    return digest.hexdigest()


def size(folder: str) -> int:
    """Return the size of all images in a class folder, in bytes."""
    return sum(os.path.getsize(path) for path in list_images(folder))


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder, in name order, but for hidden files."""
    with os.scandir(folder) as found:
        yield from sorted(
            (entry for entry in found if not entry.name.startswith(".")), key=lambda e: e.name
        )
