"""What the page about a run is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.models import candidates
from components.models.metric_names import BINARY
from pipeline.ui.what_if import entry
from pipeline.ui.what_if.fields import Field
from pipeline.ui.what_if.materials import PUSHED, Materials

#: Models that are asked at first: each takes a moment to load.
MOST_CHOSEN = 4
#: Kinds of columns that hold texts, or no values to compare.
_TEXTS, _IMAGES = ("categorical",), ("image",)


def context(
    materials: Materials, fields: Sequence[Field], paths: Mapping[str, str]
) -> dict[str, Any]:
    """Return the variables of the template ``what_if.html``.

    Parameters
    ----------
    materials : Materials
    fields : sequence of Field
    paths : mapping of str to str
        ``ask``, ``state`` and ``image``: the addresses of questions, of what the models are at,
        and of images, to which the question or the row's number is appended; ``static``,
        that of the page's own files.
    """
    chosen = _chosen(materials)
    groups = {name: kind for name, kind in materials.kinds.items() if name != materials.label}
    searched = [name for name, kind in groups.items() if kind not in _IMAGES]
    return {
        "materials": materials,
        "fields": fields,
        "searched": searched,
        "most_text": entry.MOST_TEXT,
        "static": paths["static"],
        "page": {
            "run": materials.run,
            "ask": paths["ask"],
            "state": paths["state"],
            "image": paths["image"] if materials.image else "",
            "task": materials.task,
            "label": materials.label,
            "classes": list(materials.classes),
            "numbers": [name for name in searched if groups[name] not in _TEXTS],
            "candidates": [
                {"name": name, "blessed": name == materials.blessed, "chosen": name in chosen}
                for name in materials.candidates
            ],
            "explained": chosen[0],
            "group": _group(materials, groups) if materials.task == BINARY else None,
        },
    }


def _chosen(materials: Materials) -> list[str]:
    """Return the candidates that are asked at first, the one that is explained first."""
    names = [
        name
        for name in materials.candidates
        if name != PUSHED and candidates.group_of(name) != candidates.SEVERAL["benchmark_models"]
    ]
    first = materials.blessed or next(iter(names or materials.candidates))
    return list(dict.fromkeys([first, *names]))[:MOST_CHOSEN]


def _group(materials: Materials, groups: Mapping[str, str]) -> str | None:
    """Return the column whose groups are compared at first."""
    named = [name for name in materials.slices if name in groups]
    texts = [name for name, kind in groups.items() if kind in _TEXTS]
    both = [name for name in named if name in texts]
    return next(iter((*both, *named, *texts)), None)
