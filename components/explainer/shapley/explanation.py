"""Shapley values of a served model's predictions, by its raw columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.deadline import Deadline
from components.explainer.method import Attributions, Explanation, Method
from components.explainer.problem import Problem
from components.explainer.shapley import described, exact, rounds
from components.explainer.shapley.config import ShapleyConfig
from components.explainer.shapley.game import Game, all_coalitions
from components.models.subject import Columns

#: Mixed rows between two looks at the time.
CHUNK_ROWS = 1 << 17
#: Name of the features that are taken together where interactions are measured.
OTHERS = "all other features"

#: Of classifiers, by `Problem.link`.
_SCALES = {"probability": "probability", "log_odds": "log-odds"}


def refuse(problem: Problem, _config: ShapleyConfig) -> str | None:
    """Return why there are no Shapley values."""
    if not problem.groups:
        return "Shapley values are of columns; pixels are attributed by gradients."
    return None


def explain(problem: Problem, config: ShapleyConfig, deadline: Deadline) -> Explanation:
    """Compute Shapley values of rows, and what they say of the model."""
    notes: list[str] = []
    background = problem.background.sample(config.background).columns
    game = Game(
        problem.values,
        problem.subject.columns,
        background,
        list(problem.groups.values()),
        problem.seed,
        CHUNK_ROWS,
    )
    rows = game.drawn(config.rows)
    if len(rows) < len(game):
        notes.append(f"{len(rows):,} of {len(game):,} rows are explained.")
    name, budget = rounds.plan(game.players, config, notes)
    estimate = rounds.estimated(game, rows, name, budget, problem.seed, config, deadline, notes)
    rows = rows[: len(estimate.values)]
    importance = np.abs(estimate.values).mean(axis=(0, 2))
    found: dict[str, Any] = {
        "method": name,
        "outputs": list(problem.outputs),
        "scale": _SCALES[problem.link] if problem.subject.classes else "value",
        "rows": len(rows),
        "background": len(next(iter(background.values()))),
        "coalitions": estimate.coalitions,
        "asked": game.asked,
        "predicted": game.predicted,
        "relative_error": estimate.relative_error,
        "efficiency_gap": estimate.gap,
        "importance": dict(zip(problem.features, importance.tolist(), strict=True)),
        "features": described.features(problem, estimate),
        "points": described.points(problem, rows, estimate),
        "shown": described.shown(problem, rows, estimate, config.shown_rows),
        "interactions": _interactions(
            problem,
            background,
            np.intersect1d(rows, game.drawn(config.interaction_rows)),
            importance,
            config,
            deadline,
            notes,
        ),
        "notes": notes,
    }
    return Explanation(
        found,
        {
            "shapley": described.table(
                problem.features, problem.outputs, problem.subject.row_ids[rows], estimate
            )
        },
        Attributions(rows, estimate.values),
    )


def _interactions(
    problem: Problem,
    background: Columns,
    rows: np.ndarray,
    importance: np.ndarray,
    config: ShapleyConfig,
    deadline: Deadline,
    notes: list[str],
) -> list[dict[str, Any]]:
    """Return how much pairs of the most important features count, the strongest first."""
    count = min(config.interactions, len(problem.features))
    if count < 2:
        return []
    if deadline.passed or not len(rows):
        notes.append("No time was left for interactions.")
        return []
    deadline.report(0.95, "interactions")
    top = np.argsort(-importance, kind="stable")[:count]
    names = [problem.features[place] for place in sorted(top)]
    players = [problem.groups[name] for name in names]
    others = [name for name in problem.features if name not in names]
    if others:
        players.append(tuple(column for name in others for column in problem.groups[name]))
        names.append(OTHERS)
    game = Game(
        problem.values, problem.subject.columns, background, players, problem.seed, CHUNK_ROWS
    )
    won = game.values(all_coalitions(len(players)), rows, lambda: deadline.passed)
    if len(won) < len(rows):
        notes.append(f"Interactions are those of {len(won):,} rows: the time was over.")
    found = exact.interactions(won, len(players))
    strength = np.abs(found).mean(axis=(0, 3))
    pairs = [
        {
            "features": [names[i], names[j]],
            "strength": float(2 * strength[i, j]),
            "mean": [float(value) for value in 2 * found[:, i, j].mean(axis=0)],
        }
        for i in range(len(names))
        for j in range(i)
    ]
    return sorted(pairs, key=lambda pair: (-pair["strength"], pair["features"]))


METHOD = Method(
    title="Shapley values",
    scope="both",
    kind="model-agnostic",
    assumes="Features may be changed one without the other: absent ones take the values of "
    "background rows, even where such a mixture never occurs.",
    source="Lundberg and Lee (2017), A unified approach to interpreting model predictions",
    refuse=refuse,
    explain=explain,
)
