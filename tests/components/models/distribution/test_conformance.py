"""Each strategy takes the steps of one device: the same loss, the same gradients."""

import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.models import fitting
from components.models.distribution import model_parallel, pipelined, replicas
from components.models.distribution.table import STRATEGIES
from tests.components.models.distribution import trainings

#: Settings of each, hyperparameters, and the largest relative error of loss and gradients.
#: Dropout would draw other masks for each replica, and batch normalization other moments for
#: each micro-batch.
CASES = {
    "mirrored": ({"devices": 3}, {"normalization": "batch", "l2": 1e-3}, 1e-5),
    "multi_worker_mirrored": ({"workers": 2}, {"normalization": "batch", "l2": 1e-3}, 1e-5),
    "parameter_server": ({"workers": 1}, {"normalization": "batch", "l2": 1e-3}, 1e-5),
    "model_parallel": ({"devices": 3}, {"normalization": "batch", "dropout": 0.3}, 0.0),
    "gpipe": ({"micro_batches": 4}, {"normalization": "layer", "l2": 1e-3}, 1e-5),
}


def vector(weights):
    return np.concatenate([each.ravel() for each in weights]).astype(np.float64)


@pytest.mark.parametrize("name", STRATEGIES)
def test_steps_are_those_of_one_device(tmp_path, name):
    """Two whole batches and one of two rows; class weights and penalties count."""
    values, hyperparameters, tolerance = CASES[name]
    arguments = {**hyperparameters, "learning_rate": 1.0}
    member = trainings.member(**arguments)
    tf_keras.utils.set_random_seed(1)
    labels = trainings.data(74)["label"]
    start = vector(fitting.build(member, trainings.FEATURES, labels).get_weights())
    expected, reference = trainings.fit(
        tmp_path / "one", trainings.settings("one_device"), **arguments
    )
    found, history = trainings.fit(
        tmp_path / "all", trainings.settings(name, **values), **arguments
    )

    # At a rate of 1 without momentum, weights move by the sum of the gradients.
    moved = vector(expected.get_weights()) - start
    difference = vector(found.get_weights()) - vector(expected.get_weights())
    assert np.linalg.norm(difference) <= tolerance * np.linalg.norm(moved)
    for metric, value in reference.epochs[0].items():
        assert history.epochs[0][metric] == pytest.approx(value, rel=tolerance, abs=0), metric

    # What is said of it.
    count = values.get("devices", values.get("workers", 2))
    assert (history.strategy, len(history.devices)) == (name, count)
    assert (history.restarts, len(history.step_seconds)) == (0, 1)
    assert (history.bubble_share is not None) == (name == "gpipe")
    tags = {
        value.tag
        for path in (tmp_path / "all/logs/train").glob("events*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert tags >= {"epoch_loss", "epoch_examples_per_second", "epoch_step_seconds"}
    assert ("epoch_bubble_share" in tags) == (name == "gpipe")
    assert not trainings.processes()
    assert not (tmp_path / "all/checkpoints/job").exists()


def test_a_pipeline_goes_on_with_the_cuts_that_it_began_with(tmp_path):
    """They are measured, and others might add up the same numbers in another order."""
    pipeline = trainings.settings("gpipe", micro_batches=4)
    trainings.fit(tmp_path, pipeline, epochs=1)
    path = tmp_path / "checkpoints" / pipelined.COSTS_FILE
    costs = json.loads(path.read_text())
    assert all(cost["both"] >= cost["forward"] > 0 for cost in costs if cost["forward"])
    costs[-1] |= {"forward": 10.0, "both": 20.0}
    path.write_text(json.dumps(costs))
    trainings.fit(tmp_path, pipeline, epochs=2)
    assert json.loads(path.read_text()) == costs


def test_what_a_process_refuses_is_said_as_if_it_were_here(tmp_path):
    with pytest.raises(InputError) as refused:
        trainings.fit(tmp_path, trainings.settings("gpipe", partitions=40))
    assert refused.value.details["setting"] == "trainer.distribution.partitions"
    assert not trainings.processes()


@pytest.mark.parametrize(("rows", "count"), [(6, 3), (7, 3), (2, 3), (1, 4)])
def test_pieces_are_a_batch_cut_evenly(rows, count):
    batch = tf.data.Dataset.from_tensors(({"x": tf.range(rows)}, tf.range(rows) * 2))
    whole = list(replicas.pieces(batch, count, range(count)).as_numpy_iterator())
    sizes = [len(labels) for (_, labels), _ in whole]
    assert (len(sizes), sum(sizes)) == (count, rows)
    assert max(sizes) - min(sizes) <= 1
    np.testing.assert_array_equal(
        np.concatenate([features["x"] for (features, _), _ in whole]), np.arange(rows)
    )
    np.testing.assert_allclose([share for _, share in whole], np.array(sizes) * count / rows)
    [((_, last), _)] = replicas.pieces(batch, count, range(count - 1, count)).as_numpy_iterator()
    np.testing.assert_array_equal(last, whole[-1][0][1])


def test_a_model_has_at_least_a_layer_for_each_device():
    inputs = tf_keras.Input((2,))
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(1)(inputs))
    with pytest.raises(InputError, match="fewer layers") as refused:
        model_parallel.place(model, ["CPU:0", "CPU:1"])
    assert refused.value.details["setting"] == "trainer.distribution.devices"


def test_a_model_that_is_code_cannot_be_placed():
    class Own(tf_keras.Model):
        def call(self, values):
            return values

    with pytest.raises(InputError, match="functional"):
        model_parallel.place(Own(), ["CPU:0", "CPU:1"])
