"""A person's own CSV, with a config of path and label."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from tests.e2e.harness import make_project

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
