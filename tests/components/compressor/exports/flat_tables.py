"""A reader of flatbuffers by their format alone: no schema, and no library."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Flat:
    """A table at a place of a file; fields are given by their numbers in the schema."""

    content: bytes
    place: int

    @classmethod
    def root(cls, content: bytes) -> Flat:
        """Return the table that a file begins with."""
        return cls(content, struct.unpack_from("<I", content, 0)[0])

    def _field(self, number: int) -> int | None:
        fields = self.place - struct.unpack_from("<i", self.content, self.place)[0]
        [size] = struct.unpack_from("<H", self.content, fields)
        if 4 + 2 * number >= size:
            return None
        [offset] = struct.unpack_from("<H", self.content, fields + 4 + 2 * number)
        return self.place + offset if offset else None

    def _child(self, number: int) -> int | None:
        place = self._field(number)
        return None if place is None else place + struct.unpack_from("<I", self.content, place)[0]

    def number(self, number: int, kind: str) -> float:
        """Return a number, of a kind as `struct` names it; 0 if it is absent."""
        place = self._field(number)
        return 0 if place is None else struct.unpack_from(f"<{kind}", self.content, place)[0]

    def table(self, number: int) -> Flat:
        """Return a table."""
        place = self._child(number)
        assert place is not None
        return Flat(self.content, place)

    def vector(self, number: int, kind: str) -> tuple[float, ...]:
        """Return a vector of numbers."""
        place = self._child(number)
        assert place is not None
        [count] = struct.unpack_from("<I", self.content, place)
        return struct.unpack_from(f"<{count}{kind}", self.content, place + 4)

    def text(self, number: int) -> str | None:
        """Return a text, or None if it is absent."""
        if self._child(number) is None:
            return None
        return bytes(self.vector(number, "B")).decode()

    def tables(self, number: int) -> list[Flat]:
        """Return a vector of tables."""
        place = self._child(number)
        assert place is not None
        return [
            Flat(self.content, place + 4 + 4 * index + offset)
            for index, offset in enumerate(self.vector(number, "I"))
        ]
