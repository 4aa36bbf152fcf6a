"""Pictures side by side, the first at once and the rest on demand."""

from __future__ import annotations

from collections.abc import Sequence

from components.charts import escape
from components.page import folded, scroll

#: Pictures that are shown at once.
SHOWN = 6

STYLE = """
.card .gallery{display:grid;gap:1rem 2rem;margin-top:.8rem;
grid-template-columns:repeat(auto-fill,minmax(min(100%,27rem),1fr))}
"""


def picture(title: str, text: str, drawn: str) -> str:
    """Return a picture below a small heading and a text.

    Parameters
    ----------
    title, text : str
    drawn : str
        Markup.
    """
    return (
        f'<figure><h3>{escape(title)}</h3><p class="quiet">{escape(text)}</p>'
        f"{scroll(drawn, title)}</figure>"
    )


def many(parts: Sequence[str], more: str, shown: int = SHOWN) -> str:
    """Return pictures side by side; `more` says what those are that are shown on demand."""
    if not parts:
        return ""
    found = f'<div class="gallery">{"".join(parts[:shown])}</div>'
    rest = parts[shown:]
    if rest:
        found += folded(f"{len(rest)} {more}", f'<div class="gallery">{"".join(rest)}</div>')
    return found


def notes(texts: Sequence[str]) -> str:
    """Return the notes on a result as a list."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<ul class="quiet">{items}</ul>' if items else ""
