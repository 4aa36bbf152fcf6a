"""Numbers that an address carries: anyone can write any digits there."""

from __future__ import annotations

from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.datastructures import QueryParams

#: The convertor of ids in the paths of routes.
ID = "id"
# What ML Metadata's ids of 64 bits hold for certain.
_DIGITS = 18


class _Id(IntegerConvertor):
    regex = f"[0-9]{{1,{_DIGITS}}}"


register_url_convertor(ID, _Id())


def whole(query: QueryParams, name: str, *, usual: int, least: int, most: int) -> int:
    """Return a whole number of a query.

    Parameters
    ----------
    query : QueryParams
    name : str
    usual : int
        What is meant if it is left out, or no number.
    least, most : int
        What is nearest to it counts, if it lies beyond.
    """
    text = query.get(name, "")
    if not (text.isascii() and text.isdigit()):
        return usual
    return min(max(int(text) if len(text) <= _DIGITS else most, least), most)
