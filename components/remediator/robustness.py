"""Accuracy under projected gradient descent, of networks and of what shifts their logits."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from components.attacks.adversarial_training import REACH, VALIDATION_STEPS
from components.attacks.ascent import Ascent, attacked_input, differentiable
from components.models.metric_names import BINARY, Task
from components.models.rows import Rows
from components.remediator.candidate import Candidate
from components.remediator.problem import features_of

#: Rows of one pass.
BATCH = 500


def accuracy(
    candidate: Candidate, rows: Rows, *, task: Task, eps: float, max_rows: int, seed: int
) -> float | None:
    """Return the share of rows that stay right under attack; None without a gradient.

    A shift of the logit of a row does not change which way its loss rises, so that the attack
    on the network is one on the shifted network, too.

    Parameters
    ----------
    candidate : Candidate
    rows : Rows
    task : {"binary", "multiclass"}
    eps : float
        Of pixels as a share of their range; of tables in standard deviations of ``numeric``.
    max_rows : int
        Rows that are attacked, drawn by the seed from more.
    seed : int
    """
    chosen = np.random.default_rng(seed).permutation(len(rows))[:max_rows]
    rows = rows.take(np.sort(chosen))
    features, shifts = features_of(rows.arrays), candidate.shifts(rows)
    few = {name: values[:BATCH] for name, values in features.items()}
    if not differentiable(candidate.model, few):
        return None
    attack = Ascent(
        task, attacked_input(candidate.model), eps, eps * REACH / VALIDATION_STEPS, VALIDATION_STEPS
    )
    inputs = {tensor.name: tensor.dtype for tensor in candidate.model.inputs}

    def look(
        taken: dict[str, tf.Tensor], labels: tf.Tensor, start: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        changed = attack(candidate.model, taken, labels, start)
        return tuple(candidate.model(each, training=False) for each in (taken, changed))

    compiled = tf.function(look, reduce_retracing=True)
    right = 0
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        outputs = compiled(
            {name: tf.constant(features[name][part], dtype) for name, dtype in inputs.items()},
            tf.constant(rows.labels[part, np.newaxis], tf.float32),
            tf.constant([seed, start], tf.int32),
        )
        # A row that is wrong anyhow does not become right by an attack.
        stays = [_said(each.numpy(), shifts[part], task) == rows.labels[part] for each in outputs]
        right += int(np.logical_and(*stays).sum())
    return right / len(rows)


def _said(outputs: np.ndarray, shifts: np.ndarray, task: Task) -> np.ndarray:
    """Return the index of the class [n] that outputs stand for."""
    if task == BINARY:
        return np.asarray(outputs[:, 0] + shifts >= 0, np.int64)
    return np.asarray(outputs.argmax(axis=1))
