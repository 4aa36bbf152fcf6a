"""ML Metadata, imported without what only its client of a remote service needs."""

from __future__ import annotations

import importlib.util
import sys


def _import_when_used(name: str) -> None:
    """Put a module in `sys.modules` that loads when it is first used."""
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


# Half of the time that ML Metadata takes to import.
_import_when_used("grpc")

from ml_metadata import ListOptions, OrderByField, errors  # noqa: E402
from ml_metadata.metadata_store.metadata_store import (  # noqa: E402
    MetadataStore,
    metadata_store_serialized,
)
from ml_metadata.proto import metadata_store_pb2  # noqa: E402

__all__ = [
    "ListOptions",
    "MetadataStore",
    "OrderByField",
    "errors",
    "metadata_store_pb2",
    "metadata_store_serialized",
]
