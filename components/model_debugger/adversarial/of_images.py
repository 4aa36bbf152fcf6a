"""Attacks on a model of images through CleverHans and Foolbox."""

from __future__ import annotations

from typing import Any

import numpy as np

from components.attacks import images
from components.attacks.ascent import differentiable
from components.attacks.images import ATTACKS, DECISION_BASED, Outcome
from components.attacks.victim import Victim
from components.deadline import Deadline
from components.model_debugger.adversarial.config import ImageAttacksConfig
from components.models.subject import Subject
from components.models.transformed import WHITE

#: Points of the curves of attacks without a budget.
POINTS = 24


def describe(subject: Subject, config: ImageAttacksConfig, deadline: Deadline) -> dict[str, Any]:
    """Return what attacks on images found.

    Returns
    -------
    dict
        ``rows``, ``minimal_rows``; ``accuracy``: of the images as they are; ``attacks``: list with
        ``name``, ``title``, ``library``, ``norm``, ``rows``, ``budgeted``, ``curve`` (list of
        ``eps`` and ``accuracy``), ``median`` (least change that turns half of the images that
        were right: for those with a budget the first of the list that does), and ``examples``;
        ``substituted``: attacks that had to give way; ``notes``.
    """
    assert subject.images is not None
    assert subject.model is not None
    notes: list[str] = []
    sample = subject.sample(config.rows)
    victim = Victim.of(subject.model)
    pixels = (np.asarray(sample.images, np.float32) / WHITE).astype(np.float32)
    labels = np.asarray(sample.labels, np.int64)
    right = victim.classes(pixels) == labels
    names = list(config.attacks)
    substituted = []
    few = {name: values[:8] for name, values in sample.arrays.items()}
    if not differentiable(subject.model, few):
        substituted = [name for name in names if ATTACKS[name].needs_gradient]
        names = [name for name in names if name not in substituted]
        if substituted and DECISION_BASED not in names:
            names.append(DECISION_BASED)
        if substituted:
            notes.append(
                f"The model has no gradient with respect to its pixels, which {_list(substituted)} "
                "need: HopSkipJump, which asks for decisions only, was run instead."
            )
    few_rows = min(config.minimal_rows, len(labels))
    attacks: list[dict[str, Any]] = []
    accuracies: dict[str, dict[float, float]] = {}
    for index, name in enumerate(names):
        chosen = ATTACKS[name]
        deadline.report(index / len(names), f"{chosen.title} by {chosen.library}")
        count = len(labels) if chosen.budgeted else few_rows
        found: dict[float | None, Outcome] = {}
        for eps in sorted(config.eps) if chosen.budgeted else (None,):
            if deadline.passed:
                what = f"{chosen.title} by {chosen.library}"
                what += "" if eps is None else f" from eps {eps:g} on"
                notes.append(f"The time was over: {what} was left out.")
                break
            found[eps] = images.attack(
                name, victim, pixels[:count], labels[:count], eps=eps, seed=subject.seed
            )
        if not found:
            continue
        accuracies[name] = {eps: each.accuracy for eps, each in found.items() if eps is not None}
        attacks.append(
            {
                "name": name,
                "title": chosen.title,
                "library": chosen.library,
                "norm": chosen.norm,
                "budgeted": chosen.budgeted,
                "rows": count,
                **(
                    _budgeted(found, right)
                    if chosen.budgeted
                    else _minimal(found[None], right[:count])
                ),
                # What two libraries make of an image looks the same: that of one is shown.
                "examples": []
                if any(chosen.title == each["title"] for each in attacks)
                else images.examples(
                    pixels[:count],
                    labels[:count],
                    _shown(found),
                    subject.classes,
                    config.examples,
                ),
            }
        )
    notes += images.masking(accuracies)
    return {
        "rows": len(labels),
        "minimal_rows": few_rows,
        "accuracy": float(right.mean()),
        "attacks": attacks,
        "substituted": substituted,
        "notes": notes,
    }


def _list(names: list[str]) -> str:
    return ", ".join(f"{ATTACKS[name].title} by {ATTACKS[name].library}" for name in names)


def _budgeted(found: dict[Any, Outcome], right: np.ndarray) -> dict[str, Any]:
    curve = [{"eps": 0.0, "accuracy": float(right.mean())}]
    curve += [{"eps": eps, "accuracy": each.accuracy} for eps, each in found.items()]
    half = right.mean() / 2
    median = next((eps for eps, each in found.items() if each.accuracy <= half), None)
    return {"curve": curve, "median": median}


def _minimal(outcome: Outcome, right: np.ndarray) -> dict[str, Any]:
    """Return the share of images that are right at each distance."""
    distances = outcome.distances[right]
    finite = distances[np.isfinite(distances)]
    ends = np.linspace(0.0, finite.max() if len(finite) else 1.0, POINTS)
    curve = [
        {"eps": float(end), "accuracy": float((distances > end).sum() / len(right))} for end in ends
    ]
    return {"curve": curve, "median": outcome.median}


def _shown(found: dict[Any, Outcome]) -> Outcome:
    """Return the outcome at the least budget that turns half of what any does."""
    turned = {eps: np.isfinite(each.distances).sum() for eps, each in found.items()}
    return next(found[eps] for eps, count in turned.items() if 2 * count >= max(turned.values()))
