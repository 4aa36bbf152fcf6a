"""Tuner: searches hyperparameters and architectures on a budget."""
