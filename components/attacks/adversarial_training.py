"""Training on attacked rows, so that a model withstands the attack [Madry et al. 2018]."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
import tf_keras

from components.attacks.ascent import Ascent, attacked_input
from components.errors import InputError
from components.models import scores
from components.models.transformed import LABEL

#: Attack on the validation rows, whatever the training's: a model trained on a weak attack may
#: withstand that one alone [Wong et al. 2020, on catastrophic overfitting].
VALIDATION_STEPS = 10
#: Length of all steps together, in units of eps, with which every point of the ball can be
#: reached from every other [Madry et al. 2018].
REACH = 2.5
#: Rows of one pass over the validation rows.
VALIDATION_ROWS = 1_000


def train(
    model: tf_keras.Model,
    arrays: Mapping[str, np.ndarray],
    validation: Mapping[str, np.ndarray],
    *,
    task: str,
    eps: float,
    step: float,
    steps: int,
    epochs: int,
    learning_rate: float,
    batch_size: int,
    seed: int,
    share: float = 1.0,
) -> tuple[tf_keras.Model, list[dict[str, float]]]:
    """Return a copy of a model that is trained further, on attacked rows.

    Each batch is attacked by projected gradient ascent on the model as it is then; the
    weights take a step of Adam down the loss on what comes out. The learning rate falls to 0 in
    a line. Equal arguments give equal models on the same machine.

    Parameters
    ----------
    model : tf_keras.Model
        From features to logits or values; it is left as it is.
    arrays, validation : mapping of str to array
        Transformed features of rows, and their label.
    task : {"binary", "multiclass", "regression"}
    eps, step : float
        Budget and step of the attack: of pixels as a share of their range; of tables in
        standard deviations of the ``numeric`` input, the only one that is changed.
    steps : int
        At least 1. With 1 and a step of ``1.25 * eps`` it is the method of Wong et al. 2020.
    epochs, batch_size : int
    learning_rate : float
        At the start.
    seed : int
        Of the order of rows and of the attack's starts.
    share : float
        Share of each batch that is attacked, in (0, 1].

    Returns
    -------
    model : tf_keras.Model
        As after the epoch of the least loss on attacked validation rows.
    history : list of dict
        Of each epoch: ``loss`` (on the attacked batches), ``validation_loss`` and
        ``robust_validation_loss``.

    Raises
    ------
    InputError
        A setting is out of range, there are fewer rows than in a batch, or the model has no
        input or no gradient to attack.

    References
    ----------
    Madry et al. 2018, Towards deep learning models resistant to adversarial attacks.
    Wong, Rice and Kolter 2020, Fast is better than free.
    """
    rows = len(arrays[LABEL])
    _check(
        eps=eps,
        step=step,
        steps=steps,
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=batch_size,
        share=share,
    )
    if rows < batch_size:
        raise InputError(
            "There are fewer rows to train on than in a batch.",
            setting="batch_size",
            expected=f"at most {rows}",
            got=batch_size,
        )
    tf_keras.utils.set_random_seed(seed)
    copy = tf_keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    name = attacked_input(copy)
    attack = Ascent(task, name, eps, step, steps)
    probe = Ascent(task, name, eps, eps * REACH / VALIDATION_STEPS, VALIDATION_STEPS)
    learner = _Learner(copy, attack, probe, task, max(1, round(share * batch_size)))
    data, held_out = _tensors(copy, arrays), _tensors(copy, validation)
    calls = rows // batch_size
    random = np.random.default_rng(seed)
    best, kept, history = np.inf, copy.get_weights(), []
    for epoch in range(epochs):
        order = random.permutation(rows)[: calls * batch_size].reshape(calls, batch_size)
        first = epoch * calls
        falling = 1.0 - (first + np.arange(calls)) / (epochs * calls)
        loss = learner.epoch(
            data,
            tf.constant(order, tf.int32),
            tf.constant(learning_rate * falling, tf.float32),
            tf.constant([seed, first], tf.int32),
        )
        clean, robust = learner.validate(held_out, seed)
        history.append(
            {"loss": float(loss), "validation_loss": clean, "robust_validation_loss": robust}
        )
        if robust < best:
            best, kept = robust, copy.get_weights()
    copy.set_weights(kept)
    return copy, history


class _Learner:
    """The compiled loops over the batches of an epoch and over the validation rows."""

    def __init__(
        self, model: tf_keras.Model, attack: Ascent, probe: Ascent, task: str, attacked: int
    ) -> None:
        loss = scores.loss(task)
        optimizer = tf_keras.optimizers.Adam(jit_compile=False)
        variables = model.trainable_variables
        optimizer.build(variables)
        types = {tensor.name: tensor.dtype for tensor in model.inputs} | {LABEL: tf.float32}

        def typed(rows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            return {key: tf.cast(values, types[key]) for key, values in rows.items()}

        def step(rows: dict[str, tf.Tensor], seed: tf.Tensor) -> tf.Tensor:
            labels = rows[LABEL]
            features = {key: values for key, values in rows.items() if key != LABEL}
            part = {key: values[:attacked] for key, values in features.items()}
            changed = attack(model, part, labels[:attacked], seed)
            mixed = {
                key: tf.concat([tf.cast(changed[key], values.dtype), values[attacked:]], axis=0)
                for key, values in features.items()
            }
            with tf.GradientTape() as tape:
                value = loss(labels, model(mixed, training=True))
                total = tf.add_n([value, *model.losses])
            optimizer.apply_gradients(zip(tape.gradient(total, variables), variables, strict=True))
            return value

        @tf.function
        def epoch(
            data: dict[str, tf.Tensor], order: tf.Tensor, rates: tf.Tensor, seed: tf.Tensor
        ) -> tf.Tensor:
            total = tf.constant(0.0)
            for number in tf.range(tf.shape(order)[0]):
                optimizer.learning_rate.assign(rates[number])
                rows = {key: tf.gather(values, order[number]) for key, values in data.items()}
                total += step(typed(rows), seed + tf.stack([0, number]))
            return total / tf.cast(tf.shape(order)[0], tf.float32)

        @tf.function
        def losses(rows: dict[str, tf.Tensor], seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            rows = typed(rows)
            features = {key: values for key, values in rows.items() if key != LABEL}
            changed = probe(model, features, rows[LABEL], seed)
            return tuple(
                loss(rows[LABEL], model(given, training=False)) for given in (features, changed)
            )

        self.epoch = epoch
        self._losses = losses

    def validate(self, data: dict[str, tf.Tensor], seed: int) -> tuple[float, float]:
        """Return the loss on rows as they are, and as they are attacked."""
        rows = len(data[LABEL])
        sums = np.zeros(2)
        for start in range(0, rows, VALIDATION_ROWS):
            part = {key: values[start : start + VALIDATION_ROWS] for key, values in data.items()}
            found = self._losses(part, tf.constant([seed, start], tf.int32))
            sums += len(part[LABEL]) * np.array([float(value) for value in found])
        clean, robust = sums / rows
        return float(clean), float(robust)


def _tensors(model: tf_keras.Model, arrays: Mapping[str, np.ndarray]) -> dict[str, tf.Tensor]:
    """Return what the model takes of some arrays, and the labels [n, 1], in their own types."""
    result = {tensor.name: tf.constant(arrays[tensor.name]) for tensor in model.inputs}
    result[LABEL] = tf.constant(np.reshape(arrays[LABEL], (-1, 1)))
    return result


def _check(**settings: float) -> None:
    for name, value in settings.items():
        if not value > 0:
            raise InputError(
                f"Adversarial training needs {name} above 0.",
                setting=name,
                expected="a number above 0",
                got=value,
            )
    if settings["share"] > 1:
        raise InputError(
            "More rows than a batch has cannot be attacked.",
            setting="share",
            expected="a number in (0, 1]",
            got=settings["share"],
        )
