"""LIME: a linear model around each row."""
