"""Adversarial training: a model that goes by what an attack cannot change."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.attacks import adversarial_training
from components.attacks.ascent import Ascent, attacked_input, differentiable
from components.errors import InputError

#: Mean of the weak columns, and how many there are; together they tell nearly all, and the
#: budget turns every one of them around [Tsipras et al. 2019, section 2.1].
WEAK, COLUMNS, EPS = 0.35, 40, 0.7
#: How often the one strong column is right.
STRONG = 0.9
SETTINGS = {
    "task": "binary",
    "eps": EPS,
    "step": EPS,
    "steps": 2,
    "epochs": 12,
    "learning_rate": 0.03,
    "batch_size": 100,
    "seed": 3,
}


def _rows(rows, seed):
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, rows)
    sign = 2.0 * label - 1
    strong = sign * np.where(random.random(rows) < STRONG, 1, -1)
    weak = WEAK * sign[:, None] + random.normal(size=(rows, COLUMNS))
    return {
        "numeric": np.column_stack([strong, weak]).astype(np.float32),
        "label": label.astype(np.int64),
    }


def _linear(width=COLUMNS + 1, seed=1):
    tf_keras.utils.set_random_seed(seed)
    inputs = tf_keras.Input((width,), name="numeric")
    return tf_keras.Model({"numeric": inputs}, tf_keras.layers.Dense(1)(inputs))


def _accuracies(model, arrays, eps=EPS):
    """Return the accuracy on rows as they are and at the worst in the ball, which is exact."""
    kernel, bias = model.get_weights()
    sign = 2.0 * arrays["label"] - 1
    margins = sign * (arrays["numeric"] @ kernel + bias)[:, 0]
    return (margins > 0).mean(), (margins > eps * np.abs(kernel).sum()).mean()


@pytest.fixture(scope="module")
def trained():
    train, validation = _rows(2000, 1), _rows(1000, 2)
    plain, _ = adversarial_training.train(
        _linear(), train, validation, **(SETTINGS | {"eps": 1e-6, "step": 1e-6})
    )
    start = _linear()
    before = start.get_weights()
    robust, history = adversarial_training.train(start, train, validation, **SETTINGS)
    assert all(map(np.array_equal, before, start.get_weights()))
    return plain, robust, history, validation


def test_a_robust_model_goes_by_the_one_column_that_the_budget_does_not_turn(trained):
    plain, robust, _, validation = trained
    clean, attacked = _accuracies(plain, validation)
    assert clean > 0.95
    assert attacked < 0.2
    clean, attacked = _accuracies(robust, validation)
    assert clean > STRONG - 0.04
    assert attacked > STRONG - 0.1


def test_history_tells_both_losses_and_the_best_epoch_is_kept(trained):
    _, robust, history, validation = trained
    assert len(history) == SETTINGS["epochs"]
    assert all(each["robust_validation_loss"] >= each["validation_loss"] for each in history)
    logits = robust({"numeric": validation["numeric"]}).numpy()[:, 0]
    loss = np.logaddexp(0, -(2.0 * validation["label"] - 1) * logits).mean()
    best = min(history, key=lambda each: each["robust_validation_loss"])
    assert loss == pytest.approx(best["validation_loss"], rel=1e-4)


def test_equal_arguments_give_equal_models_and_another_seed_another():
    train, validation = _rows(300, 1), _rows(100, 2)
    short = SETTINGS | {"epochs": 1}
    first, again, other = (
        adversarial_training.train(_linear(), train, validation, **(short | {"seed": seed}))[
            0
        ].get_weights()[0]
        for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"eps": 0.0}, "eps"),
        ({"steps": 0}, "steps"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"share": 1.5}, "share"),
        ({"batch_size": 1000}, "batch_size"),
    ],
)
def test_bad_settings_are_named(changes, setting):
    rows = _rows(200, 1)
    with pytest.raises(InputError) as error:
        adversarial_training.train(_linear(), rows, rows, **(SETTINGS | changes))
    assert error.value.details["setting"] == setting


def test_an_attack_stays_in_its_ball_and_finds_the_worst_corner_of_a_linear_model():
    model, rows = _linear(), _rows(50, 1)
    attack = Ascent("binary", "numeric", 0.5, 0.5, 3)
    labels = tf.constant(rows["label"][:, None], tf.float32)
    changed = attack(model, {"numeric": rows["numeric"]}, labels, tf.constant([1, 2]))
    sign = 2.0 * rows["label"][:, None] - 1
    corner = rows["numeric"] - 0.5 * sign * np.sign(model.get_weights()[0][:, 0])
    np.testing.assert_allclose(changed["numeric"], corner, atol=1e-5)


def test_pixels_stay_pixels():
    image = tf_keras.Input((4, 4, 1), name="image")
    model = tf_keras.Model(
        {"image": image}, tf_keras.layers.Dense(3)(tf_keras.layers.Flatten()(image))
    )
    pixels = np.random.default_rng(1).integers(0, 256, (20, 4, 4, 1)).astype(np.uint8)
    attack = Ascent("multiclass", "image", 0.1, 0.1, 2)
    changed = attack(model, {"image": pixels}, tf.zeros([20, 1]), tf.constant([1, 2]))["image"]
    assert changed.numpy().min() >= 0
    assert changed.numpy().max() <= 255
    difference = np.abs(changed - pixels.astype(np.float32))
    assert 0.09 * 255 < difference.max() <= 0.1 * 255 + 1e-3


def test_a_model_without_numbers_or_without_gradients_says_so():
    ids = tf_keras.Input((2,), dtype=tf.int64, name="categorical")
    embedded = tf_keras.layers.Embedding(4, 2)(ids)
    categorical = tf_keras.Model(
        {"categorical": ids}, tf_keras.layers.Dense(1)(tf_keras.layers.Flatten()(embedded))
    )
    with pytest.raises(InputError, match="no input that can be changed"):
        attacked_input(categorical)
    numbers = tf_keras.Input((2,), name="numeric")
    steps = tf_keras.Model(
        {"numeric": numbers}, tf_keras.layers.Lambda(lambda x: tf.floor(x)[:, :1])(numbers)
    )
    rows = {"numeric": np.ones((4, 2), np.float32), "label": np.zeros(4)}
    assert not differentiable(categorical, {"categorical": np.zeros((4, 2), np.int64)})
    assert not differentiable(steps, rows)
    assert not differentiable(None, rows)
    assert differentiable(_linear(2), rows)
    with pytest.raises(InputError, match="no gradient"):
        Ascent("binary", "numeric", 1.0, 1.0, 1)(
            steps, {"numeric": rows["numeric"]}, tf.zeros([4, 1]), tf.constant([1, 2])
        )
