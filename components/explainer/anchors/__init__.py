"""Anchors: rules that hold a decision fast."""
