"""Attacks on classifiers of images, through CleverHans and Foolbox, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from components.attacks import carlini_wagner, deepfool, fgsm, hop_skip_jump, pgd
from components.attacks.victim import Victim, rows_of_pass

#: Halvings of the way from an image to the attacked one, in search of the boundary.
HALVINGS = 12
#: By how much PGD may leave more right than FGSM before its gradients are doubted: it is no
#: weaker, but starts at random.
MASKING = 0.005


@dataclass(frozen=True)
class Attack:
    """One attack of one library.

    Attributes
    ----------
    title : str
        For people.
    norm : {"Linf", "L2"}
        In which the change is measured.
    library : {"CleverHans", "Foolbox"}
    needs_gradient : bool
    budgeted : bool
        Whether the change is as bad as can be within a budget, or as small as can be.
    run : callable
        Victim, images [n, h, w, c] with pixels from 0 to 1, labels [n], and for those with a
        budget eps, to attacked images. All images are in the class that the labels say.
    """

    title: str
    norm: Literal["Linf", "L2"]
    library: Literal["CleverHans", "Foolbox"]
    needs_gradient: bool
    budgeted: bool
    run: Callable[..., np.ndarray]


ATTACKS: dict[str, Attack] = {
    "cleverhans_fgsm": Attack("FGSM", "Linf", "CleverHans", True, True, fgsm.cleverhans),
    "foolbox_fgsm": Attack("FGSM", "Linf", "Foolbox", True, True, fgsm.foolbox),
    "cleverhans_pgd": Attack("PGD", "Linf", "CleverHans", True, True, pgd.cleverhans),
    "foolbox_pgd": Attack("PGD", "Linf", "Foolbox", True, True, pgd.foolbox),
    "foolbox_deepfool": Attack("DeepFool", "L2", "Foolbox", True, False, deepfool.foolbox),
    "foolbox_carlini_wagner": Attack(
        "Carlini-Wagner", "L2", "Foolbox", True, False, carlini_wagner.foolbox
    ),
    "foolbox_hop_skip_jump": Attack(
        "HopSkipJump", "L2", "Foolbox", False, False, hop_skip_jump.foolbox
    ),
}
#: What stands in for an attack that needs gradients where there are none.
DECISION_BASED = "foolbox_hop_skip_jump"


@dataclass(frozen=True)
class Outcome:
    """What an attack made of some images.

    Attributes
    ----------
    images : ndarray, shape [n, h, w, c]
        Attacked images; those that the model gets wrong anyhow are as they were.
    classes : ndarray, shape [n]
        What the model says of them.
    right : ndarray of bool, shape [n]
        Whether it still says what the labels do.
    distances : ndarray, shape [n]
        By the attack's norm: 0 where the model is wrong anyhow, infinite where it stays right.
    """

    images: np.ndarray
    classes: np.ndarray
    right: np.ndarray
    distances: np.ndarray

    @property
    def accuracy(self) -> float:
        """Share of the images that the model still gets right."""
        return float(self.right.mean())

    @property
    def median(self) -> float | None:
        """Median distance over the images that the model got right, if it is finite."""
        attacked = self.distances[self.distances > 0]
        middle = float(np.median(attacked)) if len(attacked) else np.inf
        return middle if np.isfinite(middle) else None


def attack(
    name: str,
    victim: Victim,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    eps: float | None = None,
    seed: int,
) -> Outcome:
    """Attack images, those that the model gets right.

    Parameters
    ----------
    name : str
        Of `ATTACKS`.
    victim : Victim
    images : ndarray, shape [n, h, w, c]
        Pixels from 0 to 1.
    labels : ndarray, shape [n]
        Index of the class.
    eps : float or None
        Largest change of each pixel; for attacks without a budget None.
    seed : int
        Of random starts.

    Returns
    -------
    Outcome
        All attacked images lie in the box, and within eps of the image [1e-6]. Those of an
        attack without a budget lie at the boundary on the straight way from the image.
    """
    chosen = ATTACKS[name]
    images = np.asarray(images, np.float32)
    labels = np.asarray(labels, np.int64)
    changed = images.copy()
    rows = np.flatnonzero(victim.classes(images) == labels)
    # The libraries draw from TensorFlow's global generator.
    tf.random.set_seed(seed)
    size = rows_of_pass(images)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        arguments = (eps,) if chosen.budgeted else ()
        found = chosen.run(victim, images[part], labels[part], *arguments)
        if eps is not None:
            found = np.clip(found, images[part] - eps, images[part] + eps)
        found = np.clip(found, 0.0, 1.0)
        if not chosen.budgeted:
            found = to_boundary(victim, images[part], found, labels[part])
        changed[part] = found
    classes = victim.classes(changed)
    right = classes == labels
    difference = (changed - images).reshape(len(images), -1)
    norms = (
        np.abs(difference).max(axis=1)
        if chosen.norm == "Linf"
        else np.sqrt((difference.astype(np.float64) ** 2).sum(axis=1))
    )
    return Outcome(changed, classes, right, np.where(right, np.inf, norms))


def to_boundary(
    victim: Victim, images: np.ndarray, changed: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Return the nearest point to each image, on the way to the changed one, that is wrong.

    What is not wrong stays as it is.
    """
    wrong = victim.classes(changed) != labels
    near, far = np.zeros(len(images), np.float32), np.ones(len(images), np.float32)
    for _ in range(HALVINGS):
        middle = (near + far) / 2
        points = images + middle[:, None, None, None] * (changed - images)
        crossed = victim.classes(points) != labels
        near, far = np.where(crossed, near, middle), np.where(crossed, middle, far)
    points = images + far[:, None, None, None] * (changed - images)
    # A far end of 1 is the changed image itself, whose rounding the sum would add to.
    keep = ~wrong | (far == 1.0)
    return np.where(keep[:, None, None, None], changed, np.clip(points, 0.0, 1.0))


def masking(accuracies: dict[str, dict[float, float]]) -> list[str]:
    """Return a sentence for each budget at which PGD does worse than FGSM.

    That is a sign of masked gradients: then gradients say little, and robustness by them
    means nothing [Athalye et al. 2018].

    Parameters
    ----------
    accuracies : dict
        Name of the attack -> eps -> accuracy under it.
    """
    found = []
    for library in ("cleverhans", "foolbox"):
        weak = accuracies.get(f"{library}_fgsm", {})
        strong = accuracies.get(f"{library}_pgd", {})
        found += [
            f"At eps {eps:g}, {ATTACKS[f'{library}_pgd'].library}'s PGD leaves "
            f"{strong[eps]:.1%} right and its FGSM {weak[eps]:.1%}: the gradients may be masked, "
            "and robustness by them means nothing."
            for eps in weak
            if eps in strong and strong[eps] > weak[eps] + MASKING
        ]
    return found


def examples(
    original: np.ndarray, labels: np.ndarray, outcome: Outcome, classes: Sequence[str], most: int
) -> list[dict[str, Any]]:
    """Return images that an attack turned, from the least changed to the most, as pictures.

    Parameters
    ----------
    original : ndarray, shape [n, h, w, c]
        Pixels from 0 to 1.
    labels : ndarray, shape [n]
    outcome : Outcome
    classes : sequence of str
        Names.
    most : int

    Returns
    -------
    list of dict
        ``original``, ``adversarial`` and ``difference`` (PNG as data URIs; gray is no
        change, and the largest change is black or white), ``label``, ``predicted``,
        ``distance`` and ``row``.
    """
    from components.attacks.pictures import difference_uri, picture_uri

    candidates = np.flatnonzero(np.isfinite(outcome.distances) & (outcome.distances > 0))
    order = candidates[np.argsort(outcome.distances[candidates], kind="stable")]
    # Spread over the distances, so that not only the easiest are seen.
    places = np.unique(np.linspace(0, len(order) - 1, min(most, len(order))).astype(int))
    return [
        {
            "row": int(row),
            "label": classes[labels[row]],
            "predicted": classes[outcome.classes[row]],
            "distance": float(outcome.distances[row]),
            "original": picture_uri(original[row]),
            "adversarial": picture_uri(outcome.images[row]),
            "difference": difference_uri(outcome.images[row] - original[row]),
        }
        for row in order[places]
    ]
