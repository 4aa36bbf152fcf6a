"""Permutation importance of a served model's raw columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from components.deadline import Deadline
from components.errors import InputError
from components.explainer.method import Explanation, Method
from components.explainer.permutation_importance.config import PermutationImportanceConfig
from components.explainer.permutation_importance.strata import permuted, strata
from components.explainer.permutation_importance.trial import Trial, in_order
from components.explainer.problem import Problem
from components.models.judge import METRICS
from components.models.metric_names import RANKINGS
from components.models.subject import Subject

#: Rows that are predicted at once.
CHUNK_ROWS = 1 << 16
#: Share of repeats that an interval holds, were they repeated forever.
INTERVAL = 0.95
#: The ways of permuting.
MARGINAL, CONDITIONAL = "marginal", "conditional"


def refuse(problem: Problem, _config: PermutationImportanceConfig) -> str | None:
    """Return why nothing can be permuted."""
    if not problem.groups:
        return "It permutes columns, and images have none."
    if len(problem.subject) < 2:
        return "There is only one row, and nothing to permute it with."
    return None


def explain(
    problem: Problem, config: PermutationImportanceConfig, deadline: Deadline
) -> Explanation:
    """Permute each feature, and measure how much worse the predictions are."""
    notes: list[str] = []
    subject = in_order(problem, config.rows)
    if len(subject) < len(problem.subject):
        notes.append(f"{len(subject):,} of {len(problem.subject):,} rows are permuted.")
    trial = Trial(problem, subject, _metric(subject, config, notes))
    ways = (MARGINAL, CONDITIONAL) if config.conditional else (MARGINAL,)
    losses = {way: _losses(trial, way, config, deadline, notes) for way in ways}
    described = {way: _described(problem, losses[way]) for way in ways}
    found: dict[str, Any] = {
        "metric": trial.metric,
        "quality": trial.quality,
        "rows": len(subject),
        "repeats": config.repeats,
        "importance": {each["name"]: each["importance"] for each in described[MARGINAL]},
        "features": described[MARGINAL],
        "conditional": described.get(CONDITIONAL),
        "notes": notes,
    }
    return Explanation(found, {"permutation_importance": _table(problem, losses)})


def _metric(subject: Subject, config: PermutationImportanceConfig, notes: list[str]) -> str:
    """Return the metric that is measured."""
    known = METRICS[subject.task]
    name = config.metric or known[0]
    if name not in known:
        raise InputError(
            f"{name} is not measured where a feature is permuted.",
            setting="explainer.permutation_importance.metric",
            expected=" or ".join(known),
            got=name,
        )
    if name in RANKINGS and len(np.unique(subject.labels)) < 2:
        other = next(each for each in known if each not in RANKINGS)
        notes.append(f"All rows are of one class: {other} is measured, as {name} says nothing.")
        return other
    return name


def _losses(
    trial: Trial,
    way: str,
    config: PermutationImportanceConfig,
    deadline: Deadline,
    notes: list[str],
) -> dict[str, list[float]]:
    """Return the losses of each feature in the repeats that there was time for."""
    problem, subject = trial.problem, trial.subject
    features = list(problem.features)
    losses: dict[str, list[float]] = {name: [] for name in features}
    among = {name: np.zeros(len(subject), np.int64) for name in features}
    step = max(1, CHUNK_ROWS // len(subject))
    for repeat in range(config.repeats):
        deadline.report(repeat / config.repeats, f"{way} permutation {repeat + 1}")
        for start in range(0, len(features), step):
            # The first goes through, so that there is something.
            if deadline.passed and (repeat or start or way == CONDITIONAL):
                _say(losses, way, config, notes)
                return losses
            chosen = features[start : start + step]
            if way == CONDITIONAL and not repeat:
                for name in chosen:
                    among[name] = strata(
                        subject.columns, problem.groups[name], config.stratum_rows, problem.seed
                    )
            # Each feature has numbers of its own, whichever others there are.
            places = [
                permuted(among[name], np.random.default_rng([problem.seed, repeat, start + k]))
                for k, name in enumerate(chosen)
            ]
            for name, loss in zip(chosen, trial.losses(chosen, places), strict=True):
                losses[name].append(loss)
    return losses


def _say(
    losses: dict[str, list[float]],
    way: str,
    config: PermutationImportanceConfig,
    notes: list[str],
) -> None:
    if not any(losses.values()):
        notes.append(f"There was no time at all for {way} permutations.")
        return
    least = min(map(len, losses.values()))
    notes.append(
        f"The time was over: features have {least} of {config.repeats} {way} permutations, and "
        "wider intervals."
    )
    missing = [name for name, found in losses.items() if not found]
    if missing:
        notes.append(f"There was no time at all for {', '.join(missing)}.")


def _described(problem: Problem, losses: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Return how much each feature counts, the most important first."""
    described = []
    for name, found in losses.items():
        if not found:
            continue
        mean, half = float(np.mean(found)), None
        if len(found) > 1:
            quantile = stats.t.ppf((1 + INTERVAL) / 2, len(found) - 1)
            half = float(quantile * np.std(found, ddof=1) / math.sqrt(len(found)))
        described.append(
            {
                "name": name,
                "columns": list(problem.groups[name]),
                "importance": mean,
                "low": None if half is None else mean - half,
                "high": None if half is None else mean + half,
                "repeats": len(found),
            }
        )
    return sorted(described, key=lambda each: (-each["importance"], each["name"]))


def _table(problem: Problem, losses: dict[str, dict[str, list[float]]]) -> pa.Table:
    """Return the loss of each repeat."""
    rows = [
        {"feature": name, "way": way, "repeat": repeat, "loss": loss}
        for way, found in losses.items()
        for name in problem.features
        for repeat, loss in enumerate(found[name])
    ]
    schema = pa.schema(
        [
            ("feature", pa.string()),
            ("way", pa.string()),
            ("repeat", pa.int64()),
            ("loss", pa.float64()),
        ]
    )
    return pa.Table.from_pylist(rows, schema)


METHOD = Method(
    title="Permutation importance",
    scope="global",
    kind="model-agnostic",
    assumes="Labels are known. Permuted features may lie where there is no data: features that "
    "tell the same share their importance, or seem to have more than they add; the conditional "
    "way stays among rows that are alike.",
    source="Breiman (2001), Random forests; Fisher, Rudin and Dominici (2019), All models are "
    "wrong, but many are useful",
    refuse=refuse,
    explain=explain,
)
