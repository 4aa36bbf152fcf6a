"""Training on with MinDiff: a penalty on the distance between two groups' scores.

Prost et al., "Toward a better trade-off between performance and fairness with kernel-based
distribution matching" (2019); the distance, maximum mean discrepancy with a Gaussian kernel, is
that of TensorFlow Model Remediation.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components import fairness
from components.errors import InputError
from components.models import measuring
from components.models.rows import Rows
from components.models.transformed import LABEL
from components.remediator import checks, groups, training_on
from components.remediator.candidate import Candidate
from components.remediator.config import FairnessGap, MinDiffRemedy
from components.remediator.problem import Arrays, Problem, features_of

#: Rows of each of two groups that are compared in a step.
COMPARED_ROWS = 128
#: The same of the tuning rows, after each epoch.
VALIDATION_ROWS = 1024
#: Groups that are drawn to all others: those whose rates are farthest from that of all rows.
MOST_GROUPS = 4


def candidates(
    problem: Problem, check: FairnessGap, settings: MinDiffRemedy
) -> Iterator[Candidate]:
    """Yield a network for each weight; see `components.remediator.remedies.REMEDIES`."""
    names = compared_groups(problem, check)
    pairs, validation = (
        [Pair.of(inside, others, features_of(rows.arrays)) for inside, others in found]
        for rows in (problem.train, problem.tuning)
        for found in [_parts(check, rows, names)]
    )
    if not pairs or len(pairs) != len(validation):
        raise InputError(
            "There are no two groups whose scores could be compared.",
            column=check.column,
            expected="rows of two groups with the label that the gap is about, in both parts",
        )
    labels = problem.train.labels
    ones, tuning = np.ones(len(labels)), problem.tuning.arrays
    for weight in settings.weights:
        network = training_on.copied(problem.model)
        training_on.run(
            problem,
            Similar(network, pairs, validation, weight, problem.seed),
            training_on.packed(
                problem.train.arrays, ones * training_on.class_weights(problem, labels)
            ),
            training_on.packed(tuning, training_on.class_weights(problem, tuning[LABEL])),
        )
        yield Candidate(network, f"penalty with weight {weight:g}")


def compared_groups(problem: Problem, check: FairnessGap) -> list[str]:
    """Return the groups that are compared with all others, on the tuning rows."""
    scores = measuring.scores(measuring.outputs(problem.model, problem.tuning.arrays), problem.task)
    rates = checks.group_rates(check, problem.tuning, scores)
    rate = checks.RATES[check.gap]
    everyone = fairness.rates(
        problem.tuning.labels, scores[:, -1], np.full(len(scores), "all"), checks.THRESHOLD
    )["all"]
    far = {name: abs(getattr(each, rate) - getattr(everyone, rate)) for name, each in rates.items()}
    found = sorted((n for n in far if np.isfinite(far[n])), key=lambda n: (-far[n], n))
    # Of two, each is the others of the other.
    return found[:1] if len(found) <= 2 else found[:MOST_GROUPS]


def _parts(check: FairnessGap, rows: Rows, names: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return which rows are compared: of each group, and of the others, by the gap's labels."""
    group = groups.texts(rows.columns[check.column])
    wanted = {
        "equal_opportunity_difference": [rows.labels == 1],
        "equalized_odds_difference": [rows.labels == 1, rows.labels == 0],
    }.get(check.gap, [np.ones(len(rows), bool)])
    found = [
        (
            np.flatnonzero(part & (group == name)),
            np.flatnonzero(part & (group != name) & (group != "")),
        )
        for part in wanted
        for name in names
    ]
    return [pair for pair in found if all(map(len, pair))]


@dataclass(frozen=True)
class Pair:
    """Rows of a group and rows of the others.

    Attributes
    ----------
    members, others : dict of str to tf.Tensor
        Features.
    """

    members: dict[str, tf.Tensor]
    others: dict[str, tf.Tensor]

    @classmethod
    def of(cls, members: np.ndarray, others: np.ndarray, features: Arrays) -> Pair:
        """Return the rows at some places of arrays."""
        return cls(
            *(
                {name: tf.constant(values[rows]) for name, values in features.items()}
                for rows in (members, others)
            )
        )

    def drawn(self, rows: int, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return so many rows of each, drawn with replacement: first those of the group."""
        parts = []
        for number, part in enumerate((self.members, self.others)):
            most = len(next(iter(part.values())))
            chosen = tf.random.stateless_uniform(
                [rows], seed + tf.constant([0, number], seed.dtype), 0, most, tf.int32
            )
            parts.append({name: tf.gather(values, chosen) for name, values in part.items()})
        return {name: tf.concat([part[name] for part in parts], axis=0) for name in parts[0]}


class Similar(tf_keras.Model):
    """A network's layers, whose loss has the distance between groups in it.

    Labels are packed as those of `components.remediator.training_on.Weighted`. Its validation
    loss has the same penalty, by which the best epoch is kept.

    Parameters
    ----------
    network : tf_keras.Model
        Whose layers it shares.
    pairs, validation : list of Pair
        Of training and tuning rows.
    weight : float
        Of the sum of the distances.
    seed : int
    """

    def __init__(
        self,
        network: tf_keras.Model,
        pairs: list[Pair],
        validation: list[Pair],
        weight: float,
        seed: int,
    ) -> None:
        super().__init__(inputs=network.input, outputs=network.output, name=network.name)
        self._network, self._weight, self._seed = network, weight, seed
        self._pairs, self._validation = tuple(pairs), tuple(validation)
        self._distance = min_diff_library().losses.MMDLoss(enable_summary_histogram=False)

    @property
    def losses(self) -> list[tf.Tensor]:
        """None: penalties of the layers would take the validation loss's place."""
        return []

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Take one step; see `tf_keras.Model.train_step`."""
        features, packed = data
        step = self.optimizer.iterations
        label, weight = packed[:, :1], packed[:, 1]
        with tf.GradientTape() as tape:
            outputs = self(features, training=True)
            loss = self.compiled_loss(label, outputs, weight)
            far = self._far(self._pairs, COMPARED_ROWS, step)
            total = tf.add_n([loss, self._weight * far, *self._network.losses])
        self.optimizer.minimize(total, self.trainable_variables, tape=tape)
        return dict(self.compute_metrics(features, label, outputs, weight))

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """Measure a batch; see `tf_keras.Model.test_step`."""
        features, packed = data
        label, weight = packed[:, :1], packed[:, 1]
        outputs = self(features, training=False)
        far = self._far(self._validation, VALIDATION_ROWS, tf.constant(0, tf.int64))
        self.compiled_loss(label, outputs, weight, regularization_losses=[self._weight * far])
        return dict(self.compute_metrics(features, label, outputs, weight))

    def _far(self, pairs: tuple[Pair, ...], rows: int, step: tf.Tensor) -> tf.Tensor:
        """Return the sum of the distances between the groups' scores."""
        membership = tf.concat([tf.ones([rows, 1]), tf.zeros([rows, 1])], axis=0)
        found = []
        for number, pair in enumerate(pairs):
            seed = tf.stack([tf.cast(self._seed, tf.int64) + 2 * number, tf.cast(step, tf.int64)])
            scores = tf.sigmoid(self(pair.drawn(rows, 2 * seed), training=True))
            found.append(self._distance(membership=membership, predictions=scores))
        return tf.add_n(found)


def min_diff_library() -> Any:
    """Return `tensorflow_model_remediation.min_diff`."""
    # The library imports a hub of models, whose release here cannot be imported, for losses on
    # text that it has besides.
    name = "tensorflow_hub"
    stood_in = name not in sys.modules
    if stood_in:
        sys.modules[name] = types.ModuleType(name)
    try:
        from tensorflow_model_remediation import min_diff
    finally:
        if stood_in:
            del sys.modules[name]
    return min_diff
