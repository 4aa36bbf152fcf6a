"""The base class of every component's settings."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Validated, immutable settings; an unknown key is an error, never ignored.

    Attributes
    ----------
    USES : tuple of str
        Files or rooms below `components/` that the component runs besides its own.
    LIBRARIES : tuple of str
        Distributions whose version decides the component's output.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    USES: ClassVar[tuple[str, ...]] = ()
    LIBRARIES: ClassVar[tuple[str, ...]] = ()

    @property
    def own_functions(self) -> tuple[str, ...]:
        """Dotted paths of the user's functions that the component calls."""
        return ()
