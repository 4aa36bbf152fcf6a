"""TFX's handle on the metadata store, over this project's connection."""

from __future__ import annotations

from tfx.orchestration import metadata

from pipeline.store.connection import Connection


class Metadata(metadata.Metadata):
    """TFX's handle, which waits longer for a busy store and gets answers in order."""

    def __enter__(self) -> Metadata:
        self._store = Connection(self._connection_config)
        self._users += 1
        return self
