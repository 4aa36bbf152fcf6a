"""Every bad input ends in one clear error that names the place and the remedy."""

import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from components.errors import InputError
from components.example_gen.config import DataConfig
from components.example_gen.inspect import inspect

HEADER = "age,city,y"


def rows(count=200, header=HEADER, row=lambda i: f"{i % 60},{'abc'[i % 3]},{i % 2}"):
    """Return the text of a good CSV file."""
    return "\n".join([header, *(row(i) for i in range(count))]) + "\n"


def with_line(line, text, count=200):
    """Return a good CSV file whose one-based `line` is `text`."""
    lines = rows(count).splitlines()
    lines[line - 1] = text
    return "\n".join(lines) + "\n"


GOOD = rows()

# name: (file name, content, settings, texts that the message must hold)
CASES = {
    "empty file": ("d.csv", "", {}, ["is empty", "d.csv"]),
    "blank lines only": ("d.csv", "\n\n", {}, ["is empty"]),
    "header only": ("d.csv", HEADER + "\n", {}, ["no rows", "d.csv"]),
    "header without line end": ("d.csv", HEADER, {}, ["no rows"]),
    "missing label": (
        "d.csv",
        GOOD,
        {"label": "Agee"},
        ["no column 'Agee'; nearest: age", "data.label", "age, city, y"],
    ),
    "constant label": (
        "d.csv",
        rows(row=lambda i: f"{i},a,7"),
        {},
        ["same value in every row", "y", "'7'"],
    ),
    "label all missing": (
        "d.csv",
        rows(row=lambda i: f"{i},a,NA"),
        {},
        ["no value in any row", "200 rows without a label"],
    ),
    "label nan": (
        "d.csv",
        rows(row=lambda i: f"{i},a,{'nan' if i == 40 else i / 7}"),
        {},
        ["not a finite number", "line:     42", "'nan'", "leave it empty"],
    ),
    "label inf": (
        "d.csv",
        rows(row=lambda i: f"{i},a,{'-Inf' if i == 3 else i % 2}"),
        {},
        ["not a finite number", "line:     5", "'-Inf'"],
    ),
    "unknown column in columns": (
        "d.csv",
        GOOD,
        {"columns": {"agee": "numeric"}},
        ["no column 'agee'; nearest: age", "data.columns"],
    ),
    "unknown column in exclude": (
        "d.csv",
        GOOD,
        {"exclude": ["cty"]},
        ["no column 'cty'; nearest: city", "data.exclude"],
    ),
    "unknown split column": (
        "d.csv",
        GOOD,
        {"split": {"column": "town"}},
        ["no column 'town'", "data.split.column"],
    ),
    "positive label is no class": (
        "d.csv",
        GOOD,
        {"positive_label": 2},
        ["none of the classes", "'0', '1'", "data.positive_label"],
    ),
    "positive label of a regression": (
        "d.csv",
        rows(row=lambda i: f"{i},a,{i / 7}"),
        {"positive_label": 1},
        ["contradict the task 'regression'", "no data.positive_label"],
    ),
    **{
        f"delimiter {name}": (
            "d.csv",
            GOOD.replace(",", char),
            {},
            ["another delimiter", "line:     1", f"Set data.delimiter to {name}"],
        )
        for name, char in {"';'": ";", "'\\t' (tab)": "\t", "'|'": "|"}.items()
    },
    "comma where a semicolon is set": (
        "d.csv",
        GOOD,
        {"delimiter": ";"},
        ["another delimiter", "Set data.delimiter to ','"],
    ),
    "latin-1 file": (
        "d.csv",
        with_line(90, "1,Köln,0").encode("latin-1"),
        {},
        [
            "another encoding",
            "line:     90",
            "byte 0xf6 at offset "
            + str(with_line(90, "1,Köln,0").encode("latin-1").index(b"\xf6")),
            "perhaps to latin-1",
        ],
    ),
    "latin-1 file far from its start": (
        "d.csv",
        with_line(300_001, "1,Köln,0", 300_100).encode("latin-1"),
        {},
        ["another encoding", "line:     300001"],
    ),
    "utf-16 file": ("d.csv", GOOD.encode("utf-16"), {}, ["another encoding", "to utf-16"]),
    "ascii is declared": (
        "d.csv",
        with_line(7, "1,Köln,0").encode(),
        {"encoding": "ascii"},
        ["another encoding", "line:     7", "ascii"],
    ),
    "duplicate header": (
        "d.csv",
        rows(header="age,age,y"),
        {},
        ["2 columns have the same name", "'age' at positions 1, 2"],
    ),
    "duplicate header but for spaces": (
        "d.csv",
        rows(header="age, age,y"),
        {},
        ["2 columns have the same name"],
    ),
    "empty header name": ("d.csv", rows(header="age,,y"), {}, ["no name", "position 2 of 3"]),
    "long row": (
        "d.csv",
        with_line(57, "1,a,0,9"),
        {},
        ["another number of cells", "line:     57", "3 cells", "4 cells"],
    ),
    "short row": (
        "d.csv",
        with_line(58, "1,a"),
        {},
        ["another number of cells", "line:     58", "3 cells", "2 cells"],
    ),
    "ragged row after quoted line breaks": (
        "d.csv",
        with_line(10, '1,"a\n\nb",0\n1,a'),
        {},
        ["another number of cells", "line:     13"],
    ),
    "open quote": ("d.csv", with_line(120, '1,"a,0'), {}, ["never closed", "line:     120"]),
    "text among numbers": (
        "d.csv",
        with_line(77, "unknown,a,0"),
        {},
        [
            "'age' holds a value that is not numeric",
            "line:     77",
            "'unknown'",
            "99.50%",
            "data.missing_values",
            "data.columns.age: categorical",
        ],
    ),
    "infinite number": (
        "d.csv",
        with_line(9, "inf,a,0"),
        {},
        ["'age' holds a value that is not numeric", "line:     9", "'inf'"],
    ),
    "number over 32 bits": (
        "d.csv",
        with_line(9, "1e39,a,0"),
        {},
        ["not numeric", "line:     9", "32-bit"],
    ),
    "text declared numeric": (
        "d.csv",
        GOOD,
        {"columns": {"city": "numeric"}},
        ["'city' holds a value that is not numeric", "line:     2", "'a'", "data.columns.city"],
    ),
    "text declared time": (
        "d.csv",
        with_line(3, "2024-02-31,a,0").replace("\n0,", "\n2024-01-01,", 1),
        {"columns": {"age": "time"}},
        ["'age' holds a value that is not time", "line:     3", "'2024-02-31'"],
    ),
    "numbers declared boolean": (
        "d.csv",
        GOOD,
        {"columns": {"age": "boolean"}},
        ["'age' holds a value that is not boolean", "line:     4", "'2'"],
    ),
    "one row": ("d.csv", rows(1), {}, ["too few rows", "at least 3", "1 of 1 rows"]),
    "two rows": ("d.csv", rows(2), {}, ["too few rows", "at least 3", "2 of 2 rows"]),
    "empty split": (
        "d.csv",
        rows(60),
        {"split": {"train": 0.9, "eval": 0.099, "test": 0.001}},
        ["split 'test' is empty", "60 rows", "0.001"],
    ),
    "one group": (
        "d.csv",
        rows(row=lambda i: f"{i},a,{i % 2}"),
        {"split": {"column": "city"}},
        ["is empty", "by 'city'"],
    ),
    "class missing from train": (
        "d.csv",
        rows(row=lambda i: f"{i},2024-01-{1 + i // 10:02d},{int(i > 190)}"),
        {"split": {"by": "time", "column": "city"}},
        ["train split has no row of class '1'"],
    ),
    "binary with three classes": (
        "d.csv",
        rows(row=lambda i: f"{i},a,{'xyz'[i % 3]}"),
        {"task": "binary"},
        ["contradict the task 'binary'", "2 classes", "3: 'x', 'y', 'z'"],
    ),
    "regression on text": (
        "d.csv",
        rows(row=lambda i: f"{i},a,{'xyz'[i % 3]}"),
        {"task": "regression"},
        ["contradict the task 'regression'", "numbers", "'x', 'y', 'z'"],
    ),
    "classes without end": (
        "d.csv",
        rows(2000, row=lambda i: f"{i},a,name{i}"),
        {},
        ["contradict the task 'multiclass'", "at most 1000 classes"],
    ),
    "two spellings of true": (
        "d.csv",
        rows(row=lambda i: f"{i},a,{['True', 'true', 'false'][i % 3]}"),
        {},
        ["several ways", "'True', 'false', 'true'"],
    ),
    "label declared a time": (
        "d.csv",
        GOOD,
        {"columns": {"y": "time"}},
        ["time cannot be the label", "data.columns.y"],
    ),
    "only the label": ("d.csv", rows(header="y", row=lambda i: str(i % 2)), {}, ["no column"]),
    "all features excluded": (
        "d.csv",
        GOOD,
        {"exclude": ["age", "city"]},
        ["no column besides the label", "excluded: age, city"],
    ),
    "all features empty": (
        "d.csv",
        rows(row=lambda i: f",NA,{i % 2}"),
        {},
        ["no column with values besides the label", "age, city"],
    ),
    "label excluded": ("d.csv", GOOD, {"exclude": ["y"]}, ["label is excluded", "data.exclude"]),
    "split by time on text": (
        "d.csv",
        GOOD,
        {"split": {"by": "time", "column": "city"}},
        ["'city' cannot order the rows by time", "a categorical column"],
    ),
    "row without time": (
        "d.csv",
        with_line(31, ",a,0"),
        {"split": {"by": "time", "column": "age"}},
        ["'age' lacks a value", "line:     31"],
    ),
    "truncated gzip": ("d.csv.gz", gzip.compress(rows(5000).encode())[:-200], {}, ["corrupt"]),
    "damaged gzip": (
        "d.csv.gz",
        gzip.compress(GOOD.encode())[:40] + b"damage" + gzip.compress(GOOD.encode())[46:],
        {},
        ["gzip file is corrupt", "d.csv.gz"],
    ),
    "text named Parquet": ("d.parquet", GOOD, {}, ["is no Parquet file", "d.parquet"]),
    "unknown extension": ("d.xls", GOOD, {}, ["does not say its format", "Set data.format"]),
}


@pytest.mark.parametrize(
    ("name", "content", "settings", "expected"), CASES.values(), ids=CASES.keys()
)
def test_one_file(tmp_path, name, content, settings, expected):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError) as caught:
        inspect(DataConfig(**{"path": str(path), "label": "y", **settings}))
    message = str(caught.value)
    for text in expected:
        assert text in message
    assert sorted(tmp_path.iterdir()) == before


def check(expected, **settings):
    with pytest.raises(InputError) as caught:
        inspect(DataConfig(**{"label": "y", **settings}))
    for text in expected:
        assert text in str(caught.value)


def write(path, content=GOOD):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return str(path)


def test_wrong_path_names_the_nearest(tmp_path):
    write(tmp_path / "taxi.csv")
    check(["no such file", "data.path", f"{tmp_path}/taxi.csv?"], path=str(tmp_path / "taxy.csv"))
    check(
        [f"nearest folder that exists is {tmp_path}."], path=str(tmp_path / "zzz" / "q" / "d.csv")
    )


def test_wrong_path_of_a_span(tmp_path):
    path = write(tmp_path / "d.csv")
    check(["no such file", "data.spans"], path=path, spans=[str(tmp_path / "later.csv")])


def test_folder_and_glob_without_files(tmp_path):
    write(tmp_path / "notes.md")
    check(["holds no data files", "notes.md"], path=str(tmp_path))
    check(["No file matches", "*.csv"], path=str(tmp_path / "*.csv"))
    check(["No data is named"], path=[])


def test_several_formats(tmp_path):
    write(tmp_path / "a.csv")
    pq.write_table(pa.table({"x": [1.0], "y": [1]}), tmp_path / "b.parquet")
    check(["several formats", "b.parquet", "csv"], path=str(tmp_path))


def test_files_with_different_columns(tmp_path):
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv", rows(header="age,town,y"))
    check(["different columns", "b.csv", "without 'city'; with 'town'"], path=str(tmp_path))


def test_wrong_path_of_the_test_split(tmp_path):
    path = write(tmp_path / "d.csv")
    nearest = write(tmp_path / "test.csv")
    check(
        ["no such file", "data.test_path", f"Did you mean {nearest}"],
        path=path,
        test_path=str(tmp_path / "tests.csv"),
    )
    check(["No data is named", "data.test_path"], path=path, test_path=[])


def test_file_that_is_test_and_something_else(tmp_path):
    path = write(tmp_path / "d.csv")
    other = write(tmp_path / "e.csv")
    check(["both data and test data", path, "data.test_path"], path=str(tmp_path), test_path=path)
    check(["both test data and a later span"], path=path, test_path=other, spans=[other])
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    check(["both data and test data", str(link)], path=path, test_path=str(link))


def test_test_split_with_other_columns_or_without_labels(tmp_path):
    path = write(tmp_path / "d.csv")
    other = write(tmp_path / "test.csv", rows(header="age,town,y"))
    check(["different columns", other, "'city'", "'town'"], path=path, test_path=other)
    write(tmp_path / "test.csv", rows(9, row=lambda i: f"{i},a,"))
    check(["split 'test' is empty", other, "data.test_path"], path=path, test_path=other)


def test_class_that_only_the_test_split_has(tmp_path):
    path = write(tmp_path / "d.csv")
    other = write(tmp_path / "test.csv", rows(9, row=lambda i: f"{i},a,{i % 3}"))
    check(["train split has no row of class '2'"], path=path, test_path=other)


def test_span_that_is_data_too(tmp_path):
    path = write(tmp_path / "a.csv")
    check(["both data and a later span", path], path=str(tmp_path), spans=[path])


def test_span_without_labels(tmp_path):
    path = write(tmp_path / "a.csv")
    span = write(tmp_path / "later" / "b.csv", rows(row=lambda i: f"{i},a,"))
    check(["split 'span-001' is empty", span], path=path, spans=[span])


def test_bad_value_in_the_second_file_is_found(tmp_path):
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv", with_line(12, "much,a,0"))
    check(["not numeric", "b.csv", "line:     12", "'much'"], path=str(tmp_path))


def table(**columns):
    count = 100
    return pa.table({"x": [float(i) for i in range(count)], "y": [i % 2 for i in range(count)]}
                    | {name: column(count) for name, column in columns.items()})  # fmt: skip


PARQUET = {
    "list": (table(v=lambda n: [[1, 2]] * n), {}, ["'v' is nested", "list<", "data.exclude"]),
    "struct": (table(v=lambda n: [{"a": 1}] * n), {}, ["'v' is nested", "struct<"]),
    "duration": (
        table(v=lambda n: pa.array([1] * n, pa.duration("s"))),
        {},
        ["'v' has an odd type", "duration"],
    ),
    "label NaN": (
        table(y=lambda n: pa.array([i / 3 if i != 6 else float("nan") for i in range(n)])),
        {},
        ["label is not a finite number", "in row 7"],
    ),
    "infinite feature": (
        table(v=lambda n: pa.array([1.0 * i if i != 8 else float("inf") for i in range(n)])),
        {},
        ["'v' holds a value that is not numeric", "inf in row 9", "data.exclude"],
    ),
    "bytes": (
        table(v=lambda n: pa.array([b"\xff\xfe"] * n)),
        {},
        ["'v' holds bytes that are no UTF-8"],
    ),
    "no rows": (table().slice(0, 0), {}, ["no rows"]),
    "text declared numeric": (
        table(v=lambda n: ["1", "two"] * (n // 2)),
        {"columns": {"v": "numeric"}},
        ["'v' holds a value that is not numeric", "'two' in row 2"],
    ),
}


@pytest.mark.parametrize(("content", "settings", "expected"), PARQUET.values(), ids=PARQUET.keys())
def test_parquet(tmp_path, content, settings, expected):
    path = tmp_path / "d.parquet"
    pq.write_table(content, path)
    check(expected, path=str(path), **settings)


def test_damaged_parquet(tmp_path):
    path = tmp_path / "d.parquet"
    pq.write_table(table(v=lambda n: [random.Random(i).random() for i in range(n)]), path)
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    check(["corrupt", "d.parquet"], path=str(path))
    content[4:600] = b"\xff" * 596
    path.write_bytes(content)
    check(["corrupt", "d.parquet"], path=str(path))


def test_files_with_different_types(tmp_path):
    pq.write_table(table(v=lambda n: ["a"] * n), tmp_path / "a.parquet")
    pq.write_table(table(v=lambda n: [True] * n), tmp_path / "b.parquet")
    check(["different types for column 'v'"], path=str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"delimiter": ",,"}, "one ASCII character"),
        ({"encoding": "latin-99"}, "an encoding such as"),
        ({"split": {"train": 0.9, "eval": 0.3, "test": 0.1}}, "must be 1, and is 1.3"),
        ({"split": {"train": 1.0, "eval": 0.0, "test": 0.0}}, "less than 1"),
        ({"split": {"by": "time"}}, "needs `column`"),
        ({"columns": {"age": "number"}}, "'numeric', 'categorical', 'boolean' or 'time'"),
        ({"lable": "y"}, "lable"),
    ],
)
def test_bad_settings(settings, expected):
    with pytest.raises(ValidationError, match=expected):
        DataConfig(path="d.csv", label="y", **settings)


@pytest.mark.parametrize("count", [1, 2])
def test_errors_are_json(tmp_path, count):
    """What the command line prints with --json."""
    path = write(tmp_path / "d.csv", rows(count))
    with pytest.raises(InputError) as caught:
        inspect(DataConfig(path=path, label="y"))
    assert json.loads(json.dumps(caught.value.details)) == caught.value.details
    assert Path(path).exists()
