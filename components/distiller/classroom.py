"""Before a student is taught: the rows, the teachers, and what they say of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.distiller.config import DistillerConfig
from components.distiller.distillation import (
    Distillation,
    copies_of,
    features_of,
    lesson,
    scaled_hints,
)
from components.distiller.students import Hyper, Size
from components.distiller.teachers import Answers, Source, Teacher
from components.distiller.teaching import MakePipeline, Rows, Shard, answers, shards_of
from components.models import training
from components.models.transformed import LABEL, Features, load_files

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Files:
    """The files of transformed examples.

    Attributes
    ----------
    train, unlabelled, eval : sequence of str
    """

    train: Sequence[str]
    unlabelled: Sequence[str]
    eval: Sequence[str]


@dataclass(frozen=True)
class Classroom:
    """What a distillation needs, and what its report does.

    Attributes
    ----------
    teachers : list of Teacher
    train, validation : dict of array
        Labelled rows, as any training takes them.
    unlabelled : int
        Rows beside them.
    distillation : Distillation
    eval_answers : list of ndarray
        Outputs of each teacher on the validation rows, [n, k].
    """

    teachers: list[Teacher]
    train: Arrays
    validation: Arrays
    unlabelled: int
    distillation: Distillation
    eval_answers: list[np.ndarray]

    @property
    def teacher_size(self) -> Size:
        """What all teachers cost together."""
        return Size(
            sum(teacher.parameters for teacher in self.teachers),
            sum(teacher.bytes for teacher in self.teachers),
            sum(teacher.latency_ms(self.validation) for teacher in self.teachers),
        )

    @property
    def teacher_outputs(self) -> np.ndarray:
        """What the teachers together say of the validation rows, [n, k]."""
        return np.asarray(np.mean(self.eval_answers, axis=0))


def prepare(
    sources: Sequence[Source],
    features: Features,
    found: Files,
    config: DistillerConfig,
    hp: Hyper,
    directory: Path,
    make_pipeline: MakePipeline | None = None,
) -> Classroom:
    """Read the rows, and ask the teachers for whatever is not in `directory` yet.

    Parameters
    ----------
    sources : sequence of Source
        Teachers; hints come from the first.
    features : Features
    found : Files
    config : DistillerConfig
    hp : HyperParameters or ImageHyperParameters
        How the student's images are changed.
    directory : Path
        Where answers are kept.
    make_pipeline : callable, optional
        See `components.distiller.teaching.answers`.
    """
    teachers = [source.open() for source in sources]
    parts = {
        name: [load_files([path], features) for path in getattr(found, name)]
        for name in ("train", "unlabelled", "eval")
    }
    train, validation = _joined(parts["train"]), _joined(parts["eval"])
    whole = _joined([*parts["train"], *parts["unlabelled"]])
    assert config.training is not None
    copies = copies_of(hp, config, config.training.seed)
    learnt = _rows([*found.train, *found.unlabelled], [*parts["train"], *parts["unlabelled"]])
    judged = _rows(found.eval, parts["eval"])
    said: dict[str, list[Answers]] = {"train": [], "eval": []}
    for number, (source, teacher) in enumerate(zip(sources, teachers, strict=True)):
        for name, (shards, total), changed in (
            ("train", learnt, copies),
            ("eval", judged, None),
        ):
            said[name].append(
                answers(
                    source,
                    teacher,
                    Rows(shards, total, features, changed),
                    directory / f"teacher-{number}-{name}",
                    make_pipeline,
                )
            )
    deviation = float(np.std(said["train"][0].hints)) if config.hints is not None else 1.0
    for each in said.values():
        each[0] = scaled_hints(each[0], deviation or 1.0)
    weights = None
    if config.training.class_weights == "balanced" and not features.regression:
        by_class = training.balanced_class_weights(train[LABEL], len(features.classes))
        weights = np.array([by_class[i] for i in range(len(by_class))])
    unlabelled = len(whole[LABEL]) - len(train[LABEL])
    return Classroom(
        teachers,
        train,
        validation,
        unlabelled,
        Distillation(
            config,
            features,
            features_of(whole),
            lesson(whole[LABEL], said["train"], unlabelled=unlabelled, weights=weights),
            features_of(validation),
            lesson(validation[LABEL], said["eval"], weights=None),
            train[LABEL],
            copies,
        ),
        [each.outputs[0] for each in said["eval"]],
    )


def _joined(parts: Sequence[Arrays]) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _rows(paths: Sequence[str], parts: Sequence[Arrays]) -> tuple[tuple[Shard, ...], int]:
    sizes = [len(part[LABEL]) for part in parts]
    return shards_of(paths, sizes), sum(sizes)
