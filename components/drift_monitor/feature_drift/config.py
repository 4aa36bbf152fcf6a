"""Settings of the drift of features. Imports nothing heavy."""

from __future__ import annotations

from components.settings import Settings


class FeatureDriftConfig(Settings):
    """Placeholder until the package lands: replace this file."""
