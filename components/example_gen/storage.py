"""From values as they are found, or typed by a person, to values as they are stored.

Text is trimmed; the empty text and the given missing values become null, as does NaN.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.errors import InputError
from components.example_gen.dataset import DatasetSpec, Kind

#: Arrow type of each kind of column, as its values are stored.
TYPES: dict[Kind, pa.DataType] = {
    "numeric": pa.float32(),
    "integer": pa.int64(),
    "boolean": pa.int64(),
    "time": pa.int64(),
    "categorical": pa.string(),
    "image": pa.large_binary(),
}

#: What a value of each kind must be, for messages.
DESCRIPTIONS: dict[Kind, str] = {
    "numeric": "a finite number (32-bit float)",
    "integer": "a whole number (64-bit)",
    "boolean": "true/false, yes/no, t/f, y/n or 1/0",
    "time": "an ISO 8601 date or time such as 2024-05-31 or 2024-05-31T12:00:00Z",
    "categorical": "text",
    "image": "the bytes of a PNG or JPEG file",
}

TRUE_WORDS = ("true", "yes", "t")
FALSE_WORDS = ("false", "no", "f")

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_WHOLE = r"^[+-]?\d{1,18}(\.0*)?$"
_ISO_TIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
_NOT_FINITE = r"(?i)^[+-]?(nan|inf|infinity)$"
_ZONE = r"[T ].*(Z|[+-]\d{2}(:?\d{2})?)$"


#: Values that are tried before all.
_SAMPLE = 64


def is_text(kind: pa.DataType) -> bool:
    """Whether an Arrow type holds text or bytes."""
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def kind_of(stored: pa.DataType) -> Kind | None:
    """Return the kind of column that an Arrow type means; None for nested or odd types."""
    if pa.types.is_dictionary(stored):
        return kind_of(stored.value_type)
    if is_text(stored) or pa.types.is_null(stored):
        return "categorical"
    if pa.types.is_boolean(stored):
        return "boolean"
    if pa.types.is_integer(stored):
        return "integer"
    if pa.types.is_floating(stored) or pa.types.is_decimal(stored):
        return "numeric"
    if pa.types.is_timestamp(stored) or pa.types.is_date(stored):
        return "time"
    return None


def trim(values: pa.Array) -> pa.Array:
    """Return text without white space around it.

    Raises
    ------
    pyarrow.ArrowInvalid
        For bytes that are not UTF-8.
    """
    return pc.utf8_trim_whitespace(pc.cast(values, pa.string()))


def with_nulls(values: pa.Array, missing: Sequence[str]) -> pa.Array:
    """Return `values`, text trimmed, with null wherever the value is missing.

    Parameters
    ----------
    values : pyarrow.Array
        Flat values of any supported type.
    missing : sequence of str
        What means "missing", besides the empty text and NaN. Those that are numbers
        apply to numbers too.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if is_text(values.type):
        values = trim(values)
        absent = pc.is_in(values, pa.array(["", *missing], pa.string()))
    elif pa.types.is_null(values.type) or pa.types.is_boolean(values.type):
        return values
    elif pa.types.is_integer(values.type) or kind_of(values.type) == "numeric":
        if not pa.types.is_integer(values.type):
            values = pc.cast(values, pa.float64())
        sentinels = pa.array(_numbers(tuple(missing)), pa.float64())
        absent = pc.is_in(pc.cast(values, pa.float64(), safe=False), sentinels)
        if pa.types.is_floating(values.type):
            absent = pc.or_(absent, pc.fill_null(pc.is_nan(values), False))
    else:
        return values
    if not pc.any(absent).as_py():
        return values
    return pc.if_else(absent, pa.scalar(None, values.type), values)


def convert(values: pa.Array, kind: Kind) -> tuple[pa.Array, pa.Array | None]:
    """Return `values` as stored, and a mask of those that are not of the kind.

    Parameters
    ----------
    values : pyarrow.Array
        As `with_nulls` returns them.
    kind : str
        Kind of the column.

    Returns
    -------
    stored : pyarrow.Array
        Of type ``TYPES[kind]``; null where the value is missing or invalid.
    invalid : pyarrow.Array of bool, or None
        None if every value is of the kind.
    """
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), TYPES[kind]), None
    table = _FROM_TEXT if is_text(values.type) else _FROM_TYPED
    stored = table[kind](values)
    if stored.null_count == values.null_count:
        return stored, None
    return stored, pc.and_(pc.is_null(stored), pc.is_valid(values))


def to_storage(table: pa.Table | pa.RecordBatch, spec: DatasetSpec) -> pa.RecordBatch:
    """Return raw values in the types in which the data set is stored.

    Parameters
    ----------
    table : pyarrow.Table or RecordBatch
        Any of the data set's columns by name, with values as in the source or as typed by
        a person: text, numbers, booleans, timestamps. Columns that the data set does not
        have are left out.
    spec : DatasetSpec

    Returns
    -------
    RecordBatch
        Those columns that `table` has, in the order of `spec.read_columns`, with the
        types in `TYPES`; null where a value is missing.

    Raises
    ------
    InputError
        For a value that is not of its column's kind.
    """
    present = set(table.schema.names)
    columns = [column for column in spec.read_columns if column.name in present]
    arrays = []
    for column in columns:
        raw = table.column(column.name)
        if isinstance(raw, pa.ChunkedArray):
            raw = raw.combine_chunks()
        if column.kind == "image":  # its reader has looked at it
            arrays.append(raw.cast(TYPES["image"]))
            continue
        values = with_nulls(raw, spec.missing_values)
        stored, invalid = convert(values, column.kind)
        if invalid is not None:
            raise InputError(
                f"Column {column.name!r} holds a value that is not {column.kind}.",
                column=column.name,
                expected=DESCRIPTIONS[column.kind],
                got=repr(values.filter(invalid)[0].as_py()),
            )
        arrays.append(stored)
    return pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])


def are_integers(text: pa.Array) -> bool:
    """Whether every text is a 64-bit integer in decimal digits."""
    if _cast(text, pa.int64()) is None:
        return False
    # Arrow reads 0x1F as a number; a user means a name.
    return not pc.any(pc.match_substring(text, "x", ignore_case=True)).as_py()


def are_booleans(text: pa.Array) -> bool:
    """Whether every text is true or false, yes or no, t or f, in any case."""
    words = pa.array([*TRUE_WORDS, *FALSE_WORDS])
    return bool(pc.all(pc.is_in(pc.utf8_lower(text), words)).as_py())


def are_times(text: pa.Array) -> bool:
    """Whether every text is an ISO 8601 date or time."""
    if not pc.all(pc.match_substring_regex(text, _ISO_TIME)).as_py():
        return False
    return convert(text, "time")[1] is None


@functools.cache
def _numbers(texts: tuple[str, ...]) -> list[float]:
    """Return the numbers among `texts`."""
    return [float(text) for text in texts if re.fullmatch(_NUMBER, text)]


def _keep(values: pa.Array, valid: pa.Array) -> pa.Array:
    return pc.if_else(valid, values, pa.scalar(None, values.type))


def _cast(text: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return `text` as `kind`, or None if some text is not of it."""
    try:
        # Arrow takes 30 times as long over a value that fails: look at a few before all.
        pc.cast(text[:_SAMPLE], kind)
        return pc.cast(text, kind)
    except pa.ArrowInvalid:
        return None


def _finite(numbers: pa.Array) -> pa.Array:
    """Return float64 `numbers` as float32, null where that is not finite."""
    numbers = pc.cast(numbers, pa.float32(), safe=False)
    finite = pc.is_finite(numbers)
    return numbers if pc.all(finite).as_py() is not False else _keep(numbers, finite)


def _numeric_from_text(text: pa.Array) -> pa.Array:
    numbers = _cast(text, pa.float64())
    if numbers is None:
        text = _keep(text, pc.match_substring_regex(text, _NUMBER))
        numbers = pc.cast(text, pa.float64())
    return _finite(numbers)


def _integer_from_text(text: pa.Array) -> pa.Array:
    integers = _cast(text, pa.int64())
    if integers is not None:
        return integers
    digits = _keep(text, pc.match_substring_regex(text, _WHOLE))
    digits = pc.replace_substring_regex(digits, r"^\+|\.0*$", "")
    numbers = _keep(text, pc.match_substring_regex(text, _NUMBER))  # such as 1e+05
    return pc.coalesce(
        pc.cast(digits, pa.int64()), _integer_from_typed(pc.cast(numbers, pa.float64()))
    )


def _boolean_from_text(text: pa.Array) -> pa.Array:
    text = pc.utf8_lower(text)
    true = pc.is_in(text, pa.array([*TRUE_WORDS, "y", "1"]))
    false = pc.is_in(text, pa.array([*FALSE_WORDS, "n", "0"]))
    return _keep(pc.cast(true, pa.int64()), pc.or_(true, false))


def _time_from_text(text: pa.Array) -> pa.Array:
    encoded = text.dictionary_encode()  # times are dear to parse, and often recur
    return _time_from_distinct(encoded.dictionary).take(encoded.indices)


def _time_from_distinct(text: pa.Array) -> pa.Array:
    integers = _cast(text, pa.int64())
    if integers is not None:
        return integers
    whole = _keep(text, pc.match_substring_regex(text, r"^[+-]?\d{1,18}$"))
    stamps = pc.replace_substring_regex(
        _keep(text, pc.match_substring_regex(text, _ISO_TIME)), r"\.\d+", ""
    )
    zoned = pc.match_substring_regex(stamps, _ZONE)
    local = _cast(_keep(stamps, pc.invert(zoned)), pa.timestamp("s"))
    utc = _cast(_keep(stamps, zoned), pa.timestamp("s", "UTC"))
    if local is None or utc is None:  # such as the 31st of February: Arrow does not say which
        seconds = pa.array([_epoch_seconds(stamp) for stamp in stamps.to_pylist()], pa.int64())
    else:
        seconds = pc.coalesce(pc.cast(local, pa.int64()), pc.cast(utc, pa.int64()))
    return pc.coalesce(_integer_from_text(whole), seconds)


def is_not_finite(values: pa.Array) -> pa.Array:
    """Return where raw numbers, or texts of numbers, are NaN or infinite."""
    if is_text(values.type):
        return pc.match_substring_regex(trim(values), _NOT_FINITE).fill_null(False)
    if pa.types.is_floating(values.type):
        return pc.invert(pc.is_finite(values)).fill_null(False)
    return pa.array(np.zeros(len(values), bool))


def _epoch_seconds(stamp: str | None) -> int | None:
    if stamp is None:
        return None
    try:
        time = datetime.datetime.fromisoformat(stamp)
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=datetime.UTC)
    return int(time.timestamp())


def _numeric_from_typed(values: pa.Array) -> pa.Array:
    return _finite(pc.cast(_plain(values), pa.float64(), safe=False))


def _integer_from_typed(values: pa.Array) -> pa.Array:
    values = _plain(values)
    if pa.types.is_floating(values.type):
        whole = pc.and_(pc.equal(values, pc.floor(values)), pc.less(pc.abs(values), float(1 << 62)))
        return pc.cast(_keep(values, whole), pa.int64(), safe=False)
    if pa.types.is_uint64(values.type):
        values = _keep(values, pc.less_equal(values, (1 << 63) - 1))
    return pc.cast(values, pa.int64())


def _boolean_from_typed(values: pa.Array) -> pa.Array:
    numbers = _integer_from_typed(values)
    return _keep(numbers, pc.is_in(numbers, pa.array([0, 1])))


def _time_from_typed(values: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(values.type):
        utc = pc.cast(values, pa.timestamp(values.type.unit))  # drops the zone's name only
        return pc.cast(
            pc.cast(pc.floor_temporal(utc, unit="second"), pa.timestamp("s")), pa.int64()
        )
    if pa.types.is_date(values.type):
        return pc.cast(pc.cast(values, pa.timestamp("s")), pa.int64())
    return _integer_from_typed(values)


def _text_from_typed(values: pa.Array) -> pa.Array:
    values = _plain(values)
    text = pc.cast(values, pa.string())
    if pa.types.is_floating(values.type):  # 3.0 is the text 3, as in an integer column
        text = pc.coalesce(pc.cast(_integer_from_typed(values), pa.string()), text)
    return text


def _plain(values: pa.Array) -> pa.Array:
    """Return dates and times as seconds, and all else as it is."""
    is_time = pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)
    return _time_from_typed(values) if is_time else values


_Converter = Callable[[pa.Array], pa.Array]
_FROM_TEXT: dict[Kind, _Converter] = {
    "numeric": _numeric_from_text,
    "integer": _integer_from_text,
    "boolean": _boolean_from_text,
    "time": _time_from_text,
    "categorical": lambda text: text,
}
_FROM_TYPED: dict[Kind, _Converter] = {
    "numeric": _numeric_from_typed,
    "integer": _integer_from_typed,
    "boolean": _boolean_from_typed,
    "time": _time_from_typed,
    "categorical": _text_from_typed,
}
