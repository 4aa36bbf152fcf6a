"""The report: what is told, and a page that names from data do not break out of."""

from __future__ import annotations

import numpy as np
import pytest

from components import files
from components.compressor import card, report
from components.compressor.config import CompressorConfig
from components.compressor.eval_rows import EvalRows
from components.compressor.figures import Figures, Source
from components.compressor.search import Found
from components.compressor.workbench import Candidate
from components.models.judge import Judge
from tests.components.pages import EVIL, check_alone

ROWS = EvalRows({}, Judge("binary", np.array([0, 1]), 1))


def candidate(chain: str, size: int, auc: float, ms: float) -> Candidate:
    where = f"zone={EVIL}"
    found = Figures(
        size, size // 2, ms, ms, 1, {"AUC": auc}, 0.9 - auc, {where: auc}, 0.9 - auc, where, 100
    )
    return Candidate({"chain": chain} if chain else {}, b"", found, 1.0)


@pytest.fixture
def found():
    return Found(
        [
            candidate("", 1000, 0.9, 0.2),
            candidate("float16", 500, 0.9, 0.3),
            candidate("int8", 300, 0.89, 0.1),
            candidate("pruning+int8", 310, 0.88, 0.1),
        ],
        {EVIL: "the layer 'x' cannot be handled\nmore"},
        2,
        True,
        "every point of the space was tried",
    )


def describe(found, **constraint):
    return report.describe(
        found,
        Source(0.9, {f"zone={EVIL}": 0.9}),
        ROWS,
        CompressorConfig(constraint={"max_metric_drop": 0.02, **constraint}),
        name="Distiller",
        containers=[None, None, None, 120],
        tensorflow_ms=0.3,
        exports=[
            {"format": "core_ml", "skipped": EVIL},
            {"format": "onnx", "title": EVIL, "file": EVIL, "bytes": 5, "verified": EVIL},
        ],
    )


def test_front_is_of_quality_size_and_latency(found):
    told = describe(found)
    assert [each["front"] for each in told["candidates"]] == [True, True, True, False]
    assert told["candidates"][3]["container_bytes"] == 120
    assert told["notes"] == [f"{EVIL} was left out: the layer 'x' cannot be handled"]
    assert "30% of its TF Lite file's size" in report.lines(told)


def test_nearest_is_explained_where_the_constraint_is_not_met(found):
    found.met = False
    told = describe(found, max_bytes=100)
    assert told["nearest"] == ["it has 300 bytes, more than 100"]
    assert any("No candidate meets the constraint" in note for note in told["notes"])


def test_a_model_that_stays_as_it_is_says_what_would_help(found):
    found.chosen = 0
    assert any("max_metric_drop" in note for note in describe(found)["notes"])


def test_table_has_a_row_for_each_candidate(found):
    table = report.as_table(describe(found))
    assert table.column("recipes").to_pylist() == ["", "float16", "int8", "pruning+int8"]
    assert table.column("chosen").to_pylist() == [False, False, True, False]


def test_page_stands_alone_and_escapes_names(found, tmp_path):
    files.write_json(tmp_path / card.REPORT_FILE, describe(found))
    document = check_alone(card.page(tmp_path))
    assert "pruning + int8" in document.text
    assert not document.named("script")
    assert "int8 meets the constraint: 0.30 KB instead of 1.00 (30%)" in document.text
