"""The page has what its script needs, and shows what comes from data as text."""

import html.parser
import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from pipeline.ui.context import Context
from pipeline.ui.rendering import render
from pipeline.ui.what_if import page
from pipeline.ui.what_if.fields import Field
from tests.pipeline.ui.what_if.made import KINDS, materials

PATHS = {"ask": "/ask/", "state": "/state", "image": "/image/", "static": "/static"}
EVIL = '"><img src=x onerror=alert(1)>'


def context(run, fields=()):
    return page.context(run, fields, PATHS)


def test_the_blessed_model_is_explained_and_benchmark_models_wait_to_be_chosen():
    names = ("trained", "distilled", "compressed", "benchmark/linear", "pushed")
    found = context(materials(candidates=dict.fromkeys(names, "/x"), blessed="distilled"))["page"]
    assert found["explained"] == "distilled"
    chosen = [each["name"] for each in found["candidates"] if each["chosen"]]
    assert chosen == ["trained", "distilled", "compressed"]
    assert [each["name"] for each in found["candidates"] if each["blessed"]] == ["distilled"]


def test_groups_begin_with_a_category_that_the_evaluator_looked_at():
    assert context(materials(slices=("zone", "group")))["page"]["group"] == "group"
    assert context(materials(slices=("zone",)))["page"]["group"] == "zone"
    assert context(materials())["page"]["group"] == "group"
    assert context(materials(task="regression", classes=()))["page"]["group"] is None


def test_rows_are_searched_by_any_column_but_the_label():
    found = context(materials())
    assert found["searched"] == [name for name in KINDS if name != "label"]
    assert "group" not in found["page"]["numbers"]
    assert "x" in found["page"]["numbers"]


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def rendered(run, fields):
    values = context(run, fields)
    values["page"] |= {"row": 0, "headers": {}}
    values |= {"runs": [run.run], "addresses": {run.run: "/what-if/run-1"}}
    app = Starlette()
    app.state.context = Context(store=None, root=Path("/root"))
    request = Request({"type": "http", "app": app, "path": "/what-if/run-1", "headers": []})
    shown = render(request, "what_if.html", values).body.decode()
    tags = Tags()
    tags.feed(shown)
    return shown, tags.tags


FIELDS = (
    Field("x", "number", required=True, usual=(0.0, 1.0), range=(-3.0, 9.0)),
    Field("seen", "time", required=False),
    Field("member", "boolean", required=False),
    Field("zone", "code", required=False, values=(1, 2)),
    Field("group", "category", required=False, values=("a", "b")),
)


def test_each_field_has_a_label_of_its_own_and_the_input_of_its_kind():
    _, tags = rendered(materials(), FIELDS)
    labels = {each["for"] for tag, each in tags if tag == "label" and "for" in each}
    inputs = {each["id"]: each for tag, each in tags if tag in ("input", "select") and "id" in each}
    assert set(inputs) <= labels | {"busy-bar"}
    assert [inputs[f"field-{place}"].get("type") for place in range(5)] == [
        "number",
        "datetime-local",
        None,
        "number",
        "text",
    ]
    assert "required" in inputs["field-0"]
    assert "required" not in inputs["field-4"]
    ids = [each["id"] for _, each in tags if "id" in each]
    assert len(ids) == len(set(ids))


def test_the_script_finds_what_it_needs():
    _, tags = rendered(materials(), FIELDS)
    [given] = [each["data-what-if"] for _, each in tags if "data-what-if" in each]
    assert json.loads(given)["classes"] == ["no", "yes"]


def test_no_script_or_handler_is_in_the_page_itself():
    _, tags = rendered(materials(), FIELDS)
    for tag, attributes in tags:
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "script":
            assert attributes["src"].startswith("/static/")


def test_names_from_the_data_are_shown_as_text():
    run = materials(
        label=EVIL,
        classes=(EVIL, "<script>alert(1)</script>"),
        kinds={EVIL: "categorical", EVIL + "2": "numeric"},
        candidates={"trained": "/x", f"benchmark/{EVIL}": "/x"},
        absent=(EVIL,),
        slices=(EVIL,),
    )
    fields = (Field(EVIL, "category", required=False, values=(EVIL, "'\"`{{7*7}}")),)
    shown, tags = rendered(run, fields)
    # Only the field for an image has one, and this run has none.
    assert "img" not in {tag for tag, _ in tags}
    assert "alert(1)</script>" not in shown
    assert (
        EVIL
        in json.loads(next(e["data-what-if"] for _, e in tags if "data-what-if" in e))["classes"]
    )


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"task": "regression", "classes": ()}, "Here a number is predicted"),
        ({"task": "multiclass", "classes": ("a", "b", "c")}, "Here there are 3"),
        (
            {"kinds": {"image": "image"}, "columns": ("image",), "task": "multiclass"},
            "What is not to be had of images",
        ),
    ],
)
def test_what_cannot_be_had_is_said(other, says):
    shown, _ = rendered(materials(**other), ())
    assert says in shown
