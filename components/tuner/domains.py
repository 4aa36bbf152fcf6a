"""The values that a hyperparameter may have in a search. Imports nothing heavy."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from components.errors import InputError
from components.models.hyperparameters import (
    HyperParameters,
    ImageHyperParameters,
    TreesHyperParameters,
)
from components.naming import nearest
from components.settings import Settings

#: Prefixes of the hyperparameters of trees, with the architectures that they belong to: each kind
#: has ranges of its own.
TREES_PREFIXES: dict[str, tuple[str, ...]] = {
    "boosted_trees.": ("boosted_trees",),
    "forest.": ("random_forest", "extra_trees"),
}
#: Hyperparameters of a search that make one field: the hidden layers' widths.
LAYERS, UNITS, SHAPE = "layers", "units", "shape"
#: The widths of hidden layers: all alike, or each half of the one before.
SHAPES = ("constant", "halving")
ARCHITECTURE = "architecture"


class Choice(Settings):
    """One of some values.

    Attributes
    ----------
    values : tuple
        Distinct.
    ordered : bool
        Whether neighbours are alike.
    """

    values: tuple[bool | int | float | str, ...] = Field(min_length=1)
    ordered: bool = False

    @property
    def examples(self) -> tuple[Any, ...]:
        """Values that stand for all when the domain is checked."""
        return self.values

    def __str__(self) -> str:
        return ", ".join(str(value) for value in self.values)


class Range(Settings):
    """Numbers from `min` to `max`, both included; integers if both are.

    Attributes
    ----------
    min, max : int or float
    step : int or float or None
        None allows any number in between, or any integer.
    scale : {"linear", "log"}
    """

    min: int | float
    max: int | float
    step: int | float | None = Field(default=None, gt=0)
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        if not self.min < self.max:
            raise ValueError(f"min < max, but {self.min} >= {self.max}")
        if self.scale == "log" and self.min <= 0:
            raise ValueError(f"min > 0 on a log scale, but {self.min}")
        if self.scale == "log" and self.step is not None and self.step <= 1:
            raise ValueError(f"step > 1 on a log scale, where it is a factor, but {self.step}")
        return self

    @property
    def integer(self) -> bool:
        """Whether all values are integers."""
        return isinstance(self.min, int) and isinstance(self.max, int)

    @property
    def examples(self) -> tuple[Any, ...]:
        """Values that stand for all when the domain is checked."""
        return self.min, self.max

    @property
    def levels(self) -> tuple[int | float, ...]:
        """All values of a range with a step, the last at most `max`.

        Examples
        --------
        >>> Range(min=0.0, max=0.3, step=0.1).levels
        (0.0, 0.1, 0.2, 0.3)
        >>> Range(min=1, max=100, step=10, scale="log").levels
        (1, 10, 100)
        """
        assert self.step is not None
        found = []
        value: int | float = self.min
        while value <= self.max * (1 + 1e-9):
            found.append(value if self.integer else float(f"{value:.12g}"))
            count = len(found)
            value = (
                self.min * self.step**count if self.scale == "log" else self.min + self.step * count
            )
        return tuple(found)

    def __str__(self) -> str:
        step = f", step {self.step:g}" if self.step else ""
        return f"{self.min:g} to {self.max:g}{step}" + (" (log)" if self.scale == "log" else "")


Domain = Choice | Range


def names() -> list[str]:
    """Return the hyperparameters that a search may have."""
    network = [name for name in HyperParameters.model_fields if name != "hidden_units"]
    images = [name for name in ImageHyperParameters.model_fields if name not in network]
    trees = [name for name in TreesHyperParameters.model_fields if name != ARCHITECTURE]
    widths = ["hidden_units", LAYERS, UNITS, SHAPE]
    return [
        *network,
        *widths,
        *images,
        *(prefix + name for prefix in TREES_PREFIXES for name in trees),
    ]


def split_prefix(name: str) -> tuple[str, str]:
    """Return the prefix of a hyperparameter of trees, or "", and the rest of its name.

    Examples
    --------
    >>> split_prefix("forest.max_leaves"), split_prefix("dropout")
    (('forest.', 'max_leaves'), ('', 'dropout'))
    """
    prefix = next((prefix for prefix in TREES_PREFIXES if name.startswith(prefix)), "")
    return prefix, name.removeprefix(prefix)


def read(name: str, value: Any) -> Any:
    """Turn what a config says of a hyperparameter into a `Domain`.

    Raises
    ------
    InputError
        There is no such hyperparameter, or it cannot have such values.
    """
    setting = f"tuner.space.{name}"
    if name not in names():
        raise InputError(
            f"There is no hyperparameter {name!r}{nearest(name, names())}.",
            setting=setting,
            expected=", ".join(names()),
        )
    if isinstance(value, Choice | Range):
        return value
    try:
        domain = _domain(name, value)
    except ValidationError as error:
        # A misspelt key says more than the key that is then missing.
        first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"The domain of {name} is wrong.",
            setting=f"{setting}.{place}" if place else setting,
            expected=first["msg"].removeprefix("Value error, "),
            got=first["input"] if isinstance(first["input"], str | int | float) else value,
        ) from None
    for example in domain.examples:
        _check(name, example, setting)
    return domain


def _domain(name: str, value: Any) -> Domain:
    if isinstance(value, dict):
        # What a search wrote into the store comes back as it went.
        return Choice(**value) if "values" in value else Range(**value)
    listed = value if isinstance(value, list | tuple) else [value]
    if name == "hidden_units":
        many = any(isinstance(item, list | tuple) for item in listed)
        return Choice(values=tuple(_units_text(item) for item in (listed if many else [listed])))
    values = tuple(dict.fromkeys(_number(item) for item in listed))
    numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in values)
    return Choice(values=tuple(sorted(values)) if numbers else values, ordered=numbers)


def _number(item: Any) -> Any:
    """Return the number that a text such as ``1e-4`` stands for, which YAML takes for text."""
    if isinstance(item, str) and item[:1] in "-.0123456789":
        try:
            return float(item)
        except ValueError:
            return item
    return item


def _units_text(units: Any) -> str:
    if isinstance(units, str):
        return units
    return "-".join(str(width) for width in (units if isinstance(units, list | tuple) else [units]))


def _check(name: str, value: Any, setting: str) -> None:
    """Raise an `InputError` if the hyperparameter cannot have the value."""
    if name == SHAPE:
        wrong = "" if value in SHAPES else f"one of {', '.join(SHAPES)}"
    elif name in (LAYERS, UNITS):
        wrong = "" if isinstance(value, int) and value >= 1 else "a positive integer"
    else:
        wrong = _why_not(name, value)
    if wrong:
        raise InputError(f"{name} cannot be {value!r}.", setting=setting, expected=wrong, got=value)


def _why_not(name: str, value: Any) -> str:
    if name == "hidden_units":
        value = units(value)
    prefix, field = split_prefix(name)
    if prefix:
        return _refusal(
            TreesHyperParameters, architecture=TREES_PREFIXES[prefix][0], **{field: value}
        )
    # Of tables, of trees or of images: which it has to be is known when the data are.
    candidates: list[type[Settings]] = [HyperParameters, ImageHyperParameters]
    if name == ARCHITECTURE:
        candidates.append(TreesHyperParameters)
    having = [each for each in candidates if name in each.model_fields]
    refusals = [_refusal(each, **{name: value}) for each in having]
    return "" if "" in refusals else refusals[0]


def _refusal(kind: type[Settings], **values: Any) -> str:
    """Return why a set of hyperparameters cannot have such values; "" if it can."""
    try:
        kind(**values)
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return ""


def units(text: str) -> list[int] | str:
    """Return the widths that a text such as ``"128-64"`` means, or the text if it means none.

    Examples
    --------
    >>> units("128-64")
    [128, 64]
    """
    parts = text.split("-") if text else []
    return [int(part) for part in parts] if all(part.isdigit() for part in parts) else text
