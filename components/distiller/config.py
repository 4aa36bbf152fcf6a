"""Settings of Distiller."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from components import files
from components.errors import InputError
from components.models.hyperparameters import (
    IMAGE_TAG,
    NETWORK_TAG,
    TREES_TAG,
    HyperParameters,
    ImageHyperParameters,
    check_kind,
    tag,
)
from components.models.training_config import TrainingConfig
from components.settings import Settings

Loss = Literal["auto", "soft_targets", "logits", "decoupled", "values", "bounded"]
#: Losses by the kind of task; ``auto`` is the first.
CLASSIFICATION_LOSSES = ("soft_targets", "logits", "decoupled")
REGRESSION_LOSSES = ("values", "bounded")
#: Losses by which labels are needed on every row.
LABELLED = ("bounded",)
#: Splits that judge a model: a student must not have seen them.
JUDGES = ("eval", "test")


class Scheduled(Settings):
    """A number over the time of a training.

    In a config, a plain number is one that stays.

    Attributes
    ----------
    start, end : float
        At the first step, and after the last planned one.
    schedule : {"constant", "linear", "cosine"}
        The way from start to end: none, straight, or half a cosine.
    """

    start: float
    end: float
    schedule: Literal["constant", "linear", "cosine"]

    @model_validator(mode="before")
    @classmethod
    def _plain_number(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"start": value, "end": value, "schedule": "constant"}
        if isinstance(value, dict) and "schedule" not in value and "end" in value:
            return {**value, "schedule": "linear"}
        return value

    @model_validator(mode="after")
    def _constant_stays(self) -> Self:
        if self.schedule == "constant" and self.start != self.end:
            raise ValueError("a number that changes has the schedule linear or cosine")
        return self


def constant(value: float) -> Scheduled:
    """Return a number that stays."""
    return Scheduled(start=value, end=value, schedule="constant")


class BudgetConfig(Settings):
    """What a student may cost; it stays below each limit that is set.

    Attributes
    ----------
    parameters : float or int or None
        Numbers of the model: below 1 as a share of the teacher's, or else their count.
    bytes : int or None
        Of these numbers in memory.
    latency_ms : float or None
        Median time of one row, on the machine that trains.
    """

    parameters: float | None = Field(default=None, gt=0)
    bytes: int | None = Field(default=None, ge=1)
    latency_ms: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.parameters is self.bytes is self.latency_ms is None:
            raise ValueError("at least one of parameters, bytes and latency_ms")
        return self


class HintsConfig(Settings):
    """A layer of the teacher that a layer of the student learns to foretell (FitNets).

    Attributes
    ----------
    teacher, student : str
        Names of the layers.
    phases : {"two", "joint"}
        Whether the student's layers up to this one learn it first, for as many epochs as
        the whole may take, or all is learnt together.
    weight : float
        With ``joint``: of the mean squared difference, in units of the variance of the
        teacher's layer.
    """

    teacher: str
    student: str
    phases: Literal["two", "joint"] = "two"
    weight: float = Field(default=1.0, gt=0)


class DistillerConfig(Settings):
    """How a small network, the student, learns from the Trainer's model, the teacher.

    Attributes
    ----------
    student : HyperParameters or ImageHyperParameters or None
        The student, as `trainer.model`; None chooses one by the budget.
    budget : BudgetConfig or None
        Of the student that is chosen; None is a tenth of the teacher's parameters.
    loss : str
        For classification ``soft_targets`` (Hinton), ``logits`` or ``decoupled`` (DKD), for
        regression ``values`` or ``bounded``; see `components.distiller.losses`. ``auto`` is
        the first of these.
    temperature : Scheduled
        By which logits are divided before the softmax, above 0. A number, or ``{start, end,
        schedule}`` with the schedule ``linear`` or ``cosine``. Only ``soft_targets`` and
        ``decoupled`` have one.
    mix : Scheduled
        Weight of the teacher in the loss, in [0, 1]; the rest is that of the labels.
    alpha, beta : float
        Of ``decoupled``: weights of its two parts.
    hints : HintsConfig or None
    teachers : tuple of str
        Further teachers: directories of Model artifacts made from the same features, or of
        pushed models of this pipeline. The outputs of all are averaged, logits or values.
    unlabelled_split : str or None
        A further split of the examples, such as a span, whose labels are ignored.
    unlabelled_path : str or None
        A directory of further transformed examples, whose labels are ignored.
    copies : int
        Changed versions of each image for which the teacher's outputs are kept, where the
        student's images are augmented; after so many epochs they come again.
    epochs, patience : int or None
        As those of the Trainer, which apply where these are None.
    """

    USES: ClassVar[tuple[str, ...]] = ("models",)
    LIBRARIES: ClassVar[tuple[str, ...]] = ("tf-keras", "tensorflow-transform")

    student: (
        Annotated[
            Annotated[HyperParameters, Tag(NETWORK_TAG)]
            | Annotated[ImageHyperParameters, Tag(IMAGE_TAG)],
            Discriminator(tag),
        ]
        | None
    ) = None
    budget: BudgetConfig | None = None
    loss: Loss = "auto"
    temperature: Scheduled = constant(2.0)
    mix: Scheduled = constant(0.9)
    alpha: float = Field(default=1.0, ge=0)
    beta: float = Field(default=8.0, ge=0)
    hints: HintsConfig | None = None
    teachers: tuple[str, ...] = ()
    unlabelled_split: str | None = None
    unlabelled_path: str | None = None
    copies: int = Field(default=8, ge=1, le=1000)
    epochs: int | None = Field(default=None, ge=1)
    patience: int | None = Field(default=None, ge=1)
    #: How the teacher was trained, and what further files hold; the pipeline fills these in.
    training: TrainingConfig | None = None
    content: dict[str, str] = Field(default={})

    @field_validator("student", mode="before")
    @classmethod
    def _student_is_a_network(cls, student: Any) -> Any:
        if student is not None and tag(student) == TREES_TAG:
            raise InputError(
                "A student is a network: trees learn nothing from a teacher's probabilities.",
                setting="distiller.student.architecture",
                remedy="Take an architecture such as mlp or cnn; trees may well be teachers.",
            )
        return student

    @field_validator("temperature")
    @classmethod
    def _temperature_is_positive(cls, temperature: Scheduled) -> Scheduled:
        lowest = min(temperature.start, temperature.end)
        if lowest <= 0:
            raise InputError(
                "A temperature divides the logits.",
                setting="distiller.temperature",
                expected="a number above 0",
                got=lowest,
            )
        return temperature

    @field_validator("mix")
    @classmethod
    def _mix_is_a_share(cls, mix: Scheduled) -> Scheduled:
        if not all(0 <= value <= 1 for value in (mix.start, mix.end)):
            raise ValueError("a share of the loss, from 0 (labels only) to 1 (teacher only)")
        return mix

    @field_validator("unlabelled_split")
    @classmethod
    def _split_judges_nobody(cls, split: str | None) -> str | None:
        if split in JUDGES:
            raise InputError(
                f"The split {split} judges models: a student must not learn from it.",
                setting="distiller.unlabelled_split",
                expected="a span, or the path of further examples in unlabelled_path",
                got=split,
            )
        return split

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.student is not None and self.budget is not None:
            raise ValueError("only one of student and budget")
        unlabelled = self.unlabelled_split or self.unlabelled_path
        if unlabelled and self.loss in LABELLED:
            raise ValueError(f"the loss {self.loss} needs the labels of all rows")
        return self

    def loss_for(self, task: str) -> str:
        """Return the name of the loss.

        Raises
        ------
        InputError
            The task has no such loss.
        """
        valid = REGRESSION_LOSSES if task == "regression" else CLASSIFICATION_LOSSES
        if self.loss == "auto":
            return valid[0]
        if self.loss not in valid:
            raise InputError(
                f"The loss {self.loss} is not one for {task}.",
                setting="distiller.loss",
                expected=", ".join(["auto", *valid]),
                got=self.loss,
            )
        return self.loss

    def check(self, task: str, *, images: bool) -> None:
        """Raise an `InputError` for what does not fit the data: the loss, or the student."""
        self.loss_for(task)
        if self.student is not None:
            check_kind(
                self.student.architecture, images=images, setting="distiller.student.architecture"
            )

    @property
    def own_functions(self) -> tuple[str, ...]:
        path = self.training.build_model if self.training else None
        return () if path is None else (path,)

    def with_content(self) -> Self:
        """Return the settings with a digest of each directory that they name.

        What is read from outside of the run is no input that the cache knows of.

        Raises
        ------
        InputError
            There is no such directory.
        """
        named = [("teachers", path) for path in self.teachers]
        if self.unlabelled_path is not None:
            named.append(("unlabelled_path", self.unlabelled_path))
        return self.model_copy(
            update={"content": {path: _digest(path, f"distiller.{key}") for key, path in named}}
        )


def _digest(path: str, setting: str) -> str:
    root = Path(path)
    if not root.is_dir():
        raise InputError(
            "There is no such directory.", setting=setting, expected="a directory", got=path
        )
    digest = hashlib.sha256()
    for name in files.list_files(root):
        digest.update(f"{name}={files.file_digest(root / name)}\0".encode())
    return digest.hexdigest()[:16]
