"""Partial dependence: what a model says in the mean, feature by feature."""
