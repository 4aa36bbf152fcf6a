"""A reduction as a page for people: what is kept, what is lost, and what the components are."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from components.charts import escape
from components.dimensionality_reducer import pictures, pixels
from components.dimensionality_reducer.pictures import percent
from components.page import (
    Column,
    Row,
    count,
    document,
    figure,
    folded,
    framed,
    number,
    pairs,
    shown,
    table,
    titled,
)

#: Of the artifact; the same as the report's, which is slow to import.
REPORT_FILE = "report.json"
#: Components whose loadings are drawn.
MOST_DRAWN = 6
#: Rows of a table, and loadings in one of them.
MOST_ROWS, MOST_NAMED = 50, 5


@dataclass(frozen=True)
class Method:
    """What is said of a method.

    Attributes
    ----------
    name : str
    score : str
        What a component's score is a share of.
    loadings : str
        What the loadings are.
    goal : str or None
        What the components are to hold, with a place for how much they do; None if that is
        the columns' variance.
    adds : bool
        Whether the scores are parts of a whole.
    """

    name: str
    score: str
    loadings: str
    goal: str | None = None
    adds: bool = True


_DIRECTION = "how much of each scaled column goes into it; the squares of all add up to 1"
_WEIGHT = "what each scaled column is multiplied by before they are added up"
METHODS = {
    "pca": Method("PCA", "the columns' variance", _DIRECTION),
    "svd": Method("SVD", "the columns' variance", _DIRECTION),
    "lda": Method(
        "LDA", "the variance between classes", _WEIGHT, goal="{} of the variance between classes"
    ),
    "pls": Method("PLS", "the targets' variance", _WEIGHT, goal="{} of the targets' variance"),
    "ica": Method(
        "ICA",
        "the columns' variance",
        "what one standard deviation of it adds to each scaled column",
    ),
    "nmf": Method(
        "NMF",
        "the columns' sum of squares",
        "what one unit of it adds to each scaled column",
        adds=False,
    ),
}
#: Names of metrics, for people.
METRICS = {"auc": "AUC", "r2": "R²"}

STYLE = """
.card .charts{display:grid;gap:1rem 1.6rem;margin:.8rem 0;
grid-template-columns:repeat(auto-fill,minmax(min(100%,21rem),1fr))}
.card .images{display:grid;gap:1rem;margin:.8rem 0;
grid-template-columns:repeat(auto-fill,minmax(8rem,1fr))}
.card .images img{display:block;width:100%;max-width:12rem;height:auto;image-rendering:pixelated;
box-sizing:border-box;border:1px solid var(--line);print-color-adjust:exact}
.card ul{margin:.3rem 0;padding-left:1.2rem;max-width:46rem}
"""


def page(directory: str | os.PathLike[str]) -> str:
    """Return a whole HTML document about a reduction: see `section`."""
    found = _Report.read(directory)
    return document(found.title, "Dimensionality reduction", _section(found))


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a reduction, for a page with other sections.

    Parameters
    ----------
    directory : path
        Of a Projection artifact.

    Returns
    -------
    str
        One ``<section>`` with headings from ``<h2>`` on. It needs no other file and no script;
        text has the page's colour, and charts the custom property ``--ground``, if the page
        has one, behind text that lies on lines.

    Raises
    ------
    OSError
        The artifact's report cannot be read.
    """
    return _section(_Report.read(directory))


@dataclass(frozen=True)
class _Report:
    """The artifact's report, and what is told of it in several places."""

    content: dict[str, Any]

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> _Report:
        return cls(json.loads((Path(directory) / REPORT_FILE).read_text(encoding="utf-8")))

    @property
    def reduced(self) -> bool:
        return bool(self.content["method"] != "none")

    @property
    def method(self) -> Method:
        """The method; only if there is one."""
        return METHODS[self.content["method"]]

    @property
    def components(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.content["components"]
        return found

    @property
    def scores(self) -> list[float]:
        """The components' scores, as far as all of them are known."""
        found = [component["score"] for component in self.components]
        return found if all(map(_is_known, found)) else []

    @property
    def columns(self) -> str:
        """What is reduced."""
        image = self.content.get("image")
        width = self.content["input_width"]
        if image is None:
            return count(width, "column")
        return count(width, "pixel" if image["channels"] == 1 else "colour value")

    @property
    def lost(self) -> float | None:
        """The share of the columns' variance that the components lose."""
        overall: float | None = self.content["reconstruction"]["overall"]
        return overall if _is_known(overall) else None

    @property
    def title(self) -> str:
        if not self.reduced:
            return "Nothing is reduced"
        return f"{self.method.name}: {len(self.components)} of {self.columns}"

    @cached_property
    def candidates(self) -> list[dict[str, Any]]:
        """What was tried for the choice, no reduction first; empty if there was none."""
        auto = self.content["auto"]
        return auto["candidates"] if auto else []

    @property
    def chosen(self) -> dict[str, Any]:
        """The candidate that was taken."""
        auto = self.content["auto"]
        own = (auto["method"], auto["components"])
        return next(item for item in self.candidates if (item["method"], item["components"]) == own)


def _section(found: _Report) -> str:
    parts = [_headline(found), _choice(found)]
    if found.reduced:
        parts += [
            _scores(found),
            _loadings(found),
            _map(found),
            _losses(found),
            _settings(found),
        ]
    return framed((part for part in parts if part), STYLE)


def _headline(found: _Report) -> str:
    parts = [f'<p class="lead">{escape(_verdict(found))}</p>']
    notes = found.content["notes"]
    if notes:
        items = "".join(f"<li>{escape(note)}</li>" for note in notes)
        parts.append(f'<ul class="quiet">{items}</ul>')
    return "".join(parts)


def _verdict(found: _Report) -> str:
    width = found.content["input_width"]
    if not found.reduced:
        if found.candidates:
            others = count(len(found.candidates) - 1, "candidate")
            return f"Nothing is reduced: of {others}, none does as well as all {found.columns}."
        return "Nothing is reduced" + (f": all {found.columns} are kept." if width else ".")
    method, lost = found.method, found.lost
    text = f"{method.name} keeps {count(len(found.components), 'component')} of {found.columns}"
    if method.goal and found.scores:
        text += f", with {method.goal.format(percent(sum(found.scores)))}"
    if lost is None:
        return f"{text}."
    whose = "the columns'" if method.goal else "their"
    if lost <= 1:
        return f"{text}; {percent(lost)} of {whose} variance is lost."
    return f"{text}; what they give back of the columns is worse than the columns' means."


def _choice(found: _Report) -> str:
    if not found.candidates:
        return ""
    reference, *tried = found.candidates
    measures = _measures(reference)
    chosen = found.chosen
    half = max(found.content["input_width"] // 2, 1)
    note = _outcome(chosen, reference, len(tried))
    more = (
        "By cross-validation on the train split, of a linear model with a layer of random units. "
        "Taken is the least number of components whose loss is within one standard error of the "
        "best, among those that let no metric fall by more than 0.5 points, and of these among "
        "those with at most half of the dimensions, as far as there are any."
    )
    drawn = []
    for title, values in measures.items():
        known = [
            (METHODS[item["method"]].name, item["components"], value)
            for item in tried
            if (value := values(item)) is not None and math.isfinite(value)
        ]
        if not known:
            continue
        start = values(reference)
        label = f"{title} against the number of components, for each method. {note}"
        drawn.append(
            "<div>"
            + pictures.candidates(
                known,
                title,
                label,
                higher=values is not _loss,
                reference=start if _is_known(start) else None,
                half=half,
                chosen=(METHODS[chosen["method"]].name, chosen["components"])
                if chosen is not reference
                else None,
            )
            + "</div>"
        )
    columns = [
        Column("Method", "name"),
        Column("Components", "number"),
        *(Column(title, "number") for title in measures),
    ]
    rows = [
        Row(
            [
                METHODS[item["method"]].name if item is not reference else "no reduction",
                item["components"],
                *(_text(values(item)) for values in measures.values()),
            ],
            "best" if item is chosen else "reference" if item is reference else "",
        )
        for item in found.candidates
    ]
    listed = table("Candidates", "What was tried; what was taken is bold.", columns, rows)
    return titled(
        "How it was chosen",
        f'<p>{escape(note)}</p><p class="quiet">{escape(more)}</p>'
        f'<div class="charts">{"".join(drawn)}</div>' + folded("All candidates as a table", listed),
    )


def _outcome(chosen: dict[str, Any], reference: dict[str, Any], tried: int) -> str:
    """Return what was taken, and how it does beside no reduction."""
    of = f"Of {count(tried, 'candidate')}"
    start = {name: _text(value) for name, value in reference["metrics"].items()}
    if chosen is reference:
        values = ", ".join(f"{_metric(name)} {value}" for name, value in start.items())
        return f"{of}, none was taken; no reduction has {values}."
    values = ", ".join(
        f"{_metric(name)} {_text(value)} ({start[name]} without reduction)"
        for name, value in chosen["metrics"].items()
    )
    what = f"{METHODS[chosen['method']].name} with {count(chosen['components'], 'component')}"
    return f"{of}, {what} was taken: {values}."


def _measures(
    reference: dict[str, Any],
) -> dict[str, Callable[[dict[str, Any]], float | None]]:
    """Return what candidates are measured by: name -> candidate -> value."""

    def metric(name: str) -> Callable[[dict[str, Any]], float | None]:
        return lambda item: item["metrics"].get(name)

    names = list(reference["metrics"])
    own = "squared error" if "r2" in names else "log loss"
    return {**{_metric(name): metric(name) for name in names}, own: _loss}


def _loss(item: dict[str, Any]) -> float | None:
    return -item["score"] if _is_known(item["score"]) else None


def _metric(name: str) -> str:
    return METRICS.get(name, name)


def _scores(found: _Report) -> str:
    scores, method = found.scores, found.method
    if len(scores) < 2:
        return ""
    highest = percent(max(scores))
    if method.adds:
        note = f"Together the components hold {percent(sum(scores))} of {method.score}."
        half = int(np.searchsorted(np.cumsum(scores), sum(scores) / 2)) + 1
        if len(scores) > 2:
            holds = "component holds" if half == 1 else f"{half} components hold"
            note += f" The first {holds} at least half of that."
    else:
        note = (
            f"The largest component alone has {highest} of {method.score}. Components overlap, so "
            "that the shares do not add up."
        )
    if len(scores) > pictures.MOST_COMPONENTS:
        note += f" The first {pictures.MOST_COMPONENTS} of {len(scores)} are shown."
    label = f"Share of {method.score} of each component; the largest is {highest}. {note}"
    drawn = pictures.scores(scores, f"share of {method.score}", label, cumulative=method.adds)
    return figure("How much each component holds", drawn, note)


def _loadings(found: _Report) -> str:
    method = found.method
    note = f"The loadings of a component say {method.loadings}."
    if found.content.get("loading_images"):
        note += f" {_key(found)}"
        drawn = f'<div class="images">{"".join(_images(found))}</div>'
        total = len(found.content["loading_images"])
    else:
        note += " Each chart has its own scale."
        drawn = f'<div class="charts">{"".join(_bars(found))}</div>'
        total = min(len(found.components), MOST_DRAWN)
    if total < len(found.components):
        note += f" The first {total} of {len(found.components)} components are drawn."
    return titled(
        "What the components are made of",
        f"<p>{escape(note)}</p>{drawn}"
        + folded("The components and their largest loadings as a table", _component_table(found)),
    )


def _key(found: _Report) -> str:
    """Return what the colours of pictures say."""
    if found.content["image"]["channels"] == 1:
        return "Blue is positive, orange negative, the stronger the more."
    return "Grey is none; a colour that is brighter than grey is positive, a darker one negative."


def _images(found: _Report) -> list[str]:
    images = []
    for component, loadings in zip(found.components, found.content["loading_images"], strict=False):
        name = escape(component["name"])
        source = pixels.picture(np.array(loadings, np.float64))
        images.append(
            f'<figure><img src="{source}" alt="Loadings of the pixels of {name}">'
            f"<figcaption>{name}{_share(found, component)}</figcaption></figure>"
        )
    return images


def _bars(found: _Report) -> list[str]:
    drawn = found.components[:MOST_DRAWN]
    largest = [_largest(component)[: pictures.MOST_LOADINGS] for component in drawn]
    longest = max((len(name) for items in largest for name, _ in items), default=0)
    charts = []
    for component, items in zip(drawn, largest, strict=True):
        if not items:
            continue
        said = ", ".join(f"{name} {number(value)}" for name, value in items[:3])
        label = f"Largest loadings of {component['name']}: {said}"
        charts.append(
            f"<figure><figcaption><h3>{escape(component['name'])}{_share(found, component)}</h3>"
            f"</figcaption>{pictures.loadings(items, longest, label)}</figure>"
        )
    return charts


def _largest(component: dict[str, Any]) -> list[tuple[str, float]]:
    """Return features and loadings, the largest first, without those that are none."""
    items = [(item["feature"], item["loading"]) for item in component["loadings"]]
    return [item for item in items if _is_known(item[1]) and item[1]]


def _share(found: _Report, component: dict[str, Any]) -> str:
    """Return what a component's score is, behind its name, as markup."""
    if not _is_known(component["score"]):
        return ""
    return f' <span class="quiet">{escape(percent(component["score"]))}</span>'


def _component_table(found: _Report) -> str:
    adds = found.method.adds and bool(found.scores)
    sums = np.cumsum(found.scores).tolist() if adds else []
    columns = [
        Column("Component", "name"),
        Column("Share", "number"),
        *([Column("So far", "number")] if adds else []),
        Column("Largest loadings", "wide"),
    ]
    kept = found.components[:MOST_ROWS]
    rows = []
    for place, component in enumerate(kept):
        largest = ", ".join(
            f"{name} {number(value)}" for name, value in _largest(component)[:MOST_NAMED]
        )
        rows.append(
            Row(
                [
                    component["name"],
                    _percent(component["score"]),
                    *([percent(sums[place])] if adds else []),
                    largest or "–",
                ]
            )
        )
    caption = f"Shares are of {found.method.score}."
    if len(kept) < len(found.components):
        caption += f" The first {len(kept)} of {len(found.components)} components."
    return table("Components", caption, columns, rows)


def _map(found: _Report) -> str:
    content = found.content["map"]
    axes = [str(axis) for axis in content["axes"]]
    rows = [
        (point, label)
        for point, label in zip(content["points"], content["label"], strict=True)
        if all(map(_is_known, point)) and (isinstance(label, str) or _is_known(label))
    ]
    if not rows:
        return ""
    # The rows are in a random order.
    kept = rows[: pictures.MOST_POINTS]
    points = np.array([point for point, _ in kept], dtype=np.float64)
    labels = [label for _, label in kept]
    classes = isinstance(labels[0], str)
    many = f"{len(kept):,} of {len(rows):,} rows" if len(kept) < len(rows) else ""
    note = f"Each point is a row of the eval split ({many or count(len(kept), 'row')})"
    label = f"{note.replace('Each point is a row', 'Rows')} by {' and '.join(axes)}"
    if len(axes) == 1 and classes:
        note += ", in the strip of its class, where height means nothing; the line is the median."
        label += ", for each class."
        drawn = pictures.class_strips(points[:, 0], labels, axes[0], label)
    elif len(axes) == 1:
        note += ", at its component and its label."
        drawn = pictures.value_strip(points[:, 0], np.array(labels), axes[0], f"{label} and label.")
    elif classes:
        note += (
            ", with the colour and the shape of its class; names lie on the medians where there is "
            "room."
        )
        drawn = pictures.class_map(points, labels, axes, f"{label}, with their class.")
    else:
        values = np.array(labels, np.float64)
        note += ", coloured by its label."
        if pictures.outliers(values[:, np.newaxis]):
            note += " Labels too far out have the colour of the nearest end."
        drawn = pictures.value_map(points, values, axes, f"{label}, coloured by their label.")
    far = pictures.outliers(points)
    if far:
        note += f" Too far out for the scale, and at its edge: {count(far, 'point')}."
    return figure("Map", drawn, note)


def _losses(found: _Report) -> str:
    reconstruction = found.content["reconstruction"]
    slices = reconstruction["slices"].items()
    known = [(name, own["rows"], own["error"]) for name, own in slices if _is_known(own["error"])]
    known.sort(key=lambda item: -item[2])
    lost = found.lost
    definition = reconstruction["definition"]
    more = f"Reconstruction error on the eval split: {definition}."
    note = "" if lost is None else f"Overall, {percent(lost)} of the columns' variance is lost."
    if len(known) < 2:
        text = f"<p>{escape(note)}</p>" if note else ""
        return titled("What is lost", f'{text}<p class="quiet">{escape(more)}</p>')
    worst, best = known[0], known[-1]
    note += (
        f" Of {worst[0]} it is the most, {percent(worst[2])}; of {best[0]} the least, "
        f"{percent(best[2])}."
    )
    if len(known) > pictures.MOST_SLICES:
        note += f" The {pictures.MOST_SLICES} of {len(known)} that lose the most are drawn."
    drawn = pictures.losses(known, lost, f"Share of the variance that is lost. {note}")
    unknown = [(name, own["rows"], None) for name, own in slices if not _is_known(own["error"])]
    columns = [Column("Class", "name"), Column("Rows", "number"), Column("Lost", "number")]
    rows = [Row([name, f"{size:,}", _percent(error)]) for name, size, error in [*known, *unknown]]
    caption = "What is lost of the rows of each class"
    if len(rows) > MOST_ROWS:
        caption += f"; the first {MOST_ROWS} of {len(rows)}"
    listed = table("Losses", f"{caption}.", columns, rows[:MOST_ROWS])
    return figure("What is lost", drawn, note.strip(), more) + folded(
        "All classes as a table", listed
    )


def _settings(found: _Report) -> str:
    settings = ((name, shown(value)) for name, value in found.content["settings"].items())
    return titled("Settings", folded("What was asked for", pairs("Settings", settings)))


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _text(value: float | None) -> str:
    return f"{value:.4f}" if value is not None and math.isfinite(value) else "–"


def _percent(value: float | None) -> str:
    return percent(value) if value is not None and math.isfinite(value) else "–"
