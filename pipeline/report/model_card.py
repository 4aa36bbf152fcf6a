"""A model card, as the report's section, as Markdown and as JSON.

M. Mitchell et al., "Model cards for model reporting", FAT* 2019: what a model is, what it is for,
how good it is and for whom, on which data, and what to mind. What only people know comes from the
section ``report`` of the config; where it is silent, the card says so.
"""

from __future__ import annotations

import importlib.metadata
from typing import Any

from components.charts import escape, plain
from components.page import Column, Row, count, number, pairs, table
from components.spans import shown
from pipeline.report.config import ReportConfig
from pipeline.report.facts import Facts
from pipeline.texts import moment

#: Libraries whose versions a model depends on.
_LIBRARIES = ("tfx", "tensorflow", "tf-keras", "tensorflow-transform", "scikit-learn")
_NOT_SAID = "Not stated."
_OVERALL = "Overall"
#: Slices that are listed.
_SLICES = 40


def describe(facts: Facts, config: ReportConfig) -> dict[str, Any] | None:
    """Return the card as plain values, or None of a run without a model."""
    model = facts.outputs.get(("Trainer", "model"))
    if model is None:
        return None
    evaluation = facts.read_json("Evaluator", "evaluation", "evaluation.json")
    history = facts.read_json("Trainer", "model_run", "history.json") or {}
    dataset = facts.dataset or {}
    chosen = (evaluation or {}).get("chosen")
    run = facts.run
    settings = (run.config or {}).get("trainer") or {}
    return {
        "model": {
            "name": run.pipeline,
            "run": run.id,
            "date": moment(run.started),
            "candidate": chosen or "trained",
            "blessed": chosen is not None,
            "pushed": (run.summary or {}).get("pushed"),
            "task": dataset.get("task"),
            "label": dataset.get("label"),
            "classes": dataset.get("classes") or [],
            "architecture": (settings.get("model") or {}).get("architecture"),
            "parameters": history.get("parameters"),
            "owner": config.owner,
            "licence": config.licence,
        },
        "intended_use": config.intended_use,
        "out_of_scope": config.out_of_scope,
        "considerations": config.considerations,
        "training_data": _data(dataset, "train"),
        "evaluation_data": _data(dataset, str((evaluation or {}).get("split", "test"))),
        "metrics": _metrics(evaluation, chosen or "trained"),
        "limits": _limits(facts, evaluation),
        "lineage": [
            {"node": node, "output": output, "artifact": artifact.id, "uri": artifact.uri}
            for (node, output), artifact in facts.outputs.items()
        ],
        "versions": {name: importlib.metadata.version(name) for name in _LIBRARIES},
    }


def _data(dataset: dict[str, Any], split: str) -> dict[str, Any]:
    return {
        "split": split,
        "rows": (dataset.get("split_rows") or {}).get(split),
        "columns": [column["name"] for column in dataset.get("columns") or ()],
        "files": list(dataset.get("files") or ()),
        "fingerprint": dataset.get("fingerprint"),
    }


def _metrics(evaluation: dict[str, Any] | None, chosen: str) -> list[dict[str, Any]]:
    """Return metrics of all rows and of each slice."""
    if evaluation is None:
        return []
    return [
        {"slice": name, "rows": _count(metrics), "metrics": metrics}
        for name, metrics in evaluation["metrics"].get(chosen, {}).items()
    ]


def _count(metrics: dict[str, Any]) -> int | None:
    found = metrics.get("ExampleCount", {}).get("value")
    return None if found is None else round(found)


def _limits(facts: Facts, evaluation: dict[str, Any] | None) -> list[str]:
    """Return what is known to be weak, from what the components found."""
    found: list[str] = []
    for each in (evaluation or {}).get("reasons", []):
        found.append(str(each))
    for each in (evaluation or {}).get("notes", []):
        found.append(str(each))
    history = facts.read_json("DriftMonitor", "history", "history.json")
    if history:
        for entry in history["spans"]:
            for alarm in entry["alarms"]:
                name = shown(entry["name"])
                found.append(f"Drift in {name}: {alarm['reason']}.")
    return found


def as_section(card: dict[str, Any]) -> str:
    """Return the card as an HTML fragment."""
    model = card["model"]
    items = [
        ("pipeline and run", f"{plain(model['name'])}, {model['run']}, {model['date']}"),
        ("model", _model(model)),
        ("predicts", _predicts(model)),
        ("owner", model["owner"] or _NOT_SAID),
        ("licence", model["licence"] or _NOT_SAID),
        ("intended use", card["intended_use"] or f"{_NOT_SAID} Set report.intended_use."),
        ("not for", card["out_of_scope"] or f"{_NOT_SAID} Set report.out_of_scope."),
        ("trained on", _rows(card["training_data"])),
        ("evaluated on", _rows(card["evaluation_data"])),
        ("considerations", card["considerations"] or f"{_NOT_SAID} Set report.considerations."),
        ("versions", ", ".join(f"{n} {v}" for n, v in card["versions"].items())),
    ]
    parts = [pairs("What is known of the model", items), _metric_table(card)]
    if card["limits"]:
        told = "".join(f"<li>{escape(limit)}</li>" for limit in card["limits"])
        parts.append(f"<h3>Known limits</h3><ul>{told}</ul>")
    return "\n".join(part for part in parts if part)


def as_markdown(card: dict[str, Any]) -> str:
    """Return the card as Markdown."""
    model = card["model"]
    lines = [
        f"# Model card: {_escaped(model['name'])}",
        "",
        "## Model details",
        "",
        f"- Run {model['run']}, {model['date']}",
        f"- {_escaped(_model(model))}",
        f"- Predicts {_escaped(_predicts(model))}",
        f"- Owner: {_escaped(model['owner'] or _NOT_SAID)}",
        f"- Licence: {_escaped(model['licence'] or _NOT_SAID)}",
        "",
        "## Intended use",
        "",
        _escaped(card["intended_use"] or _NOT_SAID),
        "",
        f"Not for: {_escaped(card['out_of_scope'] or _NOT_SAID)}",
        "",
        "## Data",
        "",
        f"- Trained on {_escaped(_rows(card['training_data']))}",
        f"- Evaluated on {_escaped(_rows(card['evaluation_data']))}",
        "",
        "## Metrics",
        "",
    ]
    names = _names(card)
    if names:
        lines.append("| group | rows | " + " | ".join(map(_escaped, names)) + " |")
        lines.append("|---|---:|" + "---:|" * len(names))
        for each in card["metrics"][:_SLICES]:
            values = (_value(each["metrics"].get(name)) for name in names)
            rows = "" if each["rows"] is None else f"{each['rows']:,}"
            lines.append(f"| {_escaped(each['slice'])} | {rows} | " + " | ".join(values) + " |")
    else:
        lines.append("None.")
    lines += ["", "## Limits", ""]
    lines += [f"- {_escaped(limit)}" for limit in card["limits"]] or ["None were found."]
    lines += ["", "## Considerations", "", _escaped(card["considerations"] or _NOT_SAID)]
    lines += ["", "## Lineage", ""]
    lines += [
        f"- {each['node']}.{each['output']}: artifact {each['artifact']}"
        for each in card["lineage"]
    ]
    lines += ["", "## Versions", ""]
    lines += [f"- {name} {version}" for name, version in card["versions"].items()]
    return "\n".join(lines) + "\n"


def _model(model: dict[str, Any]) -> str:
    told = f"{model['candidate']} model"
    if model["architecture"]:
        told += f", {model['architecture']}"
    if model["parameters"]:
        told += f", {count(model['parameters'], 'parameter')}"
    told += "; blessed" if model["blessed"] else "; not blessed"
    return told + (f" and pushed to {model['pushed']}" if model["pushed"] else "")


def _predicts(model: dict[str, Any]) -> str:
    told = f"{plain(model['label'])} ({model['task']})"
    return f"{told}: {', '.join(map(plain, model['classes'][:12]))}" if model["classes"] else told


def _rows(data: dict[str, Any]) -> str:
    rows = "rows" if data["rows"] is None else count(data["rows"], "row")
    return f"{rows} of the {data['split']} split, {count(len(data['columns']), 'column')}"


def _names(card: dict[str, Any]) -> list[str]:
    overall = next((each for each in card["metrics"] if each["slice"] == _OVERALL), None)
    if overall is None:
        return []
    return [name for name in overall["metrics"] if name != "ExampleCount"][:6]


def _value(found: dict[str, Any] | None) -> str:
    return "" if found is None or found.get("value") is None else number(found["value"])


def _metric_table(card: dict[str, Any]) -> str:
    names = _names(card)
    if not names:
        return ""
    columns = [Column("group", "name"), Column("rows", "number")]
    columns += [Column(name, "number") for name in names]
    rows = [
        Row(
            [
                plain(each["slice"]),
                "" if each["rows"] is None else f"{each['rows']:,}",
                *(_value(each["metrics"].get(name)) for name in names),
            ]
        )
        for each in card["metrics"][:_SLICES]
    ]
    more = len(card["metrics"]) - _SLICES
    caption = "By group." + (
        f" {count(more, 'group')} more are in the evaluation." if more > 0 else ""
    )
    return table("Metrics by group", caption, columns, rows)


_SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>()#+!|"})


def _escaped(text: object) -> str:
    """Return text that Markdown takes as it is."""
    return plain(text).translate(_SPECIAL)
