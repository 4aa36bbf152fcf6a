"""A projection to fewer dimensions, as plain TensorFlow operations with constants.

What is projected is the row ``x`` of the numeric columns, or of the pixels of an image as
numbers from 0 to 1, and, if they are projected too, of the categorical columns as
indicators. An indicator is never made: where x is one, its row of a matrix is gathered.

affine
    ``z = x W + b``: principal components, discriminants, partial least squares,
    truncated singular vectors, independent components.
non_negative
    ``z = argmin_{z >= 0} |x' - z H|``, x' being x with each column scaled: non-negative
    matrix factors. With ``x W + b = x' H'`` and ``H H'``, it is a problem of the size of
    z; see `non_negative_least_squares`.
identity
    ``z = x``.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf
import tf_keras

from components import files
from components.models.transformed import (
    CATEGORICAL,
    IMAGE,
    NUMERIC,
    WHITE,
    CategoricalColumn,
    ImageFeature,
)
from components.settings import Settings

PROJECTION_FILE = "projection.json"

#: A row is done when its step is this share of its largest coordinate.
STILL = 1e-6
#: Steps at most. Factors that hardly differ need thousands, all others some hundred.
STEPS = 10_000
#: Largest error that single precision may make, in standard deviations of a component.
SINGLE_PRECISION_ERROR = 1e-5


class Description(Settings):
    """What a projection does, apart from its numbers.

    Attributes
    ----------
    method : str
        Name of the method that it comes from.
    kind : {"affine", "non_negative", "identity"}
    dtype : {"float32", "float64"}
        Of the arithmetic. The result is float32 in any case.
    numeric : tuple of str
        Numeric columns that are projected, in order.
    categorical : tuple of CategoricalColumn
        Categorical columns that are projected, as indicators, in order; without any,
        categorical columns pass through.
    image : ImageFeature or None
        The image whose pixels are the numeric columns; see `pixels_as_numbers`.
    components : int
        Width of the result.
    options : dict
        Settings that it was fitted with, for whoever reads it.
    """

    method: str
    kind: Literal["affine", "non_negative", "identity"]
    dtype: Literal["float32", "float64"] = "float64"
    numeric: tuple[str, ...]
    categorical: tuple[CategoricalColumn, ...] = ()
    image: ImageFeature | None = None
    components: int
    options: dict[str, Any] = {}  # noqa: RUF012 (pydantic copies it)

    @property
    def width(self) -> int:
        """Number of columns of x, indicators included."""
        return len(self.numeric) + sum(column.size for column in self.categorical)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the arrays by their names."""
        if self.kind == "identity":
            return {}
        shapes: dict[str, tuple[int, ...]] = {
            "weights": (self.width, self.components),
            "bias": (self.components,),
        }
        if self.kind == "non_negative":
            shapes["gram"] = (self.components, self.components)
            shapes["scale"] = (self.components,)
        return shapes


class Projection:
    """A fitted projection.

    Parameters
    ----------
    description : Description
    arrays : dict of float64 array
        ``weights`` [width, components] and ``bias`` [components], and for non-negative
        factors ``gram`` [components, components] and ``scale`` [components] (see
        `non_negative_arrays`); none for the identity.
    """

    def __init__(self, description: Description, arrays: Mapping[str, np.ndarray]) -> None:
        shapes = {name: array.shape for name, array in arrays.items()}
        if shapes != description.shapes():
            raise ValueError(f"arrays of shapes {description.shapes()} expected, got {shapes}")
        self.description = description
        self.arrays = {name: np.asarray(array, np.float64) for name, array in arrays.items()}

    def write(self, directory: str | os.PathLike[str]) -> None:
        """Write the projection into a directory."""
        for name, array in self.arrays.items():
            with files.atomic_path(Path(directory) / f"{name}.npy") as path:
                np.save(path, array, allow_pickle=False)
        files.write_json(
            Path(directory) / PROJECTION_FILE, self.description.model_dump(mode="json")
        )

    @classmethod
    def read(cls, directory: str | os.PathLike[str]) -> Projection:
        """Read a projection from a directory."""
        root = Path(directory)
        description = Description.model_validate_json((root / PROJECTION_FILE).read_bytes())
        names = description.shapes()
        return cls(
            description,
            {name: np.load(root / f"{name}.npy", allow_pickle=False) for name in names},
        )

    def with_dtype(self, dtype: str) -> Projection:
        """Return the same projection with arithmetic of another precision."""
        return Projection(self.description.model_copy(update={"dtype": dtype}), self.arrays)

    def apply(self, features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the projected features as tensors.

        Parameters
        ----------
        features : mapping
            ``numeric`` float32 [n, k] and ``categorical`` int64 [n, m], a kind without
            columns being absent; or ``image`` [n, height, width, channels], from 0 to 255.

        Returns
        -------
        dict
            ``numeric`` float32 [n, components] and, if it is not projected itself,
            ``categorical`` as it was.
        """
        constants = self._constants(tf.as_dtype(self.description.dtype))
        return project(self.description, constants, features)

    def run(self, features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Do what `apply` does to arrays, by running its operations."""
        return {name: tensor.numpy() for name, tensor in self._function(dict(features)).items()}

    def __reduce__(self) -> tuple[Any, ...]:
        # Without the traced function, which cannot go to another process.
        return Projection, (self.description, self.arrays)

    def _constants(self, dtype: tf.DType) -> dict[str, tf.Tensor]:
        return {name: tf.constant(array, dtype) for name, array in self.arrays.items()}

    @functools.cached_property
    def _function(self) -> Any:
        # Relaxed shapes: the last batch of a file is shorter than the others.
        return tf.function(self.apply, autograph=False, reduce_retracing=True)

    def in_least_precision(self, features: Mapping[str, np.ndarray]) -> Projection:
        """Return the projection in single precision if that suffices, else in double.

        TensorFlow Lite multiplies matrices in single precision only. But weights that
        nearly cancel each other, as discriminants of columns that are almost the same
        have, lose their digits in it.

        Parameters
        ----------
        features : mapping
            Rows to try it on.
        """
        if self.description.kind == "identity":
            return self.with_dtype("float32")
        exact, rounded = (
            _affine(self.description, self._constants(dtype), features).numpy().astype(np.float64)
            for dtype in (tf.float64, tf.float32)
        )
        deviation = np.maximum(exact.std(axis=0), np.finfo(np.float32).tiny)
        error = np.sqrt(np.mean((rounded - exact) ** 2, axis=0)) / deviation
        enough = bool((error <= SINGLE_PRECISION_ERROR).all())
        return self.with_dtype("float32" if enough else "float64")


def project(
    description: Description,
    arrays: Mapping[str, tf.Tensor],
    features: Mapping[str, tf.Tensor],
) -> dict[str, tf.Tensor]:
    """Return projected features; see `Projection.apply`."""
    if description.image is not None and IMAGE in features:
        features = {NUMERIC: pixels_as_numbers(features[IMAGE], description.image)}
    if description.kind == "identity":
        return dict(features)
    result = _affine(description, arrays, features)
    if description.kind == "non_negative":
        result = non_negative_least_squares(arrays["gram"], result) * arrays["scale"]
    projected = {NUMERIC: tf.cast(result, tf.float32)}
    if CATEGORICAL in features and not description.categorical:
        projected[CATEGORICAL] = features[CATEGORICAL]
    return projected


def pixels_as_numbers(images: tf.Tensor, image: ImageFeature) -> tf.Tensor:
    """Return the pixels of images as numeric columns from 0 to 1, float32 [n, pixels]."""
    width = len(image.pixels)
    return tf.reshape(tf.cast(images, tf.float32), [-1, width]) / tf.constant(WHITE, tf.float32)


def _affine(
    description: Description,
    arrays: Mapping[str, tf.Tensor],
    features: Mapping[str, tf.Tensor],
) -> tf.Tensor:
    """Return ``x W + b``."""
    weights, result = arrays["weights"], arrays["bias"]
    width = len(description.numeric)
    if width:
        numbers = tf.cast(features[NUMERIC], weights.dtype)
        result = tf.matmul(numbers, weights[:width]) + result
    if description.categorical:
        sizes = [column.size for column in description.categorical]
        starts = width + np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        rows = features[CATEGORICAL] + tf.constant(starts, tf.int64)
        result = tf.reduce_sum(tf.gather(weights, rows), axis=1) + result
    return result


def non_negative_arrays(
    factors: np.ndarray, weights: np.ndarray, bias: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the arrays of a projection to non-negative factors.

    The factors are taken at unit length, and all is divided by the largest eigenvalue of
    their Gram matrix, so that a step of the solver needs no factor of its own.

    Parameters
    ----------
    factors : array, shape (c, d)
        H; rows of zeros are allowed, and their coordinate is 0.
    weights, bias : array, shapes (width, c) and (c,)
        With ``x W + b = x' H'``.
    """
    length = np.linalg.norm(factors, axis=1)
    inverse = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    unit = factors * inverse[:, np.newaxis]
    gram = unit @ unit.T
    bound = np.linalg.eigvalsh(gram)[-1] if gram.any() else 1.0
    return {
        "weights": weights * inverse / bound,
        "bias": bias * inverse / bound,
        "gram": gram / bound,
        "scale": inverse,
    }


def non_negative_least_squares(gram: tf.Tensor, products: tf.Tensor) -> tf.Tensor:
    """Return the z >= 0 that minimise ``z G z' / 2 - z p'``, row by row.

    Accelerated projected gradient steps, where each row starts anew when its momentum
    points uphill. A row that has come to rest is left alone, so that it comes out the
    same whatever rows it shares a batch with.

    Parameters
    ----------
    gram : tf.Tensor, shape (c, c)
        G, positive semidefinite, with no eigenvalue above 1.
    products : tf.Tensor, shape (n, c)
        The p of each row, of the same type.

    Returns
    -------
    tf.Tensor, shape (n, c)

    References
    ----------
    A. Beck, M. Teboulle: A fast iterative shrinkage-thresholding algorithm for linear
    inverse problems. SIAM Journal on Imaging Sciences 2(1), 2009.
    B. O'Donoghue, E. Candes: Adaptive restart for accelerated gradient schemes.
    Foundations of Computational Mathematics 15, 2015.
    """

    def step(
        z: tf.Tensor, ahead: tf.Tensor, momentum: tf.Tensor, moving: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        reached = tf.nn.relu(ahead - (tf.matmul(ahead, gram) - products))
        taken, progress = reached - ahead, reached - z
        uphill = tf.reduce_sum(taken * progress, axis=1, keepdims=True) < 0
        momentum = tf.where(uphill, tf.ones_like(momentum), momentum)
        following = (1 + tf.sqrt(1 + 4 * momentum * momentum)) / 2
        far = tf.reduce_max(tf.abs(taken), axis=1, keepdims=True) > STILL * tf.reduce_max(
            reached, axis=1, keepdims=True
        )
        return (
            tf.where(moving, reached, z),
            reached + (momentum - 1) / following * progress,
            following,
            tf.logical_and(moving, far),
        )

    start = tf.zeros_like(products)
    first = tf.ones_like(products[:, :1])
    z, _, _, _ = tf.while_loop(
        lambda z, ahead, momentum, moving: tf.reduce_any(moving),
        step,
        (start, start, first, first > 0),
        maximum_iterations=STEPS,
    )
    return z


def solve(factors: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Return the z >= 0 [n, c] that minimise ``|x' - z H|``, given ``x' H'`` [n, c]."""
    arrays = non_negative_arrays(factors, products, np.zeros(len(factors)))
    solved = _solve(tf.constant(arrays["gram"]), tf.constant(arrays["weights"]))
    return np.asarray(solved.numpy() * arrays["scale"])


_solve = tf.function(non_negative_least_squares, autograph=False, reduce_retracing=True)


@tf_keras.utils.register_keras_serializable("modelworks")
class Project(tf_keras.layers.Layer):
    """A projection as a layer, which no training changes.

    Takes and returns the dictionary of features that `Projection.apply` does.

    Parameters
    ----------
    description : dict
        Of a `Description`. The numbers are in the weights.
    """

    def __init__(self, description: Mapping[str, Any], **arguments: Any) -> None:
        super().__init__(**{**arguments, "trainable": False})
        self._description = Description.model_validate(dict(description))
        self._arrays = {
            name: self.add_weight(
                name=name,
                shape=shape,
                dtype=self._description.dtype,
                initializer="zeros",
                trainable=False,
            )
            for name, shape in self._description.shapes().items()
        }

    @classmethod
    def of(cls, projection: Projection, **arguments: Any) -> Project:
        """Return a layer that does what `projection` does."""
        layer = cls(projection.description.model_dump(mode="json"), **arguments)
        layer.set_weights(list(projection.arrays.values()))
        return layer

    def call(self, features: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        arrays = {name: tf.convert_to_tensor(array) for name, array in self._arrays.items()}
        return project(self._description, arrays, features)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "description": self._description.model_dump(mode="json")}
