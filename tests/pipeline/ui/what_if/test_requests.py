"""What a browser may ask is checked before any model is."""

import pytest

from components.errors import InputError
from pipeline.ui.what_if import requests
from pipeline.ui.what_if.fields import Field
from pipeline.ui.what_if.worker import __main__ as worker
from tests.pipeline.ui.what_if.made import materials

FIELDS = (Field("x", "number", required=False), Field("group", "category", required=False))
RUN = materials()


def checked(question, **body):
    return requests.checked(question, body, RUN, FIELDS)


def test_a_question_comes_with_all_its_arguments():
    assert checked("predictions", values={"x": 1}, candidates=["trained"]) == {
        "values": {"x": 1.0, "group": None},
        "row": None,
        "candidates": ("trained",),
    }
    assert checked("rows")["test"] == "equal"


@pytest.mark.parametrize(
    ("question", "body"),
    [
        ("predictions", {"values": {}, "candidates": []}),
        ("predictions", {"values": {}, "candidates": ["trained"] * 101}),
        ("predictions", {"values": {}, "candidates": ["../../etc"]}),
        ("predictions", {"values": {}, "candidates": ["trained\x00"]}),
        ("predictions", {"values": {"y": 1}, "candidates": ["trained"]}),
        ("predictions", {"values": {}, "candidates": ["trained"], "more": 1}),
        ("example", {}),
        ("example", {"row": -1}),
        ("example", {"row": 2**60}),
        ("example", {"row": 1.5}),
        ("rows", {"test": "matches"}),
        ("rows", {"offset": -1}),
        ("rows", {"column": "x", "value": float("nan")}),
        ("rows", {"column": "x", "value": "y" * 2000}),
        ("rows", {"wrong": "nobody"}),
        ("neighbours", {"values": {}, "candidate": "trained", "delta": 0}),
        ("neighbours", {"values": {}, "candidate": "trained", "delta": float("inf")}),
        ("curve", {"values": {}, "candidates": ["trained"], "feature": "x", "output": 2}),
        ("shapley", {"values": {}, "candidate": "trained", "output": 7}),
        ("trade_off", {"candidate": 3}),
        ("image", {"row": 1}),
        ("__class__", {}),
        ("../describe", {}),
    ],
)
def test_what_is_not_as_it_must_be_is_refused(question, body):
    with pytest.raises(InputError) as caught:
        checked(question, **body)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("body", [None, [], 3, "describe"])
def test_a_question_is_an_object(body):
    with pytest.raises(InputError, match="is an object"):
        requests.checked("describe", body, RUN, FIELDS)


def test_a_misspelt_candidate_is_told_with_the_nearest():
    with pytest.raises(InputError, match="nearest: trained"):
        checked("trade_off", candidate="traned")


def test_an_image_needs_no_values():
    images = materials(kinds={"image": "image", "label": "integer"}, columns=("image",))
    found = requests.checked("predictions", {"row": 3, "candidates": ["trained"]}, images, ())
    assert found["row"] == 3


def test_questions_that_go_first_exist():
    assert set(worker._QUICK) <= set(requests.QUESTIONS)
