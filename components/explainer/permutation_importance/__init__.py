"""Permutation importance: how much worse a model is without what a feature tells it."""
