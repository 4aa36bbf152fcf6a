"""Integrated gradients of the rows of a table, or of images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from components.deadline import Deadline
from components.errors import InputError
from components.explainer import maps
from components.explainer.integrated_gradients.columns import by_feature, untraceable
from components.explainer.integrated_gradients.config import IntegratedGradientsConfig
from components.explainer.integrated_gradients.path import LEAST_CHANGE, Integral, integrate
from components.explainer.method import Attributions, Explanation, Method
from components.explainer.network import Network, Points, refusal
from components.explainer.problem import Problem
from components.models.metric_names import REGRESSION
from components.models.transformed import IMAGE

#: Rows between two looks at the time.
PASS_ROWS = 256


def refuse(problem: Problem, config: IntegratedGradientsConfig) -> str | None:
    """Return why there are no integrated gradients, or None."""
    reason = refusal(problem)
    if reason is not None or problem.subject.images is not None:
        return reason
    names = untraceable(problem.subject.features, list(problem.subject.columns))
    if names:
        return (
            "The raw columns of the model's features cannot be told, as of those of a projection "
            f"or of an own function: {', '.join(names[:5])}."
        )
    return None


def explain(problem: Problem, config: IntegratedGradientsConfig, deadline: Deadline) -> Explanation:
    """Split predictions among features by the gradients on the way from a baseline.

    Parameters
    ----------
    problem : Problem
    config : IntegratedGradientsConfig
    deadline : Deadline
        Looked at every `PASS_ROWS` rows, and at every image.

    Returns
    -------
    Explanation
        ``baseline``, ``baselines`` (number), ``rows``, ``outputs``, ``completeness`` with
        ``tolerance``, ``mean`` and ``largest`` error, rows ``missed`` and ``steps``, least and
        most. Of tables ``importance``, the mean size over rows and outputs, and ``direction``,
        the mean over rows by output and feature. Of images ``images``; see
        `components.explainer.maps.described`.

    Raises
    ------
    InputError
        The baseline is black, and the rows are no images.
    """
    if problem.subject.images is not None:
        return _of_images(problem, config, deadline)
    return _of_rows(problem, config, deadline)


def _of_rows(
    problem: Problem, config: IntegratedGradientsConfig, deadline: Deadline
) -> Explanation:
    subject = problem.subject
    network = Network(problem)
    kind = config.baseline or "rows"
    if kind == "black":
        raise InputError(
            "Rows of a table have no black baseline.",
            setting="explainer.integrated_gradients.baseline",
            expected="rows, mean",
            got=kind,
        )
    baselines = _baselines(problem, network, kind, config.baselines)
    scale = _scale(problem, network)
    weights = np.eye(len(problem.outputs))
    parts: list[Integral] = []
    rows = 0
    for start in range(0, len(subject), PASS_ROWS):
        if deadline.passed:
            break
        deadline.report(start / len(subject), f"row {start:,}")
        part = subject.take(np.arange(start, min(start + PASS_ROWS, len(subject))))
        shape = (len(part), len(scale))
        parts.append(
            integrate(
                network,
                network.points(part),
                baselines,
                np.broadcast_to(weights, (len(part), *weights.shape)),
                np.broadcast_to(scale, shape),
                steps=config.steps,
                most_steps=config.most_steps,
                tolerance=config.tolerance,
            )
        )
        rows += len(part)
    found = _found(problem, config, kind, len(next(iter(baselines.values()))), parts)
    if rows < len(subject):
        found["notes"].append(
            f"The time was over after {rows:,} of {len(subject):,} rows; the rest is not explained."
        )
    grouped = {column for group in problem.groups.values() for column in group}
    alone = [name for name in subject.columns if name not in grouped]
    if alone:
        found["notes"].append(
            f"What falls to columns of no feature is left out: {', '.join(alone)}."
        )
    if not parts:
        return Explanation({**found, "importance": {}, "direction": {}})
    values = np.concatenate(
        [by_feature(part.attributions, subject.features, problem.groups) for part in parts]
    )
    found["importance"] = dict(
        zip(problem.features, np.abs(values).mean(axis=(0, 2)).tolist(), strict=True)
    )
    found["direction"] = {
        output: dict(zip(problem.features, values[:, :, place].mean(axis=0).tolist(), strict=True))
        for place, output in enumerate(problem.outputs)
    }
    return Explanation(
        found,
        {"integrated_gradients": _table(problem, values)},
        Attributions(np.arange(rows), values),
    )


def _table(problem: Problem, values: np.ndarray) -> pa.Table:
    """Return all values [rows, features, outputs], a line for each row and output."""
    rows, _, outputs = values.shape
    columns: dict[str, Any] = {
        "row": np.repeat(problem.subject.row_ids[:rows], outputs),
        "output": pa.array(list(problem.outputs) * rows, pa.string()),
    }
    for place, name in enumerate(problem.features):
        columns[f"value:{name}"] = values[:, place].ravel()
    return pa.table(columns)


def _of_images(
    problem: Problem, config: IntegratedGradientsConfig, deadline: Deadline
) -> Explanation:
    network = Network(problem)
    kind = config.baseline or "black"
    baselines = _baselines(problem, network, kind, config.baselines)
    images = maps.chosen(problem, config.images)
    scale = _scale(problem, network)
    parts: list[Integral] = []

    def draw(pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        part = integrate(
            network,
            {IMAGE: pixels[None]},
            baselines,
            weights[None, None],
            np.abs(weights[None, None]) @ scale,
            steps=config.steps,
            most_steps=config.most_steps,
            tolerance=config.tolerance,
        )
        parts.append(part)
        total: np.ndarray = part.attributions[IMAGE][0, 0].sum(axis=-1)
        return total

    done, values, notes = maps.drawn(images, deadline, draw)
    found = _found(problem, config, kind, len(baselines[IMAGE]), parts)
    found["notes"] += notes
    found["images"] = maps.described(done, values)
    return Explanation(found, {f"integrated_gradients{maps.MAPS}": maps.table(done, values)})


def _baselines(problem: Problem, network: Network, kind: str, rows: int) -> Points:
    background = problem.background
    if kind == "rows":
        return network.points(background.sample(rows))
    points = network.points(background)
    if kind == "black":
        return {name: np.zeros_like(values[:1]) for name, values in points.items()}
    return {name: values.mean(axis=0, keepdims=True) for name, values in points.items()}


def _scale(problem: Problem, network: Network) -> np.ndarray:
    deviation: np.ndarray = network.values(network.points(problem.background)).std(axis=0)
    return deviation


def _found(
    problem: Problem,
    config: IntegratedGradientsConfig,
    baseline: str,
    baselines: int,
    parts: list[Integral],
) -> dict[str, Any]:
    errors = np.concatenate([np.zeros(0), *(part.errors.max(axis=1) for part in parts)])
    steps = np.concatenate([np.zeros(0, int), *(part.steps for part in parts)])
    missed = int((errors > config.tolerance).sum())
    notes = []
    if missed:
        notes.append(
            f"Of {missed:,} rows the attributions miss the change of the value by more than "
            f"{config.tolerance:.0%}, at {config.most_steps:,} steps: set "
            "explainer.integrated_gradients.most_steps higher."
        )
    return {
        "kind": "table" if problem.subject.images is None else "images",
        "baseline": baseline,
        "baselines": baselines,
        "rows": len(errors),
        "outputs": list(problem.outputs),
        "classified": problem.subject.task != REGRESSION,
        "link": problem.link,
        "completeness": {
            "tolerance": config.tolerance,
            "mean": float(errors.mean()) if len(errors) else None,
            "largest": float(errors.max()) if len(errors) else None,
            "missed": missed,
            "least_change": LEAST_CHANGE,
            "steps": [int(steps.min()), int(steps.max())] if len(steps) else None,
        },
        "notes": notes,
    }


METHOD = Method(
    title="Integrated gradients",
    scope="both",
    kind="model-specific",
    assumes=(
        "The model is differentiable, and what lies on the straight way from the baseline to a row "
        "tells of the model, even where no row lies."
    ),
    source=(
        "M. Sundararajan, A. Taly and Q. Yan: Axiomatic Attribution for Deep Networks. ICML 2017; "
        "over several baselines, G. Erion et al.: Improving performance of deep learning models "
        "with axiomatic attribution priors and expected gradients. Nature Machine Intelligence 2021"
    ),
    refuse=refuse,
    explain=explain,
)
