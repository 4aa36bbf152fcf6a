"""ML Metadata, imported without what only its client of a remote service needs."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """Stands for a module until something in it is asked for.

    The standard library's lazy loader will not do: the second ``import`` of a module
    already loads it.
    """

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        module = importlib.import_module(self.__name__)
        self.__dict__.update(module.__dict__)
        return getattr(module, name)


# Half of the time that ML Metadata takes to import, and not used without a remote service.
sys.modules.setdefault("grpc", _Deferred("grpc"))

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
