"""Regions of images, by the integrated gradients that lie in them."""

from __future__ import annotations

import numpy as np

from components.deadline import Deadline
from components.explainer import maps
from components.explainer.integrated_gradients.path import integrate
from components.explainer.method import Explanation, Method
from components.explainer.network import Network, refusal
from components.explainer.problem import Problem
from components.explainer.xrai.config import XraiConfig
from components.explainer.xrai.regions import ranked
from components.explainer.xrai.segments import segments
from components.models.transformed import IMAGE, WHITE


def refuse(problem: Problem, config: XraiConfig) -> str | None:
    """Return why there are no regions, or None."""
    return refusal(problem, images=True)


def explain(problem: Problem, config: XraiConfig, deadline: Deadline) -> Explanation:
    """Rank the regions of images by how much of the prediction falls to them.

    Parameters
    ----------
    problem : Problem
    config : XraiConfig
    deadline : Deadline
        Looked at before each image.

    Returns
    -------
    Explanation
        ``top``, the share that is shown, ``rows`` and ``images``, each with the number of its
        ``regions`` besides what `components.explainer.maps.described` says. A map holds the mean
        attribution of the region that a pixel lies in.
    """
    network = Network(problem)
    images = maps.chosen(problem, config.images)
    network.values({IMAGE: images.pixels})  # It raises an error if they are not numbers.
    counts = []

    def draw(pixels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        masks = segments(pixels, config.scales, config.least_size, config.dilation)
        least = round(config.least_added * masks[0].size)
        gains, order = ranked(attributions(network, pixels, weights, config.steps), masks, least)
        counts.append(int(order.max()))
        return gains

    done, values, notes = maps.drawn(images, deadline, draw)
    shown = maps.described(done, best(values, config.top))
    found = {
        "top": config.top,
        "rows": len(done),
        "images": [
            {**image, "regions": regions} for image, regions in zip(shown, counts, strict=True)
        ],
        "notes": notes,
    }
    return Explanation(found, {f"xrai{maps.MAPS}": maps.table(done, values)})


def attributions(
    network: Network, pixels: np.ndarray, weights: np.ndarray, steps: int
) -> np.ndarray:
    """Return the mean of integrated gradients from black and from white, [h, w].

    With both, neither black nor white pixels get nothing for being like the baseline. Of
    several channels the largest counts.
    """
    ends = np.stack([np.zeros_like(pixels), np.full_like(pixels, WHITE)])
    found = integrate(
        network,
        {IMAGE: pixels[None]},
        {IMAGE: ends},
        weights[None, None],
        np.ones((1, 1)),
        steps=steps,
        most_steps=steps,
        tolerance=1.0,
    )
    largest: np.ndarray = found.attributions[IMAGE][0, 0].max(axis=-1)
    return largest


def best(gains: np.ndarray, share: float) -> np.ndarray:
    """Return maps [r, h, w] with 0 where a pixel is not among the best share, or speaks against.

    Regions are not cut: the one that holds the last pixel is shown whole.
    """
    if not len(gains):
        return gains
    limits = np.quantile(gains, 1 - share, axis=(1, 2), method="higher", keepdims=True)
    return np.where(gains >= np.maximum(limits, 0.0), np.maximum(gains, 0.0), 0.0)


METHOD = Method(
    title="XRAI",
    scope="local",
    kind="model-specific",
    assumes=(
        "The model is differentiable, and what it looks for are regions that differ in colour or "
        "brightness from what is around them."
    ),
    source=(
        "A. Kapishnikov, T. Bolukbasi, F. Viégas and M. Terry: XRAI: Better Attributions Through "
        "Regions. ICCV 2019"
    ),
    refuse=refuse,
    explain=explain,
)
