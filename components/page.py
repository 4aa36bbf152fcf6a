"""What the pages about artifacts are made of: their frame and style, figures and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from components.charts import escape

STYLE = """
.card{--line:color-mix(in srgb,currentColor 18%,transparent);line-height:1.5}
.card h2{font-size:1.25rem;margin:2.2rem 0 .3rem}
.card h3{font-size:1rem;margin:0 0 .2rem}
.card p{margin:.3rem 0;max-width:46rem}
.card ul{margin:.3rem 0;padding-left:1.2rem;max-width:46rem}
.card .lead{font-size:1.15rem}
.card .quiet{opacity:.78;font-size:.9rem}
.card .scroll{overflow-x:auto;margin:.6rem 0}
.card figure{margin:0}
.card table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
.card caption{text-align:left;padding-bottom:.4rem}
.card caption span{display:inline-block;position:sticky;left:0;max-width:calc(100vw - 3rem)}
.card th,.card td{text-align:left;vertical-align:top;padding:.3rem .6rem;
border-bottom:1px solid var(--line)}
.card thead th{white-space:nowrap;border-bottom-width:2px}
.card .number{text-align:right;white-space:nowrap}
.card .wide{min-width:18rem;overflow-wrap:anywhere}
.card tbody th{font-weight:400;white-space:nowrap}
.card tr.best th,.card tr.best td{font-weight:650}
.card tr.reference{background:color-mix(in srgb,currentColor 6%,transparent)}
.card .grid{display:grid;gap:1.4rem;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));
margin-top:.8rem}
.card summary{cursor:pointer;margin-top:.8rem}
.card [tabindex]:focus-visible{outline:2px solid currentColor;outline-offset:2px}
@media(max-width:50rem){.card .wide{min-width:48rem}}
@media print{.card .scroll{overflow:visible}.card svg{min-width:0!important}
.card figure,.card tr{break-inside:avoid}.card h2{break-after:avoid}
.card .wide{min-width:0}}
"""

PAGE_STYLE = """
:root{color-scheme:light dark;--ground:#fff;--text:#1c2126}
@media (prefers-color-scheme:dark){:root{--ground:#15181d;--text:#e4e7eb}}
body{margin:0 auto;max-width:72rem;padding:1.2rem;background:var(--ground);color:var(--text);
font-family:system-ui,'Segoe UI',sans-serif}
h1{font-size:1.6rem;margin:.4rem 0}
@media print{:root{color-scheme:light;--ground:#fff;--text:#000}body{max-width:none;padding:0}}
"""


def document(title: str, heading: str, content: str) -> str:
    """Return a whole HTML document.

    Parameters
    ----------
    title, heading : str
        Texts of the window and of the ``<h1>``.
    content : str
        Markup; `escape` has been applied to what comes from data.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{PAGE_STYLE}</style></head>\n"
        f"<body><main><h1>{escape(heading)}</h1>\n{content}\n</main></body></html>\n"
    )


def framed(parts: Iterable[str], style: str = "") -> str:
    """Return a ``<section>`` of some markup, with the style sheet that it needs.

    Parameters
    ----------
    parts : iterable of str
        Markup.
    style : str
        Rules besides the shared ones, below ``.card``.
    """
    content = "\n".join(parts)
    return f'<section class="card"><style>{STYLE}{style}</style>\n{content}</section>'


def figure(title: str, drawn: str, note: str, more: str = "") -> str:
    """Return a heading with a picture below some text.

    Parameters
    ----------
    title, note, more : str
        Texts: the heading, what the picture shows, and how it came about.
    drawn : str
        Markup.
    """
    return titled(
        title,
        f"<figure><figcaption><p>{escape(note)}</p>"
        + (f'<p class="quiet">{escape(more)}</p>' if more else "")
        + f"</figcaption>{scroll(drawn, title)}</figure>",
    )


def titled(title: str, content: str) -> str:
    """Return markup below a heading."""
    return f"<h2>{escape(title)}</h2>{content}"


def folded(summary: str, content: str) -> str:
    """Return markup that is shown on demand."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def scroll(content: str, label: str) -> str:
    """Return content that scrolls by itself where it is too wide, also with the keyboard."""
    name = escape(label)
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{name}">{content}</div>'


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
    kind : {"text", "number", "wide", "name"}
        ``wide`` is text of several lines, ``name`` what the row is called by.
    """

    title: str
    kind: Literal["text", "number", "wide", "name"] = "text"


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes
    ----------
    cells : sequence
        Texts, or what has one.
    kind : {"", "best", "reference"}
        Whether the row stands out.
    """

    cells: Sequence[Any]
    kind: Literal["", "best", "reference"] = ""


_CELLS = {
    "text": "<td>{}</td>",
    "number": '<td class="number">{}</td>',
    "wide": '<td class="wide">{}</td>',
    "name": '<th scope="row">{}</th>',
}


def table(label: str, caption: str, columns: Sequence[Column], rows: Iterable[Row]) -> str:
    """Return a table that scrolls by itself.

    Parameters
    ----------
    label : str
        What the table is, for those who hear it.
    caption : str
        A sentence.
    columns : sequence of Column
    rows : iterable of Row
    """
    head = "".join(
        f'<th scope="col"{_NUMBER if column.kind == "number" else ""}>{escape(column.title)}</th>'
        for column in columns
    )
    return _table(label, caption, f"<thead><tr>{head}</tr></thead>", columns, rows)


def pairs(caption: str, items: Iterable[tuple[str, Any]]) -> str:
    """Return a table of names and values, without a head."""
    rows = (Row(item) for item in items)
    return _table(caption, f"{caption}.", "", [Column("", "name"), Column("", "wide")], rows)


_NUMBER = ' class="number"'


def _table(
    label: str, caption: str, head: str, columns: Sequence[Column], rows: Iterable[Row]
) -> str:
    body = "".join(
        (f'<tr class="{row.kind}">' if row.kind else "<tr>")
        + "".join(
            _CELLS[column.kind].format(escape(cell))
            for column, cell in zip(columns, row.cells, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return scroll(
        f"<table><caption><span>{escape(caption)}</span></caption>{head}"
        f"<tbody>{body}</tbody></table>",
        label,
    )


def shown(value: Any) -> str:
    """Return a value of a setting for people.

    Examples
    --------
    >>> shown(True), shown(None), shown(0.1), shown([64, 32]), shown("relu")
    ('true', 'none', '0.1', '64-32', 'relu')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list | tuple):
        return "-".join(shown(item) for item in value) or "none"
    return str(value)


def number(value: float) -> str:
    """Return a number for people: up to four significant digits, thousands in groups.

    Examples
    --------
    >>> number(0.00123456), number(128), number(1234567), number(0.1 + 0.2)
    ('0.001235', '128', '1,234,567', '0.3')
    """
    if isinstance(value, int) or (abs(value) >= 1000 and abs(value) < 1e9):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def count(amount: int, noun: str) -> str:
    """Return a number of things.

    Examples
    --------
    >>> count(1, "trial"), count(2, "trial")
    ('1 trial', '2 trials')
    """
    return f"{amount} {noun}" if amount == 1 else f"{amount} {noun}s"
