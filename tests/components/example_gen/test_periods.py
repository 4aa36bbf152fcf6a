"""Rows of later periods are spans, cut by the calendar, and are in no other split."""

import datetime

import numpy as np
import pandas as pd
import pytest

from components.errors import InputError
from components.example_gen.config import SPLITS, DataConfig, Periods
from components.example_gen.inspect import inspect
from components.example_gen.periods import cut
from components.example_gen.readers import read_labelled
from components.example_gen.splitting import assign

DAY = 86_400


@pytest.fixture
def path(tmp_path):
    random = np.random.default_rng(0)
    days = pd.date_range("2014-01-01", "2016-06-30", tz="UTC")
    frame = pd.DataFrame({"at": days, "x": np.arange(len(days)), "y": np.arange(len(days)) % 2})
    path = tmp_path / "d.csv"
    frame.sample(frac=1, random_state=random.integers(9)).to_csv(path, index=False)
    return path


def placed(spec):
    """Return the day of each row, and its split."""
    parts = [
        (batch.column("at").to_numpy() // DAY, np.array(spec.split_names)[assign(batch, spec)])
        for batch in read_labelled(spec, spec.files)
    ]
    return (np.concatenate(each) for each in zip(*parts, strict=True))


@pytest.mark.parametrize("excluded", [(), ("at",)])
@pytest.mark.parametrize("split", [{}, {"by": "time", "column": "at"}])
def test_rows_from_the_start_on_are_of_their_quarter(path, excluded, split):
    periods = {"column": "at", "start": "2015-08-15", "every": "quarter"}
    spec = inspect(
        DataConfig(path=str(path), label="y", exclude=excluded, periods=periods, split=split)
    )
    assert list(spec.spans) == ["span-2015-Q3", "span-2015-Q4", "span-2016-Q1", "span-2016-Q2"]
    day, name = placed(spec)
    later = day >= datetime.date(2015, 8, 15).toordinal() - datetime.date(1970, 1, 1).toordinal()
    assert set(name[~later]) == set(SPLITS)
    dates = pd.to_datetime(day[later] * DAY, unit="s")
    assert [f"span-{each.year}-Q{each.quarter}" for each in dates] == name[later].tolist()
    assert spec.split_rows == dict(pd.Series(name).value_counts())
    assert spec.split_rows["span-2015-Q3"] == 47
    assert ("at" in spec.names) == (not excluded)


def test_a_split_by_time_has_its_shares_of_the_rows_before_the_periods(path):
    periods = {"column": "at", "start": "2016-01-01", "every": "year"}
    split = {"by": "time", "column": "at", "train": 0.5, "eval": 0.25, "test": 0.25}
    spec = inspect(DataConfig(path=str(path), label="y", periods=periods, split=split))
    assert [spec.split_rows[name] for name in SPLITS] == pytest.approx([365, 182, 183], abs=1)


def test_rows_without_a_time_are_monitored_in_no_period(path):
    frame = pd.read_csv(path)
    frame.loc[frame.index[:9], "at"] = None
    frame.to_csv(path, index=False)
    periods = {"column": "at", "start": "2014-01-01", "every": "week"}
    with pytest.raises(InputError, match="split 'eval' is empty") as caught:
        inspect(DataConfig(path=str(path), label="y", periods=periods))
    assert caught.value.details["got"].startswith("9 rows")


@pytest.mark.parametrize(
    ("every", "name", "begin"),
    [
        ("day", "span-2015-12-31", "2015-12-31"),
        ("week", "span-2015-W53", "2015-12-28"),
        ("month", "span-2015-12", "2015-12-01"),
        ("quarter", "span-2015-Q4", "2015-10-01"),
        ("year", "span-2015", "2015-01-01"),
    ],
)
def test_periods_are_those_of_the_calendar(every, name, begin):
    periods = Periods(column="at", start="2010-01-01", every=every)
    time = int(pd.Timestamp("2015-12-31 23:59:59", tz="UTC").timestamp())
    assert cut([time], periods) == {name: int(pd.Timestamp(begin, tz="UTC").timestamp())}


@pytest.mark.parametrize(
    ("settings", "message", "setting"),
    [
        ({"column": "when"}, "no column 'when'", "data.periods.column"),
        ({"column": "word"}, "cannot place the rows in time", "data.periods.column"),
        ({"start": "2030-01-01"}, "as late as", "data.periods.start"),
        ({"column": "huge"}, "no time", "data.periods.column"),
    ],
)
def test_what_cannot_be_monitored_is_refused(path, settings, message, setting):
    frame = pd.read_csv(path)
    frame["word"], frame["huge"] = "a", np.int64(2) ** 60
    frame.to_csv(path, index=False)
    periods = {"column": "at", "start": "2016-01-01", **settings}
    with pytest.raises(InputError, match=message) as caught:
        inspect(DataConfig(path=str(path), label="y", periods=periods))
    assert caught.value.details["setting"] == setting
