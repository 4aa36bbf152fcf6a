"""Training: it learns, it is reproducible, and it resumes as if nothing had happened."""

import math

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.models import architectures, input_pipeline, training
from components.models.hyperparameters import HyperParameters

HP = HyperParameters(
    hidden_units=(16, 8), embedding_dim=4, dropout=0.2, batch_size=32, learning_rate=0.01
)
VOCABULARIES = (5, 7)


@pytest.fixture(autouse=True)
def _deterministic():
    tf_keras.utils.set_random_seed(3)
    tf.config.experimental.enable_op_determinism()


def _data(rows, seed=0, classes=2):
    generator = np.random.default_rng(seed)
    numeric = generator.normal(size=(rows, 3)).astype(np.float32)
    categorical = np.stack([generator.integers(0, n, rows) for n in VOCABULARIES], axis=1)
    score = numeric[:, 0] + (categorical[:, 0] == 2) * 2 - numeric[:, 1] * (categorical[:, 1] > 3)
    edges = np.quantile(score, np.arange(1, classes) / classes)
    return {
        "numeric": numeric,
        "categorical": categorical,
        "label": np.searchsorted(edges, score).astype(np.int64),
    }


def _model(outputs=1, hp=HP):
    tf_keras.utils.set_random_seed(3)
    return architectures.build(
        hp, numeric=("a", "b", "c"), vocabulary_sizes=VOCABULARIES, outputs=outputs
    )


def _train(model, *, epochs=6, patience=10, task="binary", hp=HP, **arguments):
    classes = 3 if task == "multiclass" else 2
    return training.train(
        model,
        _data(600, 0, classes),
        _data(300, 1, classes),
        label="label",
        task=task,
        hp=hp,
        epochs=epochs,
        patience=patience,
        seed=5,
        **arguments,
    )


# Two classes by the other architectures: `test_every_architecture_learns`.
@pytest.mark.parametrize(
    ("architecture", "task", "outputs"),
    [
        ("wide_and_deep", "binary", 1),
        *((name, "multiclass", 3) for name in sorted(architectures.ARCHITECTURES)),
    ],
)
def test_learns(architecture, task, outputs):
    hp = HP.model_copy(update={"architecture": architecture, "dropout": 0.0})
    history = _train(_model(outputs, hp), task=task, hp=hp, epochs=12)
    first, best = history.epochs[0]["val_loss"], history.best_loss
    assert best < first * 0.9
    chance = 1 / max(outputs, 2)
    assert history.epochs[history.best_epoch]["val_accuracy"] > chance + 0.2


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_the_model_keeps_the_weights_of_its_best_epoch(normalization):
    # Overshoots soon. Moving statistics are among the weights.
    hp = HP.model_copy(update={"learning_rate": 0.2, "normalization": normalization})
    model = _model(hp=hp)
    history = _train(model, epochs=8, hp=hp)
    assert history.best_epoch < 7
    validation = input_pipeline.batches(_data(300, 1), label="label")
    assert model.evaluate(validation, verbose=0)[0] == pytest.approx(history.best_loss, rel=1e-5)


def test_stops_when_patience_runs_out():
    hp = HP.model_copy(update={"learning_rate": 0.2})
    history = _train(_model(hp=hp), epochs=200, patience=2, hp=hp)
    assert len(history.epochs) == history.best_epoch + 3 < 200


def test_the_first_epoch_counts_only_if_there_is_no_other():
    assert training.History(epoch_seconds=[9.0, 1.0, 2.0]).seconds_per_epoch == 1.5
    assert training.History(epoch_seconds=[9.0]).seconds_per_epoch == 9.0
    assert training.History().seconds_per_epoch is None


def test_hyperparameters_may_bound_the_epochs_themselves():
    hp = HP.model_copy(update={"epochs": 2})
    assert len(_train(_model(hp=hp), epochs=6, hp=hp).epochs) == 2
    hp = HP.model_copy(update={"learning_rate": 0.2, "patience": 1})
    history = _train(_model(hp=hp), epochs=200, patience=100, hp=hp)
    assert len(history.epochs) == history.best_epoch + 2 < 200


class _Kill(Exception):
    pass


def _killed_after(epochs, monkeypatch):
    """Make the training loop die at the end of an epoch, as kill -9 would."""
    save = training._Keeper.save

    def save_and_die(self):
        save(self)
        if len(self._history.epochs) == epochs:
            raise _Kill

    monkeypatch.setattr(training._Keeper, "save", save_and_die)


@pytest.mark.parametrize(
    ("optimizer", "schedule", "normalization"),
    [
        ("adam", "constant", "none"),
        ("adamw", "cosine", "batch"),
        ("sgd", "exponential", "layer"),
        ("rmsprop", "constant", "batch"),
        ("adagrad", "cosine", "none"),
    ],
)
def test_a_killed_training_resumes_to_the_same_weights(
    tmp_path, monkeypatch, optimizer, schedule, normalization
):
    hp = HP.model_copy(
        update={"optimizer": optimizer, "schedule": schedule, "normalization": normalization}
    )
    undisturbed = _model(hp=hp)
    expected = _train(undisturbed, hp=hp)

    with monkeypatch.context() as patch:
        _killed_after(3, patch)
        with pytest.raises(_Kill):
            _train(_model(hp=hp), hp=hp, checkpoints=tmp_path, checkpoint_seconds=0)
    tf_keras.utils.set_random_seed(99)  # a new process knows nothing of the old one
    resumed = architectures.build(
        hp, numeric=("a", "b", "c"), vocabulary_sizes=VOCABULARIES, outputs=1
    )
    history = _train(resumed, hp=hp, checkpoints=tmp_path, checkpoint_seconds=0)

    assert history.resumed_from == 3
    assert history.epochs == expected.epochs
    assert (len(history.epoch_seconds), len(expected.epoch_seconds)) == (3, 6)
    for ours, theirs in zip(resumed.get_weights(), undisturbed.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_checkpoint_cut_short_is_not_used(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        _killed_after(2, patch)
        with pytest.raises(_Kill):
            _train(_model(), checkpoints=tmp_path, checkpoint_seconds=0)
    # Killed while it writes the next weights: the state file still names the old ones.
    (tmp_path / "epoch-3.index").write_bytes(b"half")
    assert _train(_model(), checkpoints=tmp_path, checkpoint_seconds=0).resumed_from == 2


class _Clock:
    """Stands still until it is told."""

    now = 0.0

    def monotonic(self):
        return self.now


def test_what_is_done_after_an_epoch_counts_for_the_next(monkeypatch):
    clock = _Clock()
    monkeypatch.setattr(training, "time", clock)

    def on_epoch(epoch, loss):
        clock.now += [4.0, 3.0, 2.0][epoch]
        return False

    history = _train(_model(), epochs=3, on_epoch=on_epoch)
    assert history.epoch_seconds == [0.0, 4.0, 3.0]
    assert history.seconds == 9.0


@pytest.mark.parametrize("checkpoint_seconds", [0, 1000])
def test_an_epoch_that_the_deadline_cuts_off_is_as_if_it_had_not_begun(
    tmp_path, monkeypatch, checkpoint_seconds
):
    undisturbed = _model()
    expected = _train(undisturbed)
    clock = _Clock()

    def on_epoch(epoch, loss):
        clock.now = 60.0 * (epoch == 1)
        return False

    arguments = {"checkpoints": tmp_path, "checkpoint_seconds": checkpoint_seconds}
    with monkeypatch.context() as patch:
        patch.setattr(training, "time", clock)
        history = _train(
            _model(), deadline=50, on_epoch=on_epoch, keep_checkpoint=True, **arguments
        )
    assert history.epochs == expected.epochs[:2]

    resumed = _model()
    history = _train(resumed, **arguments)
    assert history.resumed_from == (2 if checkpoint_seconds == 0 else 0)
    assert history.epochs == expected.epochs
    for ours, theirs in zip(resumed.get_weights(), undisturbed.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_same_seed_gives_the_same_model():
    first, second = _model(), _model()
    _train(first, epochs=2)
    tf_keras.utils.set_random_seed(3)
    _train(second, epochs=2)
    for ours, theirs in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_every_row_is_seen_once_an_epoch():
    arrays = {"x": np.arange(10), "label": np.arange(10)}
    batches = list(
        input_pipeline.shuffled_epochs(
            arrays, label="label", batch_size=4, seed=1, epochs=range(2)
        ).as_numpy_iterator()
    )
    assert [len(label) for _, label in batches] == [4, 4, 2] * 2
    epochs = [np.concatenate([label for _, label in part]) for part in (batches[:3], batches[3:])]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert not np.array_equal(*epochs)
    [later, *_] = input_pipeline.shuffled_epochs(
        arrays, label="label", batch_size=10, seed=1, epochs=range(1, 2)
    ).as_numpy_iterator()
    np.testing.assert_array_equal(later[1], epochs[1])


def test_divergence_is_an_error_that_names_the_setting():
    hp = HP.model_copy(update={"optimizer": "sgd", "learning_rate": 1e30, "dropout": 0.0})
    with pytest.raises(training.DivergedError, match=r"trainer\.model\.learning_rate"):
        _train(_model(hp=hp), hp=hp)


def test_a_validation_loss_without_end_is_divergence():
    validation = _data(300, 1)
    validation["numeric"][7] = np.inf
    with pytest.raises(training.DivergedError, match=r"validation loss is (inf|nan) after epoch 1"):
        training.train(
            _model(),
            _data(600),
            validation,
            label="label",
            task="binary",
            hp=HP,
            epochs=3,
            patience=3,
            seed=1,
        )


@pytest.mark.parametrize("kind", ["kernel_regularizer", "activity_regularizer"])
def test_penalties_of_an_own_model_do_not_count(kind):
    inputs = tf_keras.Input((3,), name="numeric")
    outputs = tf_keras.layers.Dense(1, **{kind: tf_keras.regularizers.L2(0.5)})(inputs)
    model = tf_keras.Model({"numeric": inputs}, outputs)
    history = _train(model, epochs=2)
    best = history.epochs[history.best_epoch]
    validation = _data(300, 1)
    logits = model(validation["numeric"]).numpy()[:, 0]
    signed = np.where(validation["label"] == 1, -logits, logits)
    assert history.best_loss == pytest.approx(np.logaddexp(0, signed).mean(), rel=1e-5)
    assert best["val_loss"] > history.best_loss + 0.01


def test_weight_decay_spares_what_sets_no_slope():
    hp = HP.model_copy(
        update={
            "optimizer": "adamw",
            "learning_rate": 1e-3,
            "weight_decay": 1e3,  # to nothing in a step
            "normalization": "layer",
        }
    )
    model = _model(hp=hp)
    _train(model, epochs=1, hp=hp)
    assert np.abs(model.get_layer("hidden_0").kernel).max() < 0.01
    assert np.min(model.get_layer("norm_0").gamma) > 0.9
    assert np.abs(model.get_layer("hidden_0").bias).max() > 0.003


def test_balanced_weights_give_each_class_the_same_total():
    labels = np.array([0] * 90 + [1] * 10)
    weights = training.balanced_class_weights(labels, 2)
    assert weights[0] * 90 == pytest.approx(weights[1] * 10)
    assert weights[0] * 90 + weights[1] * 10 == pytest.approx(100)


def test_class_weights_move_the_threshold():
    data = _data(600)
    rare = np.flatnonzero(data["label"] == 1)[20:]
    imbalanced = {name: np.delete(values, rare, axis=0) for name, values in data.items()}
    found = {}
    for name, weights in (
        ("none", None),
        ("balanced", training.balanced_class_weights(imbalanced["label"], 2)),
    ):
        model = _model()
        training.train(
            model,
            imbalanced,
            _data(300, 1),
            label="label",
            task="binary",
            hp=HP,
            epochs=5,
            patience=9,
            seed=1,
            class_weights=weights,
        )
        logits = model.predict({k: v for k, v in _data(300, 1).items() if k != "label"}, verbose=0)
        found[name] = float(np.mean(logits > 0))
    assert found["balanced"] > found["none"]


def test_a_regression_learns_large_targets():
    data = _data(600)
    target = (1e6 + 1e5 * data["numeric"][:, 0]).astype(np.float32)
    data["label"] = target
    model = architectures.build(
        HP,
        numeric=("a", "b", "c"),
        vocabulary_sizes=VOCABULARIES,
        outputs=1,
        target_mean=float(target.mean()),
        target_deviation=float(target.std()),
    )
    history = training.train(
        model,
        data,
        data,
        label="label",
        task="regression",
        hp=HP.model_copy(update={"dropout": 0.0}),
        epochs=20,
        patience=20,
        seed=1,
    )
    assert math.sqrt(history.best_loss) < 0.2 * float(target.std())
