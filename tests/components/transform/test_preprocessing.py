"""The default preprocessing function against its definition in NumPy."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2

from components.errors import InputError
from components.models.transformed import load_arrays
from components.transform import local_analysis, materialization, preprocessing
from components.transform.config import TransformConfig
from tests.components.transform import functions
from tests.components.transform.tables import make_schema, make_shards

KINDS = {float: "numeric", int: "integer", str: "categorical"}


class Pipeline:
    """Transform, run on rows in memory."""

    def __init__(self, directory, rows, types, task="binary", classes=("0", "1"), **options):
        kinds = {name: KINDS[kind] for name, kind in types.items()} | options.pop("kinds", {})
        required = options.pop("required", ())
        self.schema = make_schema(types, required)
        options.pop("edit", lambda schema: None)(self.schema)
        dataset = {
            "label": "label",
            "task": task,
            "classes": list(classes),
            "columns": [{"name": name, "kind": kind} for name, kind in kinds.items()],
        }
        self.config = TransformConfig(**options)
        own = self.config.preprocessing_fn is not None
        self.plan = preprocessing.make_plan(self.schema, dataset, own=own)
        self.function = preprocessing.make_preprocessing(self.plan, self.config)
        self.graph = directory / "graph"
        self.directory = directory
        shards = make_shards(rows, self.schema)
        local_analysis.analyze(
            self.function, self.schema, shards, str(self.graph), str(directory / "tmp")
        )
        self.write(rows)
        self.features = self.function.features(
            tft.TFTransformOutput(str(self.graph)), str(directory / "split")
        )

    def write(self, rows):
        materialization.materialize(
            materialization.Transformation(self.graph, self.schema, self.plan),
            make_shards(rows, self.schema),
            str(self.directory / "split"),
        )

    def transform(self, rows):
        """Return the arrays of `rows` by way of the disk."""
        self.write(rows)
        arrays = load_arrays(self.directory / "split", self.features)
        if "numeric" in arrays:
            assert np.isfinite(arrays["numeric"]).all()
        return arrays

    def column(self, arrays, name):
        return arrays["numeric"][:, self.features.numeric.index(name)]

    def ids(self, arrays, name):
        names = [column.name for column in self.features.categorical]
        return arrays["categorical"][:, names.index(name)].tolist()

    def vocabulary(self, name):
        path = self.graph / "transform_fn/assets" / name
        return path.read_bytes().decode().split("\n")[:-1]


@pytest.fixture(scope="module")
def table(rows, tmp_path_factory):
    types = {"price": float, "size": float, "rooms": int, "color": str, "zip": int, "label": int}
    return Pipeline(
        tmp_path_factory.mktemp("table"),
        rows,
        types,
        kinds={"zip": "categorical"},
        required=("price", "rooms", "label"),
        quantile_error=1e-4,
    )


def test_z_scores_are_clipped_and_imputed_by_the_mean(table, rows):
    arrays = table.transform(rows)
    price = np.array([row["price"] for row in rows])
    scores = (price - price.mean()) / price.std()
    assert scores.max() > 5  # so that the bound is put to the test
    np.testing.assert_allclose(
        table.column(arrays, "price"), np.clip(scores, -5, 5), rtol=1e-5, atol=1e-6
    )
    size = np.array([row["size"] if row["size"] is not None else math.nan for row in rows])
    expected = np.nan_to_num((size - np.nanmean(size)) / np.nanstd(size))
    np.testing.assert_allclose(table.column(arrays, "size"), expected, atol=1e-5)


def test_only_columns_that_may_be_missing_have_an_indicator(table, rows):
    indicators = [name for name in table.features.numeric if name.endswith(":missing")]
    assert indicators == ["size:missing"]
    assert table.column(table.transform(rows), "size:missing").tolist() == [
        float(row["size"] is None) for row in rows
    ]


def test_ranks_are_those_of_the_empirical_distribution(table, rows):
    price = np.array([row["price"] for row in rows])
    order = (price.argsort().argsort() + 0.5) / len(price)
    ranks = table.column(table.transform(rows), "price:cdf") / math.sqrt(12) + 0.5
    np.testing.assert_allclose(ranks, order, atol=1.01 / table.config.quantiles)
    assert abs(ranks.mean() - 0.5) < 0.01


def test_ids_go_by_frequency_after_the_reserved_ones(table, rows):
    arrays = table.transform(rows)
    colors = [row["color"] for row in rows]
    by_count = sorted({c for c in colors if c}, key=lambda c: (colors.count(c), c), reverse=True)
    assert table.vocabulary("color") == by_count
    expected = [by_count.index(color) + 2 if color else 0 for color in colors]
    assert table.ids(arrays, "color") == expected
    zips = [str(row["zip"]) for row in rows]
    assert table.vocabulary("zip")[table.ids(arrays, "zip")[3] - 2] == zips[3]
    sizes = {column.name: column.size for column in table.features.categorical}
    assert sizes == {"color": 2 + len(by_count), "zip": 2 + len(set(zips))}


def test_an_unseen_category_is_unknown_when_served(table):
    row = {"price": 1.0, "rooms": 1, "color": "violet", "zip": 99999, "label": 0}
    arrays = table.transform([row, {**row, "color": None, "zip": None}])
    assert table.ids(arrays, "color") == [1, 0]
    assert table.ids(arrays, "zip") == [1, 0]


def test_the_graph_needs_no_label(table, rows):
    layer = tft.TFTransformOutput(str(table.graph)).transform_features_layer()
    spec = tft.TFTransformOutput(str(table.graph)).raw_feature_spec()
    raw = {
        name: tf.sparse.from_dense(
            [["red" if name == "color" else 7], ["" if name == "color" else 9]]
        )
        for name in spec
        if name != "label"
    }
    raw = {
        name: tf.SparseTensor(t.indices, tf.cast(t.values, spec[name].dtype), t.dense_shape)
        if spec[name].dtype != tf.string
        else t
        for name, t in raw.items()
    }
    outputs = layer(raw)
    assert set(outputs) == {"numeric", "categorical"}
    assert outputs["numeric"].shape == (2, len(table.features.numeric))
    assert outputs["categorical"][:, 0].numpy().tolist()[1] == 0


def test_one_row_at_a_time_gives_the_same(table, rows):
    together = table.transform(rows[:5])
    for place in range(5):
        alone = table.transform([rows[place]])
        for name, array in alone.items():
            np.testing.assert_array_equal(array[0], together[name][place])


def test_columns_without_information_are_zero(tmp_path):
    generator = np.random.default_rng(0)
    rows = [
        {
            "empty": None,
            "none": None,
            "constant": 0.1,
            "large": 1_700_000_123,
            "infinite": math.inf if place == 3 else float(place),
            "half": 1.0 if place % 2 else None,
            "label": int(generator.integers(2)),
        }
        for place in range(50)
    ]
    types = {
        "empty": float,
        "none": str,
        "constant": float,
        "large": int,
        "infinite": float,
        "half": float,
        "label": int,
    }
    pipeline = Pipeline(tmp_path, rows, types)
    arrays = pipeline.transform(rows)
    for name in ("empty", "constant", "large", "half"):
        assert not pipeline.column(arrays, name).any(), name
    assert pipeline.column(arrays, "empty:missing").all()
    assert not pipeline.column(arrays, "empty:cdf").any()
    assert not pipeline.column(arrays, "constant:cdf").any()
    assert pipeline.column(arrays, "infinite")[3] == 0
    assert pipeline.column(arrays, "infinite:missing").sum() == 1
    assert pipeline.ids(arrays, "none") == [0] * 50
    # Values that the training data lack do not blow up either.
    other = {**rows[0], "empty": 5.0, "constant": 1e30, "large": 0, "none": "x"}
    arrays = pipeline.transform([other])
    assert pipeline.column(arrays, "constant")[0] == 0
    assert pipeline.ids(arrays, "none") == [1]


def test_only_numbers(tmp_path):
    rows = [{"x": float(place), "label": place % 2} for place in range(20)]
    pipeline = Pipeline(tmp_path, rows, {"x": float, "label": int}, quantiles=0)
    arrays = pipeline.transform(rows)
    assert sorted(arrays) == ["label", "numeric"]
    assert pipeline.features.numeric == ("x", "x:missing")
    assert pipeline.features.categorical == ()


def test_only_categories(tmp_path):
    rows = [{"x": "ab"[place % 2], "label": place % 2} for place in range(20)]
    pipeline = Pipeline(tmp_path, rows, {"x": str, "label": int})
    arrays = pipeline.transform(rows)
    assert sorted(arrays) == ["categorical", "label"]
    assert pipeline.features.numeric == ()
    assert pipeline.ids(arrays, "x") == [3, 2] * 10  # ties: the larger text comes first


def test_any_text_has_an_id_of_its_own(tmp_path):
    texts = ["naïve 你好", "two\nlines", "cr\r", " ", "back\\slash", "😀", ""]
    rows = [{"x": text, "label": 0} for text in texts for _ in range(2)]
    pipeline = Pipeline(tmp_path, rows, {"x": str, "label": int})
    ids = pipeline.ids(pipeline.transform(rows), "x")[::2]
    assert ids[-1] == 0
    assert sorted(ids[:-1]) == list(range(2, 8))
    vocabulary = pipeline.vocabulary("x")
    assert len(vocabulary) == 6
    assert {"two\\nlines", "cr\\r", "naïve 你好"} <= set(vocabulary)


def test_the_vocabulary_has_bounds(tmp_path):
    rows = [{"x": text, "label": 0} for text in "aaaabbbccd"]
    pipeline = Pipeline(tmp_path, rows, {"x": str, "label": int}, vocabulary_size=2)
    assert pipeline.vocabulary("x") == ["a", "b"]
    assert set(pipeline.ids(pipeline.transform(rows), "x")[7:]) == {1}
    pipeline = Pipeline(tmp_path, rows, {"x": str, "label": int}, min_frequency=2)
    assert pipeline.vocabulary("x") == ["a", "b", "c"]


def test_columns_whose_file_names_collide_keep_apart(tmp_path):
    rows = [{"a b": "x", "a-b": "y", "a/b": "z", "label": 0}] * 3
    pipeline = Pipeline(tmp_path, rows, {"a b": str, "a-b": str, "a/b": str, "label": int})
    found = [pipeline.vocabulary(pipeline.plan.vocabulary(name)) for name in ("a b", "a-b", "a/b")]
    assert found == [["x"], ["y"], ["z"]]


def test_times_become_a_trend_and_cycles(tmp_path):
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    moments = [start + datetime.timedelta(hours=7 * place) for place in range(500)]
    rows = [{"t": int(moment.timestamp()), "label": 0} for moment in moments]
    rows[10]["t"] = None
    pipeline = Pipeline(tmp_path, rows, {"t": int, "label": int}, kinds={"t": "time"})
    arrays = pipeline.transform(rows)
    known = np.array([place != 10 for place in range(500)])
    day = 2 * np.pi * np.array([m.hour / 24 for m in moments])
    week = 2 * np.pi * np.array([(m.weekday() + m.hour / 24) / 7 for m in moments])
    for name, angle in (("time_of_day", day), ("day_of_week", week)):
        for wave, function in (("sin", np.sin), ("cos", np.cos)):
            np.testing.assert_allclose(
                pipeline.column(arrays, f"t:{name}_{wave}"),
                np.where(known, function(angle), 0),
                atol=1e-5,
            )
    trend = pipeline.column(arrays, "t")
    assert (np.diff(trend[11:]) > 0).all()
    assert trend[10] == 0
    # 2024-01-01 is 0.44 days into a mean year since 1970.
    assert pipeline.column(arrays, "t:day_of_year_sin")[0] == pytest.approx(0, abs=0.02)
    assert pipeline.column(arrays, "t:missing").sum() == 1
    assert "t:cdf" not in pipeline.features.numeric


@pytest.mark.parametrize(
    ("kind", "values", "classes", "expected"),
    [
        (str, ["no", "yes", "no"], ("no", "yes"), [0, 1, 0]),
        (int, [7, 3, 5], ("3", "5", "7"), [2, 0, 1]),
        (int, [2**53 - 1, 2**53 - 2, 0], ("0", str(2**53 - 2), str(2**53 - 1)), [2, 1, 0]),
        (float, [0.1, 2.5, 0.1], ("2.5", "0.1"), [1, 0, 1]),
    ],
)
def test_labels_become_the_index_of_their_class(tmp_path, kind, values, classes, expected):
    rows = [{"x": 1.0, "label": value} for value in values]
    pipeline = Pipeline(
        tmp_path, rows, {"x": float, "label": kind}, task="multiclass", classes=classes
    )
    label = pipeline.transform(rows)["label"]
    assert label.dtype == np.int64
    assert label.tolist() == expected


@pytest.mark.parametrize("kind", [float, int])
def test_a_regression_keeps_its_label(tmp_path, kind):
    rows = [{"x": 1.0, "label": kind(value)} for value in (3, -2, 1000)]
    pipeline = Pipeline(tmp_path, rows, {"x": float, "label": kind}, task="regression", classes=())
    label = pipeline.transform(rows)["label"]
    assert label.dtype == np.float32
    assert label.tolist() == [3, -2, 1000]
    assert pipeline.features.classes == ()


@pytest.mark.parametrize("label", [None, 5])
def test_rows_without_a_usable_label_are_refused(table, rows, label):
    with pytest.raises(InputError, match="2 of 7 rows") as caught:
        table.transform([*rows[:5], {**rows[0], "label": label}, {**rows[1], "label": label}])
    assert caught.value.details["column"] == "label"


def test_the_schema_decides_over_the_kind(tmp_path):
    def edit(schema):
        schema.feature[0].int_domain.is_categorical = True
        schema.feature[1].time_domain.integer_format = schema_pb2.TimeDomain.UNIX_SECONDS

    rows = [{"a": 1, "b": 10**9, "c": 0, "label": 0}, {"a": 2, "b": 0, "c": 1, "label": 1}]
    types = {"a": int, "b": int, "c": int, "label": int}
    pipeline = Pipeline(tmp_path, rows, types, edit=edit, kinds={"c": "boolean"})
    assert pipeline.plan.categories == ("a",)
    assert pipeline.plan.times == ("b",)
    assert pipeline.plan.flags == ("c",)


def dataset(*columns, task="binary", classes=("0", "1")):
    return {
        "label": "label",
        "task": task,
        "classes": classes,
        "columns": [{"name": name, "kind": kind} for name, kind in columns],
    }


def test_a_missing_label_column_is_an_error():
    with pytest.raises(InputError, match="label"):
        preprocessing.make_plan(make_schema({"x": float}), dataset(("x", "numeric")))


def test_no_features_are_an_error():
    with pytest.raises(InputError, match="no column besides the label"):
        preprocessing.make_plan(make_schema({"label": int}), dataset(("label", "categorical")))


def test_several_values_a_row_are_an_error():
    schema = make_schema({"x": float, "label": int})
    schema.feature[0].value_count.max = 4
    with pytest.raises(InputError, match="several values") as caught:
        preprocessing.make_plan(schema, dataset(("x", "numeric"), ("label", "categorical")))
    assert caught.value.details["column"] == "x"
    # An own function may know what to do with them.
    preprocessing.make_plan(schema, dataset(("x", "numeric"), ("label", "categorical")), own=True)


def test_classes_that_the_label_cannot_have_are_an_error():
    schema = make_schema({"x": float, "label": int})
    columns = (("x", "numeric"), ("label", "categorical"))
    with pytest.raises(InputError, match="no number"):
        preprocessing.make_plan(schema, dataset(*columns, classes=("no", "yes")))
    schema = make_schema({"x": float, "label": str})
    with pytest.raises(InputError, match="regression is text"):
        preprocessing.make_plan(schema, dataset(*columns, task="regression"))


def test_columns_outside_the_data_set_are_left_out():
    schema = make_schema({"x": float, "tips": float, "label": int})
    selected = preprocessing.select(schema, dataset(("x", "numeric"), ("label", "integer")))
    assert [feature.name for feature in selected.feature] == ["x", "label"]
    assert len(schema.feature) == 3


def test_own_functions_get_the_label_and_known_ids(rows, tmp_path):
    types = {"price": float, "size": float, "rooms": int, "color": str, "zip": int, "label": int}
    own = f"{functions.__name__}.own"
    pipeline = Pipeline(tmp_path, rows, types, preprocessing_fn=own)
    arrays = pipeline.transform(rows)
    assert pipeline.features.numeric == ("numeric_0",)
    [column] = pipeline.features.categorical
    # 99 is what the function gives to unknown values, and rows without a color have it.
    assert column.size == 100
    assert arrays["label"].tolist() == [row["label"] for row in rows]
    complete = [{**row, "color": row["color"] or "red"} for row in rows]
    pipeline = Pipeline(tmp_path, complete, types, preprocessing_fn=own)
    assert pipeline.features.categorical[0].size == 7
    arrays = pipeline.transform([{**rows[0], "color": "violet"}])
    assert arrays["categorical"].tolist() == [[1]]


@pytest.mark.parametrize(
    ("name", "message"),
    [("own_wrong", "does not return"), ("absent", "no function"), ("tf", "no function")],
)
def test_a_wrong_own_function_is_an_error(rows, tmp_path, name, message):
    types = {"price": float, "label": int}
    with pytest.raises(InputError, match=message) as caught:
        Pipeline(tmp_path, rows, types, preprocessing_fn=f"{functions.__name__}.{name}")
    assert caught.value.details["setting"] == "transform.preprocessing_fn"


def test_numbers_that_are_not_finite_are_an_error(rows, tmp_path):
    own = f"{functions.__name__}.own_not_finite"
    with pytest.raises(InputError, match="not finite"):
        Pipeline(tmp_path, rows, {"price": float, "label": int}, preprocessing_fn=own)


def test_ranks_interpolate_and_share_ties():
    boundaries = tf.constant([[0.0, 1.0, 2.0], [0.0, 0.0, 4.0]])
    values = tf.constant([[0.5, 0.0], [1.0, 1.0], [-9.0, 9.0], [9.0, math.nan]])
    level = preprocessing.rank(values, boundaries).numpy() / math.sqrt(12) + 0.5
    np.testing.assert_allclose(
        level, [[1.5 / 4, 1.5 / 4], [2 / 4, 2.25 / 4], [0.5 / 4, 3.5 / 4], [3.5 / 4, 0.5]]
    )
