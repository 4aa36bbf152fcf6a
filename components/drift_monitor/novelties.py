"""Groups of rows that were not there in training, by clustering."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor.config import NoveltyConfig
from components.drift_monitor.novelty.base import DRIFT, EXTENSION, KNOWN, NOVEL, UNKNOWN
from components.drift_monitor.novelty.table import NOVELTY_DETECTORS, from_json
from components.drift_monitor.span import Span
from components.errors import InputError
from components.models.rows import Columns

#: Values of a text column that have a coordinate of their own.
_VALUES = 8
#: Features named of a group.
_SHOWN = 3


class Encoder:
    """Raw columns as coordinates of like scale.

    Numbers in units of their deviation in training, missing ones at the mean; each frequent text
    as an indicator, such that two texts are as far apart as two deviations.
    """

    def __init__(self, numbers: dict[str, list[float]], texts: dict[str, list[str]]) -> None:
        self._numbers, self._texts = numbers, texts

    @classmethod
    def of(cls, columns: Columns) -> Encoder:
        """Return the one for training rows. Columns with a single value are left out."""
        numbers, texts = {}, {}
        for name, values in columns.items():
            if values.dtype == object:
                common = [value for value, _ in Counter(values.tolist()).most_common(_VALUES)]
                if len(common) > 1:
                    texts[name] = sorted(common)
                continue
            known = values[~np.isnan(values)]
            if len(known) and known.std() > 0:
                numbers[name] = [float(known.mean()), float(known.std())]
        return cls(numbers, texts)

    @property
    def names(self) -> list[str]:
        """What each coordinate is of."""
        pairs = [f"{name} = {value}" for name, values in self._texts.items() for value in values]
        return [*self._numbers, *pairs]

    def encode(self, columns: Columns) -> NDArray[np.float64]:
        """Return coordinates, shape [n, len(names)]."""
        parts = [
            np.nan_to_num((columns[name] - mean) / deviation)
            for name, (mean, deviation) in self._numbers.items()
        ]
        parts += [
            np.sqrt(2.0) * (columns[name] == value)
            for name, values in self._texts.items()
            for value in values
        ]
        return np.stack(parts, axis=1).astype(np.float64)

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        return {"numbers": self._numbers, "texts": self._texts}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Encoder:
        """Return the encoder that was saved."""
        return cls(saved["numbers"], saved["texts"])


def learn(train: Span, config: NoveltyConfig, seed: int) -> dict[str, Any]:
    """Return the state of a new detector that knows the classes of training rows, as JSON.

    Parameters
    ----------
    train : Span
        Training rows. Of a regression, all are of one class.
    config : NoveltyConfig
    seed : int

    Raises
    ------
    InputError
        No column has two values, or a parameter is impossible.
    """
    known = train.take(train.labelled)
    if len(known) > config.rows:
        drawn = np.random.default_rng(seed).choice(len(known), config.rows, replace=False)
        known = known.take(np.sort(drawn))
    encoder = Encoder.of(known.columns)
    if not encoder.names:
        raise InputError(
            "No column tells rows apart, so that none can be novel.",
            setting="monitor.novelty",
            remedy="Leave it out.",
        )
    whole = (known.labels == known.labels.round()).all() and (known.labels >= 0).all()
    classes = known.labels.astype(np.int64) if whole else np.zeros(len(known), np.int64)
    if len(np.unique(classes)) > 50:  # counts, not classes
        classes = np.zeros(len(known), np.int64)
    kind = NOVELTY_DETECTORS[config.method]
    try:
        detector = kind(**{"seed": seed, **config.parameters})  # type: ignore[arg-type]
    except TypeError as error:
        raise InputError(
            f"The novelty detector {config.method} has no such parameter.",
            setting="monitor.novelty.parameters",
            got=str(error).rpartition(" ")[2],
        ) from None
    detector.fit(encoder.encode(known.columns), classes)
    return {"encoder": encoder.to_json(), "detector": detector.to_json()}


def watch(span: Span, state: dict[str, Any], config: NoveltyConfig) -> dict[str, Any]:
    """Take in the rows of a span, and return what was novel in it.

    Parameters
    ----------
    span : Span
    state : dict
        What `learn` returned; changed in place.
    config : NoveltyConfig

    Returns
    -------
    dict
        Shares of the rows by kind, the new ``groups`` (rows, and the coordinates farthest from what
        is usual), and ``alarm``: a sentence or None.
    """
    encoder, detector = Encoder.from_json(state["encoder"]), from_json(state["detector"])
    before = detector.rows
    rows = encoder.encode(span.columns)
    found = detector.update_many(rows)
    kinds, labels = found.kinds.copy(), found.labels.copy()
    # Rows of earlier spans that are explained now are told there no more.
    here = found.resolved_rows >= before
    places = found.resolved_rows[here] - before
    kinds[places], labels[places] = found.resolved_kinds[here], found.resolved_labels[here]
    state["detector"] = detector.to_json()
    shares = {
        name: float((kinds == kind).mean())
        for name, kind in (
            ("known", KNOWN),
            ("extension", EXTENSION),
            ("drift", DRIFT),
            ("novel", NOVEL),
            ("unknown", UNKNOWN),
        )
    }
    groups: list[dict[str, Any]] = []
    for label, count in Counter(labels[kinds == NOVEL].tolist()).most_common():
        centre = rows[(labels == label) & (kinds == NOVEL)].mean(axis=0)
        far = np.argsort(-np.abs(centre))[:_SHOWN]
        groups.append(
            {
                "class": int(label),
                "rows": count,
                "farthest": [{"feature": encoder.names[i], "mean": float(centre[i])} for i in far],
            }
        )
    alarm = None
    if shares["novel"] >= config.share:
        what = ", ".join(each["feature"] for each in groups[0]["farthest"])
        alarm = (
            f"{shares['novel']:.1%} of the rows are of {len(groups)} new group(s), the largest "
            f"({groups[0]['rows']} rows) told apart by {what}"
        )
    return {"method": config.method, "shares": shares, "groups": groups, "alarm": alarm}
