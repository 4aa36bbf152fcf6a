"""Where in images a convolution finds what speaks for what the model says."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras
from skimage.transform import resize

from components.deadline import Deadline
from components.errors import InputError
from components.explainer import maps
from components.explainer.grad_cam.config import GradCamConfig
from components.explainer.layers import layers_of, recorded
from components.explainer.method import Explanation, Method
from components.explainer.network import Network, refusal
from components.explainer.problem import Problem
from components.models.transformed import IMAGE
from components.naming import nearest

SETTING = "explainer.grad_cam.layer"
#: Of [images, height, width, channels].
_RANK = 4


def refuse(problem: Problem, config: GradCamConfig) -> str | None:
    """Return why there is no convolution to look at, or None."""
    reason = refusal(problem, images=True)
    if reason is not None:
        return reason
    model = problem.subject.model
    assert model is not None
    if any(isinstance(layer, tf_keras.Model) for layer in model.layers):
        return "The model is made of several: none of their convolutions tells of all."
    if config.layer is None and not any(map(_convolves, model.layers)):
        return "The model has no convolution."
    return None


def explain(problem: Problem, config: GradCamConfig, deadline: Deadline) -> Explanation:
    """Map where a convolution's channels speak for what the model says.

    Parameters
    ----------
    problem : Problem
    config : GradCamConfig
    deadline : Deadline
        Looked at before each image.

    Returns
    -------
    Explanation
        ``layer``, its ``resolution`` [height, width], ``rows`` and ``images``; see
        `components.explainer.maps.described`.

    Raises
    ------
    InputError
        The layer of the settings is none of the model's, or puts out no image.
    """
    layer = target(problem.subject.model, config.layer)
    network = Network(problem)
    images = maps.chosen(problem, config.images)
    network.values({IMAGE: images.pixels})  # It raises an error if they are not numbers.
    resolution: list[int] = []

    def draw(pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        activation = activation_map(network, layer, pixels, weights)
        resolution[:] = activation.shape
        large: np.ndarray = resize(activation, pixels.shape[:2], order=1, preserve_range=True)
        return large

    done, values, notes = maps.drawn(images, deadline, draw)
    empty = sum(not each.any() for each in values)
    if empty:
        notes.append(
            f"Of {empty} of {len(done)} images no place speaks for what the model says: their "
            "maps are empty."
        )
    found = {
        "layer": layer.name,
        "resolution": resolution or None,
        "rows": len(done),
        "images": maps.described(done, values),
        "notes": notes,
    }
    return Explanation(found, {f"grad_cam{maps.MAPS}": maps.table(done, values)})


def target(model: tf_keras.Model, name: str | None) -> tf_keras.layers.Layer:
    """Return the layer of a name, or the last convolution.

    Raises
    ------
    InputError
        There is none of that name, or it puts out no image.
    """
    layers = layers_of(model)
    if name is None:
        return [layer for layer in layers if _convolves(layer)][-1]
    by_name = {layer.name: layer for layer in layers}
    if name not in by_name:
        raise InputError(
            f"The model has no layer {name!r}{nearest(name, by_name)}.",
            setting=SETTING,
            expected=", ".join(layer.name for layer in layers if _spatial(layer)),
            got=name,
        )
    if not _spatial(by_name[name]):
        raise InputError(
            f"The layer {name!r} puts out no image of channels.",
            setting=SETTING,
            expected=", ".join(layer.name for layer in layers if _spatial(layer)),
            got=name,
        )
    return by_name[name]


def activation_map(
    network: Network, layer: tf_keras.layers.Layer, pixels: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the class activation map of an image at the layer's resolution, [height, width].

    Parameters
    ----------
    network : Network
    layer : layer
        Puts out [1, height, width, channels].
    pixels : ndarray, shape [h, w, c]
    weights : ndarray, shape [outputs]
        Of the outputs whose sum is explained.

    Notes
    -----
    Selvaraju et al. 2017, eq. 1 and 2. The score is the explained value, on its scale: with
    log-odds, that of the class against all others, where the paper takes the logit.
    """
    point = tf.constant(pixels[None], tf.float32)
    with tf.GradientTape() as tape, recorded([layer]) as kept:
        tape.watch(point)
        score = tf.reduce_sum(network.compute({IMAGE: point}) * tf.cast(weights, tf.float32))
    [channels] = kept
    slope = tape.gradient(score, channels, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    share = tf.reduce_mean(slope, axis=(1, 2), keepdims=True)
    summed = tf.reduce_sum(share * channels, axis=-1)[0]
    found: np.ndarray = np.maximum(summed.numpy().astype(np.float64), 0.0)
    return found


def _convolves(layer: tf_keras.layers.Layer) -> bool:
    kinds = (
        tf_keras.layers.Conv2D,
        tf_keras.layers.DepthwiseConv2D,
        tf_keras.layers.SeparableConv2D,
    )
    return isinstance(layer, kinds)


def _spatial(layer: tf_keras.layers.Layer) -> bool:
    shape = getattr(layer, "output_shape", None)
    return isinstance(shape, tuple) and len(shape) == _RANK


METHOD = Method(
    title="Grad-CAM",
    scope="local",
    kind="model-specific",
    assumes=(
        "The model is a convolutional network, and what counts is where a channel of the layer is "
        "active, not where in the layer it counts more: exact where only the mean over all places "
        "follows."
    ),
    source=(
        "R. R. Selvaraju et al.: Grad-CAM: Visual Explanations from Deep Networks via "
        "Gradient-based Localization. ICCV 2017"
    ),
    refuse=refuse,
    explain=explain,
)
