"""The report of a run: complete, self-contained, and safe whatever the data and artifacts hold."""

from __future__ import annotations

import itertools
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from components.errors import InputError
from pipeline.report import comparison, report
from pipeline.report.config import ReportConfig
from pipeline.store import Run, Store
from pipeline.store_config import StoreConfig, connection_config
from tests.recorded_runs import RecordedPipeline

HEADER = "<script>alert(1)</script>"
CLASS = '"><img src=x onerror=alert(1)>'
EPOCHS = [{"loss": 0.5, "val_loss": 0.6}, {"loss": 0.4, "val_loss": 0.5}]
DATASET = {
    "files": [f"/data/{HEADER}.csv"],
    "split_rows": {"train": 100, "test": 10},
    "columns": [{"name": HEADER}, {"name": CLASS}],
    "label": HEADER,
    "task": "binary",
    "classes": [CLASS, "other"],
    "fingerprint": "f" * 32,
}


class Page(HTMLParser):
    """What a browser would make of a page: its elements and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def values(self, name: str) -> list[str]:
        return [found[name] or "" for _, found in self.elements if name in found]


def record(place: Path, run_id: str, auc: float, epochs: int = 30, **properties: Any) -> None:
    """Write a run whose names from data are hostile, and the small files of its artifacts."""
    pipeline = RecordedPipeline(connection_config(StoreConfig(), place), root=str(place))
    begun = pipeline.begin(
        run_id,
        mw_state="COMPLETE",
        mw_started=1000.0,
        mw_ended=1045.0,
        mw_summary=json.dumps({"executed": 9, "cached": 0, "metrics": {"AUC": auc}}),
        **properties,
    )
    begun.run_all({"Trainer": {"epochs": epochs, "note": CLASS}}, started=1000.0)
    # TFX records what a component was told on its execution.
    [first] = [
        each
        for each in pipeline.store.get_executions_by_context(begun.context.id)
        if pipeline.store.get_execution_types_by_id([each.type_id])[0].name.endswith("ExampleGen")
    ]
    first.custom_properties["dataset"].string_value = json.dumps(DATASET)
    pipeline.store.put_executions([first])
    for node, key, name, content in (
        ("Trainer", "model_run", "history.json", _history()),
        ("Pusher", "pushed_model", "pushed.json", {"pushed": False, "reason": f"not {CLASS}"}),
        (
            "ExampleValidator",
            "anomalies",
            "anomalies.json",
            {"train": [{"feature": HEADER, "kind": "X", "description": CLASS}]},
        ),
    ):
        for directory in _uris(place, run_id, node, key):
            directory.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(json.dumps(content), encoding="utf-8")


def _history() -> dict[str, Any]:
    return {"epochs": EPOCHS, "best_epoch": 1, "parameters": 12345, "rows": 100}


def _uris(place: Path, run_id: str, node: str, key: str) -> list[Path]:
    found = open_store(place).artifacts(run=run_id, node=node)
    return [Path(each.uri) for each in found if each.key == key]


def open_store(place: Path) -> Store:
    return Store(connection_config(StoreConfig(), place))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("root")
    record(found, "20250101-100000-000", 0.95)
    record(found, "20250102-100000-000", 0.91, epochs=3)
    return found


def written(place: Path, directory: Path, config: ReportConfig | None = None) -> tuple[Path, str]:
    """Write the report of the first run; return its path and its text."""
    store = open_store(place)
    path = directory / "report.html"
    report.write(store, store.run("20250101"), place, path, config or ReportConfig())
    return path, path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html(place: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(place, tmp_path_factory.mktemp("written"))[1]


def check_harmless(html: str) -> Page:
    """Assert that a page neither runs nor fetches anything."""
    page = Page(html)
    assert not page.tags() & {"script", "img", "iframe", "object", "embed", "form", "base"}
    assert not [n for _, found in page.elements for n in found if n.startswith("on")]
    assert all(value.startswith("#") for value in page.values("href"))
    assert not page.values("src")
    assert "url(http" not in html
    return page


def test_names_from_data_are_text_everywhere(html: str) -> None:
    page = check_harmless(html)
    assert HEADER in page.text
    assert CLASS in page.text


def test_policy_forbids_scripts_and_requests(html: str) -> None:
    [policy] = [
        found["content"]
        for tag, found in Page(html).elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_contents_lead_to_every_part_and_headings_are_in_order(html: str) -> None:
    page = Page(html)
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))
    assert {value[1:] for value in page.values("href")} <= set(identifiers)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_every_picture_has_a_text_alternative(html: str) -> None:
    pictures = [found for tag, found in Page(html).elements if tag == "svg"]
    assert len(pictures) >= 2  # the graph and a curve
    assert all(found.get("aria-label") for found in pictures)


def test_parts_are_those_of_what_ran(html: str) -> None:
    links = Page(html).values("href")
    for room in ("trainer", "pusher", "example_validator"):
        assert f"#{room}" in links
    assert "#explainer" not in links
    assert "#drift_monitor" not in links


def test_missing_and_damaged_artifacts_are_said_in_their_place(place: Path, tmp_path: Path) -> None:
    [directory] = _uris(place, "20250101-100000-000", "Trainer", "model_run")
    kept = (directory / "history.json").read_bytes()
    try:
        (directory / "history.json").write_text(f'{{"{CLASS}', encoding="utf-8")
        _, html = written(place, tmp_path)
    finally:
        (directory / "history.json").write_bytes(kept)
    page = check_harmless(html)
    alerts = re.split(r'<section class="part" id="', html)
    failed = {part.partition('"')[0] for part in alerts if "could not be drawn" in part}
    assert "trainer" in failed
    assert "evaluator" in failed  # whose file was never written
    assert "pusher" not in failed
    assert "JSONDecodeError" in page.text


def test_cards_of_artifacts_outside_of_the_root_are_not_read(place: Path, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere"
    secret.mkdir()
    (secret / "pushed.json").write_text('{"pushed": false, "reason": "a secret"}')
    [directory] = _uris(place, "20250101-100000-000", "Pusher", "pushed_model")
    moved = directory.with_name("moved")
    os.rename(directory, moved)
    try:
        directory.symlink_to(secret)
        _, html = written(place, tmp_path)
    finally:
        directory.unlink()
        os.rename(moved, directory)
    assert "a secret" not in html


def test_model_card_is_written_as_markdown_and_json(place: Path, tmp_path: Path) -> None:
    config = ReportConfig(intended_use=f"Tips. {CLASS}", owner="the fares team")
    path, html = written(place, tmp_path, config)
    card = json.loads(path.with_suffix(".model_card.json").read_text(encoding="utf-8"))
    assert card["intended_use"] == config.intended_use
    assert card["training_data"]["rows"] == 100
    assert card["evaluation_data"]["rows"] == 10
    assert ("Trainer", "model") in {(each["node"], each["output"]) for each in card["lineage"]}
    markdown = path.with_suffix(".model_card.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)[<>]", markdown)
    assert "the fares team" in markdown
    headings = [line for line in markdown.splitlines() if line.startswith("## ")]
    for name in ("Intended use", "Metrics", "Limits", "Lineage", "Versions"):
        assert f"## {name}" in headings
    assert CLASS in check_harmless(html).text


def test_what_the_user_did_not_say_is_asked_for_in_the_card(html: str) -> None:
    assert "Set report.intended_use." in Page(html).text


def test_same_run_gives_the_same_page(place: Path, tmp_path: Path) -> None:
    assert written(place, tmp_path)[1] == written(place, tmp_path)[1]


def test_runs_side_by_side_show_what_differs(place: Path) -> None:
    store = open_store(place)
    found = store.compare("20250101", "20250102")
    page = check_harmless(comparison.html(store, found, place))
    assert "-0.0400" in page.text
    assert "Trainerconfig.epochs303" in page.text


def test_failed_runs_and_runs_without_nodes_have_a_report(tmp_path: Path) -> None:
    pipeline = RecordedPipeline(connection_config(StoreConfig(), tmp_path), root=str(tmp_path))
    begun = pipeline.begin("20250103", mw_state="FAILED", mw_started=1.0, mw_ended=2.0)
    store = open_store(tmp_path)
    report.write(store, store.run("20250103"), tmp_path, tmp_path / "empty.html", ReportConfig())
    execution = begun.start("Trainer", mw_started=1.0)
    begun.finish(
        "Trainer",
        execution,
        state="FAILED",
        mw_error=f"no {CLASS}",
        mw_phase="executing",
        mw_ended=2.0,
    )
    store = open_store(tmp_path)
    report.write(store, store.run("20250103"), tmp_path, tmp_path / "failed.html", ReportConfig())
    page = check_harmless((tmp_path / "failed.html").read_text(encoding="utf-8"))
    assert f"no {CLASS}" in page.text
    assert not (tmp_path / "failed.model_card.json").exists()


@pytest.mark.parametrize("run_id", ["../../outside", "/tmp/outside", "a/b"])
def test_reports_stay_below_the_root(tmp_path: Path, run_id: str) -> None:
    fields: dict[str, Any] = dict.fromkeys(Run.__dataclass_fields__)
    run = Run(**{**fields, "id": run_id})
    with pytest.raises(InputError, match="name of a file"):
        report.path_of(run, tmp_path)
