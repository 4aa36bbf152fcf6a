"""Remediator: holds a model against declared checks, and tries remedies for those that fail."""
