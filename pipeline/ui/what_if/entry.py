"""What a person has entered, checked before a model sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.errors import InputError
from components.naming import nearest
from pipeline.ui.what_if.fields import Field

#: A value as JSON: None is a missing one.
Value = float | str | None

#: Characters of a text.
MOST_TEXT = 1000
#: Models compute in single precision: greater numbers would become infinite.
MOST_NUMBER = 3.4e38
#: Up to here every whole number has a double of its own.
MOST_WHOLE = 2**53
#: Seconds since 1970 of the last second of the year 9999.
LAST_SECOND = 253402300799


def checked(fields: Sequence[Field], values: Any) -> dict[str, Value]:
    """Return the value of every field.

    Parameters
    ----------
    fields : sequence of Field
    values : mapping
        JSON by name. What is not named is missing.

    Returns
    -------
    dict
        In the order of the fields; a text of no characters is missing.

    Raises
    ------
    InputError
        A name is none of the fields, or a value not of its kind, too long or too great.

    Examples
    --------
    >>> fields = [Field("fare", "number", True), Field("company", "category", False)]
    >>> checked(fields, {"fare": 12})
    {'fare': 12.0, 'company': None}
    """
    if not isinstance(values, Mapping):
        raise InputError("An example is an object: a value for each feature.", got=_shown(values))
    known = {field.name: field for field in fields}
    for name in values:
        if name not in known:
            raise InputError(
                f"The models take no feature {_shown(name)}{nearest(str(name)[:80], known)}.",
                expected="some of " + ", ".join(known),
            )
    return {field.name: value(field, values.get(field.name)) for field in fields}


def value(field: Field, given: Any) -> Value:
    """Return a value of a field; see `checked`."""
    if given is None or given == "":
        if field.required:
            raise InputError(
                "The models need a value here: in the schema it is never missing.",
                column=field.name,
                expected=_KINDS[field.kind],
            )
        return None
    return _text(field, given) if field.text else _number(field, given)


def _text(field: Field, given: Any) -> str:
    if not isinstance(given, str):
        raise _refused(field, given)
    if len(given) > MOST_TEXT:
        raise InputError(
            "The text is too long.",
            column=field.name,
            expected=f"at most {MOST_TEXT:,} characters",
            got=f"{len(given):,} characters",
        )
    try:
        given.encode()
    except UnicodeEncodeError:
        raise _refused(field, given, "Unicode text, without half of a surrogate pair") from None
    return given


def _number(field: Field, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _refused(field, given)
    if not abs(given) <= MOST_NUMBER:  # neither does NaN pass
        raise _refused(field, given, f"a number of at most {MOST_NUMBER:.1e} in size")
    if field.kind == "number":
        return float(given)
    if given != int(given) or abs(given) > MOST_WHOLE:
        raise _refused(field, given)
    if field.kind == "boolean" and given not in (0, 1):
        raise _refused(field, given)
    if field.kind == "time" and abs(given) > LAST_SECOND:
        raise _refused(field, given)
    return float(given)


_KINDS = {
    "number": "a number",
    "integer": "a whole number of at most 2^53 in size",
    "code": "a whole number of at most 2^53 in size",
    "time": "whole seconds since 1970 (UTC), up to the year 9999",
    "boolean": "0 or 1",
    "category": "a text",
}


def _refused(field: Field, given: Any, expected: str | None = None) -> InputError:
    return InputError(
        f"This is not what {field.name} can be.",
        column=field.name,
        expected=expected or _KINDS[field.kind],
        got=_shown(given),
    )


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 80 else text[:79] + "…"
