"""LIME: a linear model around each row or image, with how well it fits there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from components.deadline import Deadline
from components.explainer import axes, chosen
from components.explainer.decisions import in_words
from components.explainer.lime import images, tables
from components.explainer.lime.config import LimeConfig
from components.explainer.lime.tables import Explained
from components.explainer.method import Attributions, Explanation, Method
from components.explainer.pictures import overlay_uri
from components.explainer.problem import Problem
from components.models.transformed import WHITE

#: Fidelity below which a linear model does not tell what the model does.
POOR = 0.5
#: Share of rows from which it is told that they are explained poorly.
NOTABLE = 0.01


def refuse(problem: Problem, config: LimeConfig) -> str | None:
    """Return why LIME cannot be had, or None."""
    if not problem.groups and (problem.subject.images is None or problem.subject.model is None):
        return "There are neither raw columns nor images with a model of them."
    return None


def explain(problem: Problem, config: LimeConfig, deadline: Deadline) -> Explanation:
    """Return linear models around rows, or of the superpixels of images.

    Parameters
    ----------
    problem : Problem
    config : LimeConfig
    deadline : Deadline
        Looked at between parts of the rows, or between two images.

    Returns
    -------
    Explanation
        ``found`` has ``kind``, "table" or "image"; ``rows`` that were explained; ``samples``;
        ``outputs``, ``answers`` (the same in words); ``fidelity``, the weighted R squared of the
        linear models: ``mean``, ``low`` (a tenth is below it), and ``poor``, the share below
        `POOR`; None where nothing varies; and ``notes``. Of a table also ``width`` of the kernel,
        ``importance``, the mean absolute weight of each feature, and ``examples``, each with
        ``row``, ``output``, ``value``, ``prediction`` (the linear model's), ``fidelity``, and
        ``weights`` (``text``, ``feature``, ``value``), by falling size. Of images ``examples`` with
        ``row``, ``output``, ``value``, ``prediction``, ``fidelity``, ``superpixels`` and the
        pictures ``image`` and ``overlay`` as data URIs. Tables: ``lime`` (weights) and
        ``lime_fit``.
    """
    if problem.groups:
        return _of_table(problem, config, deadline)
    return _of_images(problem, config, deadline)


def _of_table(problem: Problem, config: LimeConfig, deadline: Deadline) -> Explanation:
    explained = tables.explain(problem, config, deadline)
    fit = explained.fit
    notes = _left_out(len(problem.subject), len(explained.rows), "rows")
    unseen = {
        each.axis.name
        for each, codes in zip(explained.intervals, explained.codes.T, strict=True)
        if (codes == axes.UNSEEN).any()
    }
    if unseen:
        notes.append(
            "Categories that the background does not hold are known from their own row only: "
            f"{', '.join(sorted(unseen))}."
        )
    constant = [each.axis.name for each in explained.intervals if each.axis.constant]
    if constant:
        notes.append(f"Of one value only in the background, without weight: {', '.join(constant)}.")
    fidelity = _fidelity(fit.fidelity)
    notes += _doubts(fidelity, "rows")
    sizes = np.abs(fit.weights).mean(axis=(0, 2)) if len(fit.weights) else None
    return Explanation(
        found={
            "kind": "table",
            "rows": len(explained.rows),
            "samples": config.samples,
            "width": explained.width,
            "outputs": list(problem.outputs),
            "answers": in_words(problem),
            "fidelity": fidelity,
            "importance": {}
            if sizes is None
            else {name: float(size) for name, size in zip(problem.features, sizes, strict=True)},
            "examples": [
                _example(problem, explained, int(row))
                for row in chosen.rows(problem, config.shown)
                if row < len(explained.rows)
            ],
            "notes": notes,
        },
        tables={"lime": _weights(problem, explained), "lime_fit": _fits(problem, explained)},
        attributions=Attributions(explained.rows, fit.weights),
    )


def _example(problem: Problem, explained: Explained, row: int) -> dict[str, Any]:
    fit = explained.fit
    said = problem.of_scores(problem.subject.scores[row : row + 1])[0]
    output = int(said.argmax())
    own = axes.taken(problem.subject.columns, np.array([row]))
    weights = [
        {
            "feature": each.axis.name,
            "text": each.text(int(code), own),
            "value": float(weight),
        }
        for each, code, weight in zip(
            explained.intervals,
            explained.codes[row],
            fit.weights[row, :, output],
            strict=True,
        )
    ]
    return {
        "row": int(problem.subject.row_ids[row]),
        "output": output,
        "value": float(said[output]),
        "prediction": float(fit.prediction[row, output]),
        "fidelity": _number(fit.fidelity[row, output]),
        "weights": sorted(weights, key=lambda each: -abs(each["value"])),
    }


def _weights(problem: Problem, explained: Explained) -> pa.Table:
    rows, features, outputs = explained.fit.weights.shape
    ids = problem.subject.row_ids[explained.rows]
    return pa.table(
        {
            "row": pa.array(np.repeat(ids, features * outputs), pa.int64()),
            "feature": pa.array(
                np.tile(np.repeat(np.array(problem.features, object), outputs), rows), pa.string()
            ),
            "output": pa.array(
                np.tile(np.array(problem.outputs, object), rows * features), pa.string()
            ),
            "weight": pa.array(explained.fit.weights.ravel(), pa.float64()),
        }
    )


def _fits(problem: Problem, explained: Explained) -> pa.Table:
    rows, outputs = explained.fit.fidelity.shape
    fidelity = explained.fit.fidelity.ravel()
    said = problem.of_scores(problem.subject.scores)[explained.rows]
    return pa.table(
        {
            "row": pa.array(
                np.repeat(problem.subject.row_ids[explained.rows], outputs), pa.int64()
            ),
            "output": pa.array(np.tile(np.array(problem.outputs, object), rows), pa.string()),
            "model": pa.array(said.ravel(), pa.float64()),
            "linear": pa.array(explained.fit.prediction.ravel(), pa.float64()),
            "fidelity": pa.array(fidelity, pa.float64(), mask=np.isnan(fidelity)),
        }
    )


def _of_images(problem: Problem, config: LimeConfig, deadline: Deadline) -> Explanation:
    pixels = problem.subject.images
    assert pixels is not None
    wanted = chosen.rows(problem, config.images)
    found, weights, fidelities = [], [], []
    for index, row in enumerate(wanted):
        if deadline.passed:
            break
        deadline.report(index / len(wanted), f"image {index + 1} of {len(wanted)}")
        image = np.asarray(pixels[row], np.float64)
        each = images.explain(problem, config, image)
        fidelities.append(each.fidelity)
        identity = int(problem.subject.row_ids[row])
        weights += [
            (identity, place, problem.outputs[each.output], float(weight))
            for place, weight in enumerate(each.weights)
        ]
        found.append(
            {
                "row": identity,
                "output": each.output,
                "value": each.value,
                "prediction": each.prediction,
                "fidelity": _number(each.fidelity),
                "superpixels": len(each.weights),
                "image": overlay_uri(image / WHITE, None),
                "overlay": overlay_uri(image / WHITE, each.weights[each.segments]),
            }
        )
    notes = _left_out(len(wanted), len(found), "images")
    if len(wanted) < len(problem.subject):
        notes.append(f"Of {len(problem.subject):,} images {len(wanted)} are explained.")
    fidelity = _fidelity(np.array(fidelities))
    notes += _doubts(fidelity, "images")
    return Explanation(
        found={
            "kind": "image",
            "rows": len(found),
            "samples": config.image_samples,
            "outputs": list(problem.outputs),
            "answers": in_words(problem),
            "fidelity": fidelity,
            "examples": found,
            "notes": notes,
        },
        tables={
            "lime": pa.table(
                {
                    name: pa.array([each[place] for each in weights], kind)
                    for place, (name, kind) in enumerate(
                        [
                            ("row", pa.int64()),
                            ("superpixel", pa.int64()),
                            ("output", pa.string()),
                            ("weight", pa.float64()),
                        ]
                    )
                }
            )
        },
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _fidelity(values: np.ndarray) -> dict[str, float] | None:
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    return {
        "mean": float(known.mean()),
        "low": float(np.quantile(known, 0.1)),
        "poor": float((known < POOR).mean()),
    }


def _doubts(fidelity: dict[str, float] | None, what: str) -> list[str]:
    if fidelity is None or fidelity["poor"] < NOTABLE:
        return []
    return [
        f"For {fidelity['poor']:.0%} of the {what} the linear model explains less than {POOR:.0%} "
        "of how the answers vary nearby: there it says little about the model."
    ]


def _left_out(wanted: int, done: int, what: str) -> list[str]:
    if done == wanted:
        return []
    return [f"The time was over: {done:,} of {wanted:,} {what} are explained."]


METHOD = Method(
    title="LIME",
    scope="local",
    kind="model-agnostic",
    assumes="Nearby, the model is about linear in which values a row keeps: see its fidelity.",
    source="M. Ribeiro, S. Singh and C. Guestrin, Why Should I Trust You? (2016)",
    refuse=refuse,
    explain=explain,
)
