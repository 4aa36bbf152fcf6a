"""What the page may ask, checked before the models are: names, numbers and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field as Limits
from pydantic import ValidationError

from components.errors import InputError
from components.naming import nearest
from components.settings import Settings
from pipeline.ui.what_if import entry
from pipeline.ui.what_if.fields import Field
from pipeline.ui.what_if.materials import Materials

#: Bytes of a request: enough for a thousand features.
MOST_BYTES = 1 << 20
_MOST_ROW = 2**53

Name = Annotated[str, Limits(min_length=1, max_length=entry.MOST_TEXT)]
Row = Annotated[int, Limits(ge=0, le=_MOST_ROW)]
Number = Annotated[float, Limits(ge=-entry.MOST_NUMBER, le=entry.MOST_NUMBER, allow_inf_nan=False)]
Change = Annotated[float, Limits(gt=0, le=entry.MOST_NUMBER, allow_inf_nan=False)]


class Describe(Settings):
    """What there is to choose from."""


class Example(Settings):
    """A row by its number, or one drawn by a seed."""

    row: Row | None = None
    seed: Row | None = None


class Rows(Settings):
    """Rows that pass a test of a column, are of a class, and a candidate is wrong about."""

    column: Name | None = None
    test: Literal["equal", "other", "below", "above", "contains", "missing"] = "equal"
    value: Number | Annotated[str, Limits(max_length=entry.MOST_TEXT)] | None = None
    label: Name | None = None
    wrong: Name | None = None
    offset: Row = 0


class Predictions(Settings):
    """What candidates say of an example, or of the image of a row."""

    values: dict[str, Any] = Limits(default={})
    row: Row | None = None
    candidates: tuple[Name, ...] = Limits(min_length=1, max_length=100)


class Neighbours(Settings):
    """The nearest rows of which a candidate says something else."""

    values: dict[str, Any]
    candidate: Name
    delta: Change | None = None


class Changes(Settings):
    """The least changes after which a candidate says something else."""

    values: dict[str, Any]
    candidate: Name
    delta: Change | None = None


class Curve(Settings):
    """What candidates say if one feature takes other values."""

    values: dict[str, Any]
    candidates: tuple[Name, ...] = Limits(min_length=1, max_length=100)
    feature: Name
    output: Row = 0


class Shapley(Settings):
    """How an answer is divided among the features."""

    values: dict[str, Any]
    candidate: Name
    output: Row = 0


class TradeOff(Settings):
    """What a threshold does, to all rows and by group."""

    candidate: Name
    column: Name | None = None


#: By the names of `pipeline.ui.what_if.worker.questions.QUESTIONS`.
QUESTIONS: dict[str, type[Settings]] = {
    "describe": Describe,
    "example": Example,
    "rows": Rows,
    "predictions": Predictions,
    "neighbours": Neighbours,
    "changes": Changes,
    "curve": Curve,
    "shapley": Shapley,
    "trade_off": TradeOff,
}


def checked(
    question: str, body: Any, materials: Materials, fields: Sequence[Field]
) -> dict[str, Any]:
    """Return the arguments of a question.

    Parameters
    ----------
    question : str
    body : object
        JSON that a browser sent.
    materials : Materials
    fields : sequence of Field
        Of the same run.

    Raises
    ------
    InputError
        There is no such question, or something in it is not as it must be.
    """
    if question not in QUESTIONS:
        raise InputError(
            f"There is no question {question[:80]!r}{nearest(question[:80], QUESTIONS)}.",
            expected=", ".join(QUESTIONS),
        )
    if not isinstance(body, Mapping):
        raise InputError("A question is an object.", expected="JSON: {...}")
    try:
        arguments = QUESTIONS[question].model_validate(body).model_dump()
    except ValidationError as error:
        raise _refused(question, error) from None
    for name in _candidates(arguments):
        if name not in materials.candidates:
            raise InputError(
                f"This run has no candidate {name[:80]!r}{nearest(name, materials.candidates)}.",
                expected=", ".join(materials.candidates),
            )
    outputs = max(len(materials.classes), 1)
    if arguments.get("output", 0) >= outputs:
        raise InputError("There is no such output.", expected=f"one of {outputs}, from 0")
    if "values" in arguments and not materials.image:
        arguments["values"] = entry.checked(fields, arguments["values"])
    if question == "example" and arguments["row"] is None and arguments["seed"] is None:
        raise InputError("Which row?", expected="row, or seed for one drawn at random")
    return arguments


def _candidates(arguments: Mapping[str, Any]) -> list[str]:
    single = [arguments.get("candidate"), arguments.get("wrong")]
    return [name for name in (*single, *arguments.get("candidates", ())) if name is not None]


def _refused(question: str, error: ValidationError) -> InputError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))[:120]
    return InputError(
        f"{first['msg']}.".replace("..", "."), setting=f"{question}.{where}".strip(".")
    )
