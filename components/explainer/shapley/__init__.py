"""Shapley values: a prediction divided fairly among the features that led to it."""
