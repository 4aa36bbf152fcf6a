"""One model, explained by every method that the settings name and the model allows."""

from __future__ import annotations

import time
from typing import Any

import pyarrow as pa

from components.deadline import Deadline
from components.errors import InputError
from components.explainer.config import ExplainerConfig
from components.explainer.method import Explanation, Method
from components.explainer.methods import METHODS
from components.explainer.problem import Problem
from components.explainer.quality import section as quality
from components.explainer.quality.section import Again
from components.models.subject import Subject
from components.naming import nearest

#: Methods that take this long at most are quick enough to explain changed rows anew.
QUICK_SECONDS = 2.0
QUALITY = "quality"


def problem_of(subject: Subject, background: Subject, config: ExplainerConfig) -> Problem:
    """Return what is explained.

    Raises
    ------
    InputError
        A feature has a column that the model does not take, or the model no function that can
        be asked.
    """
    if subject.images is not None and subject.model is None:
        raise InputError(
            f"The candidate {config.candidate!r} of images is no Keras model.",
            setting="explainer.candidate",
            expected="a Keras model, such as trained or distilled",
            got=config.candidate,
        )
    groups = dict(config.groups)
    for name, columns in groups.items():
        for column in columns:
            if column not in subject.columns:
                raise InputError(
                    f"The model takes no column {column!r}{nearest(column, subject.columns)}.",
                    column=column,
                    setting=f"explainer.groups.{name}",
                    expected=", ".join(subject.columns),
                )
    grouped = {column for columns in groups.values() for column in columns}
    alone = {column: (column,) for column in subject.columns if column not in grouped}
    return Problem(subject, background, alone | groups, config.link, config.seed)


def explain(
    problem: Problem, config: ExplainerConfig
) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """Explain a model by all methods of the settings.

    Returns
    -------
    described : dict
        JSON: ``rows``, ``background``, ``label``, ``features``, ``outputs``, ``link``; ``methods``,
        by name what each found, how long it took (``seconds``) and what it is (``title``,
        ``scope``, ``kind``, ``assumes``, ``source``); ``refused``, by name why one cannot be had;
        ``quality``, or None.
    tables : dict of str to pyarrow.Table
        By a relative path without extension.
    """
    names = [name for name in METHODS if getattr(config, name) is not None]
    parts = len(names) + 1
    explanations: dict[str, Explanation] = {}
    told: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for index, name in enumerate(names):
        method, settings = METHODS[name], getattr(config, name)
        reason = method.refuse(problem, settings)
        if reason is not None:
            refused[name] = reason
            continue
        deadline = Deadline(
            config.seconds, start=index / parts, share=1 / parts, title=method.title
        )
        deadline.report(0.0, "begins")
        started = time.monotonic()
        explanations[name] = method.explain(problem, settings, deadline)
        told[name] = {
            "title": method.title,
            "scope": method.scope,
            "kind": method.kind,
            "assumes": method.assumes,
            "source": method.source,
            "seconds": time.monotonic() - started,
            "found": explanations[name].found,
        }
    tables = {
        f"{name}/{title}": table
        for name, each in explanations.items()
        for title, table in each.tables.items()
    }
    return {
        "rows": len(problem.subject),
        "background": len(problem.background),
        "label": problem.subject.label,
        "features": list(problem.features),
        "outputs": list(problem.outputs),
        "link": problem.link,
        "methods": told,
        "refused": refused,
        QUALITY: _quality(problem, config, explanations, told, (parts - 1) / parts),
    }, tables


def _quality(
    problem: Problem,
    config: ExplainerConfig,
    explanations: dict[str, Explanation],
    told: dict[str, Any],
    start: float,
) -> dict[str, Any] | None:
    if config.quality is None or not explanations:
        return None
    again = {
        name: _again(METHODS[name], getattr(config, name))
        for name, each in explanations.items()
        if each.attributions is not None and told[name]["seconds"] <= QUICK_SECONDS
    }
    deadline = Deadline(config.seconds, start=start, share=1 - start, title=QUALITY)
    return quality.describe(problem, explanations, config.quality, deadline, again)


def _again(method: Method, settings: Any) -> Again:
    return lambda problem, deadline: method.explain(problem, settings, deadline)
