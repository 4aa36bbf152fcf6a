"""Membership inference: was a row among those that the model was trained on?

Through the adversarial-robustness-toolbox where it has the attack. Shokri et al. 2017, Membership
inference attacks against machine learning models.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from components.model_debugger.privacy.answers import Answers
from components.model_debugger.privacy.leakage import Leakage, measure
from components.model_debugger.privacy.toolbox import (
    BlackBoxClassifierNeuralNetwork,
    BlackBoxRegressor,
    MembershipInferenceBlackBox,
    MembershipInferenceBlackBoxRuleBased,
)

#: Rows in a leaf of the attacker's trees, so that they learn no single row by heart.
LEAF = 20


def by_loss(members: Answers, others: Answers, trees: int, seed: int) -> Leakage:
    """Take rows with a small loss for members [Yeom et al. 2018].

    Parameters
    ----------
    members, others : Answers
        The model's, for rows that it was trained on and for others.
    trees, seed : int
        Not used.
    """
    return measure(-members.losses, -others.losses)


def by_rule(members: Answers, others: Answers, trees: int, seed: int) -> Leakage:
    """Take rows that the model has right for members: the gap of the two accuracies."""

    def inferred(answers: Answers) -> np.ndarray:
        attack = MembershipInferenceBlackBoxRuleBased(
            BlackBoxClassifierNeuralNetwork(
                answers.lookup, input_shape=(1,), nb_classes=answers.scores.shape[1]
            )
        )
        return np.asarray(attack.infer(answers.places, answers.one_hot))

    return measure(inferred(members), inferred(others))


def by_model(members: Answers, others: Answers, trees: int, seed: int) -> Leakage:
    """Fit a forest on scores and labels of half of the rows, and try it on the other half.

    It is an attacker who knows of some rows whether they are members.
    """
    random = np.random.default_rng(seed)
    shadow, target = zip(members.halves(random), others.halves(random), strict=True)
    regression = members.regression
    if regression:
        estimator = BlackBoxRegressor(members.lookup, input_shape=(1,))
    else:
        estimator = BlackBoxClassifierNeuralNetwork(
            members.lookup, input_shape=(1,), nb_classes=members.scores.shape[1]
        )
    attack = MembershipInferenceBlackBox(
        estimator,
        input_type="loss" if regression else "prediction",
        attack_model_type="rf",
        scaler_type=None,
    )
    attack.attack_model.set_params(n_estimators=trees, min_samples_leaf=LEAF, random_state=seed)
    attack.fit(
        y=shadow[0].targets,
        test_y=shadow[1].targets,
        pred=shadow[0].scores,
        test_pred=shadow[1].scores,
    )
    told = [
        attack.infer(None, y=each.targets, pred=each.scores, probabilities=True)[:, 0]
        for each in target
    ]
    return measure(told[0], told[1])


#: Title of each attack, its function, and whether a regression can be attacked by it.
ATTACKS: dict[str, tuple[str, Callable[[Answers, Answers, int, int], Leakage], bool]] = {
    "rule": ("right or wrong", by_rule, False),
    "loss": ("threshold of the loss", by_loss, True),
    "model": ("attack model", by_model, True),
}
