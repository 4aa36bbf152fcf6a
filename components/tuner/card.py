"""A search as a page for people: what was found, how, and what mattered."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from components.charts import escape
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
from components.tuner import diagrams, pictures
from components.tuner.domains import TREES_PREFIXES
from components.tuner.pictures import Measure
from components.tuner.trials import SEARCH_FILE, Trial, read_table

#: Rows of the leaderboard, architectures, and kinds of failures that are shown.
MOST_ROWS, MOST_DIAGRAMS, MOST_FAILURES = 20, 6, 8
#: Characters of a value in the leaderboard, and of an error.
VALUE_LIMIT, ERROR_LIMIT = 40, 240
#: Hyperparameters of a trial that are said to be changed.
MOST_CHANGES = 12

#: Names of the strategies, for people.
STRATEGIES = {
    "grid": "Grid search",
    "random": "Random search",
    "bayesian": "Bayesian search",
    "hyperband": "Hyperband",
    "evolution": "Regularized evolution",
    "reinforcement": "Reinforcement learning",
    "local_search": "Local search",
}


def page(directory: str | os.PathLike[str]) -> str:
    """Return a whole HTML document about a search: see `section`."""
    found = _Search.read(directory)
    title = f"{found.strategy}: {len(found.trials)} trials"
    return document(title, "Search", _section(found))


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a search, for a page with other sections.

    Parameters
    ----------
    directory : path
        Of a TunerResults artifact.

    Returns
    -------
    str
        One ``<section>`` with headings from ``<h2>`` on. It needs no other file and no script;
        text has the page's colour, and charts the custom property ``--ground``, if the page
        has one, behind text that lies on lines.

    Raises
    ------
    OSError
        A file of the artifact cannot be read.
    """
    return _section(_Search.read(directory))


@dataclass(frozen=True)
class _Search:
    """The artifact's content, and what is told of it in several places."""

    trials: list[Trial]
    summary: dict[str, Any]

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> _Search:
        summary = json.loads((Path(directory) / SEARCH_FILE).read_text(encoding="utf-8"))
        return cls(read_table(directory), summary)

    @cached_property
    def objectives(self) -> list[Measure]:
        return [
            Measure(item["metric"], item["better"] == "higher")
            for item in self.summary["objectives"]
        ]

    @property
    def measure(self) -> Measure:
        """What is optimised: the objective, or the score of several."""
        return self.objectives[0] if len(self.objectives) == 1 else Measure("", higher=True)

    @cached_property
    def ranking(self) -> list[Trial]:
        """Trials with a score, the best first."""
        scored = [trial for trial in self.trials if trial.score is not None]
        scored = [trial for trial in scored if self.measure.of(trial) is not None]
        return sorted(scored, key=lambda trial: -(trial.score or 0.0))

    @cached_property
    def default(self) -> Trial | None:
        """The configured model, if it was tried."""
        named = self.summary.get("default")
        return next((trial for trial in self.trials if trial.id == named), None)

    @property
    def strategy(self) -> str:
        return STRATEGIES.get(self.summary["strategy"], str(self.summary["strategy"]))

    @property
    def importance(self) -> list[dict[str, Any]]:
        return sorted(self.summary["importance"], key=lambda item: -item["share"])

    @property
    def verdict(self) -> str:
        """What the best trial has achieved, as plain text that ends a sentence."""
        if not self.ranking:
            return "no trial ended with a score"
        best, measure = self.ranking[0], self.objectives[0]
        value = measure.of(best)
        text = f"the best, trial {best.id}, has {_values(best, self.objectives)}"
        default = self.default
        start = measure.of(default) if default is not None else None
        if default is None or start is None or value is None:
            return text
        if best.id == default.id:
            reached = _values(best, self.objectives)
            return f"none is better than the configured model, which has {reached}"
        return f"{text}, the configured model {_values(default, self.objectives)}"


def _section(found: _Search) -> str:
    parts = [
        _headline(found),
        _progress(found),
        _leaderboard(found),
        _importance(found),
        _space(found),
        _trade_off(found),
        _architectures(found),
        _curves(found),
        _failures(found),
        _settings(found),
    ]
    return framed(parts)


def _headline(found: _Search) -> str:
    summary = found.summary
    states = ", ".join(
        f"{trials} {pictures.STATES[state][0]}" for state, trials in summary["trials"].items()
    )
    sentence = (
        f"{found.strategy}: {count(len(found.trials), 'trial')} in "
        f"{duration(summary['seconds'])}; {found.verdict}."
    )
    parts = [f'<p class="lead">{escape(sentence)}</p>']
    if states:
        parts.append(f'<p class="quiet">Trials: {escape(states)}.</p>')
    members = summary.get("ensemble", [])
    if len(members) > 1:
        text = ", ".join(f"trial {item['trial']} ({item['weight']:.0%})" for item in members)
        parts.append(f"<p>The result is an ensemble of {escape(text)}.</p>")
    return "".join(parts)


def _progress(found: _Search) -> str:
    if not found.trials:
        return ""
    title = found.measure.title
    better = "higher is better" if found.measure.higher else "lower is better"
    label = f"{title} of each trial over time, with the best so far: {found.verdict}."
    note = f"The line is the best so far; {better}."
    if len(found.ranking) < len(found.trials):
        note += " Trials without a score lie at the lower edge."
    if pictures.has_outliers(found.trials, found.measure):
        note += " Scores too bad for the scale are drawn at its end."
    drawn = pictures.progress(found.trials, found.measure, found.default, label)
    return figure("Progress", drawn, note)


def _leaderboard(found: _Search) -> str:
    ranking = found.ranking
    if not ranking:
        return ""
    rows = list(enumerate(ranking[:MOST_ROWS], 1))
    if found.default in ranking[MOST_ROWS:]:
        rows.append((ranking.index(found.default) + 1, found.default))
    numbers = [measure.title for measure in found.objectives]
    if len(found.objectives) > 1:
        numbers.insert(0, "score")
    costs = ["Epochs", "Time", *([] if _counted(found) else ["Parameters"])]
    columns = [
        Column("Rank", "number"),
        Column("Trial", "name"),
        Column("Architecture"),
        *(Column(title, "number") for title in [*numbers, *costs]),
        Column("Changed hyperparameters" if found.default else "Hyperparameters", "wide"),
    ]
    caption = f"The best {len(rows)} of {len(ranking)} trials with a score."
    if len(ranking) <= MOST_ROWS:
        caption = f"All {len(ranking)} trials with a score." if len(ranking) > 1 else "One trial."
    elif len(rows) > MOST_ROWS:
        caption = (
            f"The best {MOST_ROWS} of {len(ranking)} trials with a score, and the configured model."
        )
    body = (_row(found, rank, trial) for rank, trial in rows)
    return titled("Leaderboard", table("Leaderboard", caption, columns, body))


def _row(found: _Search, rank: int, trial: Trial) -> Row:
    configured = found.default is not None and trial.id == found.default.id
    name = f"{trial.id} (configured)" if configured and trial.id != "configured" else trial.id
    values = [measure.of(trial) for measure in found.objectives]
    if len(found.objectives) > 1:
        values.insert(0, trial.score)
    early = " (stopped)" if trial.state == "stopped" else ""
    cells = [
        rank,
        name,
        trial.model.get("architecture", "own"),
        *("–" if value is None else number(value) for value in values),
        f"{trial.epochs}{early}",
        duration(trial.seconds),
        *([] if _counted(found) else [f"{trial.parameters:,}"]),
        _changes(trial, found.default),
    ]
    return Row(cells, "best" if rank == 1 else "reference" if configured else "")


def _counted(found: _Search) -> bool:
    """Return whether the number of parameters is an objective, and so has a column."""
    return any(measure.name == "parameters" for measure in found.objectives)


def _changes(trial: Trial, default: Trial | None) -> str:
    """Return the values that the configured model does not have, or all of them without one."""
    if default is not None and trial.id == default.id:
        return "–"
    before = {**default.model, **default.values} if default is not None else {}
    changed = [
        (name, value)
        for name, value in (trial.values or trial.model).items()
        if name != "architecture" and (name not in before or before[name] != value)
    ]
    # The prefix says which architecture a hyperparameter is of: that has a column of its own.
    texts = [f"{_bare(name)} {_value(value)}" for name, value in changed[:MOST_CHANGES]]
    if len(changed) > MOST_CHANGES:
        texts.append(f"and {len(changed) - MOST_CHANGES} more")
    return ", ".join(texts) or "–"


def _bare(name: str) -> str:
    prefix = next((each for each in TREES_PREFIXES if name.startswith(each)), "")
    return name.removeprefix(prefix)


def _importance(found: _Search) -> str:
    items = found.importance
    if not items:
        return ""
    if not items[0]["share"] > 0:
        return titled("What mattered", "<p>All trials have the same score.</p>")
    first = items[0]
    finding = (
        f"By itself, {first['name']} explains {first['share']:.0%} of the variance of the score"
    )
    if len(items) > 1:
        finding += f", {items[1]['name']} {items[1]['share']:.0%}"
    if first["share"] < first["deviation"]:
        finding = f"No hyperparameter stands out. {finding}"
    rest = max(1 - sum(item["share"] for item in items), 0)
    note = f"{finding}. What acts together, and chance, explain {rest:.0%}."
    if len(items) > pictures.MOST_BARS:
        note += f" {len(items) - pictures.MOST_BARS} more explain less each."
    method = (
        "Functional analysis of variance on a random forest; the whiskers are the standard "
        "deviation over its trees."
    )
    drawn = pictures.importances(items, f"Importance of hyperparameters: {note}")
    return figure("What mattered", drawn, note, method)


def _space(found: _Search) -> str:
    names = pictures.axes_of(found.ranking, found.importance)
    if len(found.ranking) < 2 or not names:
        return ""
    axes = names[: pictures.MOST_AXES]
    best = found.ranking[0]
    point = ", ".join(f"{name} {_value(best.values[name])}" for name in axes if name in best.values)
    note = (
        "Each line is a trial, the bluer the better; the thick one is the best. On the last axis, "
        "better is above."
    )
    if len(names) > len(axes):
        which = "most important" if found.importance else "first"
        note += f" The {len(axes)} {which} of {len(names)} hyperparameters are shown."
    if len(found.ranking) > pictures.MOST_LINES:
        note += f" The best {pictures.MOST_LINES} of {len(found.ranking)} trials are shown."
    label = f"Parallel coordinates of the trials. The best one: {point or 'the configured model'}."
    drawn = pictures.space(found.ranking, found.measure, axes, label)
    return figure("Where it searched", drawn, note)


def _trade_off(found: _Search) -> str:
    if len(found.objectives) < 2 or not found.ranking:
        return ""
    first, *others = found.objectives
    best = found.ranking[0].id
    default = found.default.id if found.default else None
    drawn = []
    for other in others:
        label = (
            f"{first.title} against {other.title} of {len(found.ranking)} trials, with their "
            f"Pareto front; the best has {_values(found.ranking[0], [first, other])}."
        )
        drawn.append(
            pictures.trade_off(found.ranking, first, other, best=best, default=default, label=label)
        )
    note = "No trial is better in both than one on the line."
    return figure("Trade-off", "".join(drawn), note)


def _architectures(found: _Search) -> str:
    trials = diagrams.distinct(found.ranking, MOST_DIAGRAMS)
    if not trials:
        return ""
    items = []
    for trial in trials:
        rank = found.ranking.index(trial) + 1
        facts = _facts(trial.model)
        items.append(
            f"<figure><figcaption><h3>{escape(f'Rank {rank}: {_architecture(trial)}')}</h3>"
            f'<p class="quiet">{escape(_values(trial, found.objectives))}'
            f"{escape(f'; {facts}' if facts else '')}</p></figcaption>"
            f"{diagrams.diagram(trial)}</figure>"
        )
    return titled("Architectures found", f'<div class="grid">{"".join(items)}</div>')


def _architecture(trial: Trial) -> str:
    return str(trial.model["architecture"]).replace("_", " ")


def _facts(model: dict[str, Any]) -> str:
    """Return what a diagram does not show."""
    if diagrams.is_trees(model):
        names = ["learning_rate"] if model["architecture"] == "boosted_trees" else []
        return ", ".join(
            f"{name.replace('_', ' ')} {_value(model[name])}" for name in names if name in model
        )
    facts = []
    if model["architecture"] != "linear":
        facts.append(str(model.get("activation", "")))
        if model.get("normalization", "none") != "none":
            facts.append(f"{model['normalization']} normalization")
        if model.get("dropout"):
            facts.append(f"dropout {_value(model['dropout'])}")
    if "optimizer" in model:
        facts.append(str(model["optimizer"]))
    if "learning_rate" in model:
        facts.append(f"learning rate {_value(model['learning_rate'])}")
    return ", ".join(fact for fact in facts if fact)


def _curves(found: _Search) -> str:
    trials = [trial for trial in found.ranking if len(trial.curve) > 1][: pictures.MOST_CURVES]
    if not trials:
        return ""
    best = trials[0]
    lowest = min(best.curve)
    label = (
        f"Validation loss over the epochs of the best {count(len(trials), 'trial')}; that of "
        f"trial {best.id} is lowest, {number(lowest)}, after epoch {best.curve.index(lowest) + 1}."
    )
    note = f"The best {count(len(trials), 'trial')} with a curve; the thick one is the best."
    return figure("Learning curves", pictures.curves(trials, label), note)


def _failures(found: _Search) -> str:
    kinds: dict[tuple[str, str], list[Trial]] = {}
    for trial in found.trials:
        if trial.score is None:
            kinds.setdefault((trial.state, trial.error.strip()), []).append(trial)
    if not kinds:
        return ""
    ordered = sorted(kinds.items(), key=lambda item: -len(item[1]))
    rows = [
        Row(
            [
                len(trials),
                pictures.STATES[state][0],
                _shortened(error, ERROR_LIMIT) or "–",
                trials[0].id,
            ]
        )
        for (state, error), trials in ordered[:MOST_FAILURES]
    ]
    rest = len(ordered) - MOST_FAILURES
    caption = "Trials without a score" + (f"; {rest} more kinds are left out" if rest > 0 else "")
    columns = [Column("Trials", "number"), Column("State"), Column("Why", "wide"), Column("First")]
    return titled("What failed", table("Trials without a score", f"{caption}.", columns, rows))


def _settings(found: _Search) -> str:
    summary = found.summary
    budget = ", ".join(
        f"{_value(value)} {name}" for name, value in summary["budget"].items() if value is not None
    )
    settings = {
        "strategy": summary["strategy"],
        "seed": summary["seed"],
        "budget": budget or "–",
        "early stopping": summary["stopping"],
        "trials at the same time": summary["parallel"],
        "objective": ", ".join(_objective(item) for item in summary["objectives"]),
    }
    tables = [
        pairs("How it searched", settings.items()),
        pairs(
            f"Space of {count(len(summary['space']), 'hyperparameter')}", summary["space"].items()
        ),
    ]
    return titled("Settings", folded("How it searched, and where", "".join(tables)))


def _objective(item: dict[str, Any]) -> str:
    weight = f", weight {_value(item['weight'])}" if item["weight"] != 1 else ""
    return f"{item['metric']} ({item['better']} is better{weight})"


def _values(trial: Trial, measures: Sequence[Measure]) -> str:
    values = [(measure.title, measure.of(trial)) for measure in measures]
    return ", ".join(f"{name} {number(value)}" for name, value in values if value is not None)


def _value(value: Any) -> str:
    return _shortened(shown(value), VALUE_LIMIT)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def duration(seconds: float) -> str:
    """Return a duration in at most two units.

    Examples
    --------
    >>> duration(0.42), duration(59.9), duration(252), duration(7380)
    ('0.42 s', '59.9 s', '4 min 12 s', '2 h 3 min')
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
