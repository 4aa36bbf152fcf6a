"""Losses: against their formulas in NumPy, at their limits, and against each other."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax

from components.distiller import losses
from components.distiller.losses import CLASSIFICATION, REGRESSION, as_logits

ROWS = 40
ALL = {**CLASSIFICATION, **REGRESSION}


def _logits(classes, seed=0):
    random = np.random.default_rng(seed)
    student, teacher = random.normal(scale=3, size=(2, ROWS, classes))
    return student, teacher, random.integers(0, classes, ROWS)


def _of(name, student, teacher, label, temperature=1.0, **options):
    arguments = [tf.constant(array, tf.float64) for array in (student, teacher)]
    return ALL[name](
        *arguments, tf.constant(label), tf.constant(temperature, tf.float64), **options
    ).numpy()


def _gradient(name, student, teacher, label, temperature=1.0, **options):
    variable = tf.Variable(student, dtype=tf.float64)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(
            ALL[name](
                variable,
                tf.constant(teacher, tf.float64),
                tf.constant(label),
                tf.constant(temperature, tf.float64),
                **options,
            )
        )
    return tape.gradient(total, variable).numpy()


def _divergence(p, q):
    return np.sum(p * (np.log(p) - np.log(q)), axis=1)


@pytest.mark.parametrize("temperature", [1.0, 4.0, 20.0])
def test_soft_targets(temperature):
    student, teacher, label = _logits(5)
    p, q = (softmax(z / temperature, axis=1) for z in (teacher, student))
    expected = temperature**2 * _divergence(p, q)
    np.testing.assert_allclose(
        _of("soft_targets", student, teacher, label, temperature), expected, rtol=1e-9
    )
    # The gradient of the paper's cross-entropy, equation 2, times T^2.
    np.testing.assert_allclose(
        _gradient("soft_targets", student, teacher, label, temperature),
        temperature * (q - p),
        rtol=1e-9,
    )


def test_logits():
    student, teacher, label = _logits(5)
    difference = student - teacher
    difference -= difference.mean(axis=1, keepdims=True)
    expected = (difference**2).mean(axis=1) / 2
    np.testing.assert_allclose(_of("logits", student, teacher, label), expected)


@pytest.mark.parametrize("classes", [2, 5])
def test_soft_targets_tend_to_the_logits(classes):
    student, teacher, label = _logits(classes)
    for measure in (_of, _gradient):
        limit = measure("logits", student, teacher, label)
        far, further = (
            np.abs(measure("soft_targets", student, teacher, label, t) - limit).max()
            for t in (100.0, 1000.0)
        )
        assert further < 0.01 * np.abs(limit).max()
        assert further < far / 5


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_decoupled(temperature):
    student, teacher, label = _logits(5)
    p, q = (softmax(z / temperature, axis=1) for z in (teacher, student))
    own = np.arange(5)[np.newaxis] == label[:, np.newaxis]
    pt, qt = p[own], q[own]
    target = pt * np.log(pt / qt) + (1 - pt) * np.log((1 - pt) / (1 - qt))
    others_p, others_q = (
        (each[~own].reshape(ROWS, 4) / (1 - each[own])[:, np.newaxis]) for each in (p, q)
    )
    expected = temperature**2 * (1.5 * target + 3.0 * _divergence(others_p, others_q))
    found = _of("decoupled", student, teacher, label, temperature, alpha=1.5, beta=3.0)
    np.testing.assert_allclose(found, expected, rtol=1e-7)


@pytest.mark.parametrize("measure", [_of, _gradient])
def test_decoupled_has_soft_targets_as_a_case(measure):
    student, teacher, label = _logits(6)
    others = 1 - softmax(teacher / 3, axis=1)[np.arange(ROWS), label]
    np.testing.assert_allclose(
        measure("decoupled", student, teacher, label, 3.0, alpha=1.0, beta=tf.constant(others)),
        measure("soft_targets", student, teacher, label, 3.0),
        rtol=1e-6,
        atol=1e-9,
    )


def test_decoupled_of_two_classes_is_soft_targets():
    student, teacher, label = _logits(2)
    np.testing.assert_allclose(
        _of("decoupled", student, teacher, label, 2.0, beta=100.0),
        _of("soft_targets", student, teacher, label, 2.0),
        rtol=1e-7,
    )


def test_decoupled_takes_the_teacher_s_class_where_there_is_no_label():
    student, teacher, _ = _logits(4)
    np.testing.assert_array_equal(
        _of("decoupled", student, teacher, np.full(ROWS, -1)),
        _of("decoupled", student, teacher, teacher.argmax(axis=1)),
    )


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_one_logit_is_a_softmax_of_two(name):
    student, teacher, label = _logits(1)
    label = np.random.default_rng(1).integers(0, 2, ROWS)
    # Any two logits with this difference, not only those that `as_logits` makes.
    shift = np.random.default_rng(2).normal(size=(ROWS, 1))
    two = [np.concatenate([shift, z + shift], axis=1) for z in (student, teacher)]
    one = [as_logits(tf.constant(z)).numpy() for z in (student, teacher)]
    assert one[0].shape == (ROWS, 2)
    np.testing.assert_allclose(
        _of(name, *one, label, 2.0), _of(name, *two, label, 2.0), rtol=1e-6, atol=1e-12
    )
    # The paper's derivative by the one logit: T (sigmoid(s / T) - sigmoid(t / T)).
    if name == "soft_targets":
        variable = tf.Variable(student)
        with tf.GradientTape() as tape:
            found = losses.CLASSIFICATION[name](
                as_logits(variable),
                as_logits(tf.constant(teacher)),
                label,
                tf.constant(2.0, tf.float64),
            )
            total = tf.reduce_sum(found)
        sigmoid = [1 / (1 + np.exp(-z / 2)) for z in (student, teacher)]
        np.testing.assert_allclose(
            tape.gradient(total, variable).numpy(), 2 * (sigmoid[0] - sigmoid[1]), rtol=1e-9
        )


def test_values_and_bounded():
    student, teacher, _ = _logits(1)
    label = np.random.default_rng(3).normal(size=ROWS)
    np.testing.assert_allclose(
        _of("values", student, teacher, label), (student - teacher)[:, 0] ** 2
    )
    own, bound = ((z[:, 0] - label) ** 2 for z in (student, teacher))
    found = _of("bounded", student, teacher, label)
    np.testing.assert_allclose(found, np.where(own > bound, own, 0.0))
    assert 0 < np.count_nonzero(found) < ROWS


@pytest.mark.parametrize("name", ALL)
def test_every_loss_is_zero_for_the_teacher_itself_and_positive_elsewhere(name):
    student, teacher, label = _logits(1 if name in REGRESSION else 3)
    if name in REGRESSION:
        label = np.random.default_rng(4).normal(scale=5, size=ROWS)
    np.testing.assert_allclose(_of(name, teacher, teacher, label, 2.0), 0, atol=1e-12)
    found = _of(name, student, teacher, label, 2.0)
    assert found.shape == (ROWS,)
    assert (found >= 0).all()
    assert found.any()
    assert np.isfinite(_gradient(name, student, teacher, label, 2.0)).all()


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_large_logits_are_no_trouble(name):
    student = np.array([[1e4, 0.0, -1e4]], np.float32)
    found = CLASSIFICATION[name](student, -student, tf.constant([0]), tf.constant(1.0))
    assert np.isfinite(found.numpy()).all()
