"""Carlini and Wagner's attack: the least squared distance, weighed against the margin, by Adam.

Carlini and Wagner 2017, Towards evaluating the robustness of neural networks.

Foolbox's only: CleverHans 4.0.0 gives the weight the shape of the images, multiplies it with the
margins of all of them and sums the outer product, so that an image's weight depends on its size and
on the rest of the batch. On MNIST its distances come out twice those of Foolbox.
"""

from __future__ import annotations

import foolbox as fb
import numpy as np
import tensorflow as tf

from components.attacks.victim import Victim

#: Weights that are tried, steps of Adam for each, and their length; and the first weight.
WEIGHTS, STEPS, RATE, FIRST = 4, 60, 0.2, 1.0


def foolbox(victim: Victim, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return attacked images; see `components.attacks.images.Attack`."""
    attack = fb.attacks.L2CarliniWagnerAttack(
        binary_search_steps=WEIGHTS, steps=STEPS, stepsize=RATE, initial_const=FIRST
    )
    return attack.run(victim.foolbox, tf.constant(images), tf.constant(labels)).numpy()
