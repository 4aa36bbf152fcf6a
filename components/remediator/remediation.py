"""The way from failed checks to candidates, and what each remedy changed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from components import progress
from components.calibration import expected_calibration_error
from components.errors import InputError
from components.models.judge import Judge
from components.models.metric_names import METRIC_NAMES, REGRESSION
from components.models.rows import Rows
from components.models.training import DivergedError, OutOfTimeError
from components.remediator import checks
from components.remediator.candidate import Candidate
from components.remediator.checks import Measured, Scored
from components.remediator.config import APT, DEFAULTS, Calibration, Check, RemediatorConfig
from components.remediator.problem import Problem
from components.remediator.remedies import REMEDIES

#: Name of the expected calibration error among the measures of quality.
CALIBRATION_ERROR = "ExpectedCalibrationError"
#: Change of a value from which it counts.
CHANGE = 1e-4

#: Saves a candidate under a name, and returns the saved model on the judging rows.
Publish = Callable[[str, Candidate], Scored]


@dataclass(frozen=True)
class Trial:
    """A remedy, a failed check that it is for, and its settings.

    Attributes
    ----------
    name : str
        Of the candidate.
    remedy : str
    check : str
        Name of the check.
    settings : Settings
    """

    name: str
    remedy: str
    check: str
    settings: Any


@dataclass(frozen=True)
class Tried:
    """One strength of a remedy on the tuning rows.

    Attributes
    ----------
    candidate : Candidate
    value : float or None
        Of the check.
    metric : float
        By which models of the task are compared.
    """

    candidate: Candidate
    value: float | None
    metric: float


def remediate(
    config: RemediatorConfig, problem: Problem, judged: Scored, publish: Publish
) -> dict[str, Any]:
    """Measure the checks, and try remedies for those that fail.

    Parameters
    ----------
    config : RemediatorConfig
    problem : Problem
        Its deadline is set anew for each remedy.
    judged : Scored
        The model on the judging rows.
    publish : callable
        Called with each candidate that is kept.

    Returns
    -------
    dict
        What `components.remediator.card` shows: ``rows``, ``tuning_rows``, ``metric``, whether a
        higher one is better (``metric_rises``), ``names`` (of the checks, in their order),
        ``checks``, ``failed``, ``quality``, ``remedies`` and ``notes``.
    """
    named = config.named_checks()
    calibration = not any(isinstance(check, Calibration) for check in config.checks)
    progress.report(0.0, "measuring the checks")
    before = {name: checks.measure(check, judged) for name, check in named.items()}
    failed = [
        name
        for name, found in before.items()
        if found.value is not None and not checks.holds(named[name], found.value)
    ]
    notes = [
        f"The check {named[name].title} was not measured: {found.detail}."
        for name, found in before.items()
        if found.value is None
    ]
    if problem.specification.refit:
        notes.append(
            "The Trainer's model was refitted on the rows of train and eval together: on the "
            "latter it looks better, and better calibrated, than on new rows."
        )
    described: dict[str, Any] = {
        "rows": len(judged.rows),
        "tuning_rows": len(problem.tuning),
        "metric": _judge(problem, judged.rows).metric,
        "metric_rises": _rises(problem),
        "names": list(named),
        "checks": {
            name: {
                "check": check.check,
                "title": check.title,
                "limit": check.limit,
                "better": checks.better(check),
                **_shown(check, before[name]),
            }
            for name, check in named.items()
        },
        "failed": failed,
        "quality": quality(problem, judged.rows, judged.scores, calibration=calibration),
        "remedies": [],
        "notes": notes,
    }
    planned = trials(config, failed, notes)
    if failed and not planned:
        notes.append("No remedy is declared for a check that fails.")
    for index, trial in enumerate(planned):
        title = REMEDIES[trial.remedy].title
        check = named[trial.check]
        progress.report(index / len(planned), f"{title} against {check.title}")
        started = time.monotonic()
        work = replace(problem, deadline=started + config.seconds)
        tried = _tried(work, check, trial, notes, config.seconds)
        if not tried:
            continue
        best = choose(check, [(each.value, each.metric) for each in tried], _rises(problem))
        scored = publish(trial.name, tried[best].candidate)
        after = {name: checks.measure(each, scored) for name, each in named.items()}
        now = quality(problem, judged.rows, scored.scores, calibration=calibration)
        described["remedies"].append(
            {
                "name": trial.name,
                "remedy": trial.remedy,
                "title": title,
                "check": trial.check,
                "strength": tried[best].candidate.strength,
                "tried": [
                    {
                        "strength": each.candidate.strength,
                        "value": each.value,
                        "metric": each.metric,
                        "chosen": place == best,
                    }
                    for place, each in enumerate(tried)
                ],
                "seconds": time.monotonic() - started,
                **compared(described, named, after, now),
                "interval": list(
                    _judge(problem, judged.rows).difference(scored.scores, judged.scores)
                ),
            }
        )
    progress.report(1.0, "all remedies tried")
    return described


def trials(config: RemediatorConfig, failed: Sequence[str], notes: list[str]) -> list[Trial]:
    """Return what is tried, in the order of the remedies; says in `notes` what is not.

    A remedy that is for several failed checks gives a candidate for each.
    """
    named = config.named_checks()
    found = []
    for settings in DEFAULTS if config.remedies is None else config.remedies:
        name = settings.remedy
        apt = [each for each in failed if named[each].check in APT[name]]
        if not apt and config.remedies is not None:
            notes.append(f"{REMEDIES[name].title} was not tried: no check that it is for fails.")
        found += [
            Trial(name if len(apt) == 1 else f"{name}_{check}", name, check, settings)
            for check in apt
        ]
    return found


def choose(check: Check, tried: Sequence[tuple[float | None, float]], higher: bool) -> int:
    """Return the place of the strength to keep.

    Parameters
    ----------
    check : Check
    tried : sequence of (float or None, float)
        Value of the check and of the metric, on the tuning rows.
    higher : bool
        Whether the metric is better when it is higher.

    Returns
    -------
    int
        Of those that keep the limit, the one with the best metric; if none does, the one
        nearest to the limit. Of equals the first, which is the weakest.
    """
    sign = -1.0 if higher else 1.0

    def rank(place: int) -> tuple[bool, float, float]:
        value, metric = tried[place]
        if value is None:
            return True, math.inf, sign * metric
        missed = max(checks.excess(check, value) - checks.TOLERANCE, 0.0)
        return missed > 0, missed, sign * metric

    return min(range(len(tried)), key=rank)


def quality(
    problem: Problem, rows: Rows, scores: np.ndarray, *, calibration: bool = True
) -> dict[str, float]:
    """Return the metrics of the task and, of classifications, the calibration error.

    The latter only with `calibration`: there may be a check of it.
    """
    found = _judge(problem, rows).measure(scores)
    if calibration and problem.task != REGRESSION:
        found[CALIBRATION_ERROR] = expected_calibration_error(rows.labels, scores)
    return found


def compared(
    described: dict[str, Any],
    named: dict[str, Check],
    after: dict[str, Measured],
    measured: dict[str, float],
) -> dict[str, Any]:
    """Return what a candidate is like beside the model before.

    Returns
    -------
    dict
        ``checks`` and ``quality`` by name, each with the value and a ``verdict``: ``better``,
        ``worse``, ``same`` or None; and ``better`` and ``worse``, names of both.
    """
    found = {
        name: {
            **_shown(check, after[name]),
            "verdict": verdict(
                described["checks"][name]["value"], after[name].value, checks.better(check)
            ),
        }
        for name, check in named.items()
    }
    qualities = {
        name: {
            "value": value,
            "verdict": verdict(
                described["quality"][name],
                value,
                "lower" if name == CALIBRATION_ERROR else METRIC_NAMES[name].better,
            ),
        }
        for name, value in measured.items()
    }
    told = {**found, **qualities}
    return {
        "checks": found,
        "quality": qualities,
        **{
            kind: [name for name, each in told.items() if each["verdict"] == kind]
            for kind in ("better", "worse")
        },
    }


def verdict(before: float | None, after: float | None, direction: str | None) -> str | None:
    """Return whether a value became ``better`` or ``worse``; by less than `CHANGE`, ``same``."""
    if before is None or after is None or direction is None:
        return None
    if abs(after - before) < CHANGE:
        return "same"
    return "better" if (after > before) == (direction == "higher") else "worse"


def _tried(
    problem: Problem, check: Check, trial: Trial, notes: list[str], seconds: float
) -> list[Tried]:
    """Return the strengths of a remedy on the tuning rows; says in `notes` what is left out."""
    remedy, found = REMEDIES[trial.remedy], list[Tried]()
    about = f"{remedy.title} against {check.title}"
    judge = _judge(problem, problem.tuning)
    try:
        for candidate in remedy.candidates(problem, check, trial.settings):
            scores = candidate.scores(problem.tuning, problem.task)
            scored = Scored(problem.task, problem.tuning, scores, candidate, None, problem.seed)
            value = checks.measure(check, scored).value
            found.append(Tried(candidate, value, judge.measure(scores)[judge.metric]))
            if time.monotonic() >= problem.deadline:
                notes.append(
                    f"{about}: the {seconds:g} s were up at the strength "
                    f"“{candidate.strength}”, whose training may have been cut off; strengths "
                    "declared after it were not tried."
                )
                break
    except InputError as error:
        notes.append(f"{about} was not tried: {error.problem}")
    except OutOfTimeError:
        notes.append(f"{about}: the {seconds:g} s were up within the first epoch of a strength.")
    except DivergedError as error:
        notes.append(f"{about}: {error}")
    return found


def _shown(check: Check, found: Measured) -> dict[str, Any]:
    return {
        "value": found.value,
        "holds": None if found.value is None else checks.holds(check, found.value),
        "detail": found.detail,
    }


def _judge(problem: Problem, rows: Rows) -> Judge:
    return Judge(problem.task, rows.labels, problem.seed)


def _rises(problem: Problem) -> bool:
    return _judge(problem, problem.tuning).higher_is_better
