"""XRAI: the regions of an image that a prediction rests on."""
