"""Residuals as a section for people: what the tests find, where, and the worst rows."""

from __future__ import annotations

from typing import Any

from components.charts import escape, plain
from components.model_debugger.raw_rows import LIMIT, cell
from components.model_debugger.residuals import pictures
from components.page import Column, Row, count, folded, framed, number, scroll, table, titled

#: Tests and pictures that are shown, others on demand.
MOST_TESTS, MOST_PICTURES = 15, 10

#: Pictures stand side by side where there is room.
STYLE = """
.card .pictures{display:grid;gap:1rem 2rem;margin-top:.8rem;
grid-template-columns:repeat(auto-fill,minmax(min(100%,32rem),1fr))}
.card .pictures h3{margin-top:.8rem}
"""

Described = dict[str, Any]

#: What a family of tests looks for.
FAMILIES = {
    "trend": "rises or falls",
    "level": "mean differs",
    "spread": "spread differs",
    "autocorrelation": "autocorrelated",
}
#: Finding of a family in a sentence: of which residuals, and against what.
_SENTENCES = {
    "trend": "residuals{} rise or fall with {}",
    "level": "the mean of residuals{} differs with {}",
    "spread": "the spread of residuals{} differs with {}",
    "autocorrelation": "residuals{} are autocorrelated in {}",
}


def lines(described: Described) -> list[str]:
    """Return the most telling findings as short lines of text.

    Parameters
    ----------
    described : dict
        What `components.model_debugger.residuals.section.describe` returns.
    """
    found = [f"residuals: {_verdict(described)}"]
    slices = described["worst_slices"]["slices"]
    if slices:
        found.append(f"worst slice: {_slice(described)}")
    return found


def section(described: Described) -> str:
    """Return an HTML fragment.

    Parameters
    ----------
    described : dict
        What `components.model_debugger.residuals.section.describe` returns.
    """
    parts = [
        _headline(described),
        _tests(described),
        _pictures(described),
        _slices(described),
        _rows(described),
    ]
    return framed((part for part in parts if part), STYLE)


def _verdict(described: Described) -> str:
    tests = described["tests"]
    if not tests:
        return "there is nothing to test"
    found = [test for test in tests if test["found"]]
    if not found:
        alpha = number(described["alpha"])
        return f"none of {count(len(tests), 'test')} finds a pattern (q <= {alpha})"
    first = found[0]
    whose = f" of class {plain(first['series'])}" if first["series"] else ""
    where = _SENTENCES[first["family"]].format(whose, _against(first))
    if first["kind"] == "zero":
        where = f"the mean of residuals{whose} is not zero"
    return (
        f"{len(found)} of {count(len(tests), 'test')} {'finds' if len(found) == 1 else 'find'} a "
        "pattern; "
        f"most clearly, {where} ({_q(first['q'])})"
    )


def _slice(described: Described) -> str:
    worst = described["worst_slices"]["slices"][0]
    return (
        f"{plain(worst['name'])}: mean {described['worst_slices']['loss']} "
        f"{number(worst['mean_loss'])}, elsewhere {number(worst['rest_loss'])} "
        f"({worst['share']:.1%} of the rows)"
    )


def _regression(described: Described) -> bool:
    return bool(described["task"] == "regression")


def _headline(described: Described) -> str:
    verdict = _verdict(described)
    if _regression(described):
        text = f"A residual is the value of {described['label']} less the prediction. "
        [series] = described["series"]
        text += f"Its mean is {number(series['mean'])}, "
        text += f"its standard deviation {number(series['spread'])}."
    else:
        text = (
            f"A residual is 1 or 0, whether {described['label']} is the class, less its "
            "probability. Pearson residuals are in units of the standard deviation that the "
            "probability itself implies: their mean square is 1 where it is right."
        )
    more = (
        f"A finding has a q value of at most {number(described['alpha'])}: among the tests of "
        "a kind, that is the share of findings which chance would make."
    )
    series = "" if _regression(described) else _series(described)
    notes = "".join(f"<li>{escape(note)}</li>" for note in described["notes"])
    return (
        f'{titled("Residuals", "")}<p class="lead">{escape(verdict[:1].upper() + verdict[1:])}.</p>'
        f'<p>{escape(text)}</p><p class="quiet">{escape(more)}</p>{series}'
        + (f'<ul class="quiet">{notes}</ul>' if notes else "")
    )


def _series(described: Described) -> str:
    rows = [
        Row(
            [
                each["name"] or "positive class",
                f"{each['rate']:.2%}",
                f"{each['rate'] - each['mean']:.2%}",
                number(each["mean"]),
                number(each["dispersion"]),
            ]
        )
        for each in described["series"]
    ]
    columns = [
        Column("class", "name"),
        Column("rate", "number"),
        Column("mean probability", "number"),
        Column("mean residual", "number"),
        Column("mean squared Pearson residual", "number"),
    ]
    return table("Residuals of each class", "Each class against the rest.", columns, rows)


def _tests(described: Described) -> str:
    tests = described["tests"]
    if not tests:
        return ""
    several = len(described["series"]) > 1
    columns = [
        Column("against", "name"),
        *([Column("class")] if several else []),
        Column("question"),
        Column("test"),
        Column("statistic", "number"),
        Column("p", "number"),
        Column("q", "number"),
        Column("lowest group"),
        Column("highest group"),
    ]

    def rows(some: list[Described]) -> list[Row]:
        return [
            Row(
                [
                    _against(test),
                    *([test["series"]] if several else []),
                    FAMILIES[test["family"]],
                    test["test"],
                    "infinite" if test["statistic"] is None else number(test["statistic"]),
                    _small(test["p"]),
                    _small(test["q"]),
                    _group(test["low"]),
                    _group(test["high"]),
                ],
                "best" if test["found"] else "",
            )
            for test in some
        ]

    caption = (
        "The most telling first; findings are bold. Groups are tenths of a column, or its most "
        "frequent values, with their mean residual or its spread."
    )
    found = table("Tests of residuals", caption, columns, rows(tests[:MOST_TESTS]))
    rest = tests[MOST_TESTS:]
    if rest:
        more = table("Further tests", "In the same order.", columns, rows(rest))
        found += folded(f"{count(len(rest), 'further test')}", more)
    return titled("Tests", found)


def _pictures(described: Described) -> str:
    parts = [_against_it(described, picture) for picture in described["pictures"]]
    parts += [_correlogram(each) for each in described["correlograms"]]
    parts += [_distribution(described, each) for each in described["quantiles"]]
    parts = [part for part in parts if part]
    if not parts:
        return ""
    if _regression(described):
        spread = "its standard deviation, with that of all rows as a line"
    else:
        spread = "the root of its mean squared Pearson residual, 1 if the probabilities are right"
    text = (
        "For each group of rows the mean residual with its 95 % interval, red where it excludes "
        f"0; beside it {spread}."
    )
    first, rest = (
        f'<div class="pictures">{"".join(some)}</div>'
        for some in (parts[:MOST_PICTURES], parts[MOST_PICTURES:])
    )
    more = len(parts) - MOST_PICTURES
    folded_away = folded(count(more, "further picture"), rest) if more > 0 else ""
    return titled("Pictures", f"<p>{escape(text)}</p>{first}{folded_away}")


def _picture(title: str, drawn: str, note: str = "") -> str:
    text = f'<p class="quiet">{escape(note)}</p>' if note else ""
    return f"<figure><h3>{escape(title)}</h3>{text}{scroll(drawn, title)}</figure>"


def _against_it(described: Described, picture: Described) -> str:
    title = f"Against {_against(picture)}{_of(picture)}"
    if picture["points"] and picture["kind"] == "prediction":
        note = "Each point is a row; the line is the mean of each tenth of the predictions."
        drawn = pictures.scatter(picture, "prediction", "residual", _label(picture))
        return _picture(title, drawn, note)
    if not picture["groups"]:
        return ""
    if _regression(described):
        usual, spread = described["series"][0]["spread"], "standard deviation"
    else:
        usual, spread = 1.0, "Pearson, root mean square"
    drawn = pictures.groups(picture["groups"], "mean residual", spread, usual, _label(picture))
    return _picture(title, drawn)


def _correlogram(described: Described) -> str:
    bars, first = described["bars"], described["bars"][0]
    label = (
        f"Autocorrelation at 1 to {len(bars)} rows back; at 1 it is {first['value']:.3g}, by "
        f"chance within {first['error']:.3g}."
    )
    note = (
        f"{described['rows']:,} rows in the order of time; in 19 of 20 cases chance alone stays "
        "within the band."
    )
    return _picture(f"Autocorrelation{_of(described)}", pictures.correlogram(bars, label), note)


def _distribution(described: Described, quantiles: Described) -> str:
    points = quantiles["points"]
    if len(points) < 2:
        return ""
    low, high = points[0], points[-1]
    label = (
        f"Quantiles from {low[1]:.3g}, where the normal distribution has {low[0]:.3g}, "
        f"to {high[1]:.3g}, where it has {high[0]:.3g}."
    )
    note = (
        "In units of the standard deviation. On the line residuals are normal; steep ends are "
        "rare large errors."
        if _regression(described)
        else "Randomised quantile residuals (Dunn and Smyth): on the line if all probabilities "
        "are right."
    )
    return _picture(f"Distribution{_of(quantiles)}", pictures.quantiles(points, label), note)


def _label(picture: Described) -> str:
    return "; ".join(f"{group['name']}: mean {group['mean']:.3g}" for group in picture["groups"])


def _slices(described: Described) -> str:
    found = described["worst_slices"]
    if found["loss"] is None:
        return ""
    if not found["slices"]:
        text = f"None of {found['tried']:,} slices of the columns is clearly worse than the rest."
        return titled("Worst slices", f"<p>{escape(text)}</p>")
    columns = [
        Column("slice", "name"),
        Column("rows", "number"),
        Column("share", "number"),
        Column(f"mean {found['loss']}", "number"),
        Column("elsewhere", "number"),
        Column("effect size", "number"),
        Column("q", "number"),
    ]
    rows = [
        Row(
            [
                each["name"],
                f"{each['rows']:,}",
                f"{each['share']:.1%}",
                number(each["mean_loss"]),
                number(each["rest_loss"]),
                f"{each['effect_size']:.2f}",
                _small(each["q_value"]),
            ]
        )
        for each in found["slices"]
    ]
    caption = (
        f"Of {found['tried']:,} slices by one or two columns those with the greatest loss; effect "
        "size is the difference in units of the loss's spread."
    )
    return titled("Worst slices", table("Worst slices", caption, columns, rows))


def _rows(described: Described) -> str:
    worst = described["worst_rows"]
    if not worst:
        return ""
    regression = _regression(described)
    names, time = list(worst[0]["columns"]), described["time_column"]
    columns = [
        Column("row", "number"),
        Column("label", "number" if regression else "text"),
        Column("prediction", "number" if regression else "text"),
        *([] if regression else [Column("probability of the label", "number")]),
        Column("residual" if regression else "deviance residual", "number"),
        *(Column(name) for name in names),
    ]
    rows = [
        Row(
            [
                f"{each['row']:,}",
                cell(each["label"]),
                cell(each["prediction"]),
                *([] if regression else [_small(each["probability"])]),
                number(each["residual"]),
                *(cell(each["columns"][name], time=name == time) for name in names),
            ]
        )
        for each in worst
    ]
    caption = "The rows that are predicted worst, by their place in the split from 0."
    return titled("Worst rows", table("Worst rows", caption, columns, rows))


def _against(test: Described) -> str:
    if test["kind"] == "zero":
        return "zero, all rows"
    return f"the {test['name']}" if test["kind"] == "prediction" else plain(test["name"])


def _of(picture: Described) -> str:
    return f", class {picture['series']}" if picture["series"] else ""


def _group(group: Described | None) -> str:
    return "" if group is None else f"{plain(group['name'], LIMIT)}: {number(group['value'])}"


def _q(value: float) -> str:
    return f"q < {_LEAST:g}" if value < _LEAST else f"q = {value:.2g}"


#: p and q values below this are shown as less.
_LEAST = 1e-4


def _small(value: float) -> str:
    return f"< {_LEAST:g}" if value < _LEAST else f"{value:.2g}"
