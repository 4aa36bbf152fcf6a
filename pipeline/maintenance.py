"""fsck and gc: find what is damaged, and what belongs to nothing any more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.files import TEMPORARY_PREFIX, list_files
from pipeline import manifest
from pipeline.config import PipelineConfig
from pipeline.store import Store
from pipeline.store_config import connection_config

Finding = dict[str, Any]


def check(config: PipelineConfig) -> list[Finding]:
    """Return every damaged output and every orphan; changes nothing.

    Each finding has the keys ``kind``, ``path`` (relative to the root), ``detail`` and
    ``bytes``.
    """
    if not config.root.is_dir():
        return []
    store = Store(connection_config(config.store, config.root), config.name)
    return [*_damaged(config, store), *_orphans(config, store)]


def collect_garbage(config: PipelineConfig, *, apply: bool) -> list[Finding]:
    """Return the orphans below the root, and remove them if `apply` is set."""
    if not config.root.is_dir():
        return []
    store = Store(connection_config(config.store, config.root), config.name)
    store.mark_dead()
    orphans = list(_orphans(config, store))
    if apply:
        for orphan in orphans:
            _remove(config.root / orphan["path"])
    return orphans


def _damaged(config: PipelineConfig, store: Store) -> Iterator[Finding]:
    for artifact in store.artifacts():
        here = Path(artifact.uri).is_relative_to(config.root)
        if artifact.state != "LIVE" or not artifact.manifest or not here:
            continue
        problem = manifest.find_damage(artifact.uri, artifact.manifest, every_byte=True)
        if problem is not None:
            yield _finding(config, "damaged output", Path(artifact.uri), problem)


def _orphans(config: PipelineConfig, store: Store) -> Iterator[Finding]:
    """Yield what no live artifact and no running execution accounts for."""
    root = config.root
    live = {Path(a.uri) for a in store.artifacts() if a.state == "LIVE"}
    running = {str(execution.id) for execution in store.running_executions()}
    for node in _directories(root / "artifacts"):
        for output in _directories(node):
            if output.name == ".system":
                continue
            for directory in _directories(output):
                if directory not in live and directory.name not in running:
                    detail = "no live artifact of the store"
                    yield _finding(config, "orphaned output", directory, detail)
            known = {manifest.path_of(directory) for directory in live}
            for path in sorted(output.glob(".*.manifest.json")):
                if path not in known:
                    yield _finding(config, "orphaned manifest", path, "its output is gone")
        for kind in _directories(node / ".system"):
            for directory in _directories(kind):
                if directory.name not in running:
                    yield _finding(config, "system directory", directory, "its execution is over")
    if not running:
        for directory in _directories(root / "checkpoints"):
            for checkpoint in _directories(directory):
                detail = "checkpoint of an execution that did not end; resume would use it"
                yield _finding(config, "checkpoint", checkpoint, detail)
        for place in (root, config.serving_directory):
            for name in _temporary(place):
                yield _finding(config, "unfinished file", name, "its writer is gone")


def _temporary(place: Path) -> Iterator[Path]:
    """Yield unfinished files and directories, the outermost only."""
    if not place.is_dir():
        return
    for entry in sorted(place.iterdir()):
        if entry.name.startswith(TEMPORARY_PREFIX):
            yield entry
        elif entry.is_dir() and not entry.is_symlink():
            yield from _temporary(entry)


def _directories(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []


def _finding(config: PipelineConfig, kind: str, path: Path, detail: str) -> Finding:
    size = 0
    if path.is_file():
        size = path.stat().st_size
    elif path.is_dir():
        size = sum((path / name).stat().st_size for name in list_files(path))
    try:
        shown = path.relative_to(config.root)
    except ValueError:  # a serving directory elsewhere
        shown = path
    return {"kind": kind, "path": str(shown), "detail": detail, "bytes": size}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
