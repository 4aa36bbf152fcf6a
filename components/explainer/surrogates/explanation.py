"""Readable models that are fitted to what the model says, with how well they stand for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from components.deadline import Deadline
from components.explainer import axes
from components.explainer.decisions import Decisions, in_words
from components.explainer.method import Explanation, Method
from components.explainer.problem import Problem
from components.explainer.surrogates import conditions, rulefit, tree
from components.explainer.surrogates.conditions import Column
from components.explainer.surrogates.config import SurrogatesConfig
from components.models.metric_names import REGRESSION

#: Rows from which some are held out.
LEAST_ROWS = 10
TITLES = {"tree": "decision tree", "rulefit": "RuleFit"}


def refuse(problem: Problem, config: SurrogatesConfig) -> str | None:
    """Return why there are no surrogates, or None."""
    if not problem.groups:
        return "Conditions on single pixels tell nothing."
    return None


def explain(problem: Problem, config: SurrogatesConfig, deadline: Deadline) -> Explanation:
    """Return surrogates fitted to the model's answers for rows of the background.

    Parameters
    ----------
    problem : Problem
        Of a table.
    config : SurrogatesConfig
    deadline : Deadline
        Looked at before each surrogate.

    Returns
    -------
    Explanation
        ``found`` has ``outputs``, ``answers`` (the same in words), ``rows``, ``held_out`` (how
        many), ``wanted`` (the fidelity asked for), ``importance`` (each feature's share in the
        tree), and ``notes``; ``tree``,
        or None, with ``fidelity``: ``r2`` by output and ``agreement``, the share of held-out
        rows that it decides alike (None for a regression); ``nodes``: see `.tree.nodes`; and
        ``output``, the place of that which varies most; ``rulefit``, or None, with ``output``,
        the one that it stands for, ``fidelity`` and ``terms``: see
        `.rulefit.terms`. ``r2`` is None where the answers do not vary. A table ``surrogates``
        of answers, by held-out row.
    """
    usual = problem.background.columns
    rows = axes.sample(usual, config.rows, problem.seed)
    answers = problem.of_scores(problem.background.scores)[rows]
    columns = axes.taken(usual, rows)
    notes: list[str] = []
    seen = conditions.columns_of(axes.of(problem).values(), config.categories)
    constant = [name for name, axis in axes.of(problem).items() if axis.constant]
    if constant:
        notes.append(
            f"Of one value only in the background, and not asked for: {', '.join(constant)}."
        )
    found: dict[str, Any] = {
        "outputs": list(problem.outputs),
        "answers": in_words(problem),
        "rows": len(rows),
        "held_out": 0,
        "wanted": config.fidelity,
        "importance": {},
        "tree": None,
        "rulefit": None,
        "notes": notes,
    }
    told: dict[str, np.ndarray] = {}
    held = np.zeros(len(rows), bool)
    if len(rows) < LEAST_ROWS:
        notes.append(
            f"There are no surrogates: they need {LEAST_ROWS} rows, and there are {len(rows)}."
        )
    elif not seen:
        notes.append("There are no surrogates: no feature varies.")
    else:
        held = _held_out(len(rows), config.held_out, problem.seed)
        found["held_out"] = int(held.sum())
        matrix = conditions.matrix(seen, columns)
        for index, name in enumerate(config.models):
            if deadline.passed:
                notes.append(f"The time was over: there is no {TITLES[name]}.")
                continue
            deadline.report(index / len(config.models), TITLES[name])
            make = _tree if name == "tree" else _rulefit
            found[name], told[name] = make(problem, config, seen, matrix, answers, held, found)
    notes += _doubts(found, config)
    return Explanation(
        found=found,
        tables={"surrogates": _table(problem, rows[held], answers[held], told)},
    )


def _held_out(rows: int, share: float, seed: int) -> np.ndarray:
    held = np.zeros(rows, bool)
    count = min(rows - 1, max(1, round(share * rows)))
    held[np.random.default_rng(seed).choice(rows, count, replace=False)] = True
    return held


def _tree(
    problem: Problem,
    config: SurrogatesConfig,
    seen: list[Column],
    matrix: np.ndarray,
    answers: np.ndarray,
    held: np.ndarray,
    found: dict[str, Any],
) -> tuple[dict[str, Any], np.ndarray]:
    fitted = tree.fit(matrix[~held], answers[~held], config.leaves, config.leaf_share, problem.seed)
    said = fitted.predict(matrix[held]).reshape(int(held.sum()), -1)
    found["importance"] = dict.fromkeys(problem.features, 0.0) | tree.importance(fitted, seen)
    return {
        "fidelity": _fidelity(problem, said, answers[held]),
        "output": _widest(answers),
        "nodes": tree.nodes(fitted, seen),
    }, said


def _rulefit(
    problem: Problem,
    config: SurrogatesConfig,
    seen: list[Column],
    matrix: np.ndarray,
    answers: np.ndarray,
    held: np.ndarray,
    found: dict[str, Any],
) -> tuple[dict[str, Any] | None, np.ndarray]:
    output = _widest(answers)
    own = answers[:, [output]]
    fitted = rulefit.fit(matrix[~held], own[~held, 0], config.max_rules, problem.seed)
    if fitted is None:
        found["notes"].append("There is no RuleFit: answers or columns do not vary.")
        return None, np.empty((0, 1))
    said = fitted.predict(matrix[held])[:, None]
    if len(problem.outputs) > 1:
        found["notes"].append(
            f"RuleFit stands for {problem.outputs[output]}, the answer that varies most."
        )
    whole = len(problem.outputs) == 1
    return {
        "output": output,
        "fidelity": _fidelity(problem, said, own[held])
        if whole
        else {"r2": _r2(said, own[held]), "agreement": None},
        "terms": rulefit.terms(fitted, seen, matrix[~held]),
    }, said


def _widest(answers: np.ndarray) -> int:
    spreads = answers.std(axis=0)
    # Of equal spreads the first output counts, but rounding shall not decide.
    return int(np.argmax(spreads >= spreads.max() * (1 - 1e-9)))


def _fidelity(problem: Problem, said: np.ndarray, answers: np.ndarray) -> dict[str, Any]:
    agreement = None
    if problem.subject.task != REGRESSION:
        decisions = Decisions(problem, None)
        agreement = float((decisions.classes(said) == decisions.classes(answers)).mean())
    return {"r2": _r2(said, answers), "agreement": agreement}


def _r2(said: np.ndarray, answers: np.ndarray) -> list[float | None]:
    """Return the share of the variance of the model's answers that is met, by output."""
    left = ((said - answers) ** 2).sum(axis=0)
    total = ((answers - answers.mean(axis=0)) ** 2).sum(axis=0)
    least = 1e-18 * np.maximum(1.0, (answers**2).sum(axis=0))
    return [
        float(1 - each / whole) if whole > bound else None
        for each, whole, bound in zip(left, total, least, strict=True)
    ]


def _doubts(found: dict[str, Any], config: SurrogatesConfig) -> list[str]:
    notes = []
    for name in config.models:
        each = found[name]
        if each is None:
            continue
        known = [value for value in each["fidelity"]["r2"] if value is not None]
        if known and min(known) < config.fidelity:
            notes.append(
                f"The {TITLES[name]} meets {max(min(known), 0.0):.0%} of how the answers vary "
                f"(R²), less than {config.fidelity:.0%}: it does not stand for the model."
            )
    return notes


def _table(
    problem: Problem, rows: np.ndarray, answers: np.ndarray, told: dict[str, np.ndarray]
) -> pa.Table:
    """Return the model's answers and those of surrogates, by held-out row and output."""
    count, outputs = answers.shape
    columns = {
        "background_row": pa.array(
            np.repeat(problem.background.row_ids[rows], outputs), pa.int64()
        ),
        "output": pa.array(np.tile(np.array(problem.outputs, object), count), pa.string()),
        "model": pa.array(answers.ravel(), pa.float64()),
    }
    for name, said in told.items():
        if said.shape[1] == outputs and len(said) == count:
            columns[name] = pa.array(said.ravel(), pa.float64())
    return pa.table(columns)


METHOD = Method(
    title="Surrogates",
    scope="global",
    kind="model-agnostic",
    assumes="The surrogate stands for the model as far as its fidelity goes, and no further.",
    source=(
        "M. Craven and J. Shavlik, Extracting Tree-Structured Representations (1996); J. Friedman "
        "and B. Popescu, Predictive Learning via Rule Ensembles (2008)"
    ),
    refuse=refuse,
    explain=explain,
)
