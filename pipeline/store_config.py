"""Where the metadata store is: its settings, and how ML Metadata connects to it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from components.errors import InputError
from components.settings import Settings

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

_PORTS = {"mysql": 3306, "postgresql": 5432}
# ML Metadata puts the name into its SQL without quotes.
_DATABASE_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
_VARIABLE_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


class StoreConfig(Settings):
    """Settings of the metadata store.

    Attributes
    ----------
    type : {"sqlite", "mysql", "postgresql"}
        ``mysql`` means MariaDB, too.
    path : str or None
        The SQLite file; by default ``metadata.sqlite`` below the pipeline's root.
    host : str
        Name or address of the database server.
    port : int or None
        By default 3306 for MySQL and 5432 for PostgreSQL.
    database, user : str or None
        Both are needed for a server. The database must exist; its tables are made
        when it is first used.
    password_env : str or None
        Name of the environment variable that holds the password. The password itself
        is no setting: it is never stored, logged or shown.
    """

    type: Literal["sqlite", "mysql", "postgresql"] = "sqlite"
    path: str | None = None
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int | None = Field(default=None, ge=1, le=65535)
    database: str | None = None
    user: str | None = Field(default=None, min_length=1)
    password_env: str | None = None

    @field_validator("database")
    @classmethod
    def _database_is_a_plain_name(cls, database: str | None) -> str | None:
        if database is not None and not re.fullmatch(_DATABASE_NAME, database):
            raise ValueError("1 to 63 letters, digits or '_', not starting with a digit")
        return database

    @field_validator("password_env")
    @classmethod
    def _password_env_is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(_VARIABLE_NAME, name):
            # A ValueError would be shown with the value, which may well be the password.
            raise InputError(
                "store.password_env is no name of an environment variable.",
                setting="store.password_env",
                expected="the NAME of the variable that holds the password",
            )
        return name

    @model_validator(mode="after")
    def _settings_belong_together(self) -> StoreConfig:
        if self.type == "sqlite":
            server_only = ("host", "port", "database", "user", "password_env")
            fields = type(self).model_fields
            # Not `model_fields_set`: read back from JSON, every field was set.
            if wrong := [n for n in server_only if getattr(self, n) != fields[n].default]:
                raise ValueError(f"{', '.join(sorted(wrong))}: not for type sqlite")
        else:
            if self.path is not None:
                raise ValueError(f"path: only for type sqlite, not {self.type}")
            for name in ("database", "user"):
                if getattr(self, name) is None:
                    raise ValueError(f"{name}: needed for type {self.type}")
        return self

    @property
    def server(self) -> str:
        """``host:port`` of the database server."""
        return f"{self.host}:{self.port or _PORTS[self.type]}"


def connection_config(
    config: StoreConfig, root: str | os.PathLike[str]
) -> metadata_store_pb2.ConnectionConfig:
    """Return how ML Metadata connects to the store.

    The result holds the password: it must not be printed or logged.

    Parameters
    ----------
    config : StoreConfig
        Settings of the store.
    root : path
        Root of the pipeline, below which the SQLite file is by default.

    Raises
    ------
    InputError
        If the environment variable that should hold the password is not set, or the
        SQLite file's directory does not exist.
    """
    from pipeline.store import sqlite
    from pipeline.store.mlmd import metadata_store_pb2

    if config.type == "sqlite":
        return sqlite.connection_config(config.path or sqlite.default_path(root))
    connection = metadata_store_pb2.ConnectionConfig()
    password = _password(config)
    host, port = config.host, config.port or _PORTS[config.type]
    assert config.database is not None
    assert config.user is not None
    if config.type == "mysql":
        mysql = connection.mysql
        mysql.host, mysql.port, mysql.user = host, port, config.user
        mysql.database, mysql.password = config.database, password
        # A misspelt name must not make a new database.
        mysql.skip_db_creation = True
    else:
        postgresql = connection.postgresql
        postgresql.host, postgresql.port = _quote(host), str(port)
        postgresql.user, postgresql.dbname = _quote(config.user), config.database
        postgresql.skip_db_creation = True
        if password:
            postgresql.password = _quote(password)
    return connection


def _password(config: StoreConfig) -> str:
    if config.password_env is None:
        return ""
    password = os.environ.get(config.password_env)
    if password is None:
        raise InputError(
            f"The environment variable {config.password_env} is not set.",
            setting="store.password_env",
            expected=f"the password of {config.user} on {config.type} at {config.server}",
            remedy=f"export {config.password_env}=...",
        )
    return password


def _quote(value: str) -> str:
    """Quote a value of libpq's connection string, which ML Metadata leaves to its caller."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
