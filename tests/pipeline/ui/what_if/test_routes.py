"""The addresses of What-If answer a page of the app, and refuse all else."""

import json
import os
import signal

import pytest
from starlette.testclient import TestClient

from pipeline.ui import app, security
from pipeline.ui.context import Context
from pipeline.ui.what_if import models, service
from tests.pipeline.ui.what_if.made import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("routes") / "root")


@pytest.fixture(scope="module")
def client(run):
    """The app; the process of the models is one that answers with what it is asked."""
    made = models.Models(module="tests.pipeline.ui.what_if.stand_in")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "Models", lambda: made)
        served = app.create(Context(run.store(), run.root, token="token"))
    with TestClient(served, base_url="http://127.0.0.1:6111") as client:
        yield client
    made.close()


def ask(client, question, body, run="run-1", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {security.TOKEN_HEADER: "token", **headers}
    return client.post(f"/what-if/{run}/ask/{question}", content=content, headers=headers)


def test_what_if_leads_to_the_newest_run_with_a_model(client):
    answer = client.get("/what-if", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/what-if/run-1"


def test_the_page_is_there_before_any_model_is(client):
    page = client.get("/what-if/run-1?row=12")
    assert page.status_code == 200
    assert "benchmark/linear" in page.text
    assert "&#34;row&#34;: 12" in page.text
    assert "unsafe-eval" not in page.headers["content-security-policy"]


@pytest.mark.parametrize("row", ["-1", "x", "1e3", "9" * 40, "٣", "<b>"])
def test_a_row_that_is_no_number_is_the_first(client, row):
    assert "&#34;row&#34;: 0" in client.get("/what-if/run-1", params={"row": row}).text


def test_a_question_reaches_the_models_checked(client):
    values = {"x": 1, "rooms": 2}
    answer = ask(client, "shapley", {"values": values, "candidate": "trained", "output": 1})
    assert answer.status_code == 200
    expected = dict.fromkeys(("zone", "seen", "member", "group"))
    assert answer.json()["values"] == {"x": 1.0, "rooms": 2.0, **expected}
    assert client.get("/what-if-state").json()["running"]


@pytest.mark.parametrize(
    ("question", "body", "says"),
    [
        ("shapley", b"{", "cannot be read"),
        ("shapley", b"[" * 100_000, "cannot be read"),
        ("shapley", b"\xff", "cannot be read"),
        ("shapley", b"[]", "is an object"),
        ("nothing", {}, "no question 'nothing'"),
        ("die", {}, "no question"),
        ("shapley", {"values": {"y": 1}, "candidate": "trained"}, "no feature 'y'"),
        ("shapley", {"values": {"x": 1}, "candidate": "trained"}, "need a value"),
        ("trade_off", {"candidate": "../../model"}, "no candidate"),
    ],
)
def test_a_question_that_is_not_as_it_must_be_is_refused(client, question, body, says):
    answer = ask(client, question, body)
    assert answer.status_code == 400
    assert says in answer.json()["problem"]


def test_a_question_from_elsewhere_is_refused(client):
    body = {"candidate": "trained"}
    assert ask(client, "trade_off", body, **{security.TOKEN_HEADER: "guessed"}).status_code == 403
    assert ask(client, "trade_off", body, origin="http://evil.example").status_code == 403
    assert ask(client, "trade_off", body, host="evil.example").status_code == 421
    assert client.get("/what-if/run-1/ask/describe").status_code == 405


def test_a_question_that_is_too_long_is_refused(client):
    long = {"values": {"x": "1" * security.MOST_BYTES}, "candidate": "trained"}
    assert ask(client, "shapley", long).status_code == 413


@pytest.mark.parametrize("name", ["run-2", "%2e%2e%2fetc", "..%5C..", "%00", "run-1%2f.."])
def test_a_run_that_does_not_exist_is_refused(client, name):
    assert client.get(f"/what-if/{name}").status_code in (404, 400)
    assert ask(client, "describe", {}, run=name).status_code in (404, 400)


@pytest.mark.parametrize(
    "path", ["../routes.py", "..%2froutes.py", "%2e%2e/service.py", "..\\routes.py", "/etc/passwd"]
)
def test_only_the_pages_own_files_are_served(client, path):
    assert client.get("/what-if-static/what_if.js").status_code == 200
    assert client.get(f"/what-if-static/{path}").status_code == 404


@pytest.mark.parametrize("row", ["-1", "x", "9" * 5000, "1.5", "%00"])
def test_an_image_is_one_of_a_row(client, row):
    assert client.get(f"/what-if/run-1/image/{row}").status_code == 404


def test_a_dead_model_process_is_told_and_replaced(client):
    first = ask(client, "describe", {}).json()["pid"]

    os.kill(first, signal.SIGKILL)
    answers = [ask(client, "describe", {}) for _ in range(2)]
    assert answers[-1].status_code == 200
    assert answers[-1].json()["pid"] != first
    for answer in answers[:-1]:
        assert answer.status_code in (200, 503)
