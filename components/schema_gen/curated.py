"""Read a schema that a person keeps, as text-format TensorFlow Metadata."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.errors import InputError


def load(path: str | Path) -> schema_pb2.Schema:
    """Return the schema in `path`.

    Raises
    ------
    InputError
        If the file is missing or is no schema, with the line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        return text_format.Parse(text, schema_pb2.Schema())
    except OSError as error:
        raise InputError(
            f"There is no schema file {str(path)!r}.",
            setting="schema.path",
            got=error.strerror,
            remedy="leave schema.path out to infer a schema",
        ) from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise InputError(
            "The schema file is not a text-format TensorFlow Metadata schema.",
            file=str(path),
            setting="schema.path",
            line=error.GetLine() if isinstance(error, text_format.ParseError) else None,
            got=str(error),
        ) from None


def kinds(schema: schema_pb2.Schema) -> dict[str, str]:
    """Return the kind of each column whose type leaves no choice.

    Integers are left out: they may be numbers, times, categories or booleans.
    """
    by_type = {schema_pb2.FLOAT: "numeric", schema_pb2.BYTES: "categorical"}
    return {
        f.name: by_type[f.type]
        for f in schema.feature
        if f.type in by_type and f.WhichOneof("domain_info") != "image_domain"
    }


def check_columns(schema: schema_pb2.Schema, columns: Sequence[str], path: str) -> None:
    """Raise InputError if a column of the data is not in `schema`, or the reverse."""
    known = {feature.name for feature in schema.feature}
    if unknown := [name for name in columns if name not in known]:
        raise InputError(
            "A column of the data is not in the curated schema.",
            file=path,
            column=unknown[0],
            expected=", ".join(sorted(known)),
            remedy=f"describe it there, or set data.exclude: [{unknown[0]}]",
        )
    required = {
        f.name
        for f in schema.feature
        if f.lifecycle_stage in (schema_pb2.UNKNOWN_STAGE, schema_pb2.PRODUCTION)
        and (f.presence.min_count or f.presence.min_fraction)
    }
    if absent := sorted(required - set(columns)):
        raise InputError(
            "The curated schema requires a column that the data lacks.",
            file=path,
            column=absent[0],
            got=", ".join(columns),
            remedy="add the column, or drop it from the schema",
        )
