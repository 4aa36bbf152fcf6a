"""What a person wants to know of a projection, as JSON."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from components.dimensionality_reducer.accumulation import MakePipeline, Together, accumulate
from components.dimensionality_reducer.basis import Basis
from components.dimensionality_reducer.columns import Batch, Columns, Shard
from components.dimensionality_reducer.config import ReducerConfig
from components.dimensionality_reducer.fitting import Fit
from components.dimensionality_reducer.reconstruction import (
    DEFINITION,
    LEAST_SQUARES,
    Errors,
    Inverse,
)
from components.dimensionality_reducer.reducers import REDUCERS
from components.dimensionality_reducer.sample import Sample
from components.models.projection import Projection
from components.models.transformed import NUMERIC, ImageFeature

#: In the directory of the projection.
REPORT_FILE = "report.json"
#: Loadings that are told of each component.
TOP_LOADINGS = 10
#: Components of pixels whose loadings are told in full.
LOADING_IMAGES = 16
#: Rows on the map.
MAP_ROWS = 2000


def describe(
    fit: Fit,
    columns: Columns,
    config: ReducerConfig,
    projection: Projection,
    shards: Sequence[Shard],
    make_pipeline: MakePipeline | None,
) -> dict[str, Any]:
    """Return the report.

    Parameters
    ----------
    fit : Fit
    columns : Columns
    config : ReducerConfig
    projection : Projection
    shards : sequence of Shard
        Of the eval split, by which reconstruction is measured and which is on the map.
    make_pipeline : callable or None
        See `components.dimensionality_reducer.accumulation.accumulate`.

    Returns
    -------
    dict
        ``method``, ``input_width`` and ``settings``; ``notes``, sentences for the user;
        ``auto``, the candidates, or null where nothing was chosen. If there is a
        projection, also ``score`` (what the components' scores are), ``components``
        (``name``, ``score``, ``loadings``: the largest ones by feature), ``map``
        (``axes``, ``points``, ``label``) and ``reconstruction`` (``definition``,
        ``overall``, and ``slices`` by class).
    """
    report = {
        **nothing(columns.width, config),
        "method": fit.method,
        "notes": list(fit.notes),
        "auto": _selection(fit),
    }
    if fit.basis is None:
        return report
    inverse = Inverse.of(fit.basis, fit.statistics)
    start = functools.partial(
        _start, columns, fit.scaling, projection, inverse, fit.statistics.mean, config.seed
    )
    errors, sample = accumulate(shards, start, make_pipeline).parts
    assert isinstance(errors, Errors)
    assert isinstance(sample, Sample)
    names = component_names(fit)
    return {
        **report,
        "score": REDUCERS[fit.method].score,
        "components": _components(fit.basis, names, [columns.names[i] for i in fit.scaling.kept]),
        "map": _map(projection, sample.rows(), names, columns),
        "reconstruction": {
            "definition": DEFINITION + ("" if fit.basis.inverse is not None else LEAST_SQUARES),
            "overall": _ratio(errors.lost.sum(), errors.spread.sum()),
            "slices": {
                name: {"rows": int(count), "error": _ratio(lost, spread)}
                for name, count, lost, spread in zip(
                    columns.classes, errors.counts, errors.lost, errors.spread, strict=False
                )
            },
        },
    }


def nothing(width: int, config: ReducerConfig) -> dict[str, Any]:
    """Return the report where nothing is reduced."""
    return {
        "method": "none",
        "input_width": width,
        "settings": config.model_dump(mode="json"),
        "notes": [],
        "auto": None,
    }


def of_images(fit: Fit, image: ImageFeature) -> dict[str, Any]:
    """Return what the report says besides of components of pixels.

    Returns
    -------
    dict
        ``image``, its size, and ``loading_images``, the loadings of the first
        `LOADING_IMAGES` components, each as [height][width][channels].
    """
    size = {"height": image.height, "width": image.width, "channels": image.channels}
    if fit.basis is None:
        return {"image": size, "loading_images": []}
    first = fit.basis.loadings[:LOADING_IMAGES]
    # Pixels that never change have no loading.
    whole = np.zeros((len(first), len(image.pixels)))
    whole[:, fit.scaling.kept] = first
    return {"image": size, "loading_images": whole.reshape(-1, *image.shape).tolist()}


def component_names(fit: Fit) -> list[str]:
    """Return the names of the components, such as ``pca:0``.

    They are the reduced features' names.
    """
    count = 0 if fit.basis is None else fit.basis.weights.shape[1]
    return [f"{fit.method}:{number}" for number in range(count)]


def _start(*arguments: Any) -> Together:
    columns, scaling, projection, inverse, mean, seed, shard = arguments
    return Together(
        Errors(columns, scaling, projection, inverse, mean),
        Sample(columns, MAP_ROWS, seed, shard),
    )


def _components(basis: Basis, names: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    for name, score, loadings in zip(names, basis.scores, basis.loadings, strict=True):
        top = np.argsort(-np.abs(loadings), kind="stable")[:TOP_LOADINGS]
        found.append(
            {
                "name": name,
                "score": float(score),
                "loadings": [
                    {"feature": columns[index], "loading": float(loadings[index])} for index in top
                ],
            }
        )
    return found


def _selection(fit: Fit) -> dict[str, Any] | None:
    if fit.selection is None:
        return None
    return {
        "method": fit.selection.method,
        "components": fit.selection.components,
        "candidates": [
            {
                "method": candidate.method,
                "components": candidate.components,
                "score": candidate.score,
                "metrics": {
                    name: float(np.mean(values)) for name, values in candidate.metrics.items()
                },
            }
            for candidate in fit.selection.candidates
        ],
    }


def _map(
    projection: Projection, rows: Batch, names: Sequence[str], columns: Columns
) -> dict[str, Any]:
    """Return the first two components of some rows, or the only one."""
    axes = list(names[:2])
    points = projection.run(rows.features())[NUMERIC][:, : len(axes)]
    labels = rows.label.tolist()
    return {
        "axes": axes,
        "points": points.astype(float).tolist(),
        "label": [columns.classes[label] for label in labels] if columns.classes else labels,
    }


def _ratio(lost: float, spread: float) -> float | None:
    return float(lost / spread) if spread > 0 else None
