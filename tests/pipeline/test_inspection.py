"""The data, held against a curated schema and the settings, before anything runs."""

import pytest

from components.errors import InputError
from pipeline import config
from pipeline.inspection import fit_to_data, inspect_data

SCHEMA = """
feature { name: "zip" type: BYTES presence { min_fraction: 1 min_count: 1 } }
feature { name: "fare" type: FLOAT presence { min_fraction: 1 min_count: 1 } }
feature { name: "paid" type: INT presence { min_fraction: 1 min_count: 1 } }
"""


@pytest.fixture
def load(tmp_path):
    def load_config(text, schema=SCHEMA, more=""):
        (tmp_path / "rides.csv").write_text(text)
        (tmp_path / "rides.pbtxt").write_text(schema)
        path = tmp_path / "rides.yaml"
        path.write_text(
            f"data: {{path: rides.csv, label: paid}}\nschema: {{path: rides.pbtxt}}\n{more}"
        )
        return config.load(path)

    return load_config


def _rows(fare="{i}", zip_code="0{i}"):
    lines = ["zip,fare,paid"]
    lines += [f"{zip_code},{fare},{{p}}".format(i=i, p=i % 2) for i in range(60)]
    return "\n".join(lines) + "\n"


def test_the_schema_says_what_a_column_holds(load):
    kinds = {column.name: column.kind for column in inspect_data(load(_rows())).columns}
    assert kinds == {"zip": "categorical", "fare": "numeric", "paid": "integer"}


def test_text_where_the_schema_has_numbers(load):
    text = _rows().replace("\n07,7,", "\n07,seven,")
    with pytest.raises(InputError) as caught:
        inspect_data(load(text))
    details = caught.value.details
    assert (details["column"], details["line"]) == ("fare", 9)
    assert "seven" in str(caught.value)


def test_columns_that_differ(load):
    with pytest.raises(InputError, match="requires a column") as caught:
        inspect_data(load(_rows().replace("fare", "price", 1), SCHEMA + _more("price")))
    assert caught.value.details["column"] == "fare"
    with pytest.raises(InputError, match="not in the curated schema") as caught:
        inspect_data(load(_rows().replace("fare", "price", 1)))
    assert caught.value.details["column"] == "price"


def _more(name):
    return f'feature {{ name: "{name}" type: FLOAT }}'


def test_a_schema_that_cannot_be_read(load):
    with pytest.raises(InputError, match="not a text-format"):
        inspect_data(load(_rows(), "feature {"))


@pytest.mark.parametrize(
    ("more", "setting", "words"),
    [
        ("evaluator: {slices: [zipp]}", "evaluator.slices", "nearest: zip"),
        ("evaluator: {metrics: [MeanSquaredError]}", "evaluator.metrics", "task binary"),
        ("evaluator: {split: tset}", "evaluator.split", "train, eval, test"),
    ],
)
def test_settings_of_the_evaluator_that_do_not_fit_the_data(load, more, setting, words):
    with pytest.raises(InputError) as caught:
        inspect_data(load(_rows(), more=more))
    assert caught.value.details["setting"] == setting
    assert words in str(caught.value)
    inspect_data(load(_rows(), more=more + "\nnodes: {Evaluator: {enabled: false}}"))


@pytest.mark.parametrize(
    ("distiller", "words"),
    [
        ("{loss: values}", ("distiller.loss", "soft_targets, logits, decoupled", "binary")),
        ("{student: {architecture: cnn}}", ("distiller.student.architecture", "tables", "mlp")),
    ],
)
def test_a_distillation_has_to_fit_the_data(load, distiller, words):
    loaded = load(_rows(), more=f"distiller: {distiller}\n")
    found = inspect_data(loaded)
    with pytest.raises(InputError) as caught:
        fit_to_data(loaded, found)
    for word in words:
        assert word in str(caught.value)
