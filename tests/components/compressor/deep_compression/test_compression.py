"""Deep compression end to end: small files, little loss, sharing and zeros as promised."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.compressor.config import RecipesConfig
from components.compressor.deep_compression import container, layout
from components.compressor.deep_compression.config import DeepCompressionConfig
from components.compressor.deep_compression.gradual_pruning import place_bits, prune
from components.compressor.deep_compression.weight_sharing import share
from components.compressor.recipes.base import SPARSIFY, Draft, copy_model
from components.compressor.recipes.deep_compression import RECIPE, lessons
from components.errors import InputError
from tests.components.compressor import models


def settings(**values):
    return RecipesConfig(deep_compression=DeepCompressionConfig(**values))


def kernels(model):
    return [slot.variable.numpy() for slot in layout.slots(model) if slot.is_kernel]


def zeros(model):
    sizes = [kernel.size for kernel in kernels(model)]
    return 1 - sum(np.count_nonzero(kernel) for kernel in kernels(model)) / sum(sizes)


def test_digits_in_a_fiftieth_of_the_bytes():
    model, work = models.images(
        "lenet300",
        recipes=settings(sparsity=0.95, pruning_epochs=25, sharing_epochs=15),
        epochs=15,
        augmentation="shift",
        shift=0.12,
    )
    before = model.get_weights()
    draft = RECIPE.apply(Draft(model), work)
    assert RECIPE.stage == SPARSIFY
    assert draft.steps == ("deep_compression",)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert old.tobytes() == new.tobytes()
    data = container.encode(draft.model)
    assert 4 * model.count_params() / len(data) >= 50
    decoded = container.decode(data)
    images = work.validation["image"].astype(np.float32)
    assert decoded(images).numpy().tobytes() == draft.model(images).numpy().tobytes()
    loss = models.accuracy(model, work.validation) - models.accuracy(decoded, work.validation)
    assert loss <= 0.02


@pytest.mark.parametrize(
    ("make", "arguments", "repeated"),
    [
        (models.tabular, {"task": "binary"}, True),
        (
            models.tabular,
            {"task": "regression", "architecture": "mlp", "normalization": "batch"},
            False,
        ),
        (models.tabular, {"architecture": "linear", "l2": 1e-4}, False),
        (models.images, {"architecture": "cnn", "cell": "depthwise"}, False),
    ],
)
def test_every_kind_of_model(make, arguments, repeated):
    chosen = settings(sparsity=0.7, pruning_epochs=2, sharing_epochs=2, clusters=8)
    model, work = make(**arguments, recipes=chosen)
    before = model.get_weights()
    found = RECIPE.apply(Draft(model), work).model
    for old, new in zip(before, model.get_weights(), strict=True):
        assert old.tobytes() == new.tobytes()
    assert zeros(found) >= 0.7 - 1e-3
    for slot in layout.slots(found):
        if slot.is_kernel or layout.short_name(slot.variable) == "bias":
            value = slot.variable.numpy()
            assert len(np.unique(value[value != 0])) <= 8
    assert np.all(np.isfinite(models.outputs(found, work.validation)))
    decoded = container.decode(container.encode(found))
    for old, new in zip(found.get_weights(), decoded.get_weights(), strict=True):
        assert old.tobytes() == new.tobytes()
    if not repeated:  # what is drawn does not depend on the kind
        return
    again = RECIPE.apply(Draft(model), work).model
    for one, other in zip(found.get_weights(), again.get_weights(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_rows_have_the_weights_of_their_classes():
    model, work = models.tabular(task="binary", epochs=0)
    work.training.__dict__["class_weights"] = "balanced"
    batch = next(iter(lessons(model, work, DeepCompressionConfig()).batches(range(1))))
    _, label, weight = batch
    assert len(np.unique(weight.numpy()[label.numpy() == 0])) == 1
    assert len(np.unique(weight.numpy())) == 2


def test_pruning_keeps_what_is_zero_and_reaches_its_share():
    model, work = models.images("lenet300", epochs=0)
    weights = model.get_weights()
    weights[0][:, :150] = 0
    model.set_weights(weights)
    prune(model, lessons(copy_model(model), work, DeepCompressionConfig()), 0.9, 2)
    total = sum(kernel.size for kernel in kernels(model))
    assert zeros(model) * total == pytest.approx(0.9 * total, abs=1)
    assert not model.get_weights()[0][:, :150].any()
    assert not np.signbit(model.get_weights()[0][:, :150]).any()


def test_a_higher_price_leaves_fewer_bits():
    model, work = models.images("lenet300", epochs=8)
    teaching = lessons(copy_model(model), work, DeepCompressionConfig())
    prune(model, teaching, 0.8, 4)
    sizes = []
    for price in (0.0, 0.01, 0.1):
        shared = copy_model(model)
        share(shared, teaching, clusters=16, price=price, epochs=4)
        sizes.append(len(container.encode(shared)))
    assert sizes[0] > sizes[1] > sizes[2]


def test_places_in_crowded_rows_and_units_take_fewer_bits():
    mask = np.random.default_rng(0).random((1, 1, 50, 40)) < 0.05
    mask[:, :, 3] |= np.random.default_rng(1).random((1, 1, 40)) < 0.5
    mask[..., 7] |= np.random.default_rng(2).random((1, 1, 50)) < 0.5
    bits = place_bits(mask)[0, 0]
    assert bits.shape == (50, 40)
    assert bits[3].mean() < np.median(bits) - 2
    assert bits[:, 7].mean() < np.median(bits) - 2
    assert np.all(bits > 0)
    assert np.all(np.isfinite(place_bits(np.ones((1, 1, 4, 4), bool))))
    assert np.all(np.isfinite(place_bits(np.zeros((1, 1, 4, 4), bool))))


def test_a_model_without_kernels_is_refused():
    numbers = tf_keras.Input((4,), dtype=tf.float32, name="numeric")
    scaled = tf_keras.layers.Rescaling(2.0, name="scaled")(numbers)
    model = tf_keras.Model({"numeric": numbers}, scaled)
    _, work = models.tabular(epochs=0)
    with pytest.raises(InputError, match="no weights") as caught:
        RECIPE.apply(Draft(model), work)
    assert "Rescaling" in str(caught.value)
