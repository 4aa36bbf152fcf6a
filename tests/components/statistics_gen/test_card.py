"""The section about a data set's statistics: figures, shapes of columns, and hostile names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.statistics_gen import card

HEADER = "<script>alert(1)</script>"
VALUE = '"><img src=x onerror=alert(1)>'


def write(
    directory: Path,
    split: str,
    features: Sequence[statistics_pb2.FeatureNameStatistics],
    rows: int = 100,
) -> None:
    """Write the statistics of a split as TFX lays them out."""
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=rows, features=features)
    place = directory / f"Split-{split}"
    place.mkdir()
    found = statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])
    (place / card.FILE_NAME).write_bytes(found.SerializeToString())


def a_number(
    name: str, counts: Sequence[float], low: float = 0.0, high: float = 10.0, missing: int = 0
) -> statistics_pb2.FeatureNameStatistics:
    """Return a column of numbers whose histogram has buckets of these counts."""
    feature = statistics_pb2.FeatureNameStatistics(type=statistics_pb2.FeatureNameStatistics.FLOAT)
    feature.path.step.append(name)
    stats = feature.num_stats
    stats.common_stats.num_non_missing = int(sum(counts))
    stats.common_stats.num_missing = missing
    stats.mean, stats.std_dev, stats.min, stats.median, stats.max = 3.25, 1.5, low, 3.0, high
    stats.num_zeros = 5
    histogram = stats.histograms.add()
    step = (high - low) / max(len(counts), 1)
    for i, each in enumerate(counts):
        histogram.buckets.add(
            low_value=low + i * step, high_value=low + (i + 1) * step, sample_count=each
        )
    return feature


def a_text(
    name: str, values: dict[str, int], missing: int = 0
) -> statistics_pb2.FeatureNameStatistics:
    """Return a column of texts with these frequencies."""
    feature = statistics_pb2.FeatureNameStatistics(type=statistics_pb2.FeatureNameStatistics.STRING)
    feature.path.step.append(name)
    stats = feature.string_stats
    stats.unique = len(values)
    stats.common_stats.num_non_missing = sum(values.values())
    stats.common_stats.num_missing = missing
    for value, frequency in values.items():
        stats.top_values.add(value=value, frequency=frequency)
    return feature


def cells(html: str, name: str) -> list[str]:
    """Return the texts of the row that begins with a name."""
    [row] = re.findall(rf"<tr[^>]*><th[^>]*>{re.escape(name)}</th>(.*?)</tr>", html)
    return [re.sub("<[^>]+>", "", cell) for cell in re.findall("<td.*?</td>", row)]


def test_shows_figures_of_numbers_and_texts(tmp_path: Path) -> None:
    write(
        tmp_path,
        "train",
        [a_number("fare", [80, 15], missing=5), a_text("city", {"A": 75, "B": 25})],
    )
    write(tmp_path, "eval", [a_number("fare", [8, 2]), a_text("city", {"A": 10})], rows=10)
    html = card.section(tmp_path)
    assert "train 100" in html
    assert "eval 10" in html
    assert cells(html, "fare")[:6] == ["5.0%", "3.25", "1.5", "0", "3", "10"]
    assert cells(html, "city") == ["0.0%", "2", "A 75.0%, B 25.0%"]


def test_histogram_has_the_shape_of_the_column(tmp_path: Path) -> None:
    write(tmp_path, "train", [a_number("fare", [1] * 6 + [10] * 6)])
    heights = [float(h) for h in re.findall(r'height="([\d.]+)" fill', card.section(tmp_path))]
    assert len(heights) == 12
    assert all(h == pytest.approx(max(heights) / 10, abs=0.06) for h in heights[:6])
    assert all(h == max(heights) for h in heights[6:])


@pytest.mark.parametrize(
    "feature",
    [
        a_number("one value", [100], low=7.0, high=7.0),
        a_number("no value", [], missing=100),
        a_number("unbounded", [50, 50], low=float("-inf"), high=float("inf")),
        a_number("not a number", [50], low=float("nan"), high=float("nan")),
        a_text("no text", {}, missing=100),
    ],
    ids=lambda feature: feature.path.step[0],
)
def test_columns_without_a_shape_are_listed(
    tmp_path: Path, feature: statistics_pb2.FeatureNameStatistics
) -> None:
    write(tmp_path, "train", [feature])
    assert feature.path.step[0] in card.section(tmp_path)


def test_names_and_values_from_data_are_text(tmp_path: Path) -> None:
    write(tmp_path, "train", [a_number(HEADER, [5, 5]), a_text(VALUE, {VALUE: 3, HEADER: 1})])
    html = card.section(tmp_path)
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;" in html


def test_many_columns_are_folded_and_all_there(tmp_path: Path) -> None:
    names = [f"column {i:03}" for i in range(card.SHOWN + 40)]
    write(tmp_path, "train", [a_number(name, [1, 2]) for name in names])
    html = card.section(tmp_path)
    shown, _, folded = html.partition("<details>")
    assert names[0] in shown
    assert names[-1] not in shown
    assert names[-1] in folded


def test_says_which_split_is_described(tmp_path: Path) -> None:
    write(tmp_path, "later", [a_number("fare", [1, 2])])
    html = card.section(tmp_path)
    assert "Of the later split." in html
    assert "train" not in html


def test_damaged_statistics_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "Split-train").mkdir()
    with pytest.raises(OSError, match=card.FILE_NAME):
        card.section(tmp_path)
