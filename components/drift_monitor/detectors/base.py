"""The contract of all detectors, and what they have in common."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from components.drift_monitor.detectors.running import run_at_end
from components.errors import InputError


@dataclass(frozen=True)
class Detections:
    """What a detector found in an array.

    Attributes
    ----------
    drifts : array [d] of int
        Rows of the array at which there was an alarm.
    warnings : array [w] of int
        Rows at which there was a warning.
    change_points : array [d] of int
        For each alarm the row from which the detector takes the new concept to begin; negative if
        that was in an earlier array.
    """

    drifts: NDArray[np.int64]
    warnings: NDArray[np.int64]
    change_points: NDArray[np.int64]


class Scan(NamedTuple):
    """What a detector saw in a block.

    Attributes
    ----------
    rows : int
        Rows taken in, at least one: up to and with the first alarm.
    drift : bool
        Whether the last of them was an alarm.
    warnings : array [w] of int
        Those of them with a warning.
    """

    rows: int
    drift: bool
    warnings: NDArray[np.int64]


class Detector(ABC):
    """A detector of drift in a stream.

    A subclass is a dataclass whose fields are its parameters. An alarm ends a window: the next row
    begins a new one, with nothing kept of the old.

    Attributes
    ----------
    drift_detected, warning_detected : bool
        Whether the last row was an alarm, or a warning. Some detectors know no warnings.
    INPUT : {"error", "fraction", "value", "pair", "count"}
        What a row is. ``"error"``: 1 if the model erred, else 0. ``"fraction"``: a number from 0 to
        1, such as an error. ``"value"``: any number, such as a residual or a metric. ``"pair"``: a
        binary label and its prediction. ``"count"``: failures and the trials they are of.
    NAME : str
    VERSION : int
        Of the state: that of another version is refused.
    STATE : tuple of str
        Attributes that are the state, besides those of this class.
    """

    INPUT: ClassVar[str]
    NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1
    STATE: ClassVar[tuple[str, ...]]
    #: Rows scanned at once: at least, and at most. In between it is half of those since the last
    #: alarm: what lies behind an alarm is scanned in vain.
    FIRST_BLOCK: ClassVar[int] = 8192
    LARGEST_BLOCK: ClassVar[int] = 32768

    drift_detected: bool
    warning_detected: bool

    def __post_init__(self) -> None:
        self._check_parameters()
        self.reset()

    @property
    def rows_since_change(self) -> int:
        """Rows since the estimated begin of the new concept, the last row included.

        It means something after an alarm. By default the concept begins with the first of the
        warnings that led to the alarm without a gap.
        """
        return self._alerted

    def reset(self) -> None:
        """Forget all rows."""
        self.drift_detected = False
        self.warning_detected = False
        #: Rows up to the last one, without a gap, that had a warning or an alarm.
        self._alerted = 0
        self._forget()

    def update(self, x: Any) -> None:
        """Take in a row.

        Parameters
        ----------
        x : float, or pair of float
            See `INPUT`.

        Raises
        ------
        InputError
            It is no such row.
        """
        row = self._checked_row(x)
        if self.drift_detected:
            self.reset()
        self._update(row)
        self._alerted = self._alerted + 1 if self.drift_detected or self.warning_detected else 0

    def update_many(self, values: ArrayLike) -> Detections:
        """Take in rows, as `update` would one by one, but many at once.

        Parameters
        ----------
        values : array [n] or [n, 2]
            Rows; see `INPUT`.

        Returns
        -------
        Detections

        Raises
        ------
        InputError
            A row is not what the detector takes; then none is taken in.
        """
        rows = self._checked(values)
        drifts, changes = [], []
        warnings = [np.empty(0, np.int64)]
        at = begin = 0
        while at < len(rows):
            if self.drift_detected:
                self.reset()
            block = min(max(self.FIRST_BLOCK, (at - begin) // 2), self.LARGEST_BLOCK)
            scan = self._scan(rows[at : at + block])
            self._count_alerted(scan)
            if len(scan.warnings):
                warnings.append(scan.warnings + at)
            at += scan.rows
            if scan.drift:
                drifts.append(at - 1)
                changes.append(at - self.rows_since_change)
                begin = at
        return Detections(
            np.array(drifts, np.int64), np.concatenate(warnings), np.array(changes, np.int64)
        )

    def to_json(self) -> dict[str, Any]:
        """Return the parameters and the state as plain values that JSON can hold.

        See Also
        --------
        components.drift_monitor.detectors.table.from_json : The other way, for any detector.
        """
        return {
            "detector": self.NAME,
            "version": self.VERSION,
            "parameters": self.parameters,
            "state": {name: _plain(getattr(self, name)) for name in self._state_names()},
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """Return a detector that goes on where the one that was saved ended.

        Parameters
        ----------
        saved : mapping
            What `to_json` returned.

        Raises
        ------
        InputError
            It is the state of another detector or another version, or is not whole.
        """
        if not isinstance(saved, Mapping) or saved.get("detector") != cls.NAME:
            raise _bad_state(
                f"a state of the detector {cls.NAME}",
                saved.get("detector") if isinstance(saved, Mapping) else type(saved).__name__,
            )
        if saved.get("version") != cls.VERSION:
            raise _bad_state(f"version {cls.VERSION} of {cls.NAME}", saved.get("version"))
        detector = cls.make(saved.get("parameters"))
        state = saved.get("state")
        names = detector._state_names()
        if not isinstance(state, Mapping) or set(state) != set(names):
            got = sorted(map(str, state)) if isinstance(state, Mapping) else state
            raise _bad_state(f"the keys {', '.join(sorted(names))}", got)
        for name in names:
            setattr(detector, name, _restored(name, state[name], getattr(detector, name)))
        return detector

    @classmethod
    def make(cls, parameters: Any) -> Self:
        """Return a detector with parameters from a mapping.

        Raises
        ------
        InputError
            It is no mapping, or has a parameter that is unknown or impossible.
        """
        known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        if not isinstance(parameters, Mapping) or not set(parameters) <= set(known):
            unknown = (
                sorted(map(str, set(parameters) - set(known)))
                if isinstance(parameters, Mapping)
                else [type(parameters).__name__]
            )
            raise InputError(
                f"The detector {cls.NAME} has no such parameter.",
                setting=unknown[0],
                expected=f"some of {', '.join(known)}",
                got=", ".join(unknown),
            )
        return cls(**parameters)

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of the parameters by name."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @abstractmethod
    def _check_parameters(self) -> None:
        """Raise InputError if a parameter is impossible."""

    @abstractmethod
    def _forget(self) -> None:
        """Set the state to that before the first row."""

    @abstractmethod
    def _update(self, x: Any) -> None:
        """Take in a row that was checked, and set `drift_detected` and `warning_detected`."""

    @abstractmethod
    def _scan(self, rows: NDArray[Any]) -> Scan:
        """Take in rows up to the first alarm.

        Sets the state and the two flags as after the last row taken in.

        Parameters
        ----------
        rows : array [n] or [n, 2]
            At least one; of bool or float64.
        """

    def _checked_row(self, x: Any) -> Any:
        # Nearly all rows are fine; what is wrong is then said by the slow way.
        if self.INPUT == "error":
            if x == 0 or x == 1:
                return int(x)
        elif self.INPUT == "fraction":
            if isinstance(x, (float, int)) and 0 <= x <= 1:
                return float(x)
        elif self.INPUT == "value" and isinstance(x, (float, int)) and math.isfinite(x):
            return float(x)
        row = self._checked([x])[0]
        if isinstance(row, np.ndarray):
            return row.tolist()
        return int(row) if self.INPUT == "error" else float(row)

    def _checked(self, values: ArrayLike) -> NDArray[Any]:
        try:
            rows = np.asarray(values)
            if rows.dtype != np.bool_:
                rows = rows.astype(np.float64, copy=False)
        except (TypeError, ValueError):
            raise _bad_rows(self.NAME, _ROWS[self.INPUT], "something that is no number") from None
        width = 2 if self.INPUT in ("pair", "count") else 1
        if not rows.size and rows.ndim == 1:
            rows = rows.reshape((0, 2) if width == 2 else 0)
        if rows.ndim != width or (width == 2 and rows.shape[1] != width):
            raise _bad_rows(self.NAME, _ROWS[self.INPUT], f"an array of shape {list(rows.shape)}")
        if rows.dtype != np.bool_:
            good = _GOOD[self.INPUT](rows)
            if not good.all():
                row = int(np.argmin(good.reshape(len(rows), -1).all(axis=1)))
                raise _bad_rows(self.NAME, _ROWS[self.INPUT], f"{rows[row].tolist()} in row {row}")
            if self.INPUT in ("error", "pair"):
                rows = rows.astype(np.bool_)
        return rows

    def _conclude(self, drift: NDArray[np.bool_], warning: NDArray[np.bool_]) -> Scan:
        """Set the flags by what would be seen at each row of a block, and return the scan.

        Parameters
        ----------
        drift, warning : array [n] of bool
            Where there would be an alarm, and a warning, but that an alarm is none.
        """
        alarm = first(drift)
        taken = len(drift) if alarm is None else alarm + 1
        [warnings] = warning[: taken if alarm is None else alarm].nonzero()
        self.drift_detected = alarm is not None
        self.warning_detected = bool(len(warnings)) and int(warnings[-1]) == taken - 1
        return Scan(taken, self.drift_detected, warnings)

    def _count_alerted(self, scan: Scan) -> None:
        last = scan.rows - 1
        alerted = scan.warnings
        if scan.drift and not (len(alerted) and alerted[-1] == last):
            alerted = np.append(alerted, last)
        run = run_at_end(alerted, scan.rows)
        self._alerted = run + (self._alerted if run == scan.rows else 0)

    def _state_names(self) -> tuple[str, ...]:
        return ("drift_detected", "warning_detected", "_alerted", *self.STATE)


_ROWS = {
    "error": "0 or 1 in each row: whether the model erred",
    "fraction": "a number from 0 to 1 in each row",
    "value": "a finite number in each row",
    "pair": "two numbers in each row, the label and its prediction, each 0 or 1",
    "count": "two numbers in each row: failures, and the trials (at least 1) they are of",
}
_GOOD: dict[str, Callable[[NDArray[Any]], NDArray[np.bool_]]] = {
    "error": lambda rows: (rows == 0) | (rows == 1),
    "fraction": lambda rows: (rows >= 0) & (rows <= 1),
    "value": np.isfinite,
    "pair": lambda rows: (rows == 0) | (rows == 1),
    "count": lambda rows: (
        (rows[:, 0] >= 0)
        & (rows[:, 0] <= rows[:, 1])
        & (rows[:, 1] >= 1)
        & np.isfinite(rows[:, 1])
        & (rows == np.floor(rows)).all(axis=1)
    ),
}


def first(mask: NDArray[np.bool_]) -> int | None:
    """Return the index of the first True, or None."""
    if not len(mask):
        return None
    index = int(mask.argmax())
    return index if mask[index] else None


def check(holds: bool, setting: str, expected: str, got: object) -> None:
    """Raise InputError about a parameter of a detector, unless what is said of it holds."""
    if not holds:
        raise InputError(
            "A detector cannot work with this parameter.",
            setting=setting,
            expected=expected,
            got=got,
        )


def check_number(value: object, setting: str, low: float, high: float = math.inf) -> None:
    """Raise InputError unless a parameter is a finite number strictly between two bounds."""
    fine = isinstance(value, (int, float)) and not isinstance(value, bool) and low < value < high
    check(fine, setting, f"a number between {low:g} and {high:g}, exclusive", value)


def check_whole(value: object, setting: str, least: int) -> None:
    """Raise InputError unless a parameter is a whole number of at least some size."""
    fine = isinstance(value, int) and not isinstance(value, bool) and value >= least
    check(fine, setting, f"a whole number of at least {least}", value)


def _bad_rows(name: str, expected: str, got: str) -> InputError:
    return InputError(
        f"The detector {name} cannot take in these rows.",
        expected=expected,
        got=got,
        remedy="Leave out rows without a label, and give the others as numbers.",
    )


def _bad_state(expected: str, got: object) -> InputError:
    return InputError(
        "The detector cannot go on from this state.",
        setting="state",
        expected=expected,
        got=got,
        remedy="Begin with a new detector, or use the version that saved it.",
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: an infinite number becomes text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(value) if math.isfinite(value) else str(float(value))


def _restored(name: str, value: Any, fresh: Any) -> Any:
    """Return a value of a state, whose kind is that of the value of a new detector."""
    if isinstance(fresh, list) and isinstance(value, list):
        return [
            _number(name, item) if not isinstance(item, list) else _restored(name, item, [])
            for item in value
        ]
    if isinstance(fresh, bool) and isinstance(value, bool):
        return value
    if isinstance(fresh, (int, float)) and not isinstance(fresh, bool):
        number = _number(name, value)
        if isinstance(fresh, float) or (isinstance(number, int) and number >= 0):
            return number
    raise _bad_state(f"{name} like {fresh!r}", value)


def _number(name: str, value: Any) -> float:
    if value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise _bad_state(f"a number as {name}", value)
