"""A connection to ML Metadata that waits for a busy store and says what is wrong."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from components.errors import InputError
from pipeline.store.mlmd import (
    MetadataStore,
    errors,
    metadata_store_pb2,
    metadata_store_serialized,
)

#: Seconds for which a call waits for a store that others keep busy.
BUSY_SECONDS = 30.0
#: Seconds in which a database server must accept a connection.
_CONNECT_SECONDS = 10.0


class Connection(MetadataStore):  # type: ignore[misc]  # ml_metadata has no types
    """ML Metadata's store, with shorter and longer patience where it has too much or little.

    Parameters
    ----------
    config : ConnectionConfig
        See `pipeline.store_config.connection_config`.

    Raises
    ------
    InputError
        If the store cannot be reached, opened or understood.
    """

    def __init__(self, config: metadata_store_pb2.ConnectionConfig) -> None:
        # Not the base's, which keeps the password and logs it in its debug mode.
        self._using_db_connection = True
        self._on_postgresql = config.HasField("postgresql")
        output: list[str] = []
        try:
            with contextlib.ExitStack() as stack:
                if not config.HasField("sqlite"):
                    _probe(config)
                    stack.enter_context(_native_output(output))
                self._metadata_store = metadata_store_serialized.CreateMetadataStore(
                    config.SerializeToString(),
                    metadata_store_pb2.MigrationOptions().SerializeToString(),
                )
        except RuntimeError as error:
            raise _explain(config, str(error), "".join(output)) from None

    def _call(
        self, method_name: str, request: Any, response: Any, extra_options: Any = None
    ) -> None:
        """Call a method; while other processes keep the store busy, try again.

        The base waits for 2 s on average before it tries again, and gives up after 5.
        """
        deadline = time.monotonic() + BUSY_SECONDS
        wait = 0.02
        while True:
            try:
                if self._on_postgresql:
                    request = _translated(request, "\\", _BACKSLASH)
                self._call_method(method_name, request, response)
                if self._on_postgresql:
                    response.CopyFrom(_translated(response, _BACKSLASH, "\\"))
                return
            except errors.AbortedError:
                if time.monotonic() + wait > deadline:
                    raise InputError(
                        f"The metadata store has been locked for {BUSY_SECONDS:.0f} s.",
                        remedy="end the process that keeps it locked, and try again",
                    ) from None
                time.sleep(wait * random.uniform(0.5, 1))
                wait = min(wait * 2, 0.5)
            except errors.StatusError as error:
                if "readonly database" in str(error):
                    raise InputError(
                        "The metadata store may not be written.",
                        remedy="change the permissions of the SQLite file and its directory",
                    ) from None
                raise

    # A database returns the rows of an IN clause in any order, and each once. TFX takes
    # the answer for the question's order, and on PostgreSQL it mixes up a node's outputs.

    def get_artifacts_by_id(self, artifact_ids: Iterable[int], *more: Any, **named: Any) -> Any:
        """Return the artifacts that exist, in the order of `artifact_ids`."""
        ids = list(artifact_ids)
        return _in_order(ids, super().get_artifacts_by_id(ids, *more, **named))

    def get_artifact_types_by_id(self, type_ids: Iterable[int], *more: Any, **named: Any) -> Any:
        """Return the types that exist, in the order of `type_ids`."""
        ids = list(type_ids)
        return _in_order(ids, super().get_artifact_types_by_id(ids, *more, **named))

    def get_executions_by_id(self, execution_ids: Iterable[int], *more: Any, **named: Any) -> Any:
        """Return the executions that exist, in the order of `execution_ids`."""
        ids = list(execution_ids)
        return _in_order(ids, super().get_executions_by_id(ids, *more, **named))


#: Stands for a backslash on PostgreSQL, where ML Metadata quotes a text that has one in a
#: way that the server does not understand; a character for private use.
_BACKSLASH = "\ue05c"


def _in_order(ids: list[int], found: Any) -> Any:
    if isinstance(found, tuple):  # artifacts with their types
        return (_in_order(ids, found[0]), *found[1:])
    by_id = {item.id: item for item in found}
    return [by_id[number] for number in ids if number in by_id]


def _translated(message: Any, old: str, new: str) -> Any:
    """Return a copy of a proto with `old` as `new` in all texts that it holds."""
    copy = type(message)()
    copy.CopyFrom(message)
    _translate(copy, old, new)
    return copy


def _translate(message: Any, old: str, new: str) -> None:
    for field, value in message.ListFields():
        if field.type == field.TYPE_STRING:
            if field.is_repeated:
                value[:] = [text.replace(old, new) for text in value]
            else:
                setattr(message, field.name, value.replace(old, new))
        elif field.type == field.TYPE_MESSAGE:
            if field.message_type.GetOptions().map_entry:
                if field.message_type.fields_by_name["value"].type == field.TYPE_MESSAGE:
                    for each in value.values():
                        _translate(each, old, new)
            elif field.is_repeated:
                for each in value:
                    _translate(each, old, new)
            else:
                _translate(value, old, new)


def _probe(config: metadata_store_pb2.ConnectionConfig) -> None:
    """Raise an InputError if nothing that speaks the right protocol listens.

    ML Metadata itself says nothing about the cause, and waits a minute for a MySQL
    greeting that never comes.
    """
    host, port, kind = _address(config)
    if host.startswith("/"):  # the directory of PostgreSQL's Unix socket
        return
    try:
        with socket.create_connection((host, port), _CONNECT_SECONDS) as connection:
            if config.HasField("mysql"):
                greeting = connection.recv(5)
                # A packet's header of 4 bytes, then protocol version 10 or an error's 255.
                if len(greeting) < 5 or greeting[4] not in (10, 255):
                    raise InputError(f"The server at {host}:{port} is no {kind} server.")
    except TimeoutError:
        problem = f"No {kind} server answers at {host}:{port} within {_CONNECT_SECONDS:.0f} s."
        raise _unreachable(problem) from None
    except socket.gaierror:
        raise _unreachable(f"The host name {host!r} is unknown.") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise _unreachable(f"No {kind} server answers at {host}:{port}: {reason}.") from None


def _unreachable(problem: str) -> InputError:
    return InputError(
        problem,
        setting="store.host, store.port",
        remedy="start the server, or correct the settings",
    )


def _address(config: metadata_store_pb2.ConnectionConfig) -> tuple[str, int, str]:
    if config.HasField("mysql"):
        return config.mysql.host, config.mysql.port, "MySQL"
    postgresql = config.postgresql
    return _unquote(postgresql.host), int(postgresql.port), "PostgreSQL"


def _unquote(value: str) -> str:
    if not value.startswith("'"):
        return value
    return value[1:-1].replace("\\'", "'").replace("\\\\", "\\")


@contextlib.contextmanager
def _native_output(output: list[str]) -> Iterator[None]:
    """Collect what native code writes to standard error, which may hold parts of a password."""
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(saved, 2)
                file.seek(0)
                output.append(file.read().decode(errors="replace"))
    finally:
        os.close(saved)


def _explain(config: metadata_store_pb2.ConnectionConfig, message: str, output: str) -> InputError:
    """Return what ML Metadata's `message` and its native log `output` mean."""
    if "MLMD database version" in message:
        return InputError(
            "The metadata store was made by another version of ML Metadata.",
            got=message.split(". ")[0],
            remedy="use a new store, or that version of ml-metadata",
        )
    if config.HasField("sqlite"):
        return _explain_sqlite(Path(config.sqlite.filename_uri), message)
    host, port, kind = _address(config)
    server = f"The {kind} server at {host}:{port}"
    if config.HasField("mysql"):
        user, database = config.mysql.user, config.mysql.database
        reason = message.rpartition("error: ")[2].strip()
    else:
        user, database = _unquote(config.postgresql.user), config.postgresql.dbname
        reason = output.rpartition("PostgreSQL error: ")[2].partition("\n")[0].strip()
    lower = reason.lower()
    if "unknown database" in lower or ("database" in lower and "does not exist" in lower):
        return InputError(
            f"{server} has no database {database!r}.",
            setting="store.database",
            remedy=f"create it (CREATE DATABASE {database};), or correct the name",
        )
    if "access denied" in lower and "to database" in lower:
        return InputError(
            f"{server} lets user {user!r} not use the database {database!r}.",
            setting="store.database, store.user",
            remedy=f"create the database and grant {user} all rights on it, or correct the name",
        )
    if not reason or "password" in lower or "authentication" in lower or "role" in lower:
        # MySQL's client library passes no reason on; but the server has answered.
        return InputError(
            f"{server} refuses user {user!r} or its password.",
            setting="store.user, store.password_env",
            remedy="correct the user, or the variable that store.password_env names"
            + ("; the user must log in by mysql_native_password" if kind == "MySQL" else ""),
        )
    for secret in (config.mysql.password, config.postgresql.password):
        reason = reason.replace(secret, "***") if secret else reason
    return InputError(f"{server} cannot be used as a metadata store.", got=reason)


def _explain_sqlite(path: Path, message: str) -> InputError:
    if "not a database" in message or "malformed" in message:
        return InputError(
            "The metadata store is no SQLite file, or is damaged.",
            file=str(path),
            remedy="restore it from a backup, or move it away to begin a new one",
        )
    if "aborted" in message or "locked" in message:
        return InputError(
            "The metadata store is locked by another process.",
            file=str(path),
            remedy="wait for the process or end it, and try again",
        )
    if path.is_dir():
        return InputError(
            "The metadata store is a directory.", file=str(path), expected="a SQLite file"
        )
    if "unable to open" in message or "readonly" in message:
        return InputError(
            "The metadata store may not be read and written.",
            file=str(path),
            remedy="change the permissions of the file and its directory, or name another root",
        )
    return InputError("The metadata store cannot be used.", file=str(path), got=message)
