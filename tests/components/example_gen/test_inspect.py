"""What inspection finds in good data."""

import gzip
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.example_gen.config import DataConfig
from components.example_gen.dataset import DatasetSpec
from components.example_gen.inspect import inspect
from components.example_gen.readers import read_batches


def write_csv(path, columns, **options):
    pd.DataFrame(columns).to_csv(path, index=False, **options)
    return str(path)


def kinds(spec):
    return {column.name: column.kind for column in spec.columns}


def read(spec):
    return pa.Table.from_batches(read_batches(spec, spec.files)).to_pydict()


N = 120
LABEL = [i % 2 for i in range(N)]


def test_kinds_and_missing_values_of_csv(tmp_path):
    def some(values, missing):
        return [missing if i % 7 == 3 else values[i % len(values)] for i in range(N)]

    columns = {
        "whole": some([1, -20, 300], "NA"),
        "hex": some(["0x1F", "0x2A"], ""),
        "huge": some([2**70, 5], ""),
        "float": some([0.5, "1e5", "+3", -2], "?"),
        "flag": some(["yes", "No", "TRUE"], ""),
        "bit": some([0, 1], ""),
        "day": some(["2024-05-31", "1969-12-31"], "null"),
        "stamp": some(["2024-05-31T12:00:00.75+02:00", "2024-05-31 10:00"], "None"),
        "word": some(["é", "日本", "b c"], "nan"),
        "code": some(["1", "A", "B"], ""),
        "id": [f"user{i}" for i in range(N)],
        "spaced": some([" 7", "8 "], " ? "),
        "nothing": [""] * N,
        "y": LABEL,
    }
    spec = inspect(DataConfig(path=write_csv(tmp_path / "d.csv", columns), label="y"))
    assert kinds(spec) == {
        "whole": "integer",
        "hex": "categorical",
        "huge": "numeric",
        "float": "numeric",
        "flag": "boolean",
        "bit": "integer",
        "day": "time",
        "stamp": "time",
        "word": "categorical",
        "code": "categorical",
        "id": "categorical",
        "spaced": "integer",
        "y": "integer",
    }
    assert spec.empty_columns == ("nothing",)
    missing = {column.name: column.missing for column in spec.columns}
    assert missing.pop("id") == missing.pop("y") == 0
    assert set(missing.values()) == {len(range(3, N, 7))}
    distinct = {column.name: column.distinct for column in spec.columns}
    assert (distinct["id"], distinct["word"], distinct["spaced"], distinct["y"]) == (N, 3, 2, 2)

    values = read(spec)
    assert values["whole"][:4] == [1, -20, 300, None]
    assert values["float"][:4] == [0.5, 100000.0, 3.0, None]
    assert values["flag"][:4] == [1, 0, 1, None]
    assert values["day"][:2] == [1717113600, -86400]
    assert values["stamp"][:2] == [1717149600, 1717149600]
    assert values["word"][:4] == ["é", "日本", "b c", None]
    assert values["spaced"][:4] == [7, 8, 7, None]


def test_quoted_cells_keep_line_breaks_and_delimiters(tmp_path):
    path = tmp_path / "d.csv"
    lines = "".join(f'{i},"a, ""b""\n\nc{i}",{i % 2}\r\n' for i in range(N))
    path.write_text('x,"the, text",y\n' + lines, newline="")
    spec = inspect(DataConfig(path=str(path), label="y"))
    assert spec.rows == N
    assert read(spec)["the, text"][5] == 'a, "b"\n\nc5'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("zipped", [False, True])
def test_encodings_delimiters_and_gzip_give_the_same(tmp_path, encoding, delimiter, zipped):
    frame = pd.DataFrame({"naïve": ["é", "ü;,|x"] * 60, "x": range(N), "y": LABEL})
    content = frame.to_csv(index=False, sep=delimiter).encode(encoding)
    path = tmp_path / ("d.csv.gz" if zipped else "d.csv")
    path.write_bytes(gzip.compress(content) if zipped else content)
    spec = inspect(DataConfig(path=str(path), label="y", encoding=encoding, delimiter=delimiter))
    assert read(spec) == {"naïve": ["é", "ü;,|x"] * 60, "x": list(range(N)), "y": LABEL}


def test_folder_glob_and_list_give_the_same(tmp_path):
    for i, name in enumerate(("b.csv", "a.csv", "c.csv")):
        write_csv(tmp_path / name, {"x": range(i * 40, i * 40 + 40), "y": LABEL[:40]})
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "README.md").write_text("no data")
    write_csv(tmp_path / ".hidden.csv", {"x": ["no"], "y": ["data"]})
    listed = [str(tmp_path / name) for name in ("a.csv", "b.csv", "c.csv")]
    by_folder, by_glob, by_list = (
        inspect(DataConfig(path=path, label="y"))
        for path in (str(tmp_path), f"{tmp_path}/[a-c].csv", listed)
    )
    assert by_folder == by_glob == by_list
    assert by_folder.files == tuple(listed)
    assert (by_folder.rows, by_folder.bytes) == (N, sum(map(os.path.getsize, listed)))
    assert read(by_folder)["x"][:2] == [40, 41]


def test_columns_may_stand_in_another_order_in_another_file(tmp_path):
    write_csv(tmp_path / "a.csv", {"x": range(60), "z": ["p", "q"] * 30, "y": LABEL[:60]})
    write_csv(tmp_path / "b.csv", {"y": LABEL[:60], "z": ["r", "q"] * 30, "x": range(60)})
    values = read(inspect(DataConfig(path=str(tmp_path), label="y")))
    assert values["x"] == [*range(60), *range(60)]
    assert values["z"][60:62] == ["r", "q"]


def test_parquet_types(tmp_path):
    path = tmp_path / "d.parquet"
    table = pa.table(
        {
            "int8": pa.array([1, None] * 60, pa.int8()),
            "uint": pa.array([7, 1] * 60, pa.uint64()),
            "float": pa.array([1.5, float("nan")] * 60, pa.float32()),
            "decimal": pa.array(range(120)).cast(pa.decimal128(21, 2)),
            "bool": [True, None] * 60,
            "text": ["a", "NA"] * 60,
            "dictionary": pa.array(["a", "b"] * 60).dictionary_encode(),
            "stamp": pa.array([-500, 86_400_000] * 60, pa.timestamp("ms", "Asia/Tokyo")),
            "date": pa.array([1, None] * 60, pa.date32()),
            "sentinel": [-999.0, 4.0] * 60,
            "y": ["no", "yes"] * 60,
        }
    )
    pq.write_table(table, path)
    spec = inspect(
        DataConfig(path=str(path), label="y", missing_values=["NA", -999], positive_label=False)
    )
    assert kinds(spec) == {
        "int8": "integer",
        "uint": "integer",
        "float": "numeric",
        "decimal": "numeric",
        "bool": "boolean",
        "text": "categorical",
        "dictionary": "categorical",
        "stamp": "time",
        "date": "time",
        "sentinel": "numeric",
        "y": "categorical",
    }
    assert spec.classes == ("yes", "no")
    first_two = {name: values[:2] for name, values in read(spec).items()}
    assert first_two == {
        "int8": [1, None],
        "uint": [7, 1],
        "float": [1.5, None],
        "decimal": [0, 1],
        "bool": [1, None],
        "text": ["a", None],
        "dictionary": ["a", "b"],
        "stamp": [-1, 86400],
        "date": [86400, None],
        "sentinel": [None, 4],
        "y": ["no", "yes"],
    }


def test_declared_kinds(tmp_path):
    columns = {
        "zip": ["02139", "10001"] * 60,
        "flag": [0, 1] * 60,
        "epoch": [86400, 0] * 60,
        "number": range(N),
        "y": LABEL,
    }
    declared = {"zip": "categorical", "flag": "boolean", "epoch": "time", "number": "numeric"}
    path = write_csv(tmp_path / "d.csv", columns)
    spec = inspect(DataConfig(path=path, label="y", columns=declared))
    assert {name: kinds(spec)[name] for name in declared} == declared
    values = read(spec)
    assert values["zip"][0] == "02139"
    assert values["epoch"][:2] == [86400, 0]


@pytest.mark.parametrize(
    ("label", "settings", "task", "classes", "kind"),
    [
        ([1, 0], {}, "binary", ("0", "1"), "integer"),
        ([10, 9], {}, "binary", ("9", "10"), "integer"),
        (["10", "9", "x"], {}, "multiclass", ("10", "9", "x"), "categorical"),
        ([2, 10, 1], {}, "multiclass", ("1", "2", "10"), "integer"),
        (["1.0", "0.0", ""], {}, "binary", ("0", "1"), "integer"),
        (["1.0", "2.0", "3.0"], {}, "multiclass", ("1", "2", "3"), "integer"),
        (["yes", "no"], {}, "binary", ("no", "yes"), "categorical"),
        (["True", "False"], {}, "binary", ("False", "True"), "categorical"),
        (["yes", "no"], {"positive_label": False}, "binary", ("yes", "no"), "categorical"),
        ([1, 0], {"positive_label": 0}, "binary", ("1", "0"), "integer"),
        ([1, 0], {"positive_label": 1.0}, "binary", ("0", "1"), "integer"),
        ([1, 0], {"positive_label": "0"}, "binary", ("1", "0"), "integer"),
        ([0.5, 1.5], {}, "binary", ("0.5", "1.5"), "categorical"),
        ([0.5, 1.5, 3], {}, "regression", (), "numeric"),
        ([1, 2, 3], {"columns": {"y": "numeric"}}, "regression", (), "numeric"),
        ([1, 2, 3], {"task": "regression"}, "regression", (), "integer"),
        (["1e+05", 2, 3], {"task": "multiclass"}, "multiclass", ("2", "3", "100000"), "integer"),
        (range(20), {}, "multiclass", tuple(map(str, range(20))), "integer"),
        (range(21), {}, "regression", (), "integer"),
        ([1, 0], {"task": "multiclass"}, "multiclass", ("0", "1"), "integer"),
    ],
)
def test_task_and_classes(tmp_path, label, settings, task, classes, kind):
    columns = {"x": range(2000), "y": [label[i % len(label)] for i in range(2000)]}
    path = write_csv(tmp_path / "d.csv", columns)
    spec = inspect(DataConfig(path=path, label="y", **settings))
    assert (spec.task, spec.classes, kinds(spec)["y"]) == (task, classes, kind)
    if classes:  # what the other components rely on
        stored = set(read(spec)["y"]) - {None}
        assert {str(value) for value in stored} == set(classes)


def test_rows_without_label_are_counted(tmp_path):
    path = write_csv(tmp_path / "d.csv", {"x": range(N), "y": ["", 0, 1] * 40})
    spec = inspect(DataConfig(path=path, label="y"))
    assert (spec.rows, spec.rows_without_label, sum(spec.split_rows.values())) == (N, 40, 80)


def test_high_cardinality_is_not_counted_to_the_end(tmp_path):
    path = write_csv(tmp_path / "d.csv", {"x": range(10_001), "y": [0] + [1, 0] * 5000})
    assert inspect(DataConfig(path=path, label="y")).columns[0].distinct is None


def test_fingerprint_is_of_content_and_settings(tmp_path):
    path = write_csv(tmp_path / "d.csv", {"x": range(N), "z": ["a", "b"] * 60, "y": LABEL})
    first = inspect(DataConfig(path=path, label="y"))
    os.utime(path, (1, 1))
    moved = str(tmp_path / "other.csv")
    os.rename(path, moved)
    assert inspect(DataConfig(path=moved, label="y")).fingerprint == first.fingerprint
    changed = [
        {"exclude": ["z"]},
        {"split": {"column": "z", "train": 0.4, "eval": 0.3, "test": 0.3}},
        {"missing_values": ["a"]},
        {"columns": {"x": "numeric"}},
        {"label": "z"},
        {"task": "multiclass"},
        {"positive_label": 0},
    ]
    prints = {first.fingerprint}
    for settings in changed:
        if "split" not in settings:
            config = DataConfig(**{"path": moved, "label": "y", **settings})
            prints.add(inspect(config).fingerprint)
    assert len(prints) == len(changed)
    content = open(moved).read()  # noqa: SIM115
    with open(moved, "w") as file:
        file.write(content.replace("\n7,b", "\n8,b"))
    assert inspect(DataConfig(path=moved, label="y")).fingerprint not in prints


def test_spec_survives_json(tmp_path):
    path = write_csv(tmp_path / "d.csv", {"x": range(N), "t": range(N), "y": LABEL})
    split = {"by": "time", "column": "t"}
    spec = inspect(DataConfig(path=path, label="y", split=split, exclude=["t"]))
    assert DatasetSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.features == ("x",)


def test_inspection_imports_neither_tensorflow_nor_tfx(tmp_path):
    path = write_csv(tmp_path / "d.csv", {"x": np.arange(N), "y": LABEL})
    script = (
        "import sys\n"
        "from components.example_gen.inspect import inspect\n"
        "from components.example_gen.config import DataConfig\n"
        f"inspect(DataConfig(path={path!r}, label='y'))\n"
        "heavy = {'tensorflow', 'tfx', 'tfx_bsl', 'apache_beam', 'sklearn', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
