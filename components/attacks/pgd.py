"""Projected gradient descent: many small steps of `fgsm`, from a random start.

Madry et al. 2018, Towards deep learning models resistant to adversarial attacks.

Both libraries take steps of the same length. Foolbox's own, a thirtieth of the budget, does not
get across the ball in 20 steps.
"""

from __future__ import annotations

import foolbox as fb
import numpy as np
import tensorflow as tf
from cleverhans.tf2.attacks.projected_gradient_descent import projected_gradient_descent

from components.attacks.victim import Victim

STEPS = 20
#: Length of all steps together, in units of the budget.
REACH = 2.5


def cleverhans(victim: Victim, images: np.ndarray, labels: np.ndarray, eps: float) -> np.ndarray:
    """Return attacked images; see `components.attacks.images.Attack`."""
    return projected_gradient_descent(
        victim.logits,
        tf.constant(images),
        eps,
        eps * REACH / STEPS,
        STEPS,
        np.inf,
        clip_min=0.0,
        clip_max=1.0,
        y=labels,
        rand_init=1.0,
    ).numpy()


def foolbox(victim: Victim, images: np.ndarray, labels: np.ndarray, eps: float) -> np.ndarray:
    """Return attacked images; see `components.attacks.images.Attack`."""
    attack = fb.attacks.LinfPGD(abs_stepsize=eps * REACH / STEPS, steps=STEPS, random_start=True)
    return attack.run(victim.foolbox, tf.constant(images), tf.constant(labels), epsilon=eps).numpy()
