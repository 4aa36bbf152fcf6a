"""Sensitivity analysis: what a model's predictions hang on, and how much."""
