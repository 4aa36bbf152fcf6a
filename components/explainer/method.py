"""What every method of explanation is, and what it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from components.deadline import Deadline
from components.explainer.problem import Problem


@dataclass(frozen=True)
class Attributions:
    """How much each feature has to do with each explained value.

    Attributes
    ----------
    rows : ndarray of int, shape [r]
        Places of the explained rows in the problem's subject.
    values : ndarray, shape [r, features, outputs]
        In the order of `Problem.features` and `Problem.outputs`.
    """

    rows: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Explanation:
    """What a method found.

    Attributes
    ----------
    found : dict
        JSON without NaN. ``notes`` is a list of sentences: what was left out, what is in doubt.
        A method that ranks features has ``importance``, a number by feature that is greater for
        what counts more.
    tables : dict of str to pyarrow.Table
        What is long, by the name of its Parquet file.
    attributions : Attributions or None
        Of a method that attributes values of rows to features.
    """

    found: dict[str, Any]
    tables: dict[str, pa.Table] = field(default_factory=dict)
    attributions: Attributions | None = None


@dataclass(frozen=True)
class Method:
    """A method of explanation.

    Attributes
    ----------
    title : str
    scope : {"global", "local", "both"}
        Whether the model is explained, single rows, or both.
    kind : {"model-agnostic", "model-specific"}
        Whether it takes any function of rows, or looks inside.
    assumes : str
        A sentence: what must hold for it to be right.
    source : str
        The paper.
    refuse : callable
        Problem and settings to the reason why the method cannot be had, or None.
    explain : callable
        Problem, settings and deadline to what was found. Equal arguments give equal results.
    """

    title: str
    scope: Literal["global", "local", "both"]
    kind: Literal["model-agnostic", "model-specific"]
    assumes: str
    source: str
    refuse: Callable[[Problem, Any], str | None]
    explain: Callable[[Problem, Any, Deadline], Explanation]
