"""Novelty found by clustering what no known class explains."""
