"""A person's own CSV, with a config of path and label."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tests.e2e.harness import Project, make_project

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("name", "task", "metric", "least"),
    [
        ("breast_cancer", "binary", "AUC", 0.97),
        ("wine", "multiclass", "SparseCategoricalAccuracy", 0.85),
        ("diabetes", "regression", None, None),
    ],
)
def test_runs_from_csv_to_a_pushed_model(tmp_path, name, task, metric, least):
    project = make_project(tmp_path, name)
    done = project.run().json
    assert done["state"] == "COMPLETE"
    if metric:
        assert done["metrics"][metric] >= least
    else:  # better than always predicting the mean
        frame = pd.read_csv(tmp_path / "diabetes.csv")
        assert done["metrics"]["RootMeanSquaredError"] < 0.85 * frame["target"].std()

    # What was pushed answers all three signatures, and says the same through each.
    model = tf.saved_model.load(done["pushed"])
    frame = pd.read_csv(tmp_path / f"{name}.csv").head(20)
    features = frame.drop(columns="target")
    examples = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    column: _feature(value, features[column].dtype) for column, value in row.items()
                }
            )
        ).SerializeToString()
        for row in features.to_dict("records")
    ]
    served = model.signatures["serving_default"](examples=tf.constant(examples))
    arguments = json.loads(
        Path(done["pushed"], "assets.extra", "predict_arguments.json").read_text()
    )
    by_column = model.signatures["predict"](
        **{
            argument: tf.constant(features[column].astype(np.float64))
            for column, argument in arguments.items()
        }
    )
    np.testing.assert_allclose(served["scores"], by_column["scores"], rtol=1e-4, atol=1e-5)
    if task != "regression":
        np.testing.assert_allclose(tf.reduce_sum(served["scores"], 1), np.ones(20), rtol=1e-5)
        classes = [value.decode() for value in by_column["class"].numpy()]
        assert np.mean(classes == frame["target"]) > 0.7


def _feature(value, dtype):
    if np.issubdtype(dtype, np.integer):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value)]))
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))


def test_mixed_columns_from_parquet_with_later_spans(tmp_path):
    """Text, dates, booleans, absent values and many categories, split by time."""
    generator = np.random.default_rng(0)

    def frame(rows, first):
        day = pd.Timestamp(first) + pd.to_timedelta(np.arange(rows) * 3, unit="h")
        weekend = day.dayofweek >= 5
        member = generator.random(rows) < 0.5
        shop = generator.integers(0, 300, rows)
        price = 10 + 5 * weekend + 3 * member + (shop % 7) + generator.normal(0, 0.5, rows)
        return pd.DataFrame(
            {
                "day": day,
                "member": pd.array(member, dtype="boolean").astype("boolean"),
                "shop": [f"shop {number}" for number in shop],
                "note": np.where(generator.random(rows) < 0.5, None, "Größe\n2"),
                "distance": np.where(generator.random(rows) < 0.2, np.nan, price * 2),
                "price": price,
            }
        )

    (tmp_path / "data").mkdir()
    (tmp_path / "later").mkdir()
    for part in range(2):
        frame(600, f"2024-0{part + 1}-01").to_parquet(tmp_path / "data" / f"{part}.parquet")
    frame(100, "2024-06-01").to_parquet(tmp_path / "later" / "june.parquet")
    frame(100, "2024-07-01").to_parquet(tmp_path / "later" / "july.parquet")
    config = tmp_path / "prices.yaml"
    config.write_text(
        """
data:
  path: data
  label: price
  split: {by: time, column: day}
  spans: [later/*.parquet]
trainer: {epochs: 15, model: {batch_size: 32}}
evaluator: {slices: [member]}
"""
    )
    project = Project(tmp_path, config, tmp_path / "runs" / "prices")
    done = project.run().json
    assert done["state"] == "COMPLETE"
    assert done["metrics"]["MeanAbsoluteError"] < 2.5  # always the mean: about 3.1
    [examples] = project.root.glob("artifacts/Transform/transformed_examples/[0-9]*")
    splits = {path.name for path in examples.iterdir()}
    assert splits == {f"Split-{s}" for s in ("train", "eval", "test", "span-001", "span-002")}
    # A new span is new data: everything before the model looks at it again.
    frame(100, "2024-08-01").to_parquet(tmp_path / "later" / "aug.parquet")
    assert project.run().json["counts"]["executed"] > 0
    assert "span-003" in project.newest("ExampleValidator/anomalies", "anomalies.json")


OWN_FUNCTIONS = """
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras


def preprocessing_fn(inputs):
    radius = tf.sparse.to_dense(inputs["mean radius"]) if isinstance(
        inputs["mean radius"], tf.SparseTensor) else inputs["mean radius"]
    return {"numeric": tft.scale_to_z_score(tf.reshape(radius, [-1, 1]))}


def build_model(features, hyperparameters):
    assert features.numeric == ("numeric_0",)
    numeric = tf_keras.Input((1,), name="numeric")
    return tf_keras.Model({"numeric": numeric}, tf_keras.layers.Dense(1)(numeric))
"""


def test_own_functions_beside_the_config(tmp_path):
    (tmp_path / "mine.py").write_text(OWN_FUNCTIONS)
    project = make_project(
        tmp_path,
        settings=(
            "transform: {preprocessing_fn: mine.preprocessing_fn}\n"
            "trainer: {build_model: mine.build_model, epochs: 20, model: {learning_rate: 0.05}}\n"
        ),
    )
    done = project.run().json
    assert done["metrics"]["AUC"] > 0.9  # one feature is almost enough
    assert project.run().json["counts"]["executed"] == 0
    (tmp_path / "mine.py").write_text(OWN_FUNCTIONS + "# edited\n")
    project.run()
    assert project.executed() == {"Transform", "Trainer", "Evaluator", "Pusher"}
    (tmp_path / "mine.py").write_text("preprocessing_fn = 3\n")
    refused = project.call("run", expect=2)
    assert "transform.preprocessing_fn" in refused.err
