"""Surrogates: readable models of what a model says."""
