"""The history that a run of the monitor goes on from, or whose window it trains on."""

from __future__ import annotations

from ml_metadata import MetadataStore
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact


class ArtifactByIdStrategy(ResolverStrategy):
    """Resolve one artifact, chosen before the run by who started it.

    Parameters
    ----------
    id : int
    """

    def __init__(self, id: int) -> None:
        self._id = id

    def resolve_artifacts(
        self, store: MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]] | None:
        found = {
            name: [artifact for artifact in artifacts if artifact.id == self._id]
            for name, artifacts in input_dict.items()
        }
        return found if all(found.values()) else None
