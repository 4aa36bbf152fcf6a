"""What is used of the adversarial-robustness-toolbox, imported without a word about PyTorch."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # It warns of certificates, which it has for PyTorch only and nobody asks for here.
    warnings.simplefilter("ignore")
    from art.attacks.extraction import KnockoffNets
    from art.attacks.inference.membership_inference import (
        MembershipInferenceBlackBox,
        MembershipInferenceBlackBoxRuleBased,
    )
    from art.estimators import BaseEstimator
    from art.estimators.classification import BlackBoxClassifierNeuralNetwork
    from art.estimators.classification.classifier import ClassifierMixin
    from art.estimators.regression import BlackBoxRegressor

__all__ = [
    "BaseEstimator",
    "BlackBoxClassifierNeuralNetwork",
    "BlackBoxRegressor",
    "ClassifierMixin",
    "KnockoffNets",
    "MembershipInferenceBlackBox",
    "MembershipInferenceBlackBoxRuleBased",
]
