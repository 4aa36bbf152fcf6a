"""Statistics have the right answers, and the same ones from both engines."""

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from components import examples
from components.statistics_gen import statistics
from components.statistics_gen.config import StatisticsConfig

ROWS = 5_000


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    amount = generator.lognormal(size=ROWS).astype(np.float32)
    amount[::10] = np.nan
    return pa.record_batch(
        {
            "amount": pa.array(amount, from_pandas=True),
            "hour": pa.array(generator.integers(0, 24, ROWS)),
            "city": pa.array(generator.choice(["Oslo", "Łódź", "Lima"], ROWS, p=[0.6, 0.3, 0.1])),
        }
    )


@pytest.fixture(scope="module")
def split(data, tmp_path_factory):
    directory = tmp_path_factory.mktemp("split")
    assert examples.write_split([data], directory) == ROWS
    return str(directory)


@pytest.fixture(scope="module")
def in_memory(split):
    return statistics.compute(split, StatisticsConfig())


def _feature(found, name):
    return tfdv.get_feature_stats(found.datasets[0], tfdv.FeaturePath([name]))


def test_numbers(in_memory, data):
    amount = data.column("amount").to_numpy(zero_copy_only=False)
    found = _feature(in_memory, "amount").num_stats
    assert in_memory.datasets[0].num_examples == ROWS
    assert found.common_stats.num_missing == ROWS // 10
    assert found.mean == pytest.approx(np.nanmean(amount), rel=1e-5)
    assert found.std_dev == pytest.approx(np.nanstd(amount), rel=1e-5)
    assert found.min == pytest.approx(np.nanmin(amount))
    assert found.max == pytest.approx(np.nanmax(amount))
    assert found.median == pytest.approx(np.nanmedian(amount), rel=0.05)


def test_text(in_memory, data):
    counts = data.column("city").value_counts().to_pylist()
    found = _feature(in_memory, "city").string_stats
    assert found.unique == 3
    top = {value.value: value.frequency for value in found.top_values}
    assert top == {entry["values"]: entry["counts"] for entry in counts}


def test_both_engines_agree(split, in_memory, tmp_path):
    on_beam = statistics.compute_on_beam(
        split,
        StatisticsConfig(),
        lambda: beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])),
        str(tmp_path),
    )
    assert on_beam.datasets[0].num_examples == in_memory.datasets[0].num_examples
    for name in ("amount", "hour"):
        ours, theirs = (_feature(found, name).num_stats for found in (in_memory, on_beam))
        assert ours.common_stats.num_missing == theirs.common_stats.num_missing
        for key in ("mean", "std_dev", "min", "max", "num_zeros"):
            assert getattr(ours, key) == pytest.approx(getattr(theirs, key), rel=1e-9)
        # Quantiles come from sketches, whose error depends on how the rows are batched.
        assert ours.median == pytest.approx(theirs.median, rel=0.05)
    ours, theirs = (_feature(found, "city").string_stats for found in (in_memory, on_beam))
    assert ours.unique == theirs.unique
    assert list(ours.top_values) == list(theirs.top_values)


def test_absent_values_are_absent_from_the_examples(split):
    schema = None
    [batch] = [next(iter(examples.read_split(split, schema)))]
    assert batch.column("amount").null_count == pytest.approx(len(batch) / 10, rel=0.01)


def test_an_empty_split_has_no_examples(tmp_path):
    assert examples.write_split([], tmp_path) == 0
    found = statistics.compute(str(tmp_path), StatisticsConfig())
    assert found.datasets[0].num_examples == 0
