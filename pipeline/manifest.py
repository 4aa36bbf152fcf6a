"""Manifests: what an output consisted of when it was made, to tell if it still does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components import files


def path_of(directory: str | Path) -> Path:
    """Return where the manifest of an output is: beside it.

    Not within, because TFX's own components expect certain outputs to hold one file.
    """
    directory = Path(directory)
    return directory.with_name(f".{directory.name}.manifest.json")


@dataclass(frozen=True)
class Manifest:
    """Summary of a manifest file: its own SHA-256, and what it lists."""

    digest: str
    bytes: int
    files: int


def write(directory: str | Path) -> Manifest:
    """Describe every file below `directory` in its manifest file."""
    root, path = Path(directory), path_of(directory)
    entries: dict[str, dict[str, Any]] = {}
    for name in files.list_files(root):
        status = (root / name).stat()
        entries[name.as_posix()] = {
            "bytes": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "sha256": files.file_digest(root / name),
        }
    files.write_json(path, {"files": entries})
    return Manifest(
        digest=files.file_digest(path),
        bytes=sum(entry["bytes"] for entry in entries.values()),
        files=len(entries),
    )


def find_damage(directory: str | Path, digest: str, *, every_byte: bool = False) -> str | None:
    """Return what differs from the manifest in `directory`, or None if nothing does.

    Parameters
    ----------
    directory : path
        Root of an output.
    digest : str
        SHA-256 of the manifest as it was recorded in the metadata store.
    every_byte : bool
        Hash every file again. Otherwise a file whose size and modification time are
        unchanged is taken to be unchanged, as git does.
    """
    root = Path(directory)
    if not root.is_dir():
        return "the directory is gone"
    try:
        content = path_of(root).read_bytes()
    except FileNotFoundError:
        return "the manifest is gone"
    if hashlib.sha256(content).hexdigest() != digest:
        return "the manifest was changed"
    entries = json.loads(content)["files"]
    present = {name.as_posix() for name in files.list_files(root)}
    if added := sorted(present - set(entries)):
        return f"{added[0]} was added"
    for name, entry in entries.items():
        if name not in present:
            return f"{name} is gone"
        status = (root / name).stat()
        if status.st_size != entry["bytes"]:
            return f"{name} has {status.st_size} bytes instead of {entry['bytes']}"
        untouched = status.st_mtime_ns == entry["mtime_ns"]
        if (every_byte or not untouched) and files.file_digest(root / name) != entry["sha256"]:
            return f"the content of {name} was changed"
    return None
