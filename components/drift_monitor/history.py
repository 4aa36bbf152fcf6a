"""What was seen of all spans so far, on disk: grows from one run of the monitor to the next."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from components import files
from components.drift_monitor.span import Span
from components.errors import InputError

VERSION = 1
#: Of the artifact ``history``: what is for people and programs, and how the detectors go on.
HISTORY_FILE, STATE_FILE = "history.json", "state.json"
#: The rows to train anew on.
WINDOW_FILE = "window.parquet"
_PREDICTIONS = "predictions"
_SCORE, _COLUMN = "score", "column"
#: Position of a row that is not in the stream of errors, its label being unknown.
NOT_YET = -1


class History:
    """Spans in the order in which they came, with predictions and labels of their rows.

    Attributes
    ----------
    spans : list of dict
        What `monitoring.Monitor.watch` returned of each, and ``model`` (id), ``digest`` (of the
        file, or None) and ``uri`` (directory of its rows).
    models : list of dict
        The models that were watched, the last one now.
    usual : dict
        What is usual for the last one.
    window : dict or None
        Rows to train anew on, after an alarm.
    """

    def __init__(self, document: dict[str, Any] | None, directory: Path | None) -> None:
        document = document or {"models": [], "spans": [], "usual": None, "window": None}
        self.spans: list[dict[str, Any]] = document["spans"]
        self.models: list[dict[str, Any]] = document["models"]
        self.usual: dict[str, Any] | None = document["usual"]
        self.window: dict[str, Any] | None = document["window"]
        self._directory = directory
        self._changed: dict[int, pa.Table] = {}

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> tuple[History, dict[str, Any]]:
        """Return what an earlier run left, and the state of its detectors.

        Raises
        ------
        InputError
            It was written by another version, or is not whole.
        """
        try:
            document = load(directory)
            state = json.loads((Path(directory) / STATE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                "The history of the monitor cannot be read.",
                file=str(directory),
                got=str(error),
                remedy="Use run, which begins a new history.",
            ) from None
        if document.get("version") != VERSION:
            raise InputError(
                "The history of the monitor was written by another version.",
                file=str(directory),
                expected=f"version {VERSION}",
                got=document.get("version"),
                remedy="Use run, which begins a new history.",
            )
        return cls(document, Path(directory)), state

    def add(
        self,
        entry: dict[str, Any],
        span: Span,
        places: NDArray[np.int64],
        positions: NDArray[np.int64],
        slices: tuple[str, ...],
    ) -> None:
        """Append a span.

        Parameters
        ----------
        entry : dict
        span : Span
        places : ndarray, shape [n]
            Of each row in its file.
        positions : ndarray, shape [n]
            In the stream of errors, or `NOT_YET`.
        slices : tuple of str
            Columns to keep.
        """
        taken = {each["name"] for each in self.spans}
        name, number = entry["name"], 1
        while entry["name"] in taken:
            number += 1
            entry["name"] = f"{name}-{number}"
        self._changed[len(self.spans)] = _as_table(span, places, positions, slices)
        self.spans.append(entry)

    def relabel(
        self, index: int, labels: NDArray[np.float64], positions: NDArray[np.int64]
    ) -> None:
        """Set the labels and positions of a span's rows."""
        table = self.table(index)
        for name, values in (("label", labels), ("position", positions)):
            column = table.schema.get_field_index(name)
            table = table.set_column(column, name, pa.array(values))
        self._changed[index] = table

    def table(self, index: int) -> pa.Table:
        """Return the rows of a span: place, position, key, time, label, scores, slice columns."""
        if index in self._changed:
            return self._changed[index]
        assert self._directory is not None
        return pyarrow.parquet.read_table(_path(self._directory, index))

    def span(self, index: int) -> Span:
        """Return a span's rows, without the columns that were not kept."""
        table = self.table(index)
        columns: dict[str, Any] = {}
        scores: dict[str, list[Any]] = {}
        for name in table.schema.names:
            kind, _, rest = name.partition(":")
            values = table.column(name).to_numpy()
            if kind == _SCORE:
                scores.setdefault(rest.rpartition(":")[0], []).append(values)
            elif kind == _COLUMN:
                columns[rest] = values
        return Span(
            name=self.spans[index]["name"],
            columns=columns,
            labels=table.column("label").to_numpy(),
            scores={name: np.stack(each, axis=1) for name, each in scores.items()},
            time=table.column("time").to_numpy() if "time" in table.schema.names else None,
            keys=table.column("key").to_numpy() if "key" in table.schema.names else None,
        )

    def positions(self, index: int) -> NDArray[np.int64]:
        """Return where a span's rows are in the stream of errors, or `NOT_YET`."""
        found: NDArray[np.int64] = self.table(index).column("position").to_numpy()
        return found

    def of_model(self) -> list[int]:
        """Return the spans on which the last model was watched."""
        now = self.models[-1]["id"]
        return [i for i, entry in enumerate(self.spans) if entry["model"] == now]

    def time_of(self, position: int) -> float | None:
        """Return when a row of the last model's stream of errors was."""
        for index in self.of_model():
            span = self.span(index)
            [rows] = np.nonzero(self.positions(index) == position)
            if len(rows) and span.time is not None:
                return float(span.time[rows[0]])
        return None

    def write(self, directory: str | os.PathLike[str], state: dict[str, Any]) -> None:
        """Write everything to a new directory; what did not change is linked, not copied."""
        target = Path(directory)
        target.mkdir(parents=True, exist_ok=True)
        for index in range(len(self.spans)):
            path = _path(target, index)
            path.parent.mkdir(exist_ok=True)
            if index in self._changed:
                with files.atomic_path(path) as temporary:
                    pyarrow.parquet.write_table(self._changed[index], temporary)
            elif self._directory is not None:
                _link(_path(self._directory, index), path)
        files.write_json(target / STATE_FILE, state)
        files.write_json(
            target / HISTORY_FILE,
            {
                "version": VERSION,
                "models": self.models,
                "spans": self.spans,
                "usual": self.usual,
                "window": self.window,
            },
        )


def load(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a MonitoringHistory artifact says to people and programs."""
    found: dict[str, Any] = json.loads((Path(directory) / HISTORY_FILE).read_text(encoding="utf-8"))
    return found


def _path(directory: Path, index: int) -> Path:
    return directory / _PREDICTIONS / f"{index:05d}.parquet"


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _as_table(
    span: Span, places: NDArray[np.int64], positions: NDArray[np.int64], slices: tuple[str, ...]
) -> pa.Table:
    columns: dict[str, Any] = {"place": places, "position": positions}
    if span.keys is not None:
        columns["key"] = pa.array(span.keys.tolist(), pa.string())
    if span.time is not None:
        columns["time"] = span.time
    columns["label"] = span.labels
    for model, scores in span.scores.items():
        for index in range(scores.shape[1]):
            columns[f"{_SCORE}:{model}:{index}"] = scores[:, index]
    for name in slices:
        if name in span.columns:
            columns[f"{_COLUMN}:{name}"] = pa.array(span.columns[name].tolist())
    return pa.table(columns)
