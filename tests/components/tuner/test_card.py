"""The page of a search: complete, self-contained, safe, and of every size of search."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from components.tuner import card, diagrams, pictures
from components.tuner.importance import importance
from components.tuner.pictures import Measure
from components.tuner.trials import SEARCH_FILE, Trial, write_table
from tests.components.pages import EVIL, Document, check_alone, check_tables, headings, images


def network(index: int, score: float | None, **values: Any) -> Trial:
    values = {"architecture": "mlp", "learning_rate": 0.01, **values}
    model = {"hidden_units": [64, 32], "activation": "relu", **values}
    return Trial(
        id=f"{index:04d}",
        state="crashed" if score is None else "complete",
        values=values,
        model=model,
        score=score,
        metrics={} if score is None else {"AUC": score, "loss": 1 - score, "parameters": 1000.0},
        curve=() if score is None else (0.9, 0.7, 1 - score),
        epochs=3,
        parameters=1000,
        seconds=2.0,
        started=2.0 * index,
        error="ValueError: no" if score is None else "",
    )


def search(count: int, *, hyperparameters: int = 6, seed: int = 0) -> list[Trial]:
    rng = np.random.default_rng(seed)
    trials = []
    for index in range(count):
        values: dict[str, Any] = {
            f"parameter_{i}": float(rng.random()) for i in range(hyperparameters)
        }
        values["architecture"] = ["mlp", "cross", "linear", "residual"][rng.integers(4)]
        score = None if rng.random() < 0.1 else float(0.8 + 0.1 * values.get("parameter_0", 0.5))
        trials.append(network(index, score, **values))
    return trials


def write(
    directory: Path,
    trials: Sequence[Trial],
    objectives: Sequence[tuple[str, str]] = (("AUC", "higher"),),
    **summary: Any,
) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    write_table(trials, [], directory)
    states = [trial.state for trial in trials]
    content = {
        "strategy": "bayesian",
        "seed": 1,
        "seconds": 252.0,
        "parallel": 1,
        "stopping": "median",
        "objectives": [
            {"metric": name, "better": better, "weight": 1.0} for name, better in objectives
        ],
        "space": {"learning_rate": "0.0001 to 0.1 (log)"},
        "best": None,
        "ensemble": [],
        "default": None,
        "trials": {state: states.count(state) for state in dict.fromkeys(states)},
        "importance": [dataclasses.asdict(item) for item in importance(trials)],
        "budget": {"trials": 20, "seconds": None, "epochs": None},
        **summary,
    }
    (directory / SEARCH_FILE).write_text(json.dumps(content, allow_nan=False))
    return directory


def test_page_is_one_document_that_needs_nothing_else(tmp_path: Path) -> None:
    check_alone(card.page(write(tmp_path, search(30))))


def test_section_is_a_fragment_and_part_of_the_page(tmp_path: Path) -> None:
    directory = write(tmp_path, search(30))
    fragment = card.section(directory)
    Document(fragment)
    assert not re.search(r"<(html|head|body|script|!doctype|h1)\b", fragment)
    assert fragment in card.page(directory)
    assert fragment == card.section(directory)


def test_all_parts_of_a_search_with_two_objectives(tmp_path: Path) -> None:
    trials = search(40)
    default = network(99, 0.7).model_copy(update={"id": "default"})
    objectives = [("AUC", "higher"), ("parameters", "lower")]
    text = card.page(
        write(tmp_path, [default, *trials], objectives, default="default", best="0001")
    )
    assert headings(text) == [
        "Progress",
        "Leaderboard",
        "What mattered",
        "Where it searched",
        "Trade-off",
        "Architectures found",
        "Learning curves",
        "What failed",
        "Settings",
    ]
    one = card.page(write(tmp_path, [default, *trials], default="default"))
    assert "Trade-off" not in headings(one)


def test_headline_says_what_was_achieved(tmp_path: Path) -> None:
    trials = [network(0, 0.9), network(1, 0.95, learning_rate=0.02), network(2, None)]
    default = network(9, 0.85).model_copy(update={"id": "default"})
    text = Document(card.section(write(tmp_path, [default, *trials], default="default"))).text
    assert (
        "Bayesian search: 4 trials in 4 min 12 s; the best, trial 0001, has AUC 0.95, "
        "the configured model AUC 0.85." in text
    )
    best = default.model_copy(update={"score": 0.99, "metrics": {"AUC": 0.99}})
    text = Document(card.section(write(tmp_path, [best, *trials], default="default"))).text
    assert "none is better than the configured model, which has AUC 0.99." in text
    shares = [{"trial": "0001", "weight": 0.75}, {"trial": "0000", "weight": 0.25}]
    text = Document(card.section(write(tmp_path, trials, ensemble=shares))).text
    assert "ensemble of trial 0001 (75%), trial 0000 (25%)" in text


def test_leaderboard_ranks_and_says_what_was_changed(tmp_path: Path) -> None:
    default = network(9, 0.5).model_copy(update={"id": "default"})
    trials = [network(i, 0.6 + i / 100, learning_rate=0.01 * (i + 1)) for i in range(25)]
    text = card.section(write(tmp_path, [default, *trials], default="default"))
    rows = re.findall(r"<tr.*?</tr>", text[text.index("Leaderboard") :])
    rows = [Document(row).text for row in rows[1:22]]
    assert rows[0].startswith("10024mlp0.84")
    assert "learning_rate 0.25" in rows[0]
    # Of what is as in the configured model, nothing is said.
    assert "activation" not in rows[0]
    trees = {"architecture": "boosted_trees", "boosted_trees.max_leaves": 7}
    grown = network(0, 0.9).model_copy(update={"values": trees, "model": {}})
    assert ">max_leaves 7<" in card.section(write(tmp_path, [default, grown], default="default"))
    assert rows[20].startswith("26default (configured)mlp0.5")


def test_tables_can_be_read_by_ear_and_scrolled_by_keyboard(tmp_path: Path) -> None:
    text = card.section(write(tmp_path, search(30)))
    document = Document(text)
    check_tables(document)
    assert len(document.named("table")) == 4


def test_each_picture_says_what_it_shows(tmp_path: Path) -> None:
    text = card.section(write(tmp_path, search(30)))
    drawn = images(text)
    assert len(drawn) > 6
    assert all(image.attrib["role"] == "img" for image in drawn)
    labels = [image.attrib["aria-label"] for image in drawn]
    assert all(len(label) > 10 for label in labels)
    assert any("the best, trial" in label for label in labels)
    assert any("parameter_0 explains" in label for label in labels)
    identifiers = re.findall(r' id="([^"]*)"', text)
    assert len(identifiers) == len(set(identifiers))


def test_what_comes_from_data_is_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    trials = []
    for index in range(20):
        values = {f"a.b[{EVIL}]": [EVIL, "b"][index % 2], "x": float(rng.random())}
        trial = network(index, 0.5 + 0.02 * index if index else None, **values)
        changes: dict[str, Any] = {"id": f"{EVIL}{index}", "error": EVIL if index == 0 else ""}
        changes["model"] = {**trial.model, "activation": EVIL, "hidden_units": [EVIL, 8]}
        if index == 19:
            changes["model"]["architecture"] = EVIL
        if index > 0:
            changes["metrics"] = {EVIL: 0.5 + 0.02 * index, "other": 1.0 + index}
        trials.append(trial.model_copy(update=changes))
    text = card.page(
        write(
            tmp_path,
            trials,
            [(EVIL, "higher"), ("other", "lower")],
            strategy=EVIL,
            space={EVIL: EVIL},
            default=trials[3].id,
        )
    )
    document = Document(text)
    assert "script" not in {tag for tag, _ in document.tags}
    assert "<script" not in text
    assert "\x00" not in text
    assert "<script>alert('1')</script>" in document.text
    drawn = " ".join(word for image in images(text) for word in image.itertext())
    assert "<script>" in drawn


@pytest.mark.parametrize(
    "objectives", [[("AUC", "higher")], [("AUC", "higher"), ("loss", "lower")]]
)
@pytest.mark.parametrize(
    "scores", [[], [None], [None, None], [0.5], [0.5, None], [0.5, 0.5], [0.5, 0.6, 0.7]]
)
def test_small_searches(
    tmp_path: Path, scores: list[float | None], objectives: list[tuple[str, str]]
) -> None:
    trials = [network(index, score) for index, score in enumerate(scores)]
    text = card.page(write(tmp_path, trials, objectives))
    Document(text)
    assert "nan" not in re.sub(r"<style>.*?</style>", "", text).lower().split()
    if not any(score is not None for score in scores):
        assert "no trial ended with a score" in text
        assert "Leaderboard" not in headings(text)


@pytest.mark.parametrize(("count", "hyperparameters"), [(100, 6), (100, 40), (500, 8)])
def test_large_searches_are_quick_and_small(
    tmp_path: Path, count: int, hyperparameters: int
) -> None:
    directory = write(tmp_path, search(count, hyperparameters=hyperparameters))
    started = time.process_time()
    text = card.page(directory)
    assert time.process_time() - started < 5
    assert len(text.encode()) < 400_000


def test_long_names_and_many_values_fit(tmp_path: Path) -> None:
    trials = [
        network(
            index,
            0.5 + index / 100,
            **{"n" * 300: f"{'v' * 300}{index}", "flag": index % 2 == 0, "many": index},
        )
        for index in range(30)
    ]
    deep = trials[-1].model_copy(
        update={"score": 0.99, "model": {"architecture": "mlp", "hidden_units": [8] * 100}}
    )
    text = card.page(write(tmp_path, [*trials[:-1], deep]))
    drawn = images(text)
    assert all(len(word) < 60 for image in drawn for word in image.itertext())
    assert all(float(image.attrib["height"]) < 500 for image in drawn)
    assert "20 others" in text
    assert "93 more" in text


def test_equal_scores_and_failures_are_said(tmp_path: Path) -> None:
    trials = [network(i, 0.5, learning_rate=0.01 * (i + 1)) for i in range(12)]
    failed = [network(20 + i, None) for i in range(3)]
    text = card.page(write(tmp_path, [*trials, *failed]))
    assert "All trials have the same score." in text
    assert re.search(r'<td class="number">3</td><td>crashed</td>.*ValueError: no', text)


def test_shares_within_their_deviation_do_not_stand_out(tmp_path: Path) -> None:
    def said(share: float) -> str:
        items = [{"name": "units", "share": share, "deviation": 0.2}]
        return Document(card.section(write(tmp_path, search(20), importance=items))).text

    assert "No hyperparameter stands out. By itself, units explains 10%" in said(0.1)
    assert "No hyperparameter" not in said(0.3)
    assert "What acts together, and chance, explain 70%." in said(0.3)


def test_models_of_own_functions_have_no_diagram(tmp_path: Path) -> None:
    trials = [
        network(i, 0.5 + i / 10).model_copy(update={"model": {"width": i}, "values": {"width": i}})
        for i in range(3)
    ]
    text = card.page(write(tmp_path, trials))
    assert "Architectures found" not in headings(text)
    assert "<td>own</td>" in text


def test_architectures_that_are_shown_differ() -> None:
    wide = {"architecture": "mlp", "hidden_units": [64], "activation": "relu"}
    models = [
        {**wide, "learning_rate": 0.1},
        {**wide, "learning_rate": 0.2},
        {**wide, "hidden_units": [32]},
        {**wide, "architecture": "cross", "cross_layers": 2},
        {**wide, "architecture": "cross", "cross_layers": 3},
        {**wide, "cross_layers": 5},
        {"architecture": "linear", "hidden_units": [1], "activation": "relu"},
        {"architecture": "linear", "hidden_units": [2], "activation": "relu"},
        {"architecture": "boosted_trees", "trees": 500, "max_leaves": 31},
        {"architecture": "boosted_trees", "trees": 500, "max_leaves": 15},
        {"width": 3},
    ]
    trials = [Trial(id=str(i), state="complete", values={}, model=m) for i, m in enumerate(models)]
    assert [t.id for t in diagrams.distinct(trials, 99)] == ["0", "2", "3", "4", "6", "8"]
    assert [t.id for t in diagrams.distinct(trials, 2)] == ["0", "2"]


def test_diagrams_show_layers_and_trees() -> None:
    def words(model: dict[str, Any], **changes: Any) -> tuple[list[str], str]:
        trial = Trial(id="1", state="complete", values={}, model=model, **changes)
        [root] = images(diagrams.diagram(trial))
        return [text for text in root.itertext() if text], root.attrib["aria-label"]

    assert words({"architecture": "mlp", "hidden_units": [128, 64]}) == (
        ["features", "128", "64", "output"],
        "mlp: hidden layers of 128, 64 units",
    )
    assert words({"architecture": "linear", "hidden_units": [128]})[0] == ["features", "output"]
    crossed, label = words({"architecture": "cross", "hidden_units": [8], "cross_layers": 2})
    assert crossed.count("×") == 2
    assert label.endswith("beside 2 cross layers")
    trees = {"architecture": "boosted_trees", "trees": 500, "max_leaves": 31}
    assert "216 trees × 31 leaves" in words(trees, rounds=216)[0]


@pytest.mark.parametrize("higher", [True, False])
def test_best_so_far_follows_the_direction(higher: bool) -> None:
    measure = Measure("loss", higher)
    assert measure.better(0.1, 0.2) is not higher
    trials = [
        network(i, 0.5).model_copy(update={"metrics": {"loss": loss}, "score": loss})
        for i, loss in enumerate([0.5, 0.4, 0.6])
    ]
    drawn = pictures.progress(trials, measure, None, "label")
    [line] = [
        path.attrib["d"]
        for path in ElementTree.fromstring(drawn).iter("path")
        if path.attrib.get("stroke") == pictures.RED
    ]
    heights = [float(y) for y in re.findall(r",(-?[\d.]+)", line)]
    assert heights == sorted(heights, reverse=higher)


def test_import_is_light() -> None:
    code = (
        "import sys, components.tuner.card;"
        "assert not {'altair', 'vl_convert', 'sklearn', 'tfx', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
