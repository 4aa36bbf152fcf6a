"""TCAV: how much a prediction depends on concepts that people name."""
