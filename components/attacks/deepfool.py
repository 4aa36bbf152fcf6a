"""DeepFool: steps to the nearest boundary of the model as if it were linear.

Moosavi-Dezfooli et al. 2016, DeepFool: a simple and accurate method to fool deep neural networks.
"""

from __future__ import annotations

import foolbox as fb
import numpy as np
import tensorflow as tf

from components.attacks.victim import Victim

STEPS, OVERSHOOT = 50, 0.02
#: Classes nearest in score whose boundaries are looked at in each step.
CANDIDATES = 10


def foolbox(victim: Victim, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return attacked images; see `components.attacks.images.Attack`."""
    attack = fb.attacks.L2DeepFoolAttack(
        steps=STEPS, candidates=CANDIDATES, overshoot=OVERSHOOT, loss="logits"
    )
    return attack.run(victim.foolbox, tf.constant(images), tf.constant(labels)).numpy()
