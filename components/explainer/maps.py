"""Explanations of images: which images, what is explained of each, and maps over their pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from components.deadline import Deadline
from components.explainer.chosen import rows
from components.explainer.pictures import overlay_uri
from components.explainer.problem import Problem
from components.models.metric_names import BINARY, REGRESSION
from components.models.transformed import WHITE

#: What the name of a table of maps ends with, among those of an explanation.
MAPS = "_maps"


@dataclass(frozen=True)
class Chosen:
    """Images that are explained, each by what the model says of it.

    Attributes
    ----------
    problem : Problem
    places : ndarray of int, shape [r]
        In the problem's subject.
    pixels : ndarray of float32, shape [r, h, w, c]
        From 0 to 255.
    weights : ndarray, shape [r, outputs]
        The explained number is the sum of the outputs times these: of a classifier it is that of
        the predicted class, which of two classes may be the first, less a constant.
    """

    problem: Problem
    places: np.ndarray
    pixels: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def first(self, count: int) -> Chosen:
        """Return the first so many."""
        return Chosen(self.problem, self.places[:count], self.pixels[:count], self.weights[:count])

    @property
    def names(self) -> list[str]:
        """What is explained of each image: a class, or the label."""
        subject = self.problem.subject
        if subject.task == REGRESSION:
            return [subject.label] * len(self)
        return [subject.classes[place] for place in subject.scores[self.places].argmax(axis=1)]


def chosen(problem: Problem, count: int) -> Chosen:
    """Return at most so many images: the same in every order of the rows."""
    subject = problem.subject
    assert subject.images is not None
    places = rows(problem, count)
    outputs = len(problem.outputs)
    if subject.task == REGRESSION:
        weights = np.ones((len(places), 1))
    else:
        predicted = subject.scores[places].argmax(axis=1)
        weights = (
            np.where(predicted == 1, 1.0, -1.0)[:, None]
            if subject.task == BINARY
            else np.eye(outputs)[predicted]
        )
    return Chosen(problem, places, subject.images[places].astype(np.float32), weights)


def drawn(
    images: Chosen, deadline: Deadline, draw: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> tuple[Chosen, np.ndarray, list[str]]:
    """Draw the maps of images one after the other, as long as there is time.

    Parameters
    ----------
    images : Chosen
    deadline : Deadline
        Looked at before each image.
    draw : callable
        Pixels [h, w, c] and weights [outputs] of an image to its map [h, w].

    Returns
    -------
    images : Chosen
        Those that there was time for.
    maps : ndarray, shape [r, h, w]
    notes : list of str
        What was left out.
    """
    found = []
    for place, (pixels, weights) in enumerate(zip(images.pixels, images.weights, strict=True)):
        if deadline.passed:
            break
        deadline.report(place / len(images), f"image {place + 1}")
        found.append(draw(pixels, weights))
    notes = []
    if len(found) < len(images):
        notes.append(
            f"The time was over after {len(found)} of {len(images)} images; the rest is not "
            "explained."
        )
    values = np.stack(found) if found else np.zeros((0, *images.pixels.shape[1:3]))
    return images.first(len(found)), values, notes


def table(images: Chosen, maps: np.ndarray) -> pa.Table:
    """Return maps [r, h, w] as a table of a row an image, its pixels row by row."""
    height, width = maps.shape[1:3]
    return pa.table(
        {
            "row": pa.array(images.problem.subject.row_ids[images.places], pa.int64()),
            "place": pa.array(images.places, pa.int64()),
            "output": pa.array(images.names, pa.string()),
            "height": pa.array([height] * len(images), pa.int32()),
            "width": pa.array([width] * len(images), pa.int32()),
            "values": pa.array(
                [each.ravel().tolist() for each in maps.astype(np.float64)],
                pa.list_(pa.float64()),
            ),
        }
    )


def read(maps: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Return the places [r] of the images of a `table`, and their maps [r, h, w]."""
    records = maps.to_pylist()
    shape = (records[0]["height"], records[0]["width"]) if records else (0, 0)
    values = [np.reshape(record["values"], shape) for record in records]
    places = np.array([record["place"] for record in records], np.int64)
    return places, np.stack(values) if records else np.zeros((0, 0, 0))


def described(images: Chosen, maps: np.ndarray) -> list[dict[str, Any]]:
    """Return for each image what a card shows of it.

    Returns
    -------
    list of dict
        ``row``, ``label``, ``output`` that is explained, ``score`` of it, and ``picture`` and
        ``overlay`` as data URIs.
    """
    subject = images.problem.subject
    found = []
    for place, name, pixels, each in zip(
        images.places, images.names, images.pixels, maps, strict=True
    ):
        label = subject.labels[place]
        shown: float | str
        if subject.task == REGRESSION:
            shown = float(label)
        else:
            shown = subject.classes[int(label)] if label >= 0 else "unknown"
        found.append(
            {
                "row": int(subject.row_ids[place]),
                "label": shown,
                "output": name,
                "score": float(subject.scores[place].max()),
                "picture": overlay_uri(pixels / WHITE, None),
                "overlay": overlay_uri(pixels / WHITE, each),
            }
        )
    return found
