"""Curated schemas, one per shipped data set."""
