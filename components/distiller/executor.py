"""Executor of Distiller."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

from components import base, examples, files, progress
from components.distiller import card
from components.distiller.config import DistillerConfig
from components.errors import InputError
from components.naming import nearest
from components.settings import Settings

#: In the artifact ``model_run``: what was found, the same as a page for people, and the
#: epochs of both trainings.
PAGE_FILE, HISTORY_FILE = "distillation.html", "history.json"


class Executor(base.Executor):
    """Teach a student on the split ``train``; stop, choose and judge by the split ``eval``."""

    CONFIG: ClassVar[type[Settings]] = DistillerConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: DistillerConfig) -> None:
        from components.distiller import classroom, contest, report, students
        from components.distiller.teachers import Source
        from components.models import export, fitting, measuring
        from components.models.specification import Member, Specification
        from components.models.transformed import Features

        [source], [graph], [teacher] = (
            inputs[name] for name in ("examples", "transform_graph", "teacher")
        )
        [model_artifact], [run] = outputs["model"], outputs["model_run"]
        projection = base.optional(inputs, "projection")
        features = Features.read((projection or graph).uri)
        images = features.image is not None
        directory = self.checkpoint_directory(inputs, model_artifact)
        config.check(features.task, images=images)
        specification = Specification.read(Path(teacher.uri) / export.KERAS_DIRECTORY)
        hp = config.student or students.template(specification, config, images)

        progress.report(0.0, "asking the teacher")
        layer = config.hints.teacher if config.hints else None
        room = classroom.prepare(
            [
                Source(teacher.uri, features, layer, "distiller"),
                *(Source(path, features) for path in config.teachers),
            ],
            features,
            classroom.Files(
                examples.split_files(base.split_uri(source, "train")),
                _unlabelled(source, config),
                examples.split_files(base.split_uri(source, "eval")),
            ),
            config,
            hp,
            directory / "answers",
            self._make_beam_pipeline if self.on_beam else None,
        )
        work, teacher_size = room.distillation, room.teacher_size
        entries: list[contest.Entry] = []
        if config.student is None:
            progress.report(0.2, "choosing a student")
            budget = config.budget or students.DEFAULT_BUDGET
            found = students.candidates(hp, features, room.train, budget, teacher_size)
            hp = found[0]
            if len(found) > 1:
                entries = contest.hold(work, found)
                hp = entries[0].hp
        alone, control = fitting.fit(
            Member(model=hp),
            features,
            room.train,
            room.validation,
            work.training,
            watch=fitting.Watch(
                checkpoints=directory / report.ALONE,
                keep_checkpoint=True,
                logs=Path(run.uri) / report.ALONE,
            ),
        )
        student, history = work.teach(
            hp,
            checkpoints=directory / report.DISTILLED,
            logs=Path(run.uri) / report.DISTILLED,
        )
        progress.report(1.0, "measuring and saving the student")
        described = report.describe(
            room,
            config.loss_for(features.task),
            hp,
            entries,
            {
                report.TEACHER: teacher_size,
                **{
                    name: students.measured(model, room.validation)
                    for name, model in ((report.ALONE, alone), (report.DISTILLED, student))
                },
            },
            {
                report.TEACHER: room.teacher_outputs,
                report.ALONE: measuring.outputs(alone, room.validation),
                report.DISTILLED: measuring.outputs(student, room.validation),
            },
            {report.ALONE: control, report.DISTILLED: history},
        )
        export.save(
            student,
            features,
            graph.uri,
            model_artifact.uri,
            specification=Specification(members=(Member(model=hp),)),
            projection=projection.uri if projection else None,
        )
        files.write_json(Path(run.uri) / card.REPORT_FILE, described)
        files.write_json(
            Path(run.uri) / HISTORY_FILE,
            {report.ALONE: asdict(control), report.DISTILLED: asdict(history)},
        )
        base.write_page(Path(run.uri) / PAGE_FILE, lambda: card.page(run.uri))
        base.note(run, report.lines(described))
        # Only now: until the outputs are published, a killed run starts from it again.
        shutil.rmtree(directory, ignore_errors=True)


def _unlabelled(source: base.Artifact, config: DistillerConfig) -> list[str]:
    """Return the files of further examples, whose labels are ignored.

    Raises
    ------
    InputError
        There is no such split or directory, or no file in it.
    """
    found: list[str] = []
    split, path = config.unlabelled_split, config.unlabelled_path
    if split is not None:
        names = base.split_names(source)
        if split not in names:
            raise InputError(
                f"The examples have no split {split!r}{nearest(split, names)}.",
                setting="distiller.unlabelled_split",
                expected=", ".join(names),
                got=split,
            )
        found += examples.split_files(base.split_uri(source, split))
    if path is not None:
        own = examples.split_files(path) if Path(path).is_dir() else []
        if not own:
            raise InputError(
                "There are no transformed examples.",
                setting="distiller.unlabelled_path",
                expected="a directory of record files, such as artifacts/Transform/"
                "transformed_examples/5/Split-train",
                got=path,
            )
        found += own
    return found
