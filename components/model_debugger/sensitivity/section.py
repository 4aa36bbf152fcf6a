"""The section of the ModelDebugger that changes rows and asks the model again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from components.deadline import Deadline
from components.errors import InputError
from components.model_debugger import raw_rows
from components.model_debugger.sensitivity import (
    images,
    missing,
    monotonicity,
    one_way,
    sobol,
    stability,
)
from components.model_debugger.sensitivity.answers import Answers
from components.model_debugger.sensitivity.config import SensitivityConfig
from components.model_debugger.sensitivity.domains import Domain
from components.models.judge import Judge
from components.models.metric_names import MULTICLASS
from components.models.subject import Subject
from components.slicing import check_columns

SETTING = "debugger.sensitivity"
#: Parts of the section's time, about: where each pass begins on the line of progress.
_STARTS = {"response": 0.0, "monotonic": 0.35, "missing": 0.6, "noise": 0.7, "sobol": 0.8}


def describe(subject: Subject, config: SensitivityConfig, deadline: Deadline) -> dict[str, Any]:
    """Measure how a model's predictions depend on its columns.

    Parameters
    ----------
    subject : Subject
    config : SensitivityConfig
    deadline : Deadline
        Looked at between two columns, sizes of noise, and parts of Sobol's sample.

    Returns
    -------
    dict
        ``task``, ``label``, ``time_column`` (None if it is no feature), ``rows`` that were changed,
        ``outputs`` (names), ``spread`` of the predictions of a regression (None of a
        classification), ``metric`` with ``name``, ``better`` and ``value`` on these rows;
        ``responses``, by falling swing: see `components.model_debugger.sensitivity.one_way`;
        ``monotonic``, those with a declared direction first: see `.monotonicity`; ``missing``, by
        falling distance: see `.missing`; ``noise``: see `.stability`; ``unstable_rows``, those that
        the last size of noise moves most, with ``row``, ``distance``, ``prediction`` (text, or a
        number) and ``columns``; ``sobol`` with ``samples``, ``variance`` and ``columns``, by
        falling total index, or None; ``images``, for images each of `.images.CHANGES` with its
        ``name``, ``size``, ``distance``, ``changed`` and ``metric``; and ``notes``. None stands for
        what is not a number.

    Raises
    ------
    InputError
        `columns` or `monotonic` name what is no feature, or no numeric one.
    """
    names = _check(subject, config)
    chosen = subject.sample(config.rows)
    answers = Answers(chosen)
    judge = Judge(chosen.task, chosen.labels, chosen.seed)
    value = judge.measure(answers.scores)[judge.metric]
    described: dict[str, Any] = {
        "task": subject.task,
        "label": subject.label,
        "time_column": raw_rows.time_column(subject),
        "rows": len(chosen),
        "outputs": list(answers.outputs),
        "spread": answers.spread if answers.regression else None,
        "metric": {
            "name": judge.metric,
            "better": "higher" if judge.higher_is_better else "lower",
            "value": _finite(value),
        },
        "responses": [],
        "monotonic": [],
        "missing": [],
        "noise": [],
        "unstable_rows": [],
        "sobol": None,
        "images": [],
        "notes": [],
    }
    if subject.predict is not None:
        domains = [Domain(name, chosen.columns[name]) for name in names]
        _Table(described, answers, judge, domains, config, deadline).run(subject)
    elif subject.images is not None and subject.model is not None:
        described["notes"].append(
            "Images have no columns: their pixels are changed, all at once; responses, "
            "monotonicity, missing values and Sobol's indices do not apply."
        )
        _images(described, answers, judge, config, deadline)
    else:
        described["notes"].append("There is no model to ask for the predictions of changed rows.")
    return described


def _check(subject: Subject, config: SensitivityConfig) -> list[str]:
    """Return the columns that are changed."""
    known = list(subject.columns)
    check_columns(config.columns or (), known, f"{SETTING}.columns")
    check_columns(tuple(config.monotonic), known, f"{SETTING}.monotonic")
    for name in config.monotonic:
        if subject.columns[name].dtype == object:
            raise InputError(
                f"The column {name!r} is text, which has no order.",
                setting=f"{SETTING}.monotonic",
                expected="numeric columns",
                got=name,
            )
    if config.monotonic and subject.task == MULTICLASS:
        raise InputError(
            "Of several classes none is the one that rises or falls.",
            setting=f"{SETTING}.monotonic",
            expected="nothing, for a multiclass task",
            got=", ".join(config.monotonic),
        )
    return list(config.columns) if config.columns is not None else known


class _OutOfTimeError(Exception):
    """There is no time for the rest of a pass."""


class _Table:
    """The passes over the columns of a table, each into its place of what is described."""

    def __init__(
        self,
        described: dict[str, Any],
        answers: Answers,
        judge: Judge,
        domains: list[Domain],
        config: SensitivityConfig,
        deadline: Deadline,
    ) -> None:
        self._described = described
        self._answers = answers
        self._judge = judge
        self._domains = domains
        self._config = config
        self._deadline = deadline

    def run(self, subject: Subject) -> None:
        """Make all passes."""
        self._responses()
        self._monotonic()
        self._missing()
        self._noise()
        self._sobol(subject)

    def _each(
        self, start: str, what: str, domains: list[Domain], measure: Callable[[Domain], Any]
    ) -> list[Any]:
        """Return what `measure` says of each column that there is time for, and isn't None."""
        found = []
        place = list(_STARTS.values()).index(_STARTS[start])
        width = [*_STARTS.values(), 1.0][place + 1] - _STARTS[start]
        for index, domain in enumerate(domains):
            if self._deadline.passed:
                names = ", ".join(each.name for each in domains[index:])
                self._note(f"No time, debugger.seconds, was left for {what} of {names}.")
                break
            fraction = _STARTS[start] + width * index / len(domains)
            self._deadline.report(fraction, f"{what} of {domain.name}")
            found.append(measure(domain))
        return [each for each in found if each is not None]

    def _note(self, text: str) -> None:
        self._described["notes"].append(text)

    def _responses(self) -> None:
        alone = [domain.name for domain in self._domains if len(domain.distinct) < 2]
        if alone:
            self._note(f"No response is measured of columns of one value: {', '.join(alone)}.")
        found = self._each(
            "response",
            "the response",
            self._domains,
            lambda domain: one_way.describe(self._answers, domain, self._config.steps),
        )
        self._described["responses"] = sorted(found, key=lambda each: -each["swing"])

    def _monotonic(self) -> None:
        if not self._answers.ordered:
            self._note("Of several classes none rises or falls: monotonicity is not checked.")
            return
        declared = self._config.monotonic
        columns = self._answers.subject.columns
        domains = [Domain(name, columns[name]) for name in declared]
        domains += [each for each in self._domains if each.numeric and each.name not in declared]
        self._described["monotonic"] = self._each(
            "monotonic",
            "the monotonicity",
            domains,
            lambda domain: monotonicity.describe(
                self._answers, domain, declared.get(domain.name), self._config.steps
            ),
        )

    def _missing(self) -> None:
        found = self._each(
            "missing",
            "the missing-value response",
            self._domains,
            lambda domain: missing.describe(self._answers, domain, self._judge),
        )
        never = [each["column"] for each in found if each["distance"] is None]
        if never:
            self._note(
                "The model gives no number where these columns, which are never missing by the "
                f"schema, are: {', '.join(never)}."
            )
        self._described["missing"] = sorted(found, key=lambda each: -(each["distance"] or 0.0))

    def _noise(self) -> None:
        moved: np.ndarray | None = None
        for index, size in enumerate(self._config.noise):
            if self._deadline.passed:
                sizes = ", ".join(f"{each:g}" for each in self._config.noise[index:])
                self._note(f"No time, debugger.seconds, was left for noise of {sizes}.")
                break
            self._deadline.report(_STARTS["noise"], f"noise of {size:.0%}")
            found, moved = stability.describe(
                self._answers,
                self._domains,
                size,
                self._config.repeats,
                self._answers.subject.seed,
            )
            self._described["noise"].append(found)
        if moved is not None:
            self._described["unstable_rows"] = self._rows(moved)

    def _rows(self, moved: np.ndarray) -> list[dict[str, Any]]:
        """Return the rows that are moved most."""
        subject = self._answers.subject
        order = np.argsort(-moved, kind="stable")[: self._config.worst_rows]
        return [
            {
                "row": int(subject.row_ids[row]),
                "distance": float(moved[row]),
                "prediction": raw_rows.prediction(subject, row),
                "columns": raw_rows.columns(subject, row),
            }
            for row in order
            if moved[row] > 0
        ]

    def _sobol(self, subject: Subject) -> None:
        samples = self._config.samples
        if not samples or not self._domains:
            return
        # The distribution of all rows that are looked at; columns that stay are those of a row.
        domains = [Domain(each.name, subject.columns[each.name]) for each in self._domains]
        chosen = {domain.name for domain in domains}
        others = [name for name in subject.columns if name not in chosen]
        rows = np.random.default_rng(subject.seed).integers(0, len(subject), samples)
        outputs = list(self._answers.outputs.values())
        calls = 0

        def function(places: np.ndarray) -> np.ndarray:
            nonlocal calls
            if self._deadline.passed:
                raise _OutOfTimeError
            share = calls / (len(domains) + 2)
            self._deadline.report(_STARTS["sobol"] + 0.2 * share, "Sobol's indices")
            calls += 1
            columns = {name: subject.columns[name][rows] for name in others}
            for domain, place in zip(domains, places.T, strict=True):
                columns[domain.name] = domain.drawn(place)
            scores = self._answers.ask({name: columns[name] for name in subject.columns})
            return scores[:, outputs] if self._answers.ordered else scores

        try:
            found = sobol.indices(function, len(domains), samples, subject.seed)
        except _OutOfTimeError:
            self._note("No time, debugger.seconds, was left for Sobol's indices.")
            return
        described = [
            {
                "column": domain.name,
                "first": _finite(found.first[index]),
                "total": _finite(found.total[index]),
                "first_interval": [_finite(end) for end in found.first_interval[index]],
                "total_interval": [_finite(end) for end in found.total_interval[index]],
            }
            for index, domain in enumerate(domains)
        ]
        order = np.argsort(-np.nan_to_num(found.total), kind="stable")
        self._described["sobol"] = {
            "samples": samples,
            "variance": _finite(found.variance),
            "columns": [described[index] for index in order],
        }


def _images(
    described: dict[str, Any],
    answers: Answers,
    judge: Judge,
    config: SensitivityConfig,
    deadline: Deadline,
) -> None:
    from components.models import measuring
    from components.models.transformed import IMAGE

    subject = answers.subject
    assert subject.images is not None
    cases = images.cases(subject.images, config.noise)
    for index, (name, size) in enumerate(cases):
        if deadline.passed:
            left = ", ".join(f"{name} of {size:g}" for name, size in cases[index:])
            described["notes"].append(f"No time, debugger.seconds, was left for {left}.")
            break
        deadline.report(index / len(cases), f"{name} of {size:.0%}")
        random = np.random.default_rng([subject.seed, index])
        changed = images.CHANGES[name](subject.images, size, random)
        outputs = measuring.outputs(subject.model, {**subject.arrays, IMAGE: changed})
        scores = np.asarray(measuring.scores(outputs, subject.task), np.float64)
        described["images"].append(
            {
                "name": name,
                "size": size,
                "distance": float(answers.distance(scores).mean()),
                "changed": float(answers.changed(scores).mean()),
                "metric": _finite(judge.measure(scores)[judge.metric]),
            }
        )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
