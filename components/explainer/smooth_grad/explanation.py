"""The mean gradient of an image and noisy copies of it."""

from __future__ import annotations

import numpy as np

from components.deadline import Deadline
from components.explainer import maps
from components.explainer.method import Explanation, Method
from components.explainer.network import Network, refusal
from components.explainer.problem import Problem
from components.explainer.smooth_grad.config import SmoothGradConfig
from components.models.transformed import IMAGE


def refuse(problem: Problem, config: SmoothGradConfig) -> str | None:
    """Return why there is no gradient to smooth, or None."""
    return refusal(problem, images=True)


def explain(problem: Problem, config: SmoothGradConfig, deadline: Deadline) -> Explanation:
    """Map which pixels of images a small change of which changes the value.

    Parameters
    ----------
    problem : Problem
    config : SmoothGradConfig
    deadline : Deadline
        Looked at before each image.

    Returns
    -------
    Explanation
        ``noise``, ``samples``, ``rows`` and ``images``; see `components.explainer.maps.described`.
        A map is the largest size of a pixel's mean gradients over its channels.
    """
    network = Network(problem)
    images = maps.chosen(problem, config.images)
    network.values({IMAGE: images.pixels})  # It raises an error if they are not numbers.
    # The same noise for all images, so that the order of the rows does not matter.
    noise = np.random.default_rng(problem.seed).standard_normal(
        (config.samples, *images.pixels.shape[1:])
    )

    def draw(pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        slope = smoothed(network, pixels, weights, noise, config.noise)
        size: np.ndarray = np.abs(slope).max(axis=-1)
        return size

    done, values, notes = maps.drawn(images, deadline, draw)
    found = {
        "noise": config.noise,
        "samples": config.samples,
        "rows": len(done),
        "images": maps.described(done, values),
        "notes": notes,
    }
    return Explanation(found, {f"smooth_grad{maps.MAPS}": maps.table(done, values)})


def smoothed(
    network: Network, pixels: np.ndarray, weights: np.ndarray, noise: np.ndarray, size: float
) -> np.ndarray:
    """Return the mean of the gradients at an image and noise around it, [h, w, c].

    Parameters
    ----------
    network : Network
    pixels : ndarray, shape [h, w, c]
    weights : ndarray, shape [outputs]
        Of the outputs whose sum is explained.
    noise : ndarray, shape [samples, h, w, c]
        Of standard deviation 1.
    size : float
        Standard deviation of what is added, as a share of the range of the pixels.

    Notes
    -----
    Smilkov et al. 2017, section 2.2.
    """
    deviation = size * (pixels.max() - pixels.min())
    points = (pixels[None] + deviation * noise).astype(np.float32)
    slopes = network.slopes({IMAGE: points}, np.repeat(weights[None], len(noise), axis=0))
    mean: np.ndarray = slopes[IMAGE].mean(axis=0, dtype=np.float64)
    return mean


METHOD = Method(
    title="SmoothGrad",
    scope="local",
    kind="model-specific",
    assumes=(
        "The model is differentiable. A gradient tells what a small change would do, and not what "
        "the value is made of."
    ),
    source=(
        "D. Smilkov, N. Thorat, B. Kim, F. Viégas and M. Wattenberg: SmoothGrad: removing noise by "
        "adding noise. 2017, arXiv:1706.03825"
    ),
    refuse=refuse,
    explain=explain,
)
