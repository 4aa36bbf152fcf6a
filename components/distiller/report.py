"""What is told of a distillation: as JSON, and in the run's summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from components.distiller import measures
from components.distiller.classroom import Classroom
from components.distiller.contest import Entry
from components.distiller.students import Hyper, Size
from components.models import measuring
from components.models.judge import Judge
from components.models.training import History
from components.models.transformed import LABEL

#: The models that are compared, in order.
TEACHER, ALONE, DISTILLED = "teacher", "alone", "distilled"


def describe(
    room: Classroom,
    loss: str,
    hp: Hyper,
    entries: Sequence[Entry],
    sizes: dict[str, Size],
    outputs: dict[str, np.ndarray],
    histories: dict[str, History],
) -> dict[str, Any]:
    """Return the report.

    Parameters
    ----------
    room : Classroom
    loss : str
        Name of the loss.
    hp : HyperParameters or ImageHyperParameters
        Of the student.
    entries : sequence of Entry
        Of the contest, the best first; empty if there was none.
    sizes, outputs : dict
        Of `TEACHER`, `ALONE` and `DISTILLED`: what it costs, and its outputs [n, k] on the
        eval split.
    histories : dict
        Of `ALONE` and `DISTILLED`.

    Returns
    -------
    dict
        ``task``, ``metric`` and ``better``; ``models``, by name ``parameters``, ``bytes``,
        ``latency_ms``, ``metrics`` and ``agreement`` with the teacher; ``recovered``, or null
        where there is no gap; ``differences`` of the distilled student's metric, with 95 %
        intervals; ``teachers``; ``student``; ``candidates``; ``curves``; ``rows``; ``settings``;
        and ``notes``, sentences for the user.
    """
    features, config = room.distillation.features, room.distillation.config
    training = room.distillation.training
    judge = Judge(features.task, room.validation[LABEL], training.seed)
    scored = {name: measuring.scores(each, features.task) for name, each in outputs.items()}
    models = {
        name: {
            "parameters": sizes[name].parameters,
            "bytes": sizes[name].bytes,
            "latency_ms": sizes[name].latency_ms,
            "metrics": judge.measure(scored[name]),
            "agreement": measures.agreement(features.task, outputs[name], outputs[TEACHER]),
        }
        for name in (TEACHER, ALONE, DISTILLED)
    }
    metric = judge.metric
    teacher, alone, distilled = (
        models[name]["metrics"][metric] for name in (TEACHER, ALONE, DISTILLED)
    )
    result: dict[str, Any] = {
        "task": features.task,
        "metric": metric,
        "better": "higher" if judge.higher_is_better else "lower",
        "models": models,
        "recovered": measures.recovered(
            teacher, alone, distilled, higher_is_better=judge.higher_is_better
        ),
        "differences": {
            name: {
                "value": distilled - models[name]["metrics"][metric],
                "interval": judge.difference(scored[DISTILLED], scored[name]),
            }
            for name in (TEACHER, ALONE)
        },
        "teachers": [
            {
                "name": each.architecture,
                "parameters": each.parameters,
                metric: judge.measure(measuring.scores(said, features.task))[metric],
            }
            for each, said in zip(room.teachers, room.eval_answers, strict=True)
        ],
        "student": hp.model_dump(mode="json"),
        "candidates": [
            {
                "model": entry.hp.model_dump(mode="json"),
                "parameters": entry.parameters,
                "loss": entry.loss,
            }
            for entry in entries
        ],
        "curves": {name: history.epochs for name, history in histories.items()},
        "best_epochs": {name: history.best_epoch for name, history in histories.items()},
        "rows": {
            "train": len(room.train[LABEL]),
            "unlabelled": room.unlabelled,
            "eval": len(room.validation[LABEL]),
        },
        "settings": {
            "loss": loss,
            "temperature": config.temperature.model_dump(),
            "mix": config.mix.model_dump(),
            "hints": config.hints.model_dump() if config.hints else None,
            "copies": room.distillation.copies.copies if room.distillation.copies else None,
            "epochs": hp.epochs or training.epochs,
            "seed": training.seed,
        },
    }
    result["notes"] = _notes(result, room)
    return result


def _notes(found: dict[str, Any], room: Classroom) -> list[str]:
    """Return what the user had better know."""
    notes = []
    models, metric = found["models"], found["metric"]
    teacher, alone, distilled = (
        models[name]["metrics"][metric] for name in (TEACHER, ALONE, DISTILLED)
    )
    sizes = [models[name]["parameters"] for name in (DISTILLED, TEACHER)]
    if sizes[0] >= sizes[1]:
        notes.append(
            f"The student is not smaller than the teacher: {sizes[0]:,} parameters against "
            f"{sizes[1]:,}. Distillation saves nothing here; set distiller.budget."
        )
    if found["recovered"] is None:
        how = "no better than" if teacher == alone else "worse than"
        gain = distilled - alone if found["better"] == "higher" else alone - distilled
        notes.append(
            f"The teacher ({metric} {teacher:.4g}) is {how} the student trained alone "
            f"({alone:.4g}): there is no gap to close, and no reason to expect anything of such "
            "a teacher. "
            + (
                "That the distilled student is better all the same may be luck."
                if gain > 0
                else "Following it does the student no good: take it as trained alone, or a "
                "better teacher."
            )
        )
    if any(each.refit for each in room.teachers):
        notes.append(
            "The teacher has learnt from the rows of the eval split, too (tuner.refit): its "
            "figures here are better than they would be on new rows, and the gap is wider."
        )
    return notes


def lines(found: dict[str, Any]) -> str:
    """Return what the run's summary says."""
    metric, models = found["metric"], found["models"]
    rows = []
    for name, title in ((TEACHER, "teacher"), (ALONE, "student alone"), (DISTILLED, "distilled")):
        model = models[name]
        rows.append(
            f"  {title:<14} {metric} {model['metrics'][metric]:.5g}, "
            f"{model['parameters']:,} parameters, {_bytes(model['bytes'])}, "
            f"{model['latency_ms']:.2g} ms"
            + ("" if name == TEACHER else f", agrees on {model['agreement']:.1%}")
        )
    share = found["recovered"]
    head = f"{found['student']['architecture']} learnt by {found['settings']['loss']}"
    if share is not None:
        head += f": {share:.0%} of the gap to the teacher recovered"
    notes = [f"  Note: {note}" for note in found["notes"]]
    return "\n".join([head, *rows, *notes])


def _bytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.1f} KB"
