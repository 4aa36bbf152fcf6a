"""Detectors of drift in a stream of numbers, such as the errors of a model."""
