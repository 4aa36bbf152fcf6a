"""What the model gives away: its training rows, and itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from components.deadline import Deadline
from components.model_debugger.privacy import extraction, membership
from components.model_debugger.privacy.answers import Answers
from components.model_debugger.privacy.config import PrivacyConfig
from components.model_debugger.privacy.leakage import LOW_RATE
from components.models.metric_names import REGRESSION
from components.models.subject import Subject

#: Fewest rows of each kind for a statement about them.
LEAST_ROWS = 20


def describe(
    subject: Subject, train: Subject, config: PrivacyConfig, deadline: Deadline
) -> dict[str, Any]:
    """Return what membership inference and model extraction found.

    Parameters
    ----------
    subject, train : Subject
        Rows that the model has not been trained on, and rows that it has.
    config : PrivacyConfig
    deadline : Deadline

    Returns
    -------
    dict
        ``members`` and ``others``: numbers of rows; ``low_rate``; ``membership``: list with
        ``name``, ``title``, ``leaks`` and the attributes of
        `components.model_debugger.privacy.leakage.Leakage`; ``extraction``: list with those of
        `components.model_debugger.privacy.extraction.Copy`; and ``notes``.
    """
    notes: list[str] = []
    rows = min(config.rows, len(subject), len(train))
    others, members = subject.sample(rows), train.sample(rows)
    found: list[dict[str, Any]] = []
    copies: list[dict[str, Any]] = []
    result = {
        "members": len(members),
        "others": len(others),
        "low_rate": LOW_RATE,
        "membership": found,
        "extraction": copies,
        "notes": notes,
    }
    if rows < LEAST_ROWS:
        notes.append(
            f"There are {rows} rows of each kind, less than {LEAST_ROWS}: nothing is said."
        )
        return result
    regression = subject.task == REGRESSION
    queries = sorted({min(count, len(others) // 2) for count in config.queries})
    passes = len(membership.ATTACKS) + len(queries)
    answers = Answers.of(members), Answers.of(others)
    left_out = []
    for index, (name, (title, attack, regressions)) in enumerate(membership.ATTACKS.items()):
        if regression and not regressions:
            notes.append(f"Membership by {title} is for classes, not for a regression.")
            continue
        if deadline.passed:
            left_out.append(f"membership by {title}")
            continue
        deadline.report(index / passes, f"membership by {title}")
        leakage = attack(*answers, config.trees, subject.seed)
        found.append({"name": name, "title": title, "leaks": leakage.leaks, **asdict(leakage)})
    if regression:
        notes.append("Model extraction by Knockoff nets is for classes, not for a regression.")
        queries = []
    features = extraction.seen(others) if queries else None
    for index, count in enumerate(queries, len(membership.ATTACKS)):
        if deadline.passed:
            left_out.append(f"extraction by {count:,} queries")
            continue
        deadline.report(index / passes, f"extraction by {count:,} queries")
        assert features is not None
        copy = extraction.steal(features, answers[1], count, trees=config.trees, seed=subject.seed)
        copies.append(asdict(copy))
    if left_out:
        notes.append(f"The time was over: {', '.join(left_out)} was left out.")
    return result
