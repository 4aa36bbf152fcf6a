"""All explanations of a model, as a page for people."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from components.charts import escape
from components.explainer.ale import card as ale
from components.explainer.anchors import card as anchors
from components.explainer.counterfactuals import card as counterfactuals
from components.explainer.grad_cam import card as grad_cam
from components.explainer.integrated_gradients import card as integrated_gradients
from components.explainer.lime import card as lime
from components.explainer.partial_dependence import card as partial_dependence
from components.explainer.permutation_importance import card as permutation_importance
from components.explainer.quality import card as quality
from components.explainer.shapley import card as shapley
from components.explainer.smooth_grad import card as smooth_grad
from components.explainer.surrogates import card as surrogates
from components.explainer.tcav import card as tcav
from components.explainer.xrai import card as xrai
from components.page import Column, Row, document, framed, table, titled

#: Of the artifact ``explanations``.
REPORT_FILE = "explanations.json"
_CARDS = {
    "permutation_importance": permutation_importance,
    "shapley": shapley,
    "partial_dependence": partial_dependence,
    "ale": ale,
    "lime": lime,
    "anchors": anchors,
    "counterfactuals": counterfactuals,
    "integrated_gradients": integrated_gradients,
    "smooth_grad": smooth_grad,
    "xrai": xrai,
    "grad_cam": grad_cam,
    "tcav": tcav,
    "surrogates": surrogates,
}


def page(directory: str | os.PathLike[str]) -> str:
    """Return a whole HTML document about a model: see `section`."""
    return document("Explanations", "Explanations", section(directory))


def lines(found: dict[str, Any]) -> str:
    """Return what the run's summary says of the explanations."""
    told = [
        line
        for name, card in _CARDS.items()
        if name in found["methods"]
        for line in card.lines(found["methods"][name]["found"])
    ]
    if found["quality"] is not None:
        told += quality.lines(found["quality"])
    return "\n".join(told)


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a model, for a page with other sections.

    Parameters
    ----------
    directory : path
        Of the ModelAnalysis artifact of an Explainer.

    Raises
    ------
    OSError
        The artifact's report cannot be read.
    """
    found = json.loads((Path(directory) / REPORT_FILE).read_text(encoding="utf-8"))
    scale = {"probability": "", "log_odds": " in log odds"}[found["link"]]
    lead = (
        f"The {found['candidate']} model on {found['rows']:,} rows of the {found['split']} split, "
        f"held against {found['background']:,} rows of the train split. Explained: "
        f"{_explained(found)}{scale}."
    )
    parts = [framed([f"<p>{escape(lead)}</p>", _methods(found)])]
    parts += [
        card.section(found["methods"][name]["found"])
        for name, card in _CARDS.items()
        if name in found["methods"]
    ]
    if found["quality"] is not None:
        parts.append(quality.section(found["quality"]))
    return "".join(parts)


def _explained(found: dict[str, Any]) -> str:
    label, outputs = found["label"], found["outputs"]
    if outputs == [label]:
        return f"the predicted {label}"
    return f"the probability of {label} = {' and = '.join(outputs)}"


def _methods(found: dict[str, Any]) -> str:
    """Tell methods that take any model from those that look inside, and what each assumes."""
    columns = [
        Column("method", "name"),
        Column("kind"),
        Column("explains"),
        Column("assumes", "wide"),
        Column("seconds", "number"),
    ]
    scopes = {"global": "the model", "local": "single rows", "both": "the model, single rows"}
    rows = [
        Row(
            [
                each["title"],
                each["kind"],
                scopes[each["scope"]],
                each["assumes"],
                f"{each['seconds']:.1f}",
            ]
        )
        for each in (found["methods"][name] for name in _CARDS if name in found["methods"])
    ]
    refused = "".join(
        f"<li>{escape(name.replace('_', ' '))}: {escape(reason)}</li>"
        for name, reason in found["refused"].items()
    )
    left_out = f"<p>Not to be had of this model:</p><ul>{refused}</ul>" if refused else ""
    caption = "Model-agnostic methods ask the served model; model-specific ones look inside."
    return titled("Methods", table("Methods", caption, columns, rows) + left_out)
