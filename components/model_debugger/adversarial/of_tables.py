"""An attack on the raw columns of a served model, by its scores alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.attacks import tabular
from components.attacks.constraints import Columns, Rules, is_text, missing, spread, violations
from components.attacks.space import Space, Variable
from components.deadline import Deadline
from components.model_debugger.adversarial.config import TableAttacksConfig
from components.models.subject import Subject

METHOD = (
    "Greedy coordinate search with random restarts by the scores of the served model alone: a "
    "black box, so that it needs no gradient and trees are attacked like networks."
)


def describe(subject: Subject, config: TableAttacksConfig, deadline: Deadline) -> dict[str, Any]:
    """Return what the attack on raw columns found.

    Returns
    -------
    dict
        ``method``; ``task``; ``rows`` and ``accuracy``: of these as they are (1 for a
        regression, where success is a move by more than ``change``, else None); ``eps`` and
        ``robust``: share of rows that stay right, by budget and number of columns; ``success``:
        the share of the attacked rows turned at the largest; ``median_columns``,
        ``median_distance``: of the least changes found, over the attacked rows, None where
        half of them withstand; ``columns``: what each column is, and how often and how far it
        was changed; ``fixed``; ``examples``; ``queries``; ``violations``; ``notes``.
    """
    assert subject.predict is not None
    sample = subject.sample(config.rows)
    rules = Rules(
        frozenset(config.immutable),
        config.one_hot,
        {name: 1 if way == "up" else -1 for name, way in config.directions.items()},
    )
    regression = subject.task == "regression"
    change = config.regression_change * spread(subject.labels.astype(np.float64))
    goal: tabular.Goal = (
        tabular.Moved(sample.scores[:, 0], change)
        if regression
        else tabular.WrongClass(np.asarray(sample.labels, np.int64))
    )
    budgets = len(config.eps)
    asked = 0

    def ended() -> bool:
        nonlocal asked
        deadline.report(asked / (budgets * (1 + config.restarts)), "changing raw columns")
        asked += 1
        return deadline.passed

    found = tabular.attack(
        subject.predict,
        sample.columns,
        goal,
        observed=subject.columns,
        rules=rules,
        eps=config.eps,
        max_columns=config.max_columns,
        choices=config.choices,
        restarts=config.restarts,
        seed=subject.seed,
        ended=ended,
    )
    notes = []
    if len(found.eps) < budgets:
        left = ", ".join(f"{eps:g}" for eps in sorted(config.eps)[len(found.eps) :])
        notes.append(f"The time was over: the budgets {left} were left out.")
    space = Space.of(subject.columns, rules, config.choices)
    if not space.variables:
        notes.append("No column can change: nothing was attacked.")
    cut = [v.name for v in space.variables if v.values is not None and v.choices < len(v.values)]
    if cut:
        notes.append(
            f"Of {', '.join(cut)} only the {config.choices} most frequent values were tried."
        )
    attacked, turned = found.right, found.found
    return {
        "method": METHOD,
        "task": subject.task,
        "rows": len(sample),
        "accuracy": float(attacked.mean()),
        "change": float(change) if regression else None,
        "eps": list(found.eps),
        "max_columns": config.max_columns,
        "robust": (attacked & ~found.turned).mean(axis=2).tolist(),
        "success": float(turned.sum() / attacked.sum()) if attacked.any() else None,
        "median_columns": _median(np.where(turned, found.changed, np.inf)[attacked]),
        "median_distance": _median(found.distances[attacked]),
        "columns": [_column(v, sample.columns, found.columns, turned) for v in space.variables],
        "fixed": list(space.fixed),
        "examples": [
            _example(row, sample, found) for row in _various(found, sample.columns, config.examples)
        ],
        "queries": found.queries,
        "violations": violations(
            sample.columns,
            found.columns,
            subject.columns,
            rules,
            eps=max(found.eps, default=0.0),
            max_columns=config.max_columns,
        ),
        "notes": notes,
    }


def _median(values: np.ndarray) -> float | None:
    middle = float(np.median(values)) if len(values) else np.inf
    return middle if np.isfinite(middle) else None


def _column(
    variable: Variable, before: Columns, after: Columns, turned: np.ndarray
) -> dict[str, Any]:
    names = variable.columns
    differs = np.any([_differs(before[name], after[name]) for name in names], axis=0) & turned
    moved = np.abs(after[names[0]] - before[names[0]])[differs] if variable.numeric else np.empty(0)
    return {
        "name": variable.name,
        "kind": variable.kind,
        "spread": variable.spread if variable.numeric else None,
        "low": variable.low if variable.numeric else None,
        "high": variable.high if variable.numeric else None,
        "changed": float(differs.sum() / turned.sum()) if turned.any() else None,
        "median_change": _median(moved),
    }


def _differs(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.asarray((before != after) & ~missing(before))


def _various(found: tabular.Found, before: Columns, most: int) -> list[int]:
    """Return rows that were turned: of each set of changed columns one, then another.

    The most frequent set comes first, and of each set the row with the middle distance.
    """
    rows = np.flatnonzero(found.found)
    sets: dict[tuple[str, ...], list[int]] = {}
    changed = {name: _differs(values, found.columns[name]) for name, values in before.items()}
    for row in rows[np.argsort(found.distances[rows], kind="stable")]:
        key = tuple(name for name in before if changed[name][row])
        sets.setdefault(key, []).append(int(row))
    queues = sorted(sets.values(), key=len, reverse=True)
    chosen: list[int] = []
    while queues and len(chosen) < most:
        chosen += [queue.pop(len(queue) // 2) for queue in queues[: most - len(chosen)]]
        queues = [queue for queue in queues if queue]
    return chosen


def _example(row: int, sample: Subject, found: tabular.Found) -> dict[str, Any]:
    changes = [
        {
            "column": name,
            "before": _value(values, row),
            "after": _value(found.columns[name], row),
        }
        for name, values in sample.columns.items()
        if _differs(values[row : row + 1], found.columns[name][row : row + 1])[0]
    ]
    before, after = sample.scores[row], found.scores[row]
    if sample.task == "regression":
        answers = {"before": float(before[0]), "after": float(after[0])}
        return {"row": int(sample.row_ids[row]), "changes": changes, **answers}
    label = int(sample.labels[row])
    return {
        "row": int(sample.row_ids[row]),
        "changes": changes,
        "before": sample.classes[label],
        "after": sample.classes[int(after.argmax())],
        "score_before": float(before[label]),
        "score_after": float(after[label]),
    }


def _value(values: np.ndarray, row: int) -> str | float:
    return str(values[row]) if is_text(values) else float(values[row])
