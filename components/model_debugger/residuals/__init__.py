"""Residual analysis: where, and how, a model errs."""
