"""The app answers what it may: its own pages, to its own pages, from below its own root."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import httpx
import pytest
from starlette.testclient import TestClient

from pipeline.store import Store, sqlite
from pipeline.ui import starting
from pipeline.ui.app import create
from pipeline.ui.context import Context
from pipeline.ui.security import MOST_BYTES
from tests.recorded_runs import RecordedPipeline

EVIL = '"><img src=x onerror=alert(1)>'
PAGES = ("/", "/artifacts", "/models", "/monitoring", "/trials")


def recorded(place):
    """Return a new store at a pipeline's root."""
    place.mkdir(parents=True, exist_ok=True)
    path = sqlite.default_path(place)
    return RecordedPipeline(sqlite.connection_config(path, create=True), root=str(place))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    place = tmp_path_factory.mktemp("pipeline") / "runs" / "taxi"
    pipeline = recorded(place)
    for number, state in enumerate(("COMPLETE", "FAILED", "COMPLETE")):
        logs = place / "logs" / f"r{number}"
        logs.mkdir(parents=True)
        (logs / "Trainer.log").write_text(f"line <b>one</b>\nof run {number}\n")
        summary = {"executed": 9, "metrics": {"AUC": 0.9 + number / 100}, "pushed": "/s/1"}
        run = pipeline.begin(
            f"r{number}",
            mw_state=state,
            mw_started=1000.0 + number,
            mw_ended=1050.0 + number,
            mw_command=f"modelworks run {EVIL}",
            mw_config=json.dumps({"name": "taxi", "data": {"path": "x.csv", "label": "y"}}),
            mw_summary=json.dumps(summary),
        )
        run.run_all({"Trainer": {"epochs": number}}, started=1000.0 + number)
    (place.parent / "secret.log").write_text("secret\n")
    return place


def client(root, **settings):
    store = Store(sqlite.connection_config(sqlite.default_path(root), create=False))
    context = Context(store, root, command=("true",), place=("--config", "c"), **settings)
    found = TestClient(create(context), base_url="http://localhost", raise_server_exceptions=False)
    found.headers["accept"] = "text/html"
    return found, context


@pytest.fixture(scope="module")
def app(root):
    return client(root)[0]


@pytest.mark.parametrize("path", [*PAGES, "/runs/r0", "/runs/latest", "/compare?run=r0&run=r2"])
def test_pages_are_whole_and_hold_no_markup_of_data(app, path):
    answer = app.get(path)
    assert answer.status_code == 200
    assert "<img" not in answer.text
    assert answer.text.count("<h1") == 1
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_runs_are_filtered_sorted_and_chosen(app):
    assert "r1" not in app.get("/?state=COMPLETE").text.split("<tbody>")[1]
    rows = app.get("/?sort=AUC&order=up").text.split("<tbody>")[1]
    assert rows.index("r0") < rows.index("r1") < rows.index("r2")
    assert "No run is like that" in app.get("/?text=nowhere").text


def test_lineage_is_a_graph_with_links_both_ways(app, root):
    store = Store(sqlite.connection_config(sqlite.default_path(root), create=False))
    [pushed, *_] = store.artifacts(type="PushedModel", limit=1)
    page = app.get(f"/lineage/{pushed.id}").text
    assert 'href="/runs/r2"' in page
    examples = store.artifacts(run="r2", node="ExampleGen")[0]
    assert f"/artifacts/{examples.id}" in app.get(f"/lineage/{pushed.id}?depth=20").text
    down = app.get(f"/lineage/{examples.id}?direction=down&depth=20").text
    assert f"/artifacts/{pushed.id}" in down
    shallow = app.get(f"/lineage/{pushed.id}?depth=1").text
    assert "Show more steps" in shallow
    assert f"/artifacts/{examples.id}" not in shallow


@pytest.mark.parametrize("path", ["/artifacts/99999", "/runs/none", "/lineage/99999", "/nowhere"])
def test_what_is_not_there_is_said(app, path):
    answer = app.get(path)
    assert answer.status_code == 404
    assert "cannot be shown" in answer.text


@pytest.mark.parametrize("digits", ["9" * 20, "9" * 5000, "²"])
@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/?page={}", 200),
        ("/artifacts?page={}", 200),
        ("/lineage/1?depth={}", 200),
        ("/runs/r0/logs/Trainer/text?since={}", 200),
        ("/artifacts/{}", 404),
        ("/lineage/{}", 404),
    ],
)
def test_no_number_is_too_large(app, address, status, digits):
    assert app.get(address.format(digits)).status_code == status


def test_models_of_runs_that_are_not_wholly_known_are_left_out(app, monkeypatch):
    from pipeline.ui.pages import models

    assert "Older runs are left out" not in app.get("/models").text
    monkeypatch.setattr(models, "_MOST", 2)
    text = app.get("/models").text
    assert "Older runs are left out" in text
    assert "r2" in text
    assert "r1" not in text


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "../..",
        "%2e%2e%2f%2e%2e",
        "..%2f..%2fetc%2fpasswd",
        "%252e%252e%252f",
        "..\\..",
        "%5c..%5c",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "r0%00",
        "r0/../../secret",
    ],
)
@pytest.mark.parametrize(
    "address",
    ["/runs/{}", "/runs/{}/logs/Trainer", "/runs/r0/logs/{}", "/runs/{}/report", "/static/{}"],
)
def test_no_path_leads_out_of_the_root(app, address, name):
    # As it is: the client would resolve dots by itself.
    url = httpx.URL("http://localhost").copy_with(raw_path=address.format(name).encode())
    answer = app.get(url, follow_redirects=False)
    assert answer.status_code in (307, 400, 404, 405) or "<h1>Run" in answer.text
    assert "secret\n" not in answer.text
    assert "root:" not in answer.text


def test_a_log_that_lies_elsewhere_is_not_read(root, tmp_path):
    pipeline = recorded(tmp_path)
    outside = root.parent / "secret.log"
    link = tmp_path / "logs" / "link.log"
    link.parent.mkdir()
    os.symlink(outside, link)
    for number, path in enumerate((outside, link)):
        run = pipeline.begin(f"r{number}", mw_state="COMPLETE", mw_started=1.0, mw_ended=2.0)
        execution = run.start("Trainer", {}, mw_log=str(path), mw_started=1.0)
        run.finish("Trainer", execution, {}, mw_log=str(path), mw_started=1.0, mw_ended=2.0)
    app, _ = client(tmp_path)
    for number in (0, 1):
        for end in ("", "/text"):
            answer = app.get(f"/runs/r{number}/logs/Trainer{end}")
            assert answer.status_code == 404
            assert "secret\n" not in answer.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "localhost.evil.example"}, 421),
        ({"host": "10.0.0.7"}, 421),
        ({"host": "localhost@evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "127.0.0.1:8765"}, 200),
        ({"origin": "http://localhost"}, 200),
    ],
)
def test_only_its_own_name_and_pages_are_answered(app, headers, status):
    assert app.get("/", headers=headers).status_code == status


def test_actions_need_permission_and_the_token(root, monkeypatch):
    started = []
    monkeypatch.setattr(starting, "_start", lambda context, *words: started.append(words))
    forbidden, context = client(root)
    fields = {"csrf_token": context.token, "node": "Trainer"}
    assert forbidden.post("/runs/r1/rerun", data=fields).status_code == 403
    app, context = client(root, allow_run=True)
    assert app.post("/runs/r1/rerun", data={"node": "Trainer"}).status_code == 403
    assert (
        app.post("/runs/r1/rerun", data={"csrf_token": "x", "node": "Trainer"}).status_code == 403
    )
    token = {"csrf_token": context.token}
    headers = {"sec-fetch-site": "cross-site"}
    assert app.post("/runs/r1/resume", data=token, headers=headers).status_code == 403
    assert app.post("/runs/r1/rerun", data={**token, "node": "Nobody"}).status_code == 404
    assert started == []
    moved = app.post("/runs/r1/resume", data=token, follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (303, "/")
    app.post("/runs/r1/rerun", data={**token, "node": "Trainer", "downstream": "yes"})
    assert started == [
        ("resume", "r1"),
        ("rerun", "Trainer", "--base", "r1", "--downstream"),
    ]


def test_other_methods_and_large_bodies_are_refused(app):
    assert app.put("/").status_code == 405
    assert app.request("TRACE", "/").status_code == 405
    assert app.post("/what-if/r0/ask/x", content=b"x" * (MOST_BYTES + 1)).status_code == 413


def test_a_read_only_page_says_what_to_type(app):
    page = app.get("/runs/r1").text
    assert "<form" not in page.split("Go on from here")[1]
    assert "true resume r1 --config c" in page


def test_no_tensorflow_is_imported_for_the_first_page(root):
    code = (
        "import sys; from starlette.testclient import TestClient;"
        "from pathlib import Path; from pipeline.store import Store, sqlite;"
        "from pipeline.ui.app import create; from pipeline.ui.context import Context;"
        f"root = Path({str(root)!r});"
        "store = Store(sqlite.connection_config(sqlite.default_path(root), create=False));"
        "app = TestClient(create(Context(store, root)), base_url='http://localhost');"
        "assert app.get('/').status_code == 200; assert app.get('/runs/r0').status_code == 200;"
        "print([m for m in ('tensorflow', 'tfx', 'apache_beam') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
