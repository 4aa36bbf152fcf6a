"""Settings of SchemaGen."""

from __future__ import annotations

from typing import ClassVar

from components.settings import Settings


class SchemaConfig(Settings):
    """Where the schema comes from.

    Attributes
    ----------
    path : str or None
        A curated schema (text-format TensorFlow Metadata); None infers one from
        the statistics of the train split.
    """

    LIBRARIES: ClassVar[tuple[str, ...]] = ("tensorflow-data-validation",)

    path: str | None = None
