"""The default store: one SQLite file below a pipeline's root."""

from __future__ import annotations

import os
from pathlib import Path

from components.errors import InputError
from pipeline.store.mlmd import metadata_store_pb2

#: Name of the file below a pipeline's root.
FILE_NAME = "metadata.sqlite"


def default_path(root: str | os.PathLike[str]) -> Path:
    """Return the file of the pipeline whose root is `root`."""
    return Path(root) / FILE_NAME


def connection_config(
    path: str | os.PathLike[str], *, create: bool = True
) -> metadata_store_pb2.ConnectionConfig:
    """Return how ML Metadata connects to the file `path`.

    Parameters
    ----------
    path : path
    create : bool
        Whether the file is made if it does not exist.

    Raises
    ------
    InputError
        If the file, or with `create` its directory, does not exist.
    """
    path = Path(path)
    if not (path.parent.is_dir() if create else path.exists()):
        raise InputError(
            "There is no metadata store yet.",
            file=str(path),
            remedy="use run, which makes it; or name another root, --config FILE or store.path",
        )
    connection = metadata_store_pb2.ConnectionConfig()
    sqlite = connection.sqlite
    sqlite.filename_uri = str(path)
    sqlite.connection_mode = sqlite.READWRITE_OPENCREATE if create else sqlite.READWRITE
    return connection
