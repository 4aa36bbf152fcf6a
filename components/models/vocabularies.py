"""What the ids of categories stand for."""

from __future__ import annotations

import os
from pathlib import Path

from components.models.transformed import Features


def read(transform_graph: str | os.PathLike[str], features: Features) -> dict[str, tuple[str, ...]]:
    """Return the values of each categorical column, in the order of their ids.

    Ids below `components.models.transformed.RESERVED_IDS` stand for other things. A column of the
    user's own preprocessing, whose vocabulary may have any name, can be without.
    """
    assets = Path(transform_graph) / "transform_fn" / "assets"
    found = {}
    for column in features.categorical:
        path = assets / column.name
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            found[column.name] = tuple(text.removesuffix("\n").split("\n"))
    return found
