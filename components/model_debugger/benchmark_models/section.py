"""The section of the ModelDebugger that trains simple models beside the model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import tf_keras

from components.deadline import Deadline
from components.model_debugger.benchmark_models import fitting
from components.model_debugger.benchmark_models.config import BenchmarkModelsConfig, title
from components.model_debugger.benchmark_models.problem import Arrays, Skipped
from components.models import measuring
from components.models.judge import Judge
from components.models.metric_names import BINARY, RANKINGS
from components.models.transformed import LABEL, Features

#: Why a model is left out for which there is no time.
NO_TIME = "The time of the section, debugger.seconds, was over."


def describe(
    train: Arrays,
    validation: Arrays,
    features: Features,
    config: BenchmarkModelsConfig,
    seed: int,
    deadline: Deadline,
    save: Callable[[str, tf_keras.Model], None],
    model: tf_keras.Model | None = None,
    vocabularies: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Train the benchmark models, from the cheapest on, and hold the model against them.

    Parameters
    ----------
    train, validation : mapping
        Arrays as `components.models.transformed.load_arrays` returns them.
    features : Features
    config : BenchmarkModelsConfig
    seed : int
    deadline : Deadline
        Looked at between two models, and between the rounds of those that are trained in rounds.
    save : callable
        Takes the name and the model of each.
    model : tf_keras.Model, optional
        The model that is looked into, from transformed features to logits or values.
    vocabularies : mapping, optional
        Values of categorical columns; see `components.models.vocabularies`.

    Returns
    -------
    dict
        ``metric``, ``better`` ("higher" or "lower"), ``rows`` and ``validation_rows``.

        ``models``, each with ``name``, ``learned`` (sentences), ``rows`` that it was given,
        ``seconds`` to fit, ``parameters``, ``bytes`` in memory, ``row_us`` (microseconds to
        predict a row, in batches), ``metrics`` on the validation rows, and ``lead``: by how much
        the metric of `model` is above its own, ``value`` and ``interval`` (95 %, by a bootstrap
        of the rows), or None.

        ``model``: ``parameters``, ``bytes``, ``row_us`` and ``metrics`` of `model`, or None.

        ``verdict``: None, or ``outcome`` ("better", "equal" or "worse": whether the interval
        of the lead over the best benchmark model is on one side of 0), ``best``, its name,
        and ``enough``, that of the smallest one over which the model has no certain lead, or
        None.

        ``skipped``, the reason by name; and ``notes``, what was left out, for people. What is
        not a number is None.

    Raises
    ------
    InputError
        See `components.model_debugger.benchmark_models.fitting.problem_of`.
    """
    problem = fitting.problem_of(
        train, validation, features, config, seed, lambda: deadline.passed, vocabularies
    )
    judge = Judge(features.task, validation[LABEL], seed)
    described: dict[str, Any] = {
        "metric": judge.metric,
        "better": "higher" if judge.higher_is_better else "lower",
        "rows": len(train[LABEL]),
        "validation_rows": len(validation[LABEL]),
        "models": [],
        "model": None,
        "skipped": {},
        "notes": [],
    }
    scores = None
    if model is not None:
        described["model"], scores = _measured(model, validation, judge)
    names = [name for name in fitting.BENCHMARK_MODELS if name in config.models]
    for index, name in enumerate(names):
        if deadline.passed:
            described["skipped"][name] = NO_TIME
            continue
        deadline.report(index / len(names), title(name))
        started = time.monotonic()
        found = fitting.fit(name, problem)
        seconds = time.monotonic() - started
        if isinstance(found, Skipped):
            described["skipped"][name] = found.reason
            continue
        measured, its_scores = _measured(found.model, validation, judge)
        described["models"].append(
            {
                "name": name,
                "learned": list(found.learned),
                "rows": found.rows,
                "seconds": seconds,
                **measured,
                "lead": None if scores is None else _lead(judge, scores, its_scores),
            }
        )
        described["notes"] += [f"{title(name)}: {note}" for note in found.notes]
        save(name, found.model)
    described["verdict"] = _verdict(described)
    described["notes"] += _notes(described)
    return described


def _measured(
    model: tf_keras.Model, validation: Arrays, judge: Judge
) -> tuple[dict[str, Any], np.ndarray]:
    """Return what a model costs and how good it is, and its scores."""
    # The first call traces the graph.
    measuring.outputs(model, {name: rows[:1] for name, rows in validation.items()})
    started = time.monotonic()
    outputs = measuring.outputs(model, validation)
    seconds = time.monotonic() - started
    scores = measuring.scores(outputs, judge.task)
    described = {
        "parameters": int(model.count_params()),
        "bytes": measuring.size_bytes(model),
        "row_us": 1e6 * seconds / len(outputs),
        "metrics": _metrics(judge, scores),
    }
    return described, scores


def _metrics(judge: Judge, scores: np.ndarray) -> dict[str, float | None]:
    one_class = judge.task == BINARY and len(np.unique(judge.labels)) < 2
    return {
        name: None if (one_class and name in RANKINGS) or not math.isfinite(value) else value
        for name, value in judge.measure(scores).items()
    }


def _lead(judge: Judge, scores: np.ndarray, others: np.ndarray) -> dict[str, Any] | None:
    value, other = (_metrics(judge, each)[judge.metric] for each in (scores, others))
    if value is None or other is None:
        return None
    return {"value": value - other, "interval": list(judge.difference(scores, others))}


def _verdict(described: dict[str, Any]) -> dict[str, Any] | None:
    compared = [model for model in described["models"] if model["lead"] is not None]
    if not compared:
        return None
    sign = 1 if described["better"] == "higher" else -1
    best = max(compared, key=lambda each: sign * each["metrics"][described["metric"]])
    enough = [each for each in compared if _outcome(each["lead"], sign) != "better"]
    return {
        "outcome": _outcome(best["lead"], sign),
        "best": best["name"],
        "enough": min(enough, key=lambda each: each["bytes"])["name"] if enough else None,
    }


def _outcome(lead: dict[str, Any], sign: int) -> str:
    low, high = sorted(sign * end for end in lead["interval"])
    return "better" if low > 0 else "worse" if high < 0 else "equal"


def _notes(described: dict[str, Any]) -> list[str]:
    notes = [f"There is no {title(name)}: {why}" for name, why in described["skipped"].items()]
    fewer = [model for model in described["models"] if model["rows"] < described["rows"]]
    if fewer:
        listed = ", ".join(f"{title(model['name'])} {model['rows']:,}" for model in fewer)
        notes.append(f"Of the {described['rows']:,} training rows some were given fewer: {listed}.")
    if any(model["metrics"][described["metric"]] is None for model in described["models"]):
        notes.append(
            f"{described['metric']} is not a number on the eval split: it may have one class only."
        )
    if described["model"] is None:
        notes.append(
            "The model itself is not measured beside them: its artifact holds no network "
            "or trees to run on transformed features. See the Evaluator, which scores all."
        )
    return notes
