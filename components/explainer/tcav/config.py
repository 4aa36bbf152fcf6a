"""Settings of concept activation vectors."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from components.settings import Settings

#: What a column must be: a category, a number, or between two numbers.
Value = str | float | tuple[float, float]


class TcavConfig(Settings):
    """Concepts, where in the model they are looked for, and how surely.

    Attributes
    ----------
    slices : dict of str to dict
        Concepts of tables by name: what columns must be for a row of the train split to be an
        example. A value is a category, a number, or the least and the greatest number.
    folders : dict of str to str
        Concepts of images by name: a directory of PNG or JPEG files, each an example. They are
        brought to the size and the channels of the model's images.
    layer : str or None
        Name of a layer of the model, in whose activations concepts are directions. None takes the
        one before the last dense layer.
    direction : {"pattern", "normal"}
        What a concept's direction is: the mean difference of its examples from other rows, or, as
        in the paper, the normal of the plane that a linear classifier tells them apart by.
    examples : int
        Of a concept at most, drawn by the seed.
    random_concepts : int or None
        Random sets of as many rows, that a concept must stand out from. None takes 200, or more
        where several concepts and classes need more.
    runs : int
        Sets of other rows from which each concept is told apart; the mean over them counts.
    rows : int
        Rows of each class on which derivatives are taken.
    alpha : float
        Chance of finding any concept among all if none is there (Holm).
    """

    slices: dict[str, dict[str, Value]] = Field(default_factory=dict)
    folders: dict[str, str] = Field(default_factory=dict)
    layer: str | None = None
    direction: Literal["pattern", "normal"] = "pattern"
    examples: int = Field(default=50, ge=10, le=10_000)
    random_concepts: int | None = Field(default=None, ge=19, le=100_000)
    runs: int = Field(default=2, ge=1, le=100)
    rows: int = Field(default=200, ge=1)
    alpha: float = Field(default=0.05, gt=0, lt=1)
