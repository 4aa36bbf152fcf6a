"""LIME for people: what speaks for and against the answer for some rows or images."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.explainer import gallery, plots
from components.page import framed, number, titled

#: Weights drawn of a row.
MOST_WEIGHTS = 10

STYLE = """
.card .superpixels{display:flex;gap:.8rem;flex-wrap:wrap}
.card .superpixels img{width:9rem;image-rendering:pixelated}
"""

Found = dict[str, Any]


def lines(found: Found) -> list[str]:
    """Return the most telling findings as short lines of text."""
    if found["fidelity"] is None:
        return []
    text = f"LIME: R² {found['fidelity']['mean']:.2f} in the mean over {_amount(found)}"
    importance = found.get("importance")
    if importance:
        top = max(importance, key=lambda name: importance[name])
        text += f"; greatest weight on {plain(top)}"
    return [text]


def section(found: Found) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    found : dict
        See `components.explainer.lime.explanation.explain`.
    """
    image = found["kind"] == "image"
    if image:
        text = (
            "A linear model of which superpixels are shown, fitted to what the model says of "
            f"{found['samples']:,} versions of an image with others hidden. Blue speaks for the "
            "answer, red against it."
        )
    else:
        text = (
            "A linear model around each row, fitted to what the model says of "
            f"{found['samples']:,} rows that keep some of its values. A bar is what keeping the "
            "value adds to the answer."
        )
    fidelity = found["fidelity"]
    more = ""
    if fidelity is not None:
        more = (
            f"Over {_amount(found)} it explains {fidelity['mean']:.0%} of how the answers vary "
            f"nearby (R²); for a tenth of them less than {max(fidelity['low'], 0.0):.0%}."
        )
    pictures = [(_image if image else _row)(found, each) for each in found["examples"]]
    return framed(
        [
            titled("LIME", f"<p>{escape(text)}</p>"),
            f'<p class="quiet">{escape(more)}</p>' if more else "",
            gallery.notes(found["notes"]),
            gallery.many(pictures, "more images" if image else "more rows"),
        ],
        gallery.STYLE + STYLE,
    )


def _amount(found: Found) -> str:
    return f"{found['rows']:,} {'images' if found['kind'] == 'image' else 'rows'}"


def _texts(found: Found, example: Found) -> tuple[str, str]:
    output = plain(found["answers"][example["output"]])
    title = f"row {example['row']}: {output} is {number(example['value'])}"
    text = f"The linear model says {number(example['prediction'])}"
    if example["fidelity"] is not None:
        text += f", R² {example['fidelity']:.2f}"
    return title, f"{text}."


def _row(found: Found, example: Found) -> str:
    title, text = _texts(found, example)
    items = [{"name": each["text"], "value": each["value"]} for each in example["weights"]]
    first = items[0]
    drawn = plots.bars(
        items[:MOST_WEIGHTS],
        f"weight for {found['outputs'][example['output']]}",
        f"LIME weights of row {example['row']}, most of {first['name']}",
    )
    if len(items) > MOST_WEIGHTS:
        text += f" The {MOST_WEIGHTS} greatest of {len(items)} weights."
    return gallery.picture(title, text, drawn)


def _image(found: Found, example: Found) -> str:
    title, text = _texts(found, example)
    name = escape(title)
    drawn = (
        f'<div class="superpixels"><img src="{escape(example["image"])}" alt="{name}">'
        f'<img src="{escape(example["overlay"])}" alt="Superpixels of {name}"></div>'
    )
    return gallery.picture(title, f"{text} {example['superpixels']} superpixels.", drawn)
