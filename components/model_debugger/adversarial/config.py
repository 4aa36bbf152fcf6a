"""Settings of the attacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.errors import InputError
from components.naming import nearest
from components.settings import Settings

#: Attacks on images, from the cheapest to the dearest: `components.attacks.images.ATTACKS`
#: holds the same names. Here, because reading a config imports no TensorFlow.
NAMES = (
    "cleverhans_fgsm",
    "foolbox_fgsm",
    "cleverhans_pgd",
    "foolbox_pgd",
    "foolbox_deepfool",
    "foolbox_carlini_wagner",
    "foolbox_hop_skip_jump",
)
PLACE = "debugger.adversarial"


class ImageAttacksConfig(Settings):
    """How a model of images is attacked.

    Attributes
    ----------
    attacks : tuple of str
        Names of `NAMES`, each once. Where the model has no gradient, those that need one give
        way to ``foolbox_hop_skip_jump``, which needs decisions only.
    eps : tuple of float
        Budgets of FGSM and PGD: largest change of each pixel, as a share of the range from
        black to white.
    rows : int
        Images that these attack.
    minimal_rows : int
        Images that the others attack, which look for the least change and are dearer.
    examples : int
        Images shown of each attack.
    """

    attacks: tuple[str, ...] = NAMES
    eps: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        default=(0.02, 0.05, 0.1, 0.2, 0.3), min_length=1
    )
    rows: int = Field(default=200, ge=1)
    minimal_rows: int = Field(default=20, ge=1)
    examples: int = Field(default=4, ge=0, le=50)

    @model_validator(mode="after")
    def _check_attacks(self) -> Self:
        for name in self.attacks:
            if name not in NAMES:
                raise InputError(
                    f"There is no attack {name!r} on images{nearest(name, NAMES)}.",
                    setting=f"{PLACE}.images.attacks",
                    expected="some of " + ", ".join(NAMES),
                    got=name,
                )
        if not self.attacks or len(set(self.attacks)) < len(self.attacks):
            raise InputError(
                "The attacks must be named, each once.",
                setting=f"{PLACE}.images.attacks",
                expected="some of " + ", ".join(NAMES),
                got=", ".join(self.attacks) or "none",
                remedy=f"Set {PLACE} to null to attack nothing.",
            )
        return self


class TableAttacksConfig(Settings):
    """How a model of tables is attacked: through its raw columns, by its scores alone.

    Numbers stay in the range that they have in the split, whole ones whole; texts stay known
    values; what is missing stays missing.

    Attributes
    ----------
    eps : tuple of float
        Budgets: largest change of each number, in spreads of its column: its interquartile
        range, or its standard deviation where that is 0. With 0 only categories change.
    max_columns : int
        Columns of a row that may change.
    immutable : tuple of str
        Columns that never change, such as those that nobody can choose.
    one_hot : tuple of tuple of str
        Groups of columns of 0 and 1 of which exactly one is 1; they change as one column.
    directions : dict of str to {"up", "down"}
        Numeric columns that only rise, or only fall.
    choices : int
        Values of a text column that are tried, the most frequent.
    rows : int
        Rows that are attacked, drawn by the seed.
    restarts : int
        Random restarts for each budget, of rows that still withstand.
    regression_change : float
        For a regression, by how much the prediction has to move for a success, in spreads of
        the label.
    examples : int
        Rows shown.
    """

    eps: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        default=(0.1, 0.25, 0.5, 1.0), min_length=1
    )
    max_columns: int = Field(default=3, ge=1, le=20)
    immutable: tuple[str, ...] = ()
    one_hot: tuple[Annotated[tuple[str, ...], Field(min_length=2)], ...] = ()
    directions: dict[str, Literal["up", "down"]] = Field(default_factory=dict)
    choices: int = Field(default=10, ge=1)
    rows: int = Field(default=500, ge=1)
    restarts: int = Field(default=2, ge=0, le=100)
    regression_change: float = Field(default=0.5, gt=0)
    examples: int = Field(default=8, ge=0, le=100)

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        names = [name for group in self.one_hot for name in group]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(
                "A column can be in one group of one_hot only, once.",
                setting=f"{PLACE}.tables.one_hot",
                column=twice[0],
                expected="each column once",
                got=f"{names.count(twice[0])} times",
            )
        return self


class AdversarialConfig(Settings):
    """How the model is attacked.

    Attributes
    ----------
    images : ImageAttacksConfig
        Holds where the data are images.
    tables : TableAttacksConfig
        Holds where they are not.
    """

    images: ImageAttacksConfig = ImageAttacksConfig()
    tables: TableAttacksConfig = TableAttacksConfig()


def check(config: AdversarialConfig, columns: Iterable[str]) -> None:
    """Check that the columns that a config names are there.

    Parameters
    ----------
    config : AdversarialConfig
    columns : iterable of str
        Raw columns that the model takes.

    Raises
    ------
    InputError
        One is not.
    """
    known = tuple(columns)
    tables = config.tables
    named = {
        "immutable": tables.immutable,
        "one_hot": tuple(name for group in tables.one_hot for name in group),
        "directions": tuple(tables.directions),
    }
    for setting, names in named.items():
        for name in names:
            if name not in known:
                raise InputError(
                    f"The model takes no column {name!r}{nearest(name, known)}.",
                    setting=f"{PLACE}.tables.{setting}",
                    column=name,
                    expected=", ".join(known) or "no column: the data are images",
                    got=name,
                )
