"""The Gaussian process holds to its formulas, and the Bayesian strategy to its promises."""

from __future__ import annotations

import json
import statistics
from typing import Any

import keras_tuner
import numpy as np
import pytest
from scipy import integrate, stats
from scipy.optimize import check_grad
from scipy.spatial.distance import pdist
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from components.strategies.bayesian import BayesianStrategy, log_expected_improvement
from components.strategies.gaussian_process import GaussianProcess
from components.strategies.search_space import SearchSpace, Values


def mixed_space() -> SearchSpace:
    hp = keras_tuner.HyperParameters()
    hp.Choice("kind", ["a", "b", "c"])
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    hp.Int("layers", 1, 5)
    with hp.conditional_scope("kind", ["b"]):
        hp.Choice("size", [1, 2, 4, 8])
        hp.Choice("extra", ["u", "v"])
    return SearchSpace.from_hyperparameters(hp)


def squared_distances(strategy: BayesianStrategy, first: Values, second: Values) -> list[float]:
    """Of each parameter."""
    difference = np.subtract(*strategy._encode([first, second]))
    groups = strategy._process.groups
    return [float((difference[groups == g] ** 2).sum()) for g in range(groups.max() + 1)]


def test_predictions_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    points, scores, new = rng.random((30, 3)), rng.normal(size=30), rng.random((20, 3))
    lengths, noise = np.array([0.3, 1.0, 2.5]), 0.05
    process = GaussianProcess([0, 1, 2])
    process.logs = np.log([*lengths**-2.0, noise])
    process.condition(points, scores)
    mean, deviation = process.predict(new)
    unit = GaussianProcessRegressor(Matern(lengths, nu=2.5), alpha=noise, optimizer=None)
    weights = unit.fit(points, scores).alpha_.ravel()
    signal = float(scores @ weights) / len(scores)  # where the likelihood is highest
    kernel = ConstantKernel(signal) * Matern(lengths, nu=2.5)
    reference = GaussianProcessRegressor(kernel, alpha=signal * noise, optimizer=None)
    expected = reference.fit(points, scores).predict(new, return_std=True)
    np.testing.assert_allclose(mean, expected[0], atol=1e-5)
    np.testing.assert_allclose(deviation, expected[1], atol=1e-5)


def test_gradient_is_that_of_the_loss() -> None:
    rng = np.random.default_rng(1)
    process = GaussianProcess([0, 0, 1, 2])
    coordinates, scores = rng.random((3, 25)), rng.normal(size=25)
    distances = (coordinates[:, :, None] - coordinates[:, None, :]) ** 2
    for _ in range(5):
        logs = rng.normal(size=4)
        error = check_grad(
            lambda logs: process._loss(logs, distances, scores)[0],
            lambda logs: process._loss(logs, distances, scores)[1],
            logs,
        )
        assert error < 1e-4


def test_fit_finds_what_matters() -> None:
    rng = np.random.default_rng(2)
    points, new = rng.random((2, 80, 2))
    scores = stats.zscore(np.sin(6.0 * points[:, 0]))
    process = GaussianProcess([0, 1])
    process.fit(points, scores, 50)
    assert process.logs[0] > process.logs[1] + 3.0
    process.condition(points, scores)
    assert np.corrcoef(process.predict(new)[0], np.sin(6.0 * new[:, 0]))[0, 1] > 0.99


@pytest.mark.parametrize(
    ("mean", "deviation", "best"), [(0.3, 0.5, 0.0), (-1.0, 0.7, 0.4), (-2.0, 1.0, 1.5)]
)
def test_expected_improvement_is_its_integral(mean: float, deviation: float, best: float) -> None:
    density = stats.norm(mean, deviation).pdf
    integral, _ = integrate.quad(lambda score: (score - best) * density(score), best, 20.0)
    found = log_expected_improvement(np.array([mean]), np.array([deviation]), best)
    assert found[0] == pytest.approx(np.log(integral), rel=1e-5)


def test_expected_improvement_falls_without_a_jump_however_low() -> None:
    z = -np.geomspace(0.01, 1e5, 100_000)
    found = log_expected_improvement(z, np.ones_like(z), 0.0)
    assert np.isfinite(found).all()
    steps = np.diff(found) / np.diff(z)
    # The slope is between -z and -z + 2 everywhere.
    assert (np.abs(steps + z[1:]) < 0.01 * np.abs(z[1:]) + 2.0).all()
    assert (steps > 0.0).all()


def test_distances_know_order_scale_and_activity() -> None:
    strategy = BayesianStrategy(mixed_space(), 0)
    a = {"kind": "a", "rate": 1e-4, "layers": 1}
    b = {"kind": "b", "rate": 1e-2, "layers": 5, "size": 1, "extra": "u"}
    c = {"kind": "b", "rate": 1e-2, "layers": 4, "size": 8, "extra": "v"}
    assert squared_distances(strategy, a, b) == pytest.approx([1, 0.25, 1, 0.25, 1], abs=1e-6)
    assert squared_distances(strategy, b, c) == pytest.approx([0, 0, 1 / 16, 1, 1], abs=1e-6)


def test_order_of_scores_is_all_that_matters() -> None:
    def search(scale: Any) -> list[Values]:
        strategy = BayesianStrategy(mixed_space(), 3)
        points = []
        for _ in range(15):
            values = strategy.propose()
            assert values is not None
            strategy.observe(values, scale(-values["layers"] + np.log10(values["rate"])))
            points.append(values)
        return points

    assert search(lambda score: score) == search(lambda score: -np.exp(-20.0 * score))


def test_state_goes_on_to_the_same_points_with_trials_running() -> None:
    def proceed(strategy: BayesianStrategy, running: list[Values], rounds: int) -> list[Values]:
        points = []
        for _ in range(rounds):
            values = strategy.propose()
            assert values is not None
            points.append(values)
            running.append(values)
            if len(running) == 3:
                done = running.pop(0)
                strategy.observe(done, None if done["kind"] == "c" else -done["layers"])
        return points

    strategy, running = BayesianStrategy(mixed_space(), 5), []
    proceed(strategy, running, 14)
    state = json.loads(json.dumps(strategy.get_state()))
    resumed, still_running = BayesianStrategy(mixed_space(), 99), list(running)
    resumed.set_state(state)
    assert proceed(resumed, still_running, 6) == proceed(strategy, running, 6)


def test_parallel_trials_keep_apart() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.0, 1.0)
    hp.Float("y", 0.0, 1.0)
    space = SearchSpace.from_hyperparameters(hp)

    def distance(seed: int, forgetful: bool) -> float:
        strategy = BayesianStrategy(space, seed)
        for _ in range(4):
            values = strategy.propose()
            assert values is not None
            strategy.observe(values, -((values["x"] - 0.3) ** 2) - (values["y"] - 0.6) ** 2)
        points = []
        for _ in range(4):
            values = strategy.propose()
            assert values is not None
            points.append([values["x"], values["y"]])
            if forgetful:
                strategy.pending.clear()
        return float(pdist(np.array(points)).mean())

    with_memory, without = (
        statistics.fmean(distance(seed, forgetful) for seed in range(4))
        for forgetful in (False, True)
    )
    assert with_memory > 2.0 * without


def test_finds_the_peak_of_numbers_without_steps() -> None:
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 1e-4, 1.0, sampling="log")
    hp.Float("y", -1.0, 1.0)
    space = SearchSpace.from_hyperparameters(hp)

    def best(seed: int) -> float:
        strategy = BayesianStrategy(space, seed)
        found = []
        for _ in range(40):
            values = strategy.propose()
            assert values is not None
            score = -((np.log10(values["x"]) + 2.0) ** 2) - (values["y"] - 0.3) ** 2
            strategy.observe(values, float(score))
            found.append(float(score))
        return max(found)

    assert statistics.median(best(seed) for seed in range(3)) > -1e-3
