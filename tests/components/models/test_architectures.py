"""Every architecture builds and learns; what it computes is what its paper says."""

from __future__ import annotations

import time
from typing import Any, get_args

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.models import architectures, training
from components.models.hyperparameters import HyperParameters

NAMES = ("a", "a:cdf", "flag")
SIZES = (5, 40)


def build(outputs: int = 1, **hp: Any) -> tf_keras.Model:
    tf_keras.utils.set_random_seed(0)
    return architectures.build(
        HyperParameters(**hp), numeric=NAMES, vocabulary_sizes=SIZES, outputs=outputs
    )


def rows(n: int = 64) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "numeric": rng.normal(size=(n, 3)).astype(np.float32),
        "categorical": np.stack([rng.integers(0, size, n) for size in SIZES], axis=1),
    }


def test_default_model_is_as_it_was() -> None:
    assert {layer.name for layer in build().layers} == {
        "categorical",
        "numeric",
        "embedding_rows",
        "embedding",
        "embedded",
        "features",
        "hidden_0",
        "hidden_1",
        "deep",
        "linear_categorical_rows",
        "linear_categorical",
        "linear_numeric",
        "linear_sum",
        "linear",
        "wide_and_deep",
    }


@pytest.mark.parametrize("architecture", sorted(architectures.ARCHITECTURES))
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
def test_every_architecture_learns(architecture: str, normalization: str) -> None:
    data = rows(600)
    logits = data["numeric"][:, 0] * 2 + (data["categorical"][:, 0] > 2) - 0.5
    data["label"] = (logits > 0).astype(np.int64)
    hp = HyperParameters(
        architecture=architecture,
        hidden_units=(16, 8),
        normalization=normalization,
        dropout=0.1,
        learning_rate=0.02,
        batch_size=64,
    )
    tf_keras.utils.set_random_seed(0)
    model = architectures.build(hp, numeric=NAMES, vocabulary_sizes=SIZES, outputs=1)
    history = training.train(
        model, data, data, label="label", task="binary", hp=hp, epochs=12, patience=12, seed=1
    )
    assert history.best_loss < 0.35  # log 2 is no better than a coin


@pytest.mark.parametrize("architecture", sorted(architectures.ARCHITECTURES))
def test_architectures_do_with_numbers_or_categories_alone(architecture: str) -> None:
    hp = HyperParameters(architecture=architecture, hidden_units=(8,))
    for names, sizes in (((), SIZES), (NAMES, ())):
        model = architectures.build(hp, numeric=names, vocabulary_sizes=sizes, outputs=3)
        inputs = {tensor.name: rows()[tensor.name] for tensor in model.inputs}
        assert model(inputs).shape == (64, 3)


def test_parameters_by_hand() -> None:
    embedded = 3 + 2 * 4  # numbers, and two embeddings of width 4
    table = sum(SIZES) * 4
    mlp = build(architecture="mlp", hidden_units=(7,), embedding_dim=4)
    assert mlp.count_params() == table + (embedded + 1) * 7 + 8
    cross = build(architecture="cross", hidden_units=(7,), embedding_dim=4, cross_layers=2)
    assert cross.count_params() == (
        table + 2 * (embedded + 1) * embedded + (embedded + 1) * 7 + embedded + 7 + 1
    )
    residual = build(architecture="residual", hidden_units=(7, 7), embedding_dim=4)
    blocks = 2 * 2 * (7 + 1) * 7
    assert residual.count_params() == table + (embedded + 1) * 7 + blocks + 8
    linear = build(architecture="linear", outputs=2)
    assert linear.count_params() == (3 + 1) * 2 + sum(SIZES) * 2


def test_cross_layer_is_that_of_the_paper() -> None:
    model = build(architecture="cross", hidden_units=(4,), cross_layers=1)
    features = tf_keras.Model(model.inputs, model.get_layer("features").output)(rows()).numpy()
    crossed = tf_keras.Model(model.inputs, model.get_layer("cross_0").output)(rows()).numpy()
    kernel, bias = (w.numpy() for w in model.get_layer("cross_weights_0").weights)
    np.testing.assert_allclose(
        crossed, features * (features @ kernel + bias) + features, rtol=1e-4, atol=1e-5
    )


def test_residual_block_with_no_branch_is_the_identity() -> None:
    model = build(architecture="residual", hidden_units=(6, 6))
    layer = model.get_layer("residual_1")
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    before, after = (
        tf_keras.Model(model.inputs, model.get_layer(name).output)(rows()).numpy()
        for name in ("block_0", "block_1")
    )
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("architecture", ["wide_and_deep", "mlp", "residual", "cross"])
@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_normalization_stands_between_a_matrix_and_the_activation(
    architecture: str, normalization: str
) -> None:
    # What quantization-aware training asks of batch normalization.
    model = build(architecture=architecture, normalization=normalization, activation="elu")
    kind = {
        "batch": tf_keras.layers.BatchNormalization,
        "layer": tf_keras.layers.LayerNormalization,
    }[normalization]
    normalizations = [layer for layer in model.layers if isinstance(layer, kind)]
    assert len(normalizations) == 2
    for layer in normalizations:
        [before] = layer.inbound_nodes[0].parent_nodes
        [after] = [node.layer for node in layer.outbound_nodes]
        assert isinstance(before.layer, tf_keras.layers.Dense)
        assert before.layer.activation is tf_keras.activations.linear
        assert after.activation is tf_keras.activations.elu


def test_model_takes_the_numbers_that_it_is_told() -> None:
    data = rows()
    for numeric, ignored in (("standardized", 1), ("ranks", 0)):
        model = build(architecture="mlp", numeric=numeric)
        changed = {**data, "numeric": data["numeric"].copy()}
        changed["numeric"][:, ignored] += 100
        np.testing.assert_array_equal(model(data), model(changed))


def test_rare_categories_are_unknown_ones() -> None:
    model = build(architecture="mlp", max_categories=3)
    data = rows()
    rare = {**data, "categorical": np.where(data["categorical"] >= 5, 39, data["categorical"])}
    unknown = {**data, "categorical": np.where(data["categorical"] >= 5, 1, data["categorical"])}
    np.testing.assert_array_equal(model(rare), model(unknown))


@pytest.mark.parametrize(
    "initializer", get_args(HyperParameters.model_fields["initializer"].annotation)
)
def test_layers_of_one_shape_do_not_begin_alike(initializer: str) -> None:
    model = build(architecture="mlp", hidden_units=(9, 9, 9), initializer=initializer)
    first, second = (model.get_layer(f"hidden_{index}").kernel.numpy() for index in (1, 2))
    assert np.abs(first - second).max() > 0.01


@pytest.mark.parametrize("schedule", ["constant", "cosine", "exponential"])
def test_learning_rate_follows_the_schedule(schedule: str) -> None:
    hp = HyperParameters(schedule=schedule, learning_rate=0.1)
    rate = training.learning_rate(hp, steps=100)
    values = [float(rate(step)) if callable(rate) else rate for step in (0, 50, 100)]
    expected = {
        "constant": [0.1, 0.1, 0.1],
        "cosine": [0.1, 0.05, 0.0],
        "exponential": [0.1, 0.01, 0.001],
    }
    np.testing.assert_allclose(values, expected[schedule], atol=1e-7)


@pytest.mark.parametrize(
    "optimizer", get_args(HyperParameters.model_fields["optimizer"].annotation)
)
def test_every_optimizer_steps(optimizer: str) -> None:
    data = {**rows(), "label": np.tile([0, 1], 32)}
    hp = HyperParameters(architecture="linear", optimizer=optimizer, schedule="cosine")
    model = architectures.build(hp, numeric=NAMES, vocabulary_sizes=SIZES, outputs=1)
    before = [weight.numpy() for weight in model.trainable_variables]
    training.train(
        model, data, data, label="label", task="binary", hp=hp, epochs=1, patience=1, seed=0
    )
    after = [weight.numpy() for weight in model.trainable_variables]
    assert all(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def train_linear(data: dict[str, np.ndarray], **settings: Any) -> tuple[Any, training.History]:
    hp = HyperParameters(architecture="linear", batch_size=16)
    tf_keras.utils.set_random_seed(3)
    model = architectures.build(hp, numeric=NAMES, vocabulary_sizes=SIZES, outputs=1)
    settings = {"epochs": 6, "patience": 6, **settings}
    history = training.train(
        model, data, data, label="label", task="binary", hp=hp, seed=0, **settings
    )
    return model, history


def test_listener_hears_each_epoch_and_may_end_the_training() -> None:
    data = {**rows(), "label": np.tile([0, 1], 32)}
    heard: list[tuple[int, float]] = []

    def on_epoch(epoch: int, loss: float) -> bool:
        heard.append((epoch, loss))
        return epoch == 2

    _, history = train_linear(data, on_epoch=on_epoch)
    assert [epoch for epoch, _ in heard] == [0, 1, 2]
    assert len(history.epochs) == 3
    assert history.best_loss == min(loss for _, loss in heard)


def test_loss_that_is_compared_has_no_penalties() -> None:
    data = {**rows(), "label": np.tile([0, 1], 32)}
    hp = HyperParameters(architecture="mlp", l2=0.1)
    model = architectures.build(hp, numeric=NAMES, vocabulary_sizes=SIZES, outputs=1)
    history = training.train(
        model, data, data, label="label", task="binary", hp=hp, epochs=1, patience=1, seed=0
    )
    logits = model({name: data[name] for name in ("numeric", "categorical")})
    plain = tf_keras.losses.BinaryCrossentropy(from_logits=True)(
        data["label"][:, None], tf.constant(logits)
    )
    assert history.best_loss == pytest.approx(float(plain), rel=1e-4)
    assert history.epochs[0]["val_loss"] > history.best_loss + 0.1


def test_training_ends_when_the_time_is_up() -> None:
    data = {**rows(), "label": np.tile([0, 1], 32)}
    with pytest.raises(TimeoutError):
        train_linear(data, deadline=time.monotonic())
    began = time.monotonic()
    _, history = train_linear(data, epochs=10**6, patience=10**6, deadline=began + 3)
    assert time.monotonic() - began < 8
    assert 1 <= len(history.epochs) < 10**6


def test_training_goes_on_from_where_a_shorter_one_ended(tmp_path) -> None:
    data = {**rows(), "label": np.tile([0, 1], 32)}
    keep: dict[str, Any] = {"keep_checkpoint": True, "checkpoint_seconds": 1e9}
    whole, _ = train_linear(data, epochs=6)
    train_linear(data, epochs=2, checkpoints=tmp_path, **keep)
    rest, history = train_linear(data, epochs=6, checkpoints=tmp_path, **keep)
    assert history.resumed_from == 2
    for one, other in zip(whole.get_weights(), rest.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
