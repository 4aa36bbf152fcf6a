"""Drift of features and predictions, for which no labels are needed."""
