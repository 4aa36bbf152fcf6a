"""Grad-CAM: where the last convolution finds what speaks for a class."""
