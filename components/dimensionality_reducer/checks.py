"""What data allow which method, and how many components."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.dimensionality_reducer import lda
from components.dimensionality_reducer.basis import RANK_TOLERANCE, Statistics
from components.dimensionality_reducer.columns import Columns
from components.dimensionality_reducer.config import SECTION
from components.dimensionality_reducer.reducers import REDUCERS
from components.dimensionality_reducer.scaling import Scaling
from components.errors import InputError


def check(method: str, columns: Columns, scaling: Scaling, statistics: Statistics) -> None:
    """Raise an `InputError` if the data do not allow the method at all."""
    reducer = REDUCERS[method]
    if reducer.classes and not columns.classes:
        raise InputError(
            f"{method.upper()} parts classes, and the label is a number.",
            setting=f"{SECTION}.method",
            expected="a method for regression",
            got=method,
            remedy="Set it to pls, which takes a number as target.",
        )
    if reducer.targets:
        varied = (
            (statistics.class_counts > 0).sum() > 1
            if columns.classes
            else statistics.target_scatter[0, 0] > 0
        )
        if not varied:
            raise InputError(
                f"{method.upper()} needs a label that varies.",
                setting=f"{SECTION}.method",
                expected="at least two classes" if columns.classes else "different numbers",
                got="a train split with the same label in every row",
                remedy="Choose a method without labels, such as pca.",
            )
    if method == "lda":
        within = lda.within(statistics)
        fixed = within <= RANK_TOLERANCE * np.diag(statistics.scatter)
        given_away = [columns.names[scaling.kept[i]] for i in np.flatnonzero(fixed)]
        if given_away:
            raise InputError(
                "LDA takes no column that is the same in all rows of a class.",
                column=listed(given_away),
                expected="columns that vary within classes",
                got=f"{len(given_away)} that the class decides",
                remedy="Exclude them: they give the label away. Or take another method.",
            )
    if method == "nmf":
        negative = [columns.names[scaling.kept[i]] for i in np.flatnonzero(statistics.low < 0)]
        if negative:
            raise InputError(
                "NMF takes no negative numbers.",
                column=listed(negative),
                setting=f"{SECTION}.standardize",
                expected="columns without negative numbers",
                got=f"{len(negative)} columns with some",
                remedy=f"Set {SECTION}.standardize to min_max.",
            )


def resolve(method: str, components: int | float, statistics: Statistics) -> int:
    """Return the number of components.

    Raises
    ------
    InputError
        For a share of the variance where the method has none, and for more components
        than there are.
    """
    reducer = REDUCERS[method]
    if isinstance(components, float):
        if reducer.shares is None:
            having = [name for name, other in REDUCERS.items() if other.shares is not None]
            raise InputError(
                f"The components of {method.upper()} have no share of the variance.",
                setting=f"{SECTION}.components",
                expected=f"a number; a share only for {' and '.join(having)}",
                got=components,
            )
        shares = np.cumsum(reducer.shares(statistics))
        return min(int(np.searchsorted(shares, components, side="right")) + 1, len(shares))
    most = reducer.most(statistics)
    if components > most:
        raise InputError(
            f"{method.upper()} cannot make that many components of these data.",
            setting=f"{SECTION}.components",
            expected=f"at most {most}: {reducer.bound}",
            got=components,
        )
    return components


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names for a message.

    Examples
    --------
    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
