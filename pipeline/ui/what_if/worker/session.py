"""The rows and the models of one run, each read when it is first asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components import progress
from components.attacks.constraints import is_text
from components.errors import InputError
from components.explainer import axes
from components.explainer.axes import Axis
from components.explainer.counterfactuals.space import Space
from components.explainer.problem import Problem
from components.models import predict, raw_columns
from components.models.metric_names import REGRESSION, Task
from components.models.rows import Rows
from components.models.split_reader import SplitReader
from components.models.subject import Columns, Subject
from components.naming import nearest
from pipeline.ui.what_if.entry import Value
from pipeline.ui.what_if.materials import SPLIT, Materials

#: Rows of the split that are held, drawn by the seed where there are more; of images fewer,
#: which are held with their pixels.
MOST_ROWS, MOST_IMAGES = 20_000, 500
#: Rows among which it is told whether there are any like an example.
NEIGHBOURHOOD = 1000
SEED = 0
IMAGE = "image"


class Session:
    """One run's rows and models.

    Parameters
    ----------
    materials : Materials

    Attributes
    ----------
    materials : Materials
    task : {"binary", "multiclass", "regression"}
    rows : Rows
        Of the evaluation split, with all raw columns but the image.
    columns : tuple of str
        Raw columns that the models take.
    size : int
        Rows of the whole split.
    """

    def __init__(self, materials: Materials) -> None:
        self.materials = materials
        if not (Path(materials.examples) / f"Split-{SPLIT}").is_dir():
            raise InputError(
                f"The run has no split {SPLIT!r}.",
                file=materials.examples,
                remedy="Give data.split a share of it.",
            )
        progress.report(0.3, "reading the schema and the transform graph")
        text = Path(materials.schema).read_text(encoding="utf-8")
        schema = text_format.Parse(text, schema_pb2.Schema())
        dataset = {
            "label": materials.label,
            "task": materials.task,
            "classes": list(materials.classes),
        }
        reader = SplitReader(
            materials.examples, schema, dataset, materials.transform_graph, materials.projection
        )
        self.task: Task = reader.task
        self._features = reader.features
        self.columns = () if materials.image else reader.served_columns
        progress.report(0.5, f"reading the split {SPLIT}")
        shown = [
            name
            for name, kind in materials.kinds.items()
            if kind != IMAGE and name != materials.label
        ]
        most = MOST_IMAGES if materials.image else MOST_ROWS
        self.rows: Rows = reader.read(
            SPLIT, shown, most=most, seed=SEED, keep_records=materials.image
        )
        self._models: dict[str, Callable[[Columns], np.ndarray]] = {}
        self._scores: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, row: int) -> int:
        """Return where a row of the split is held.

        Raises
        ------
        InputError
            It is not, or the split has no such row.
        """
        found = int(np.searchsorted(self.rows.places, row))
        if found == len(self) or self.rows.places[found] != row:
            last = int(self.rows.places[-1])
            raise InputError(
                f"There is no row {row:,} to show.",
                expected=f"a row of the split {SPLIT}, from 0 to {last:,}"
                + ("" if last < len(self) else f", of which {len(self):,} are drawn"),
            )
        return found

    def values(self, place: int) -> dict[str, Value]:
        """Return what the models take of a held row, as JSON."""
        return {name: plain(self.rows.columns[name][place]) for name in self.columns}

    def entered(self, values: dict[str, Value]) -> Columns:
        """Return an example as columns of one row.

        Parameters
        ----------
        values : dict
            What `pipeline.ui.what_if.entry.checked` returns.
        """
        columns = {}
        for name in self.columns:
            value = values[name]
            if is_text(self.rows.columns[name]):
                columns[name] = np.array(["" if value is None else value], object)
            else:
                number = np.nan if value is None else float(value)
                # As it would be stored, so that what is shown and typed in again is the same.
                single = self.materials.kinds[name] == "numeric"
                columns[name] = np.array([np.float32(number) if single else number], np.float64)
        return columns

    # ----------------------------------------------------------------- models

    def model(self, name: str) -> Callable[[Columns], np.ndarray]:
        """Return a candidate as a function of raw columns, or of places of images.

        Raises
        ------
        InputError
            There is none of that name.
        """
        if name not in self._models:
            candidates = self.materials.candidates
            if name not in candidates:
                raise InputError(
                    f"This run has no candidate {name[:80]!r}{nearest(name[:80], candidates)}.",
                    expected=", ".join(candidates),
                )
            progress.report(0.8, f"loading {name}")
            self._models[name] = (
                self._image_model(candidates[name])
                if self.materials.image
                else raw_columns.predictor(candidates[name], self.columns)
            )
        return self._models[name]

    def _image_model(self, directory: str) -> Callable[[Columns], np.ndarray]:
        model = predict.load(directory)

        def scores(asked: Columns) -> np.ndarray:
            records = [self.rows.records[place] for place in asked[IMAGE].astype(int)]
            found = model.predict_examples(records)
            return found[:, np.newaxis] if found.ndim == 1 else found

        return scores

    def image(self, place: int) -> bytes:
        """Return the file of a held image."""
        example = tf.train.Example.FromString(self.rows.records[place])
        [found] = example.features.feature[IMAGE].bytes_list.value
        return bytes(found)

    def held(self) -> Columns:
        """Return what a model is given of all held rows."""
        if self.materials.image:
            return {IMAGE: np.arange(len(self))}
        return {name: self.rows.columns[name] for name in self.columns}

    def scores(self, name: str) -> np.ndarray:
        """Return what a candidate says of all held rows, [n, k]."""
        if name not in self._scores:
            model = self.model(name)
            progress.report(0.9, f"asking {name} about {len(self):,} rows")
            self._scores[name] = np.asarray(model(self.held()), np.float64)
        return self._scores[name]

    def decided(self, scores: np.ndarray) -> np.ndarray:
        """Return the index of the class for scores [n, k]; of equal ones the first."""
        found: np.ndarray = scores.argmax(axis=1)
        return found

    def wrong(self, name: str) -> np.ndarray:
        """Return which held rows a classifier decides otherwise than their label."""
        if self.task == REGRESSION:
            raise InputError("A value is never quite right: only classes can be wrong.")
        return np.asarray(self.decided(self.scores(name)) != self.rows.labels)

    # ------------------------------------------------------ for explanations

    def problem(self, name: str, columns: Columns) -> Problem:
        """Return a candidate, an example, and the held rows as what is usual."""
        model = self.model(name)
        usual = self._subject(self.held(), self.rows.labels, self.scores(name), model)
        asked = self._subject(columns, np.zeros(1), np.asarray(model(columns), np.float64), model)
        groups: dict[str, tuple[str, ...]] = {column: (column,) for column in self.columns}
        return Problem(asked, usual, groups, "probability", SEED)

    def _subject(
        self,
        columns: Columns,
        labels: np.ndarray,
        scores: np.ndarray,
        model: Callable[[Columns], np.ndarray],
    ) -> Subject:
        return Subject(
            task=self.task,
            classes=self.materials.classes,
            label=self.materials.label,
            columns=columns,
            labels=labels,
            scores=scores,
            predict=model,
            images=None,
            model=None,
            arrays={},
            features=self._features,
            time=None,
            row_ids=np.arange(len(labels)),
            seed=SEED,
        )

    @functools.cached_property
    def axes(self) -> dict[str, Axis]:
        """Each feature as a coordinate; known are the values of the held rows."""
        held = self.held()
        return {name: axes.axis(name, (name,), held) for name in self.columns}

    def coordinates(self, columns: Columns) -> np.ndarray:
        """Return rows as points, [n, features]."""
        return np.stack([axis.encode(columns) for axis in self.axes.values()], axis=1)

    @functools.cached_property
    def points(self) -> np.ndarray:
        """The held rows as points."""
        return self.coordinates(self.held())

    @functools.cached_property
    def space(self) -> Space:
        """How far points are from each other."""
        sample = axes.sample(self.held(), NEIGHBOURHOOD, SEED)
        return Space(list(self.axes.values()), self.points[sample])


def plain(value: Any) -> Value:
    """Return a raw value as JSON: None is a missing one.

    Of a number in single precision, which is how fractions are stored, the shortest decimal
    that is stored as the same.

    Examples
    --------
    >>> plain(np.float64(np.float32(5.85))), plain(np.nan), plain("")
    (5.85, None, None)
    """
    if isinstance(value, str):
        return value or None
    number = float(value)
    if not np.isfinite(number):
        return None
    with np.errstate(over="ignore"):
        single = np.float32(number)
    return float(str(single)) if float(single) == number else number
