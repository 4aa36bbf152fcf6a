"""A digest of the code that decides what a component puts out."""

from __future__ import annotations

import hashlib
import importlib.metadata
import inspect
from pathlib import Path

from components import dotted
from components.settings import Settings

_COMPONENTS = Path(__file__).parent
_LIBRARIES = ("tensorflow", "tfx")


def code_fingerprint(settings: Settings) -> str:
    """Return the fingerprint of the component that has these settings.

    It covers the Python files of the component's room, those beside the rooms, what
    the settings' class names in `USES` (rooms or files below `components/`), the versions of the
    libraries in `LIBRARIES`, and the modules of the user's own functions. TFX's cache
    knows none of these.
    """
    room = Path(inspect.getfile(type(settings))).parent
    # The modules beside the rooms are small, and shared by all.
    sources = {*room.rglob("*.py"), *_COMPONENTS.glob("*.py")}
    for name in settings.USES:
        place = _COMPONENTS / name
        sources |= set(place.rglob("*.py")) if place.is_dir() else {place}
    digest = hashlib.sha256()
    for source in sorted(sources):
        # A report's section is made from the output, so it cannot change it.
        if source.name == "card.py":
            continue
        digest.update(str(source.relative_to(_COMPONENTS)).encode() + b"\0")
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    for library in sorted({*_LIBRARIES, *settings.LIBRARIES}):
        digest.update(f"{library}=={importlib.metadata.version(library)}\0".encode())
    for path in settings.own_functions:
        digest.update(f"{path}={dotted.source_digest(path)}\0".encode())
    return digest.hexdigest()[:16]
