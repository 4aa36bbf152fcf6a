"""Counterfactuals: what to change so that the decision flips."""
