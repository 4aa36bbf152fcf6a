"""The whole page: contents, overview, model card, and a section for each component."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from components.charts import escape
from components.page import PAGE_STYLE, STYLE
from pipeline import diagram

#: No script, no request: what a mail program shows is the whole of it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
body{max-width:76rem;line-height:1.5}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;padding:.4rem .8rem;
background:var(--ground);outline:2px solid currentColor}
nav{border:1px solid color-mix(in srgb,currentColor 18%,transparent);border-radius:8px;
padding:.6rem 1rem;margin:1rem 0}
nav ol{columns:14rem;margin:.3rem 0;padding-left:1.4rem}
a{color:inherit}
h1{overflow-wrap:anywhere}
.part{border-top:2px solid color-mix(in srgb,currentColor 22%,transparent);margin-top:2.4rem}
.part>h2{font-size:1.5rem;margin:1rem 0 .4rem}
.part .card h2{font-size:1.15rem}
.back{font-size:.85rem;opacity:.75}
.two{display:grid;gap:1.4rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr))}
pre{overflow-x:auto;font-size:.8rem}
@media print{nav,.back,.skip{display:none}.part{break-before:page}details{display:block}}
"""


def document(title: str, parts: Sequence[tuple[str, str, str]], lead: str = "") -> str:
    """Return a self-contained HTML document.

    Parameters
    ----------
    title : str
        Text of the window and of the ``<h1>``.
    parts : sequence of (str, str, str)
        Anchor, heading, and markup of each part.
    lead : str
        Markup below the heading.
    """
    contents = "".join(
        f'<li><a href="#{escape(anchor)}">{escape(heading)}</a></li>'
        for anchor, heading, _ in parts
    )
    body = "\n".join(_part(*part) for part in parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        f"<style>{PAGE_STYLE}{STYLE}{diagram.STYLE}{_STYLE}</style></head>\n"
        '<body><a class="skip" href="#content">Skip to the content</a>'
        f'<header><h1 id="top">{escape(title)}</h1>{lead}</header>'
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav>\n'
        f'<main id="content">{body}</main></body></html>\n'
    )


def _part(anchor: str, heading: str, content: str) -> str:
    return (
        f'<section class="part" id="{escape(anchor)}"><h2>{escape(heading)}</h2>'
        f'<div class="card">{content}</div>'
        '<p class="back"><a href="#top">To the contents</a></p></section>'
    )


def beside(columns: Iterable[str]) -> str:
    """Return markup in columns, where there is room."""
    return f'<div class="two">{"".join(f"<div>{column}</div>" for column in columns)}</div>'
