"""Attacks on models: inputs changed within a budget so that the model errs."""
