"""The fast gradient sign method: one step along the sign of the gradient.

Goodfellow et al. 2015, Explaining and harnessing adversarial examples.
"""

from __future__ import annotations

import foolbox as fb
import numpy as np
import tensorflow as tf
from cleverhans.tf2.attacks.fast_gradient_method import fast_gradient_method

from components.attacks.victim import Victim


def cleverhans(victim: Victim, images: np.ndarray, labels: np.ndarray, eps: float) -> np.ndarray:
    """Return attacked images; see `components.attacks.images.Attack`."""
    return fast_gradient_method(
        victim.logits, tf.constant(images), eps, np.inf, clip_min=0.0, clip_max=1.0, y=labels
    ).numpy()


def foolbox(victim: Victim, images: np.ndarray, labels: np.ndarray, eps: float) -> np.ndarray:
    """Return attacked images; see `components.attacks.images.Attack`."""
    attack = fb.attacks.LinfFastGradientAttack()
    return attack.run(victim.foolbox, tf.constant(images), tf.constant(labels), epsilon=eps).numpy()
