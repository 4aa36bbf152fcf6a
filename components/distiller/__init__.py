"""Distiller: a small network that is taught by a large model."""
