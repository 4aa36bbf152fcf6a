"""What a column is, found batch by batch: its kind, missing values and distinct values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.example_gen import storage
from components.example_gen.dataset import Column, Kind

#: Distinct values are counted up to this number.
MAX_DISTINCT = 10_000
#: A text column with at least this share of numbers is a number column with a mistake.
NUMBER_SHARE = 0.9
#: More classes than these are no classification.
MAX_CLASSES = 1_000


class ColumnProfile:
    """One column, seen batch by batch.

    Parameters
    ----------
    name : str
    declared : str or None
        Kind that the user declared.
    missing_values : sequence of str
    is_label : bool
        Whether to keep its distinct values as text, up to `MAX_CLASSES` and one more.
    """

    def __init__(
        self,
        name: str,
        declared: Kind | None,
        missing_values: Sequence[str],
        *,
        is_label: bool = False,
    ) -> None:
        self.name = name
        self.declared = declared
        #: Rows without a value, and whether there is no row with one; spans not counted.
        self.missing = 0
        self.empty = True
        #: Whether a label's value is NaN or infinite rather than missing.
        self.not_finite = False
        #: Distinct values of a label as text.
        self.values: set[str] = set()
        self._is_label = is_label
        self._missing_values = missing_values
        self._possible: set[Kind] = {"integer", "numeric", "boolean", "time", "categorical"}
        self._present = 0
        self._numbers = 0
        self._invalid = False
        self._distinct: pa.Array | None = None
        self._countable = True

    def update(self, raw: pa.Array, *, infer: bool, counted: bool) -> None:
        """Take one batch of raw values into account.

        Parameters
        ----------
        raw : pyarrow.Array
        infer : bool
            Whether text may be something else than text, as in CSV.
        counted : bool
            Whether the batch belongs to the data itself, not to a later span.
        """
        if pa.types.is_dictionary(raw.type):
            raw = raw.dictionary_decode()
        found = pc.value_counts(raw)
        counts = found.field(1).to_numpy()
        values = storage.with_nulls(found.field(0), self._missing_values)
        not_finite = storage.is_not_finite(found.field(0)) if self._is_label else None
        valid = values.is_valid()
        total = int(counts.sum())
        mask = valid.to_numpy(zero_copy_only=False)
        if not_finite is not None:
            self.not_finite |= pc.any(not_finite).as_py() is True
            if storage.is_text(values.type):  # meant as numbers, with an error of their own
                self._numbers += int(counts[pc.and_(not_finite, valid).to_numpy(False)].sum())
        values, counts = values.filter(valid), counts[mask]
        present = int(counts.sum())
        if counted:
            self.missing += total - present
            self.empty &= present == 0
            self._count_distinct(values)
        if not present:
            return
        self._present += present
        if self.declared:
            self._invalid |= storage.convert(values, self.declared)[1] is not None
        elif infer and storage.is_text(values.type):
            self._narrow(values, counts)
        else:
            kind = storage.kind_of(values.type)
            assert kind is not None, values.type  # the reader has refused such a column
            self._possible &= {"integer", "numeric"} if kind == "integer" else {kind}
            self._invalid |= storage.convert(values, kind)[1] is not None
            self._numbers += present if kind in ("integer", "numeric") else 0
        if self._is_label and counted and len(self.values) <= MAX_CLASSES:
            text = storage.convert(values[: MAX_CLASSES + 1], "categorical")[0]
            self.values.update(text.to_pylist())

    @property
    def kind(self) -> Kind | None:
        """The declared kind, or the narrowest that holds every value seen.

        None if files disagree on the type that they state.
        """
        if self.declared:
            return self.declared
        order: tuple[Kind, ...] = ("integer", "numeric", "boolean", "time", "categorical")
        return next((kind for kind in order if kind in self._possible), None)

    @property
    def number_share(self) -> float:
        """Share of numbers among the values that are not missing."""
        return self._numbers / self._present if self._present else 0.0

    @property
    def wrong_kind(self) -> Kind | None:
        """The kind that some value contradicts, if there is one."""
        if self._invalid:
            return self.kind
        mistaken = self.kind == "categorical" and NUMBER_SHARE <= self.number_share < 1
        return "numeric" if mistaken and not self.declared else None

    def column(self, kind: Kind) -> Column:
        """Return the finished column."""
        distinct = None
        if self._countable:
            distinct = 0 if self._distinct is None else len(self._distinct)
        return Column(name=self.name, kind=kind, missing=self.missing, distinct=distinct)

    def _narrow(self, values: pa.Array, counts: np.ndarray) -> None:
        """Rule out the kinds that some of `values` contradict."""
        if "integer" in self._possible and not storage.are_integers(values):
            self._possible.discard("integer")
        invalid = None if "integer" in self._possible else storage.convert(values, "numeric")[1]
        if invalid is None:
            self._numbers += int(counts.sum())
            self._possible -= {"boolean", "time"}
            return
        self._numbers += int(counts[~invalid.to_numpy(zero_copy_only=False)].sum())
        self._possible.discard("numeric")
        if "boolean" in self._possible and not storage.are_booleans(values):
            self._possible.discard("boolean")
        if "time" in self._possible and not storage.are_times(values):
            self._possible.discard("time")

    def _count_distinct(self, values: pa.Array) -> None:
        if not self._countable or not len(values):
            return
        if self._distinct is not None:
            if values.type != self._distinct.type:  # files may differ: int32 here, int64 there
                values = storage.convert(values, "categorical")[0]
                self._distinct = storage.convert(self._distinct, "categorical")[0]
            values = pa.concat_arrays([self._distinct, values])
        values = values.unique()
        self._countable = len(values) <= MAX_DISTINCT
        self._distinct = values if self._countable else None
