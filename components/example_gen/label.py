"""The task and the classes, by the label's values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from components.errors import InputError
from components.example_gen import storage
from components.example_gen.config import DataConfig, Task
from components.example_gen.dataset import Kind
from components.example_gen.profile import MAX_CLASSES, ColumnProfile

#: An integer label with more values than these is a number to estimate, not a class.
MAX_INTEGER_CLASSES = 20
#: Names listed in a message.
_SHOWN = 10


@dataclass(frozen=True)
class Label:
    """How the label is stored, what is learnt, and the classes (positive one last)."""

    kind: Kind
    task: Task
    classes: tuple[str, ...]


def resolve(profile: ColumnProfile, config: DataConfig) -> Label:
    """Return what the label's values and the settings say together.

    Parameters
    ----------
    profile : ColumnProfile
        Of the label, over all rows.
    config : DataConfig

    Raises
    ------
    InputError
        For a label without values or with one, and for a task or a positive label that
        its values contradict.
    """
    if profile.empty:
        raise InputError(
            "The label has no value in any row.",
            column=profile.name,
            expected="a value in every row to learn from",
            got=f"{profile.missing} rows without a label",
            remedy="Check data.label and data.missing_values.",
        )
    if profile.declared == "time":
        raise InputError(
            "A time cannot be the label.",
            column=profile.name,
            setting=f"data.columns.{profile.name}",
            expected="numeric, categorical or boolean",
            got="time",
        )
    too_many = len(profile.values) > MAX_CLASSES
    is_number = profile.kind in ("integer", "numeric")
    values, whole = profile.values, profile.kind == "integer"
    if profile.kind == "numeric":
        numbers = {float(value) for value in values}
        # 1.0 and 2.0, as pandas writes integers where some are missing, are the classes 1 and 2.
        whole = not too_many and all(number.is_integer() for number in numbers)
        values = {_name(number) for number in numbers} if whole else values
    elif whole:
        values = {str(int(value)) for value in values}
    if len(values) == 1:
        raise InputError(
            "The label has the same value in every row.",
            column=profile.name,
            expected="at least two values",
            got=repr(next(iter(values))),
            remedy="Check data.label, or add rows of other values.",
        )
    task = config.task
    if task == "auto":
        fractional = is_number and (profile.declared is not None or not whole)
        task = _infer_task(len(values), fractional=fractional, whole=whole)
    if task == "regression":
        if not is_number:
            raise _contradiction(profile, task, "numbers", _listed(values))
        if config.positive_label is not None:
            raise _contradiction(profile, task, "no data.positive_label", config.positive_label)
        return Label("integer" if profile.kind == "integer" else "numeric", task, ())
    if profile.kind == "boolean" and len(values) > 2:
        raise InputError(
            "The label spells its two values in several ways.",
            column=profile.name,
            expected="one spelling for true and one for false",
            got=_listed(values),
            remedy="Spell them alike in the data.",
        )
    if too_many:
        raise _contradiction(
            profile, task, f"at most {MAX_CLASSES} classes", f"more, such as {_listed(values)}"
        )
    if task == "binary" and len(values) != 2:
        raise _contradiction(profile, task, "2 classes", f"{len(values)}: {_listed(values)}")
    classes = sorted(values, key=int) if whole else sorted(values)
    if config.positive_label is not None:
        if task != "binary":
            raise _contradiction(profile, task, "no data.positive_label", config.positive_label)
        positive = _find_positive(config.positive_label, classes, profile.name)
        classes.sort(key=lambda name: name == positive)
    return Label("integer" if whole else "categorical", task, tuple(classes))


def _infer_task(distinct: int, *, fractional: bool, whole: bool) -> Task:
    if distinct == 2:
        return "binary"
    if fractional or (whole and distinct > MAX_INTEGER_CLASSES):
        return "regression"
    return "multiclass"


def _name(number: float) -> str:
    return str(int(number)) if number.is_integer() else str(number)


def _find_positive(value: str | int | float | bool, classes: list[str], column: str) -> str:
    """Return the class that the setting means: YAML reads yes as true, and 1.0 is 1."""
    names = {str(value)}
    if isinstance(value, bool):
        names = {*storage.TRUE_WORDS, "1"} if value else {*storage.FALSE_WORDS, "0"}
        matches = [name for name in classes if name.lower() in names]
    elif isinstance(value, float):
        matches = [name for name in classes if name in {str(value), _name(value)}]
    else:
        matches = [name for name in classes if name in names]
    if not matches:
        raise InputError(
            "The positive label is none of the classes.",
            column=column,
            setting="data.positive_label",
            expected=_listed(classes),
            got=repr(value),
        )
    return matches[0]


def _listed(values: Collection[str]) -> str:
    names = sorted(values)
    more = f", ... ({len(names)} in all)" if len(names) > _SHOWN else ""
    return ", ".join(repr(name) for name in names[:_SHOWN]) + more


def _contradiction(profile: ColumnProfile, task: str, expected: str, got: object) -> InputError:
    return InputError(
        f"The label's values contradict the task {task!r}.",
        column=profile.name,
        setting="data.task",
        expected=expected,
        got=got,
        remedy="Set data.task to auto, or mend data.label.",
    )
