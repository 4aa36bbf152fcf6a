"""Settings of ExampleValidator."""

from __future__ import annotations

from typing import ClassVar, Literal

from components.settings import Settings


class ValidatorConfig(Settings):
    """What an anomaly in the data leads to.

    Attributes
    ----------
    on_anomaly : {"stop", "warn"}
        ``stop`` ends the run at this node with exit code 3; ``warn`` records the
        anomalies and goes on.
    """

    LIBRARIES: ClassVar[tuple[str, ...]] = ("tensorflow-data-validation",)

    on_anomaly: Literal["stop", "warn"] = "stop"
