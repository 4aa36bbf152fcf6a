"""Sensitivity analysis: what a model's predictions depend on, and how much."""
