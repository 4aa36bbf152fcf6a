"""What is told of a distillation, in JSON, in lines and as a page."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from components.distiller import card, report
from components.distiller.classroom import Classroom
from components.distiller.contest import Entry
from components.distiller.students import Size
from components.distiller.teachers import Teacher
from components.models.training import History
from tests.components.distiller import data
from tests.components.distiller.test_distilled import HP, answers_for, make

LARGE, SMALL = Size(1000, 4000, 0.5), Size(90, 360, 0.25)


def room(task="binary", refit=False):
    train, validation = data.table(320, task), data.table(200, task, seed=1)
    said = answers_for(validation, task).outputs[0]
    teacher = Teacher(lambda rows: rows, (), 1000, 4000, "<b>mlp</b>", refit)
    return Classroom([teacher, teacher], train, validation, 7, make(task), [said, said])


def describe(classroom, *, share=0.5, sizes=(LARGE, SMALL), teacher=1.0):
    """Report students whose outputs are the teacher's with noise, that of one with less."""
    said = classroom.teacher_outputs
    noise = np.random.default_rng(0).normal(scale=4, size=said.shape).astype(np.float32)
    outputs = {
        "teacher": teacher * said,
        "alone": said + noise,
        "distilled": said + (1 - share) * noise,
    }
    history = History(epochs=[{"val_loss": 0.7}, {"val_loss": 0.5}], best_epoch=1)
    size = {"teacher": sizes[0], "alone": sizes[1], "distilled": sizes[1]}
    entries = [Entry(HP, 90, 0.4), Entry(HP.model_copy(update={"hidden_units": (9,)}), 95, 0.5)]
    histories = {"alone": history, "distilled": history}
    return report.describe(classroom, "soft_targets", HP, entries, size, outputs, histories)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_figures(task):
    found = json.loads(json.dumps(describe(room(task))))
    models = found["models"]
    assert models["teacher"]["agreement"] == pytest.approx(1)
    assert models["alone"]["agreement"] < models["distilled"]["agreement"] < 1
    teacher, alone, distilled = (
        models[name]["metrics"][found["metric"]] for name in ("teacher", "alone", "distilled")
    )
    assert found["recovered"] == pytest.approx((distilled - alone) / (teacher - alone))
    assert 0 < found["recovered"] < 1
    difference = found["differences"]["alone"]
    low, high = difference["interval"]
    assert difference["value"] == pytest.approx(distilled - alone)
    assert low < difference["value"] < high
    assert found["rows"] == {"train": 320, "unlabelled": 7, "eval": 200}
    assert not found["notes"]
    said = report.lines(found)
    assert f"{found['recovered']:.0%} of the gap" in said
    assert "1,000 parameters, 4.0 KB, 0.5 ms" in said


def test_a_teacher_that_is_worse_than_its_student_is_told():
    for share, said in ((0.5, "may be luck"), (-0.5, "does the student no good")):
        found = describe(room(), teacher=-1.0, share=share)
        assert found["recovered"] is None
        [note] = found["notes"]
        assert "worse than the student trained alone" in note
        assert said in note
        assert note in report.lines(found)


def test_a_student_that_saves_nothing_is_told():
    [note] = describe(room(), sizes=(SMALL, SMALL))["notes"]
    assert "not smaller than the teacher: 90 parameters against 90" in note


def test_a_teacher_that_has_seen_the_eval_split_is_told():
    [note] = describe(room(refit=True))["notes"]
    assert "tuner.refit" in note


class _Parser(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)


@pytest.mark.parametrize("worse", [False, True])
def test_page(tmp_path, worse):
    found = describe(room(), teacher=-1.0 if worse else 1.0)
    (tmp_path / card.REPORT_FILE).write_text(json.dumps(found))
    page = card.page(tmp_path)
    parser = _Parser()
    parser.feed(page)
    assert parser.tags.count("svg") == 2
    assert "script" not in parser.tags
    assert "b" not in parser.tags  # names stay texts
    assert "9.0%" in page  # the share of the size
    for text in ("Teacher and student", "The trainings", "The choice of the student", "Settings"):
        assert text in page
    assert ("no better than the student trained alone" in page) == worse
    assert page.count("<section") == card.section(tmp_path).count("<section") == 1
