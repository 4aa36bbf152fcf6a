"""The trials of the last search with other settings or data, to begin from."""

from __future__ import annotations

import hashlib

from ml_metadata import MetadataStore
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact

#: Custom property of a TunerResults artifact: see `search_key`.
SEARCH_KEY = "mw_search_key"


def search_key(config: str, code_fingerprint: str, dataset: str) -> str:
    """Return what tells one search from another: its settings, its code and its data."""
    text = "\0".join((config, code_fingerprint, dataset))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class EarlierTrialsStrategy(ResolverStrategy):
    """Resolve the newest results of another search that is older than all of this one.

    Taking the newest of all would hand a search its own results when it is run again: with
    another input than the first time it would never come from the cache.

    Parameters
    ----------
    key : str
        `search_key` of the search that asks.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def resolve_artifacts(
        self, store: MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        own: list[Artifact] = []
        others: list[Artifact] = []
        for result in input_dict["results"]:
            key = result.get_string_custom_property(SEARCH_KEY)
            (own if key == self._key else others).append(result)
        first = min((result.id for result in own), default=None)
        older = [result for result in others if first is None or result.id < first]
        newest = max(older, key=lambda result: int(result.id), default=None)
        return {"results": [newest] if newest else []}
