"""Accumulated local effects: partial dependence that holds where features are correlated."""
