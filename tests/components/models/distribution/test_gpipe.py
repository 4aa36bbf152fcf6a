"""A model that is cut into stages trains as the whole one does."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from components.errors import InputError
from components.models import architectures, image_architectures, stepping
from components.models.distribution.gpipe import GPipe, LayerCost, layer_graph
from components.models.distribution.gpipe.schedule import tasks
from components.models.hyperparameters import HyperParameters, ImageHyperParameters
from components.models.transformed import ImageFeature

layers = tf_keras.layers
PROJECT = Path(__file__).parents[4]
TOLERANCE = 1e-6
ROWS = 22
NUMERIC = ("fare", "fare:cdf", "night")
VOCABULARIES = (7, 5)
TABULAR = {
    "wide_and_deep": {"l2": 0.01},
    "mlp": {"max_categories": 3},
    "residual": {"normalization": "layer"},
    "cross": {"numeric": "ranks", "activation": "gelu"},
    "linear": {},
}
IMAGES = {
    "lenet300": {"l2": 0.01},
    "lenet5": {},
    "cnn": {"cell": "residual", "normalization": "none", "filters": 16},
}


@pytest.fixture(autouse=True)
def _deterministic():
    tf.config.experimental.enable_op_determinism()
    tf_keras.utils.set_random_seed(5)


def _pipe(model, partitions, micro_batches, *, batch_size=None, **arguments):
    """Return a pipeline with all stages on one device, whose layers count as equal."""
    calls = len(layer_graph.read(model).calls)
    arguments.setdefault("costs", [LayerCost("", 1.0, 3.0)] * calls)
    arguments.setdefault("devices", ["CPU:0"] * partitions)
    return GPipe(
        model, partitions, micro_batches, batch_size=batch_size or 2 * micro_batches, **arguments
    )


def _table_model(architecture, outputs=3, **changes):
    hp = HyperParameters(architecture=architecture, hidden_units=(8, 6), **changes)
    return architectures.build(hp, numeric=NUMERIC, vocabulary_sizes=VOCABULARIES, outputs=outputs)


def _table(rows=ROWS):
    draw = np.random.default_rng(1)
    return {
        "numeric": tf.constant(draw.normal(size=(rows, len(NUMERIC))), tf.float32),
        "categorical": tf.constant(draw.integers(0, 5, (rows, len(VOCABULARIES)))),
    }


def _image_model(architecture, **changes):
    hp = ImageHyperParameters(architecture=architecture, **changes)
    feature = ImageFeature(height=16, width=16, channels=1, mean=(90.0,), deviation=(70.0,))
    return image_architectures.build(hp, feature, outputs=3)


def _labels(rows=ROWS):
    return tf.constant(np.random.default_rng(2).integers(0, 3, rows))


def _weights(rows=ROWS):
    return tf.constant(np.random.default_rng(3).uniform(0.5, 2, rows), tf.float32)


_LOSS = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _mean_square(labels, outputs, weights):
    return tf.add_n([tf.reduce_mean(tf.square(each)) for each in tf.nest.flatten(outputs)])


def _piped(pipe, features, labels=None, weights=None, loss=_LOSS):
    @tf.function
    def run(features, labels, weights):
        return pipe.gradients(features, labels, weights, loss=loss)

    return run(features, labels, weights)


def _whole(model, features, labels=None, weights=None, loss=_LOSS):
    @tf.function
    def run(features, labels, weights):
        with tf.GradientTape() as tape:
            value = loss(labels, model(features, training=True), weights) + sum(model.losses)
        return value, tape.gradient(value, model.trainable_variables)

    return run(features, labels, weights)


def _assert_same(one, other, tolerance=TOLERANCE):
    """Losses and gradients are equal, relative to the norm of all gradients."""
    assert float(one[0]) == pytest.approx(float(other[0]), rel=tolerance)
    left, right = ([tf.convert_to_tensor(each) for each in found[1]] for found in (one, other))
    apart = tf.linalg.global_norm([a - b for a, b in zip(left, right, strict=True)])
    assert float(apart) <= tolerance * float(tf.linalg.global_norm(right))


def _assert_equal_weights(one, other):
    for left, right in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


class TestGradients:
    @pytest.mark.parametrize("architecture", TABULAR)
    def test_tables(self, architecture):
        model = _table_model(architecture, **TABULAR[architecture])
        data = _table(), _labels(), _weights()
        partitions = min(4, len(layer_graph.read(model).calls))
        _assert_same(_piped(_pipe(model, partitions, 4), *data), _whole(model, *data))

    @pytest.mark.parametrize("architecture", IMAGES)
    def test_images(self, architecture):
        model = _image_model(architecture, **IMAGES[architecture])
        images = np.random.default_rng(0).integers(0, 256, (ROWS, 16, 16, 1)).astype(np.uint8)
        data = {"image": tf.constant(images)}, _labels(), _weights()
        whole = _whole(model, {"image": tf.cast(images, tf.float32)}, *data[1:])
        _assert_same(_piped(_pipe(model, 3, 2), *data), whole)

    @pytest.mark.parametrize("rematerialize", [True, False])
    @pytest.mark.parametrize(("partitions", "micro_batches"), [(1, 1), (1, 3), (3, 1), (4, 30)])
    def test_any_number_of_stages_and_micro_batches(self, partitions, micro_batches, rematerialize):
        """Also more micro-batches than rows, and a batch that they do not divide."""
        model = _table_model("wide_and_deep", l2=0.01)
        data = _table(), _labels(), _weights()
        pipe = _pipe(model, partitions, micro_batches, rematerialize=rematerialize)
        _assert_same(_piped(pipe, *data), _whole(model, *data))

    @settings(
        max_examples=6,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(st.data())
    def test_random_graphs(self, data):
        """Skips over several stages, shared layers, several inputs and outputs."""
        model = _random_model(data.draw)
        calls = len(layer_graph.read(model).calls)
        pipe = _pipe(
            model,
            data.draw(st.integers(1, min(4, calls))),
            data.draw(st.integers(1, 3)),
            rematerialize=data.draw(st.booleans()),
        )
        draw = np.random.default_rng(0)
        rows = data.draw(st.integers(1, 9))
        features = [tf.constant(draw.normal(size=(rows, 4))) for _ in model.inputs]
        piped = _piped(pipe, features, loss=_mean_square)
        _assert_same(piped, _whole(model, features, loss=_mean_square), 1e-13)

    def test_penalties_on_activations_count_as_means_over_all_rows(self):
        inputs = tf_keras.Input((4,))
        hidden = layers.Dense(5, activity_regularizer="l2", kernel_regularizer="l1")(inputs)
        model = tf_keras.Model(inputs, layers.Dense(2, activity_regularizer="l1")(hidden))
        features = tf.random.normal([7, 4])
        expected = _whole(model, features, loss=_mean_square)
        _assert_same(_piped(_pipe(model, 2, 3), features, loss=_mean_square), expected)

    def test_masks_cross_the_edges_of_stages(self):
        inputs = tf_keras.Input((5,), dtype=tf.int64)
        embedded = layers.Embedding(4, 3, mask_zero=True)(inputs)
        mean = layers.GlobalAveragePooling1D()(layers.Dense(3)(embedded))
        model = tf_keras.Model(inputs, layers.Dense(1)(mean))
        ids = tf.constant(np.random.default_rng(0).integers(0, 4, (6, 5)))
        expected = _whole(model, ids, loss=_mean_square)
        _assert_same(_piped(_pipe(model, 4, 2), ids, loss=_mean_square), expected)

    def test_frozen_layers_have_no_gradients_and_stop_none(self):
        inputs = tf_keras.Input((4,))
        first, second = layers.Dense(4, trainable=False), layers.Dense(4, trainable=False)
        hidden = layers.Dense(4, activation="tanh")(first(inputs))
        model = tf_keras.Model(inputs, second(hidden))
        features = tf.random.normal([6, 4])
        piped = _piped(_pipe(model, 3, 2), features, loss=_mean_square)
        assert len(piped[1]) == 2
        _assert_same(piped, _whole(model, features, loss=_mean_square))

    def test_python_of_own_layers_may_depend_on_tensors(self):
        inputs = tf_keras.Input((4,))
        model = tf_keras.Model(inputs, _Branching()(layers.Dense(4)(inputs)))
        features = tf.random.normal([1, 4])
        piped = _piped(_pipe(model, 2, 1), features, loss=_mean_square)
        _assert_same(piped, _whole(model, features, loss=_mean_square))


class _Branching(layers.Layer):
    def call(self, values):
        return values * 2 if tf.reduce_sum(values) > 0 else values - 1


def _random_model(draw):
    """Each layer takes any earlier tensors; some are shared; all ends are outputs."""

    def dense(units=4, **arguments):
        return layers.Dense(units, activation="tanh", dtype="float64", **arguments)

    tensors = [tf_keras.Input((4,), dtype="float64") for _ in range(draw(st.integers(1, 2)))]
    shared = dense(kernel_regularizer="l2")
    together = layers.Add(dtype="float64")(tensors * 2)
    tensors.append(together)
    unused = []
    for _ in range(draw(st.integers(2, 6))):
        kind = draw(st.sampled_from(["dense", "shared", "add", "concatenate"]))
        one, two = (tensors[draw(st.integers(0, len(tensors) - 1))] for _ in range(2))
        if kind == "add":
            made = layers.Add(dtype="float64")([one, two])
        elif kind == "concatenate":
            made = dense()(layers.Concatenate(dtype="float64")([one, two]))
        else:
            made = (shared if kind == "shared" else dense())(one)
        unused = [each for each in unused if each is not one and each is not two] + [made]
        tensors.append(made)
    inputs = [each for each in tensors if each.node.is_input]
    return tf_keras.Model(inputs, [*unused, dense(2)(together)])


class TestDropout:
    def _model(self):
        """Linear in the first kernel, so that kernel times gradient is the loss."""
        inputs = tf_keras.Input((8,))
        hidden = layers.Dense(8, use_bias=False)(inputs)
        for index in range(2):
            hidden = layers.Dropout(0.5, seed=index, rng_type="stateful")(hidden)
        end = layers.Dense(1, trainable=False, use_bias=False)(hidden)
        return tf_keras.Model(inputs, end)

    @staticmethod
    def _states(model):
        return [
            layer._random_generator._generator.state.numpy().tolist()
            for layer in model.layers
            if isinstance(layer, layers.Dropout)
        ]

    @staticmethod
    def _sum(labels, outputs, weights):
        return tf.reduce_sum(outputs)

    def test_what_is_computed_anew_has_the_masks_of_before(self):
        model = self._model()
        loss, (gradient,) = _piped(_pipe(model, 3, 4), tf.random.normal([12, 8]), loss=self._sum)
        kernel = model.trainable_variables[0]
        assert float(tf.reduce_sum(kernel * gradient)) == pytest.approx(float(loss), rel=1e-5)

    def test_numbers_and_states_are_those_without_rematerialization(self):
        features, found = tf.random.normal([12, 8]), []
        for rematerialize in (True, False):
            tf_keras.utils.set_random_seed(1)
            model = self._model()
            pipe = _pipe(model, 3, 4, rematerialize=rematerialize)
            steps = [_piped(pipe, features, loss=self._sum) for _ in range(2)]
            found.append(([float(loss) for loss, _ in steps], self._states(model)))
            assert steps[0][0] != steps[1][0]
        assert found[0][1] == found[1][1]
        assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)

    def test_one_micro_batch_draws_what_the_whole_model_draws(self):
        features, found = tf.random.normal([12, 8]), []
        for step in (
            lambda model: _piped(_pipe(model, 2, 1), features, loss=self._sum),
            lambda model: _whole(model, features, loss=self._sum),
        ):
            tf_keras.utils.set_random_seed(1)
            model = self._model()
            found.append(step(model))
        _assert_same(*found)

    def test_micro_batches_have_masks_of_their_own(self):
        inputs = tf_keras.Input((64,))
        dropped = layers.Dropout(0.5, seed=0, rng_type="stateful")(inputs)
        model = tf_keras.Model(inputs, layers.Dense(64, kernel_initializer="identity")(dropped))
        seen = []
        _piped(
            _pipe(model, 2, 2),
            tf.ones([2, 64]),
            loss=lambda labels, outputs, weights: seen.append(outputs) or tf.reduce_sum(outputs),
        )
        pipe = _pipe(model, 2, 2)

        @tf.function
        def outputs(features):
            kept = []
            pipe.gradients(
                features,
                None,
                loss=lambda labels, outputs, weights: (
                    kept.append(outputs) or tf.reduce_sum(outputs)
                ),
            )
            return kept[0]

        one, two = outputs(tf.ones([2, 64])).numpy()
        assert (one != two).any()


class TestBatchNormalization:
    @pytest.mark.parametrize("shape", [(3,), (4, 5, 3)])
    @pytest.mark.parametrize("micro_batches", [1, 3, 16])
    def test_averages_move_by_the_moments_of_the_whole_mini_batch(self, shape, micro_batches):
        """As Keras moves them by one call, whatever the cut: once a step."""
        models = []
        for _ in range(2):
            inputs = tf_keras.Input(shape)
            normal = layers.BatchNormalization(momentum=0.9)
            models.append(tf_keras.Model(inputs, layers.Dense(1)(normal(inputs))))
        features = tf.random.normal([13, *shape], 3.0, 2.0)
        pipe = _pipe(models[0], 2, micro_batches)
        for _ in range(2):
            _piped(pipe, features, loss=_mean_square)
            models[1](features, training=True)
        for ours, keras in zip(*(m.non_trainable_variables for m in models), strict=True):
            np.testing.assert_allclose(ours, keras, rtol=2e-6)

    def test_training_uses_the_moments_of_each_micro_batch(self):
        model = _image_model("cnn", cell="depthwise", filters=16)
        images = np.random.default_rng(0).integers(0, 256, (10, 16, 16, 1)).astype(np.float32)
        labels = _labels(10)
        piped = _piped(_pipe(model, 3, 2), {"image": tf.constant(images)}, labels)
        halves = [
            _whole(model, {"image": tf.constant(images[part])}, labels[part])
            for part in (slice(0, 5), slice(5, 10))
        ]
        mean = [tf.add_n(pair) / 2 for pair in zip(*(half[1] for half in halves), strict=True)]
        _assert_same(piped, (sum(half[0] for half in halves) / 2, mean), 5e-6)

    def test_a_shared_normalization_moves_once_for_each_of_its_calls(self):
        models = []
        for _ in range(2):
            inputs = [tf_keras.Input((3,)), tf_keras.Input((3,))]
            normal = layers.BatchNormalization(momentum=0.8)
            models.append(tf_keras.Model(inputs, layers.Add()([normal(each) for each in inputs])))
        features = [tf.random.normal([8, 3]), tf.random.normal([8, 3], 5.0)]
        _piped(_pipe(models[0], 2, 2), features, loss=_mean_square)
        models[1](features, training=True)
        for ours, keras in zip(*(m.non_trainable_variables for m in models), strict=True):
            np.testing.assert_allclose(ours, keras, rtol=2e-6)

    def test_a_frozen_one_does_not_move(self):
        inputs = tf_keras.Input((3,))
        model = tf_keras.Model(inputs, layers.Dense(1)(layers.BatchNormalization()(inputs)))
        model.layers[1].trainable = False
        before = model.get_weights()
        _piped(_pipe(model, 2, 2), tf.random.normal([8, 3], 5.0), loss=_mean_square)
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


class TestTraining:
    def _fit(self, prepare, *, epochs=2, outputs=3, **changes):
        """Train on 50 rows in batches of 16, so that the last has 2; return what came of it."""
        tf_keras.utils.set_random_seed(7)
        model = _table_model("mlp", **changes)
        model.compile(tf_keras.optimizers.Adam(0.01), _LOSS, weighted_metrics=["accuracy"])
        prepare(model)
        features = _table(50)
        labels = tf.cast(features["numeric"][:, 0] > 0, tf.int64) + tf.cast(
            features["numeric"][:, 1] > 0, tf.int64
        )
        data = tf.data.Dataset.from_tensor_slices((features, labels, _weights(50)))
        history = stepping.fit(model, data.batch(16), epochs=epochs, verbose=0).history
        return model, history

    @staticmethod
    def _piped(model):
        model.train_step = _pipe(model, 3, 4).train_step

    def test_it_ends_where_the_whole_model_does(self):
        _, piped = self._fit(self._piped, epochs=15, l2=0.001)
        _, whole = self._fit(lambda model: None, epochs=15, l2=0.001)
        assert piped["loss"] == pytest.approx(whole["loss"], rel=1e-4)
        assert piped["accuracy"][-1] == pytest.approx(whole["accuracy"][-1], abs=0.021)
        assert piped["accuracy"][-1] > 0.7

    def test_the_same_seed_gives_the_same_weights(self):
        changes = {"dropout": 0.3, "normalization": "batch"}
        models = [self._fit(self._piped, **changes) for _ in range(2)]
        _assert_equal_weights(models[0][0], models[1][0])
        assert models[0][1] == models[1][1]

    def test_a_step_does_what_that_of_the_whole_model_does(self):
        models, results = [], []
        for piped in (True, False):
            tf_keras.utils.set_random_seed(7)
            model = _table_model("residual")
            model.compile("sgd", _LOSS, weighted_metrics=["accuracy"])
            data = tf.data.Dataset.from_tensor_slices((_table(), _labels(), _weights())).batch(8)
            if piped:
                model.train_step = _pipe(model, 2, 4).train_step
            step = model.make_train_function()
            iterator = iter(data)
            results.append([step(iterator) for _ in range(3)])
            models.append(model)
        for one, other in zip(*results, strict=True):
            assert {k: float(v) for k, v in one.items()} == pytest.approx(
                {k: float(v) for k, v in other.items()}, rel=1e-5
            )
        assert models[0].optimizer.iterations == 3
        for one, other in zip(*(model.get_weights() for model in models), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


class TestStatistics:
    def test_partitions_are_the_layers_in_order(self):
        pipe = _pipe(_table_model("mlp"), 3, 4)
        names = [name for part in pipe.partitions for name in part.layers]
        assert names == [call.layer.name for call in layer_graph.read(pipe.model).calls]
        assert sum(part.cost_share for part in pipe.partitions) == pytest.approx(1)
        assert sum(part.parameters for part in pipe.partitions) == pipe.model.count_params()

    def test_measuring_says_how_long_stages_wait_and_changes_nothing(self):
        model = _table_model("mlp", dropout=0.5, normalization="batch")
        pipe = _pipe(model, 3, 4)
        before, states = model.get_weights(), TestDropout._states(model)
        found = pipe.measure(_table())
        assert TestDropout._states(model) == states
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        assert found.rows == ROWS
        assert found.examples_per_second == pytest.approx(ROWS / found.seconds)
        assert 0 < found.bubble_share < 1
        assert found.ideal_bubble_share == pytest.approx(2 / 6)
        assert 2 / 6 - 1e-9 <= found.schedule_bubble_share < 1
        assert found.partitions == pipe.partitions


class TestConcurrency:
    @pytest.mark.parametrize("timed", [False, True])
    def test_a_task_waits_for_its_neighbour_and_its_predecessor_alone(self, timed):
        """Whatever else TensorFlow puts in an order, stages would run one after the other."""
        pipe = _pipe(_table_model("mlp", dropout=0.5, normalization="batch"), 2, 3)

        @tf.function
        def run(features, tick):
            step = pipe._step(
                features,
                lambda outputs, penalties: tf.reduce_mean(outputs),
                tick=tick if timed else None,
            )
            return step.gradients, step.times

        graph = run.get_concrete_function(_table(), tf.constant(0.0)).graph
        calls = [op for op in graph.get_operations() if op.type == "StatefulPartitionedCall"]
        order = tasks(2, 3)
        names = {op.name: task for op, task in zip(calls, order, strict=True)}
        for op, task in zip(calls, order, strict=True):
            others = {each for each in order if each.stage != task.stage}
            waited = {names[name] for name in _ancestors(op) & names.keys()} & others
            same_way = {each for each in others if each.kind == task.kind}
            assert waited & same_way == {each for each in same_way if self._leads_to(each, task)}

    @staticmethod
    def _leads_to(one, other):
        if other.kind == "forward":
            return one.stage < other.stage and one.micro_batch <= other.micro_batch
        return one.stage > other.stage and one.micro_batch >= other.micro_batch


def _ancestors(operation):
    """Return the names of the operations that one waits for."""
    found, open_ = set(), [operation]
    while open_:
        current = open_.pop()
        for each in [*(tensor.op for tensor in current.inputs), *current.control_inputs]:
            if each.name not in found:
                found.add(each.name)
                open_.append(each)
    return found


class TestCosts:
    def test_measuring_leaves_weights_and_generators_alone(self):
        model = _table_model("mlp", dropout=0.5, normalization="batch")
        before, states = model.get_weights(), TestDropout._states(model)
        pipe = _pipe(model, 2, 2, costs=None)
        assert TestDropout._states(model) == states
        for one, other in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        assert all(0 < cost.forward <= cost.both for cost in pipe.costs)
        assert len(pipe.costs) == sum(len(stage.calls) for stage in pipe.stages)

    def test_a_large_layer_has_a_stage_for_itself(self):
        inputs = tf_keras.Input((8,))
        hidden = layers.Dense(2000, activation="tanh")(layers.Dense(8)(layers.Dense(8)(inputs)))
        hidden = layers.Dense(2000, name="large")(hidden)
        model = tf_keras.Model(inputs, layers.Dense(1)(layers.Dense(8)(hidden)))
        pipe = _pipe(model, 3, 1, batch_size=64, costs=None)
        assert pipe.stages[1].layer_names == ("large",)


class TestBadInput:
    def _refused(self, setting, model=None, partitions=2, micro_batches=2, **arguments):
        with pytest.raises(InputError) as error:
            _pipe(model or _table_model("mlp"), partitions, micro_batches, **arguments)
        assert error.value.details["setting"] == f"trainer.distribution.{setting}"
        return error.value.details

    def test_more_partitions_than_layers(self):
        details = self._refused("partitions", _table_model("linear"), partitions=9)
        assert details["got"] == 9
        assert "number of its layers" in details["expected"]

    @pytest.mark.parametrize("micro_batches", [3, 16, 0])
    def test_batches_that_cannot_be_divided(self, micro_batches):
        details = self._refused("micro_batches", micro_batches=micro_batches, batch_size=8)
        assert details["expected"] == "a divisor of 8, the batch size"

    def test_no_such_device(self):
        details = self._refused("devices", devices=["CPU:0", "CPU:77"])
        assert details["got"] == "CPU:77"
        assert "CPU:0" in details["expected"]

    def test_fewer_devices_than_partitions(self):
        assert self._refused("devices", devices=["CPU:0"])["got"] == 1
        there = len(tf.config.list_logical_devices())
        deep = _table_model("residual", dropout=0.1)
        if there < len(layer_graph.read(deep).calls):
            self._refused("partitions", deep, partitions=there + 1, devices=None)

    def test_models_that_are_not_functional(self):
        class Own(tf_keras.Model):
            def call(self, inputs):
                return inputs

        with pytest.raises(InputError, match="functional"):
            GPipe(Own(), 1, 1, batch_size=1)

    def test_sizes_that_are_open(self):
        inputs = tf_keras.Input((None, 3))
        model = tf_keras.Model(inputs, layers.Dense(1)(layers.GlobalMaxPooling1D()(inputs)))
        assert self._refused("strategy", model)["got"] == "(None, None, 3)"

    def test_random_numbers_that_cannot_be_drawn_again(self):
        inputs = tf_keras.Input((3,))
        model = tf_keras.Model(inputs, layers.Dense(1)(layers.Dropout(0.5)(inputs)))
        assert self._refused("rematerialize", model)["got"] == "RandomUniform"
        _pipe(model, 2, 2, rematerialize=False)

    def test_layers_that_change_what_they_do_not_own(self):
        counter = tf.Variable(0)

        class Counting(layers.Layer):
            def call(self, values):
                counter.assign_add(1)
                return values

        inputs = tf_keras.Input((3,))
        model = tf_keras.Model(inputs, layers.Dense(1)(Counting()(inputs)))
        self._refused("rematerialize", model)


def test_other_state_of_layers_changes_once_for_each_micro_batch():
    class Counting(layers.Layer):
        def build(self, shape):
            self.calls = self.add_weight("calls", (), tf.int32, "zeros", trainable=False)

        def call(self, values):
            self.calls.assign_add(1)
            return values * tf.cast(self.calls, values.dtype)

    inputs = tf_keras.Input((2,))
    model = tf_keras.Model(inputs, Counting()(layers.Dense(2, use_bias=False)(inputs)))
    loss, (gradient,) = _piped(
        _pipe(model, 2, 3), tf.random.normal([6, 2]), loss=lambda y, out, w: tf.reduce_sum(out)
    )
    assert int(model.layers[-1].calls) == 3
    kernel = model.trainable_variables[0]
    assert float(tf.reduce_sum(kernel * gradient)) == pytest.approx(float(loss), rel=1e-5)


def test_stages_run_on_devices_of_their_own():
    """In a process of its own: logical devices are made before TensorFlow starts."""
    script = """
import tensorflow as tf, tf_keras
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from components.models.distribution.gpipe import GPipe
tf_keras.utils.set_random_seed(0)
inputs = tf_keras.Input((4,))
hidden = tf_keras.layers.Dense(4, activation="tanh")(inputs)
model = tf_keras.Model(inputs, tf_keras.layers.Dense(1)(hidden))
model.compile("sgd", "mse")
features, labels = tf.random.normal([8, 4]), tf.random.normal([8, 1])
with tf.GradientTape() as tape:
    loss = tf.reduce_mean(tf.square(model(features) - labels))
before = [v - 0.01 * g for v, g in zip(model.variables, tape.gradient(loss, model.variables))]
pipe = GPipe(model, 2, 4, batch_size=8)
model.train_step = pipe.train_step
model.fit(features, labels, batch_size=8, verbose=0)
error = max(float(tf.reduce_max(tf.abs(v - b))) for v, b in zip(model.variables, before))
print([part.device[-5:] for part in pipe.partitions], error < 1e-6)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "['CPU:0', 'CPU:1'] True"
