"""LIME for images: which superpixels speak for what the model says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.segmentation import slic

from components.explainer.lime import regression
from components.explainer.lime.config import LimeConfig
from components.explainer.problem import Problem
from components.models.transformed import WHITE

#: Images about which the model is asked at once.
BATCH = 256


@dataclass(frozen=True)
class Superpixels:
    """What was found of an image.

    Attributes
    ----------
    output : int
        Place of the output that is explained: the greatest.
    value, prediction : float
        What the model says, and what the linear model does.
    segments : ndarray of int, shape [h, w]
        Superpixel of each pixel, from 0.
    weights : ndarray, shape [superpixels]
    fidelity : float
        Weighted R squared; NaN where the answers do not vary.
    """

    output: int
    value: float
    prediction: float
    segments: np.ndarray
    weights: np.ndarray
    fidelity: float


def explain(problem: Problem, config: LimeConfig, image: np.ndarray) -> Superpixels:
    """Fit a linear model of which superpixels of an image [h, w, c] are shown.

    Hidden ones have their mean colour. Equal images have equal results.
    """
    segments = superpixels(image, config.segments)
    count = int(segments.max()) + 1
    random = np.random.default_rng(problem.seed)
    shown = random.random((config.image_samples, count)) < 0.5
    shown = np.concatenate([np.ones((1, count), bool), shown])
    plain = faded(image, segments)
    parts = []
    for start in range(0, len(shown), BATCH):
        mask = shown[start : start + BATCH][:, segments][..., None]
        parts.append(problem.values_of_images(np.where(mask, image, plain).astype(np.float32)))
    answers = np.concatenate(parts)
    output = int(answers[0].argmax())
    # The cosine of the angle to the row of ones; where nothing is shown there is none.
    distance = 1 - np.sqrt(shown.mean(axis=1))
    near = regression.kernel(distance**2, config.image_kernel_width)
    fit = regression.fit(shown[None], near[None], answers[None, :, [output]], config.penalty)
    return Superpixels(
        output,
        float(answers[0, output]),
        float(fit.prediction[0, 0]),
        segments,
        fit.weights[0, :, 0],
        float(fit.fidelity[0, 0]),
    )


def superpixels(image: np.ndarray, count: int) -> np.ndarray:
    """Return the superpixel of each pixel, about so many, from 0."""
    found = slic(
        image.astype(np.float64) / WHITE,
        n_segments=count,
        # Each superpixel's own: else those on noisy ground fall apart and are merged.
        slic_zero=True,
        channel_axis=-1,
        convert2lab=image.shape[2] == 3,
        start_label=0,
    )
    return np.unique(found, return_inverse=True)[1].reshape(found.shape)


def faded(image: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Return an image in which each superpixel has its mean colour."""
    counts = np.bincount(segments.ravel())
    means = [
        np.bincount(segments.ravel(), image[..., channel].ravel()) / counts
        for channel in range(image.shape[2])
    ]
    return np.asarray(np.stack(means, axis=-1)[segments])
