"""Integrated gradients: a prediction split along the way from a baseline to the row."""
