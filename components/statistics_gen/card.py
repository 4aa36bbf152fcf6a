"""The statistics of a data set as a section for people: each column of a split."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import statistics_pb2

from components.charts import BLUE, escape, frame, plain
from components.page import Column, Row, count, folded, framed, number, table, titled

#: Name that TFX gives to a split's statistics.
FILE_NAME = "FeatureStats.pb"
_TRAIN = "train"
#: Columns that are listed at once; the others are folded away.
SHOWN = 60
_WIDTH, _HEIGHT = 120, 28
_BARS = 12


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about the columns of a data set.

    Parameters
    ----------
    directory : path
        Of an ExampleStatistics artifact.

    Raises
    ------
    OSError
        The statistics cannot be read.
    """
    splits = {
        path.name.removeprefix("Split-"): _read(path / FILE_NAME)
        for path in sorted(Path(directory).iterdir())
        if path.is_dir() and path.name.startswith("Split-")
    }
    if not splits:
        raise FileNotFoundError(f"There are no statistics below {directory}.")
    described = _TRAIN if _TRAIN in splits else next(iter(splits))
    first = splits[described]
    rows = ", ".join(f"{plain(name)} {each.num_examples:,}" for name, each in splits.items())
    features = sorted(first.features, key=lambda feature: _name(feature))
    numbers = [f for f in features if f.HasField("num_stats")]
    texts = [f for f in features if f.HasField("string_stats") or f.HasField("bytes_stats")]
    lead = f"{count(len(features), 'column')}. Rows by split: {rows}."
    parts = [f"<p>{escape(lead)}</p>"]
    if numbers:
        parts.append(_limited("Numbers", _numbers, numbers, described))
    if texts:
        parts.append(_limited("Texts", _texts, texts, described))
    return framed(parts)


def _read(path: Path) -> Any:
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes())
    return found.datasets[0]


def _name(feature: Any) -> str:
    return str(feature.name or ".".join(feature.path.step))


def _limited(title: str, make: Any, features: list[Any], split: str) -> str:
    shown = titled(title, make(features[:SHOWN], split))
    rest = features[SHOWN:]
    return shown + (folded(count(len(rest), "more column"), make(rest, split)) if rest else "")


def _numbers(features: list[Any], split: str) -> str:
    columns = [
        Column("column", "name"),
        Column("missing", "number"),
        Column("mean", "number"),
        Column("deviation", "number"),
        Column("minimum", "number"),
        Column("median", "number"),
        Column("maximum", "number"),
        Column("zeros", "number"),
    ]
    rows = []
    for feature in features:
        stats = feature.num_stats
        rows.append(
            Row(
                [
                    plain(_name(feature)),
                    _missing(stats.common_stats),
                    *map(number, (stats.mean, stats.std_dev, stats.min, stats.median, stats.max)),
                    _share(stats.num_zeros, stats.common_stats.num_non_missing),
                ]
            )
        )
    drawn = "".join(
        f"<figure>{_histogram(feature)}<figcaption class='quiet'>{escape(_name(feature))}"
        "</figcaption></figure>"
        for feature in features
    )
    listed = table("Numbers", f"Of the {plain(split)} split.", columns, rows)
    return f'{listed}<div class="grid">{drawn}</div>'


def _texts(features: list[Any], split: str) -> str:
    columns = [
        Column("column", "name"),
        Column("missing", "number"),
        Column("distinct", "number"),
        Column("most frequent", "wide"),
    ]
    rows = []
    for feature in features:
        if not feature.HasField("string_stats"):
            rows.append(Row([plain(_name(feature)), "", "", "bytes"]))
            continue
        stats = feature.string_stats
        present = stats.common_stats.num_non_missing
        frequent = ", ".join(
            f"{plain(each.value, 40)} {_share(each.frequency, present)}"
            for each in stats.top_values[:5]
        )
        missing = _missing(stats.common_stats)
        rows.append(Row([plain(_name(feature)), missing, f"{stats.unique:,}", frequent]))
    return table("Texts", f"Of the {plain(split)} split.", columns, rows)


def _missing(common: Any) -> str:
    return _share(common.num_missing, common.num_missing + common.num_non_missing)


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _histogram(feature: Any) -> str:
    """Draw the counts of equal parts of a column's range."""
    found = next(iter(feature.num_stats.histograms), None)
    # Values without bounds have no place on the axis.
    buckets = [
        bucket
        for bucket in (found.buckets if found else ())
        if math.isfinite(bucket.low_value) and math.isfinite(bucket.high_value)
    ]
    if not buckets:
        return ""
    low, high = buckets[0].low_value, buckets[-1].high_value
    width = (high - low) / _BARS or 1.0
    counts = [0.0] * _BARS
    for bucket in buckets:
        middle = (bucket.low_value + bucket.high_value) / 2
        counts[min(int((middle - low) / width), _BARS - 1)] += bucket.sample_count
    most = max(counts) or 1.0
    step = _WIDTH / _BARS
    bars = "".join(
        f'<rect x="{i * step + 1:.1f}" y="{_HEIGHT - _HEIGHT * each / most:.1f}" '
        f'width="{step - 2:.1f}" height="{_HEIGHT * each / most:.1f}" fill="{BLUE}"/>'
        for i, each in enumerate(counts)
        if each
    )
    label = f"Histogram of {_name(feature)}, from {number(low)} to {number(high)}."
    return frame(bars, _WIDTH, _HEIGHT, label)
