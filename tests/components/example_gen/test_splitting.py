"""Splits depend on the row alone, have the shares asked for, and never cut a group."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.example_gen.config import SPLITS, DataConfig
from components.example_gen.inspect import inspect
from components.example_gen.readers import read_batches
from components.example_gen.splitting import assign, hash_rows, time_boundaries

N = 6000
#: Hashes of three rows, as first released.
GOLDEN = [8669321313595560004, 17901234402507411666, 388577264007351357]


@pytest.fixture(scope="module")
def frame():
    generator = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": np.arange(N),
            "x": np.where(generator.random(N) < 0.1, np.nan, generator.normal(size=N)),
            "whole": pd.array(np.where(generator.random(N) < 0.1, None, 5), "Int64"),
            "word": generator.choice(["é", "b", None], N),
            "group": generator.integers(0, 500, N),
            "t": generator.integers(0, 400, N) * 1000,
            "y": generator.integers(0, 3, N),
        }
    )


def splits_by_id(path, **settings):
    """Return {id: split}, in one go over all files."""
    spec = inspect(DataConfig(path=str(path), label="y", **settings))
    result = {}
    for batch in read_batches(spec, spec.files):
        ids = batch.column("id").to_pylist()
        result.update(zip(ids, assign(batch, spec).tolist(), strict=True))
    counts = np.bincount(list(result.values()), minlength=3)
    assert spec.split_rows == dict(zip(SPLITS, counts.tolist(), strict=True))
    return result


@pytest.mark.parametrize("shares", [(0.7, 0.15, 0.15), (0.5, 0.3, 0.2), (0.1, 0.1, 0.8)])
def test_shares(tmp_path, frame, shares):
    frame.to_csv(tmp_path / "d.csv", index=False)
    splits = splits_by_id(tmp_path, split=dict(zip(SPLITS, shares, strict=True)))
    counts = np.bincount(list(splits.values()))
    deviation = np.sqrt(N * np.array(shares) * (1 - np.array(shares)))
    assert (np.abs(counts - N * np.array(shares)) < 4 * deviation).all()


def test_files_order_formats_and_types_do_not_matter(tmp_path, frame):
    for name in ("one", "many", "parquet"):
        (tmp_path / name).mkdir()
    frame.to_csv(tmp_path / "one" / "d.csv", index=False)
    shuffled = frame.sample(frac=1, random_state=1)[list(frame.columns[::-1])]
    for i in range(3):
        shuffled[i::3].to_csv(tmp_path / "many" / f"{i}.csv.gz", index=False)
    narrow = frame.astype({"id": "int16", "group": "int32", "y": "int8"})
    pq.write_table(
        pa.Table.from_pandas(narrow).cast(
            pa.schema(
                [
                    pa.field("id", pa.int32()),
                    pa.field("x", pa.float32()),
                    pa.field("whole", pa.float64()),
                    pa.field("word", pa.dictionary(pa.int32(), pa.string())),
                    pa.field("group", pa.uint16()),
                    pa.field("t", pa.int64()),
                    pa.field("y", pa.int8()),
                ]
            )
        ),
        tmp_path / "parquet" / "d.parquet",
        row_group_size=700,
    )
    expected = splits_by_id(tmp_path / "one")
    assert splits_by_id(tmp_path / "many") == expected
    assert splits_by_id(tmp_path / "parquet") == expected


def test_splits_are_those_of_earlier_versions():
    """A model must never be tested on what an earlier version of the code trained on."""
    batch = pa.record_batch(
        {
            "a": pa.array([1, 2, None], pa.int64()),
            "b": pa.array([0.5, None, -0.0], pa.float32()),
            "c": pa.array(["x", "", "é"]),
        }
    )
    assert hash_rows(batch, ["a", "b", "c"]).tolist() == GOLDEN
    assert hash_rows(batch.select(["c", "a", "b"]), ["b", "c", "a"]).tolist() == GOLDEN


def test_hashes_are_uniform_and_distinct():
    batch = pa.record_batch({"a": pa.array(range(100_000)), "b": pa.array([None] * 100_000, "f4")})
    hashes = hash_rows(batch, ["a", "b"])
    assert len(np.unique(hashes)) == 100_000
    for shift in (0, 30, 56):
        counts = np.bincount(((hashes >> np.uint64(shift)) & np.uint64(255)).astype(int))
        chi_square = ((counts - 100_000 / 256) ** 2).sum() / (100_000 / 256)
        assert 255 - 4 * np.sqrt(510) < chi_square < 255 + 4 * np.sqrt(510)


def test_values_do_not_pass_from_column_to_column():
    batch = pa.record_batch({"a": pa.array([1, 2]), "b": pa.array([2, 1])})
    assert len(set(hash_rows(batch, ["a", "b"]).tolist())) == 2


@pytest.mark.parametrize("excluded", [(), ("group",)])
def test_groups_stay_together(tmp_path, frame, excluded):
    frame = frame.assign(group=frame["group"].where(frame["id"] % 10 != 0))
    frame.to_csv(tmp_path / "d.csv", index=False)
    splits = splits_by_id(tmp_path, split={"column": "group"}, exclude=excluded)
    frame["split"] = frame["id"].map(splits)
    assert (frame.groupby("group")["split"].nunique() == 1).all()
    assert frame.groupby("group")["split"].first().value_counts().min() > 50
    alone = frame[frame["group"].isna()]["split"].value_counts(normalize=True)
    assert 0.6 < alone[0] < 0.8  # rows without a group are divided one by one


@pytest.mark.parametrize("excluded", [(), ("t",)])
def test_split_by_time(tmp_path, frame, excluded):
    frame["stamp"] = pd.to_datetime(frame["t"], unit="s").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    frame.to_csv(tmp_path / "d.csv", index=False)
    for column in ("t", "stamp"):
        splits = splits_by_id(
            tmp_path, split={"by": "time", "column": column}, exclude=[*excluded, "group"]
        )
        split = frame["id"].map(splits)
        times = frame.groupby(split)["t"]
        assert times.max()[0] < times.min()[1]
        assert times.max()[1] < times.min()[2]
        shares = split.value_counts(normalize=True)
        assert np.allclose(shares[[0, 1, 2]], [0.7, 0.15, 0.15], atol=0.004)


def test_time_boundaries_by_hand():
    # 10 rows at 4 times: 7 rows lie before time 3, and 9 before time 4.
    times, counts = np.array([1, 2, 3, 4]), np.array([3, 4, 2, 1])
    assert time_boundaries(times, counts, (0.7, 0.2, 0.1)) == (3, 4)
    assert time_boundaries(times, counts, (0.4, 0.3, 0.3)) == (2, 3)


def test_rows_without_label_do_not_shift_the_boundaries(tmp_path):
    times = np.arange(300)
    frame = pd.DataFrame({"t": times, "y": np.where(times < 100, np.nan, times % 2)})
    frame.to_csv(tmp_path / "d.csv", index=False)
    split = {"by": "time", "column": "t"}
    spec = inspect(DataConfig(path=str(tmp_path / "d.csv"), label="y", split=split))
    assert spec.time_boundaries == (240, 270)
    assert spec.split_rows == {"train": 140, "eval": 30, "test": 30}


def test_files_of_the_test_split_leave_train_and_eval_the_others(tmp_path, frame):
    frame[:4000].to_csv(tmp_path / "d.csv", index=False)
    frame[4000:].to_csv(tmp_path / "test.csv", index=False)
    config = DataConfig(
        path=str(tmp_path / "d.csv"), test_path=str(tmp_path / "test.csv"), label="y"
    )
    spec = inspect(config)
    assert (spec.files, spec.test_files) == ((config.path,), (config.test_path,))
    assert (spec.rows, spec.split_rows["test"]) == (N, 2000)
    assert spec.split_rows["train"] + spec.split_rows["eval"] == 4000
    assert abs(spec.split_rows["train"] - 4000 * 0.7 / 0.85) < 4 * np.sqrt(4000 * 0.82 * 0.18)
    words = {column.name: column.distinct for column in spec.columns}
    assert words["id"] == N  # the columns are inferred over all rows


def test_a_row_that_was_train_stays_train_when_test_gets_files_of_its_own(tmp_path, frame):
    frame.to_csv(tmp_path / "d.csv", index=False)
    frame[:50].to_csv(tmp_path / "test.csv", index=False)
    alone = inspect(DataConfig(path=str(tmp_path / "d.csv"), label="y"))
    spec = inspect(
        DataConfig(path=str(tmp_path / "d.csv"), test_path=str(tmp_path / "test.csv"), label="y")
    )
    [batch] = read_batches(spec, spec.files)
    before, after = assign(batch, alone), assign(batch, spec)
    assert (after[before == 0] == 0).all()
    assert set(after.tolist()) == {0, 1}


def test_split_by_time_of_what_is_no_test_file(tmp_path):
    for name, times in (("d", range(300)), ("test", range(900, 960))):
        frame = pd.DataFrame({"t": times, "x": times, "y": [t % 2 for t in times]})
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    spec = inspect(
        DataConfig(
            path=str(tmp_path / "d.csv"),
            test_path=str(tmp_path / "test.csv"),
            label="y",
            split={"by": "time", "column": "t", "train": 0.6, "eval": 0.2, "test": 0.2},
        )
    )
    assert spec.time_boundaries == (225,)
    assert spec.split_rows == {"train": 225, "eval": 75, "test": 60}
