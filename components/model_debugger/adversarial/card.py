"""Attacks as a section for people: how fast a model falls, and by what."""

from __future__ import annotations

from typing import Any

from components.charts import escape
from components.model_debugger.adversarial import card_images, card_tables
from components.page import framed, titled

Described = dict[str, Any]

TITLE = "Adversarial attacks"

#: Pictures of an image, the attacked one and the difference stand side by side.
STYLE = """
.card .attacked{display:flex;flex-wrap:wrap;gap:1rem 1.6rem;margin:.6rem 0}
.card .attacked figure{display:grid;gap:.3rem;font-size:.85rem}
.card .attacked div{display:flex;gap:.3rem}
.card .attacked img{width:4.6rem;height:auto;image-rendering:pixelated;
border:1px solid var(--line)}
"""


def section(described: Described) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    described : dict
        What `components.model_debugger.adversarial.section.describe` returns.
    """
    parts = {"images": card_images.parts, "tables": card_tables.parts}
    made = parts[described["kind"]](described) if described["kind"] in parts else []
    notes = "".join(f"<li>{escape(note)}</li>" for note in described["notes"])
    return framed([titled(TITLE, ""), *made, f"<ul>{notes}</ul>" if notes else ""], STYLE)


def lines(described: Described) -> list[str]:
    """Return the most telling findings as short lines of text.

    Parameters
    ----------
    described : dict
        What `components.model_debugger.adversarial.section.describe` returns.
    """
    if described["kind"] == "images":
        return card_images.lines(described)
    if described["kind"] == "tables":
        return card_tables.lines(described)
    return [f"attacks: {note}" for note in described["notes"]]
