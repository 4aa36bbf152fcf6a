"""From a fit to the projection that is served, and the features that come out of it."""

from __future__ import annotations

import numpy as np

from components.dimensionality_reducer.columns import Columns
from components.dimensionality_reducer.config import ReducerConfig
from components.dimensionality_reducer.fitting import Fit
from components.dimensionality_reducer.report import component_names
from components.models.projection import Description, Projection, non_negative_arrays
from components.models.transformed import Features, ImageFeature


def identity(features: Features, image: ImageFeature | None = None) -> Projection:
    """Return the projection that changes nothing, or only pixels into numeric columns."""
    return Projection(
        Description(
            method="none",
            kind="identity",
            numeric=features.numeric,
            image=image,
            components=len(features.numeric),
            dtype="float32",
        ),
        {},
    )


def projection_of(
    fit: Fit, columns: Columns, features: Features, config: ReducerConfig
) -> Projection:
    """Return the projection of a fit.

    Parameters
    ----------
    fit : Fit
    columns : Columns
    features : Features
        What is to be projected: a table, or images whose pixels the columns are.
    config : ReducerConfig
    """
    basis = fit.basis
    if basis is None:
        return identity(features.as_table(), features.image)
    weights, bias = fit.scaling.affine(basis.weights, basis.centre, columns.width)
    arrays: dict[str, np.ndarray] = {"weights": weights, "bias": bias}
    if basis.non_negative:
        arrays = non_negative_arrays(basis.loadings, weights, bias)
    description = Description(
        method=fit.method,
        kind="non_negative" if basis.non_negative else "affine",
        numeric=columns.numeric,
        categorical=columns.one_hot,
        image=features.image,
        components=basis.weights.shape[1],
        options=config.model_dump(mode="json"),
    )
    return Projection(description, arrays).in_least_precision(fit.sample.features())


def reduced(features: Features, fit: Fit, columns: Columns) -> Features:
    """Return the description of the reduced features."""
    table = features.as_table()
    if fit.basis is None:
        return table
    return table.model_copy(
        update={"numeric": tuple(component_names(fit)), "categorical": columns.kept}
    )
