"""How much the values of each class depend on concepts that people name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
import tf_keras

from components.deadline import Deadline
from components.explainer import chosen
from components.explainer.method import Explanation, Method
from components.explainer.network import Network, refusal
from components.explainer.problem import Problem
from components.explainer.tcav.activations import activations, hidden, named, slopes
from components.explainer.tcav.concepts import pictures_of, rows_of
from components.explainer.tcav.config import TcavConfig
from components.explainer.tcav.significance import holm, p_value
from components.explainer.tcav.vectors import accuracy, sensitivity, vector
from components.models.metric_names import REGRESSION
from components.models.transformed import IMAGE

SETTING = "explainer.tcav"
#: Examples below which a concept is left out, and the least accuracy of a direction, on rows that
#: did not make it, that is above chance.
LEAST_EXAMPLES, LEAST_ACCURACY = 10, 0.6
#: Random concepts at least, where the settings leave their number open.
RANDOM_CONCEPTS = 200
#: Share of random concepts between the ends that are told.
_MIDDLE = (0.025, 0.975)


def refuse(problem: Problem, config: TcavConfig) -> str | None:
    """Return why there are no concept activation vectors, or None."""
    images = problem.subject.images is not None
    if not (config.folders if images else config.slices):
        what = "folders of pictures" if images else "slices"
        return f"No concepts are named: set {what} in {SETTING}."
    reason = refusal(problem)
    if reason is not None or config.layer is not None:
        return reason
    model = problem.subject.model
    assert model is not None
    if any(isinstance(layer, tf_keras.Model) for layer in model.layers):
        return (
            f"The model is made of several: none of their layers tells of all. Set {SETTING}.layer."
        )
    return None if hidden(model) is not None else "The model has no hidden layer."


def explain(problem: Problem, config: TcavConfig, deadline: Deadline) -> Explanation:
    """Test whether the values of classes rise or fall towards concepts.

    Parameters
    ----------
    problem : Problem
    config : TcavConfig
    deadline : Deadline
        Looked at before each concept and each random one.

    Returns
    -------
    Explanation
        ``layer``, its ``width``, ``direction``, ``alpha``, ``random_concepts`` and ``concepts``:
        for each concept and output its ``concept``, ``output``, ``examples``, ``accuracy`` with
        which its direction tells examples from other rows, ``score`` and ``sensitivity`` (see
        `components.explainer.tcav.vectors.sensitivity`), ``random_score`` and
        ``random_sensitivity``, the mean and the middle 95 % of random ones, ``p``, ``adjusted``
        (Holm), and ``found``, whether that is at most alpha. Those found come first.

    Raises
    ------
    InputError
        A concept or the layer is not what the settings must name.

    Notes
    -----
    Kim et al. 2018 test scores against 0.5, or those of a concept against those of a random one
    over several runs, by Student's t. The runs of one concept share its examples, and so are not
    independent: a random concept is then found far too often. Here a concept is one draw, and is
    held against many random ones by its rank. Scores count signs, and are often 0 or 1 of random
    concepts too; it is the mean derivative that is ranked.
    """
    model = problem.subject.model
    layer = hidden(model) if config.layer is None else named(model, config.layer)
    assert layer is not None
    network = Network(problem)
    notes: list[str] = []
    pool = activations(network, layer, network.points(problem.background))
    concepts = _concepts(problem, network, layer, pool, config, notes)
    by_output = _slopes(problem, network, layer, config, notes)
    asked = config.random_concepts
    if asked is None:
        # Twice as many as it takes that the least p value, times the tests, is at most alpha.
        asked = max(RANDOM_CONCEPTS, ceil(2 * len(concepts) * len(by_output) / config.alpha))
    means = [each.mean(axis=0) for each in by_output.values()]
    slopes_of = np.stack(means) if means else np.zeros((0, pool.shape[1]))
    sets = _Sets(pool, slopes_of, asked, config, problem.seed, deadline)
    found: list[dict[str, Any]] = []
    for place, concept in enumerate(concepts):
        if deadline.passed:
            left = ", ".join(each.name for each in concepts[place:])
            notes.append(f"No time was left for the concepts {left}.")
            break
        deadline.report(place / len(concepts), f"concept {concept.name}")
        found += _tested(concept, sets, by_output)
    fewest = min((each["random_concepts"] for each in found), default=asked)
    if fewest < asked:
        notes.append(
            f"There was time for {fewest:,} of {asked:,} random concepts: p values are coarser."
        )
    if found and len(found) / (fewest + 1) > config.alpha:
        notes.append(
            f"With {fewest} random concepts none of {len(found)} tests can find anything: set "
            f"{SETTING}.random_concepts higher."
        )
    for each, adjusted in zip(found, holm([each["p"] for each in found]), strict=True):
        each["adjusted"] = adjusted
        each["found"] = adjusted <= config.alpha
    vague = sorted({each["concept"] for each in found if each["accuracy"] < LEAST_ACCURACY})
    if vague:
        notes.append(
            f"The layer hardly tells examples from other rows, of {', '.join(vague)}: it may not "
            "know the concept."
        )
    found.sort(key=lambda each: (each["adjusted"], -abs(each["sensitivity"])))
    return Explanation(
        {
            "layer": layer.name,
            "width": pool.shape[1],
            "direction": config.direction,
            "alpha": config.alpha,
            "random_concepts": fewest,
            "concepts": found,
            "notes": notes,
        }
    )


@dataclass(frozen=True)
class _Concept:
    """A named set of examples: their activations, and places in the background, if any."""

    name: str
    activations: np.ndarray
    places: np.ndarray


def _concepts(
    problem: Problem,
    network: Network,
    layer: tf_keras.layers.Layer,
    pool: np.ndarray,
    config: TcavConfig,
    notes: list[str],
) -> list[_Concept]:
    found = []
    if problem.subject.images is None:
        for index, (name, conditions) in enumerate(config.slices.items()):
            setting = f"{SETTING}.slices.{name}"
            places = rows_of(problem.background.columns, conditions, setting)
            most = min(config.examples, len(pool) // 2)
            if len(places) > most:
                random = np.random.default_rng([problem.seed, index])
                places = np.sort(random.choice(places, most, replace=False))
            found.append(_Concept(name, pool[places], places))
    else:
        assert problem.background.images is not None
        shape = problem.background.images.shape[1:]
        for name, directory in config.folders.items():
            setting = f"{SETTING}.folders.{name}"
            pixels = pictures_of(directory, shape, config.examples, problem.seed, setting)
            examples = activations(network, layer, {IMAGE: pixels})
            found.append(_Concept(name, examples[: len(pool) // 2], np.zeros(0, int)))
    for concept in found:
        if len(concept.activations) < LEAST_EXAMPLES:
            notes.append(
                f"The concept {concept.name} has {len(concept.activations)} examples, and "
                f"{LEAST_EXAMPLES} are needed: it is left out."
            )
    return [each for each in found if len(each.activations) >= LEAST_EXAMPLES]


def _slopes(
    problem: Problem,
    network: Network,
    layer: tf_keras.layers.Layer,
    config: TcavConfig,
    notes: list[str],
) -> dict[str, np.ndarray]:
    """Return by output the gradients on rows that are labelled with it."""
    subject = problem.subject
    found = {}
    for output, name in enumerate(problem.outputs):
        if subject.task == REGRESSION:
            rows = np.arange(len(subject))
        else:
            rows = np.flatnonzero(subject.labels == subject.classes.index(name))
        if not len(rows):
            notes.append(f"No row is labelled {name}, on which derivatives could be taken.")
            continue
        labelled = replace(problem, subject=subject.take(rows))
        taken = labelled.subject.take(chosen.rows(labelled, config.rows))
        points = network.points(taken)
        network.values(points)  # It raises an error if they are not numbers.
        found[name] = slopes(network, layer, points, output)
    return found


class _Sets:
    """Random rows of the background: what concepts are told from, and random concepts.

    Parameters
    ----------
    pool : ndarray, shape [n, d]
        Activations of the background.
    slopes : ndarray, shape [outputs, d]
        Mean gradients.
    count : int
        Random concepts.
    """

    def __init__(
        self,
        pool: np.ndarray,
        slopes: np.ndarray,
        count: int,
        config: TcavConfig,
        seed: int,
        deadline: Deadline,
    ) -> None:
        self._pool, self._slopes, self._count = pool, slopes, count
        self._config, self.seed, self._deadline = config, seed, deadline
        self._known: dict[int, np.ndarray] = {}

    def vectors(
        self, examples: np.ndarray, places: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """Return the direction of each run [runs, d], each from as many other rows."""
        found = [
            vector(examples, self.others(len(examples), places, random), self._config.direction)
            for _ in range(self._config.runs)
        ]
        return np.stack(found)

    def others(self, count: int, places: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return rows that are not at some places, drawn."""
        rest = np.setdiff1d(np.arange(len(self._pool)), places)
        drawn: np.ndarray = self._pool[random.choice(rest, min(count, len(rest)), replace=False)]
        return drawn

    def random_means(self, size: int) -> np.ndarray:
        """Return the mean derivatives along random concepts of a size, [concepts, outputs]."""
        if size not in self._known:
            found = []
            for index in range(self._count):
                if self._deadline.passed:
                    break
                random = np.random.default_rng([self.seed, size, index])
                places = random.choice(len(self._pool), size, replace=False)
                vectors = self.vectors(self._pool[places], places, random)
                found.append(self._slopes @ vectors.mean(axis=0))
            self._known[size] = np.stack(found) if found else np.zeros((0, len(self._slopes)))
        return self._known[size]


def _tested(
    concept: _Concept, sets: _Sets, by_output: dict[str, np.ndarray]
) -> list[dict[str, Any]]:
    examples = concept.activations
    random = np.random.default_rng([sets.seed, len(examples)])
    vectors = sets.vectors(examples, concept.places, random)
    others = sets.others(len(examples), concept.places, random)
    told_apart = accuracy(examples, others, sets.seed)
    of_random = sets.random_means(len(examples))
    found = []
    for place, (output, gradients) in enumerate(by_output.items()):
        score, mean = sensitivity(vectors, gradients)
        means = of_random[:, place]
        found.append(
            {
                "concept": concept.name,
                "output": output,
                "examples": len(examples),
                "accuracy": told_apart,
                "score": score,
                "sensitivity": mean,
                "random_concepts": len(means),
                "random_sensitivity": np.quantile(means, _MIDDLE).tolist() if len(means) else None,
                "p": p_value(mean, means.tolist()),
            }
        )
    return found


METHOD = Method(
    title="Concept activation vectors (TCAV)",
    scope="global",
    kind="model-specific",
    assumes=(
        "The model is differentiable, a concept is one direction in the activations of the layer, "
        "and its examples differ from other rows in the concept alone."
    ),
    source=(
        "B. Kim et al.: Interpretability Beyond Feature Attribution: Quantitative Testing with "
        "Concept Activation Vectors (TCAV). ICML 2018; patterns as directions, F. Pahde et al.: "
        "Navigating Neural Space: Revisiting Concept Activation Vectors to Overcome Directional "
        "Divergence. ICLR 2025"
    ),
    refuse=refuse,
    explain=explain,
)
