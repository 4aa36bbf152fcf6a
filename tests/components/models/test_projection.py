"""A projection survives the way to disk, into a layer and into a served model."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf
import tf_keras
from hypothesis import given, settings
from hypothesis import strategies as st

from components.models import projection as projections
from components.models.projection import Description, Project, Projection
from components.models.transformed import CATEGORICAL, NUMERIC, CategoricalColumn

SIZES = (4, 7)
ONE_HOT = tuple(
    CategoricalColumn(name=name, size=size) for name, size in zip("ab", SIZES, strict=True)
)


def affine(numeric=3, categorical=(), components=2, seed=0, dtype="float64"):
    description = Description(
        method="pca",
        kind="affine",
        dtype=dtype,
        numeric=tuple(f"x{number}" for number in range(numeric)),
        categorical=categorical,
        components=components,
    )
    random = np.random.default_rng(seed)
    arrays = {
        "weights": random.normal(size=(description.width, components)),
        "bias": random.normal(size=components),
    }
    return Projection(description, arrays)


def non_negative(factors, dtype="float64"):
    factors = np.asarray(factors, np.float64)
    count, width = factors.shape
    description = Description(
        method="nmf",
        kind="non_negative",
        dtype=dtype,
        numeric=tuple(f"x{number}" for number in range(width)),
        components=count,
    )
    arrays = projections.non_negative_arrays(factors, factors.T, np.zeros(count))
    return Projection(description, arrays)


def mixed_rows(rows=20, seed=1):
    random = np.random.default_rng(seed)
    return {
        NUMERIC: random.normal(size=(rows, 3)).astype(np.float32),
        CATEGORICAL: np.stack([random.integers(0, size, rows) for size in SIZES], axis=1),
    }


def model_of(layer, features):
    inputs = {
        name: tf_keras.Input(array.shape[1:], dtype=array.dtype, name=name)
        for name, array in features.items()
    }
    return tf_keras.Model(inputs, layer(inputs))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_categories_are_projected_as_their_indicators(dtype):
    projection = affine(categorical=ONE_HOT, dtype=dtype)
    rows = mixed_rows()
    indicators = [np.eye(size)[rows[CATEGORICAL][:, i]] for i, size in enumerate(SIZES)]
    x = np.concatenate([rows[NUMERIC], *indicators], axis=1)
    expected = x @ projection.arrays["weights"] + projection.arrays["bias"]
    found = projection.run(rows)
    assert set(found) == {NUMERIC}
    assert found[NUMERIC].dtype == np.float32
    np.testing.assert_allclose(found[NUMERIC], expected, rtol=1e-5, atol=1e-6)


def test_categories_alone_are_projected():
    projection = affine(numeric=0, categorical=ONE_HOT)
    rows = {CATEGORICAL: mixed_rows()[CATEGORICAL]}
    starts = np.array([0, SIZES[0]])
    expected = projection.arrays["weights"][rows[CATEGORICAL] + starts].sum(axis=1)
    np.testing.assert_allclose(
        projection.run(rows)[NUMERIC], expected + projection.arrays["bias"], rtol=1e-5, atol=1e-6
    )


def test_no_indicator_is_ever_made():
    wide = (CategoricalColumn(name="zip", size=100_000),)
    projection = affine(categorical=wide, components=1)
    features = {
        NUMERIC: tf.TensorSpec([None, 3], tf.float32),
        CATEGORICAL: tf.TensorSpec([None, 1], tf.int64),
    }
    graph = tf.function(projection.apply).get_concrete_function(features).graph
    shapes = [tensor.shape for op in graph.get_operations() for tensor in op.outputs]
    # The weights are [100003, 1]; nothing has a row's worth of indicators.
    assert not any(shape.rank == 2 and (shape[1] or 0) > 1000 for shape in shapes)


def test_categories_that_are_not_projected_pass_through():
    rows = mixed_rows()
    found = affine().run(rows)
    np.testing.assert_array_equal(found[CATEGORICAL], rows[CATEGORICAL])
    assert found[NUMERIC].shape == (20, 2)


def test_the_identity_changes_nothing():
    description = Description(
        method="none", kind="identity", numeric=("x0", "x1", "x2"), components=3
    )
    rows = mixed_rows()
    for name, array in Projection(description, {}).run(rows).items():
        np.testing.assert_array_equal(array, rows[name])


@pytest.mark.parametrize(
    "projection",
    [affine(), affine(categorical=ONE_HOT, dtype="float32"), non_negative(np.eye(2, 3) + 0.5)],
    ids=["affine", "one-hot", "non-negative"],
)
class TestTheSame:
    """What a projection does does not depend on where it is."""

    def test_after_a_round_trip_to_disk(self, projection, tmp_path):
        projection.write(tmp_path)
        read = Projection.read(tmp_path)
        assert read.description == projection.description
        for name, array in projection.arrays.items():
            np.testing.assert_array_equal(read.arrays[name], array)
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {projections.PROJECTION_FILE, *(f"{n}.npy" for n in projection.arrays)}

    def test_after_pickling(self, projection):
        rows = mixed_rows()
        expected = projection.run(rows)[NUMERIC]
        copy = pickle.loads(pickle.dumps(projection))
        np.testing.assert_array_equal(copy.run(rows)[NUMERIC], expected)

    def test_written_twice(self, projection, tmp_path):
        for name in ("one", "two"):
            projection.write(tmp_path / name)
        for path in (tmp_path / "one").iterdir():
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()

    def test_as_a_layer(self, projection, tmp_path):
        rows = mixed_rows()
        layer = Project.of(projection)
        model = model_of(layer, rows)
        assert not model.trainable_variables
        np.testing.assert_allclose(
            model(rows)[NUMERIC].numpy(), projection.run(rows)[NUMERIC], rtol=1e-6, atol=1e-6
        )
        # As a model is saved: its layers as text, its weights apart.
        model.save_weights(str(tmp_path / "model.weights.h5"))
        rebuilt = tf_keras.models.model_from_json(model.to_json())
        rebuilt.load_weights(str(tmp_path / "model.weights.h5"))
        np.testing.assert_array_equal(rebuilt(rows)[NUMERIC].numpy(), model(rows)[NUMERIC].numpy())

    def test_in_any_batch(self, projection):
        rows = mixed_rows()
        together = projection.run(rows)[NUMERIC]
        alone = [projection.run({n: a[i : i + 1] for n, a in rows.items()}) for i in range(20)]
        found = np.concatenate([one[NUMERIC] for one in alone])
        np.testing.assert_allclose(found, together, rtol=1e-6, atol=1e-6)

    def test_without_rows(self, projection):
        rows = {name: array[:0] for name, array in mixed_rows().items()}
        assert projection.run(rows)[NUMERIC].shape == (0, 2)


def test_a_single_precision_model_runs_in_tensorflow_lite():
    rows = {NUMERIC: mixed_rows()[NUMERIC]}
    factors = np.random.default_rng(2).random((2, 3))
    for projection in (affine(dtype="float32"), non_negative(factors, dtype="float32")):
        model = model_of(Project.of(projection), rows)
        content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
        interpreter = tf.lite.Interpreter(model_content=content)
        [given_], [result] = interpreter.get_input_details(), interpreter.get_output_details()
        interpreter.resize_tensor_input(given_["index"], rows[NUMERIC].shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(given_["index"], rows[NUMERIC])
        interpreter.invoke()
        np.testing.assert_allclose(
            interpreter.get_tensor(result["index"]),
            projection.run(rows)[NUMERIC],
            rtol=1e-4,
            atol=1e-5,
        )


def test_single_precision_is_taken_only_where_it_suffices():
    rows = {NUMERIC: mixed_rows(500)[NUMERIC]}
    assert affine().in_least_precision(rows).description.dtype == "float32"
    # Two columns that are almost the same, and weights that all but cancel.
    twins = {NUMERIC: rows[NUMERIC].copy()}
    twins[NUMERIC][:, 1] = twins[NUMERIC][:, 0] * np.float32(1.001)
    projection = affine(components=1)
    projection.arrays["weights"][:] = np.array([[1e7], [-1e7], [0]])
    projection.arrays["weights"][0] *= np.float64(np.float32(1.001))
    assert projection.in_least_precision(twins).description.dtype == "float64"


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 12),
    width=st.integers(1, 15),
    alike=st.sampled_from([0.0, 0.3, 0.9]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 1000),
)
def test_amounts_are_the_best_that_are_not_negative(count, width, alike, dtype, seed):
    random = np.random.default_rng(seed)
    factors = np.maximum(random.normal(size=(count, width)), 0) * (1 - alike) + alike
    x = random.normal(0.5, 1.0, size=(10, width)).astype(np.float32)
    found = non_negative(factors, dtype).run({NUMERIC: x})[NUMERIC]
    assert (found >= 0).all()
    for row, amounts in zip(x.astype(np.float64), found.astype(np.float64), strict=True):
        best = scipy.optimize.nnls(factors.T, row)[1] ** 2
        ours = ((row - amounts @ factors) ** 2).sum()
        assert ours <= best * 1.001 + 1e-6 * (row**2).sum()


def test_a_factor_of_zeros_has_no_amount():
    found = non_negative([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]).run(
        {NUMERIC: np.float32([[2.0, 1.0, -1.0]])}
    )
    np.testing.assert_allclose(found[NUMERIC], [[2.0, 0.0]], rtol=1e-6)


def test_arrays_of_another_shape_are_refused():
    projection = affine()
    with pytest.raises(ValueError, match="arrays of shapes"):
        Projection(projection.description, {"weights": np.zeros((1, 1))})
