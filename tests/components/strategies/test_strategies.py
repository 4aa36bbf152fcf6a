"""Every strategy of the table keeps the same promises."""

from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from components.errors import InputError
from components.strategies.oracle import EarlierTrial, SearchOracle, StrategyOracle
from components.strategies.search_space import SearchSpace
from components.strategies.table import STRATEGIES

NAMES = sorted(STRATEGIES)
#: Enough for every strategy to have learnt something.
TRIALS = 22
#: Hyperband goes on with earlier trials at more epochs: the same point, not the same trial.
BOOKKEEPING = "tuner/"


def conditional_space() -> keras_tuner.HyperParameters:
    """48 points: (3 x 2 + 2 x 3) of the two models, four times over."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("model", ["mlp", "cross"])
    with hp.conditional_scope("model", ["mlp"]):
        hp.Int("layers", 1, 3)
        hp.Boolean("residual")
    with hp.conditional_scope("model", ["cross"]):
        hp.Choice("rank", [4, 8])
        hp.Choice("activation", ["relu", "elu", "tanh"])
    hp.Float("dropout", 0.0, 0.5, step=0.5)
    hp.Boolean("norm")
    return hp


def mixed_space() -> keras_tuner.HyperParameters:
    """A large space with every kind of parameter."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["adam", "sgd", "rmsprop"])
    hp.Float("rate", 1e-4, 1e-1, sampling="log")
    hp.Int("units", 16, 512, sampling="log")
    hp.Int("layers", 1, 5)
    hp.Fixed("loss", "log")
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.0, 0.99)
    return hp


def small_space() -> keras_tuner.HyperParameters:
    """Six points."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", ["x", "y", "z"])
    hp.Boolean("b")
    return hp


def score_conditional(values: dict[str, Any]) -> float:
    score = 1.0 if values["model"] == "cross" else 0.0
    score += values.get("rank", 0) / 10 + values.get("layers", 0) / 5
    return score + values["dropout"] + (0.1 if values["norm"] else 0.0)


def make(
    name: str,
    space: keras_tuner.HyperParameters,
    directory: Path,
    *,
    direction: str = "max",
    **settings: Any,
) -> SearchOracle:
    settings.setdefault("seed", 0)
    if name == "hyperband":
        settings.setdefault("max_epochs", 9)
    oracle = STRATEGIES[name](keras_tuner.Objective("score", direction), space, **settings)
    oracle._set_project_dir(str(directory), "search")
    return oracle


def values_of(trial: Any) -> dict[str, Any]:
    return dict(trial.hyperparameters.values)


def point_of(trial: Any) -> dict[str, Any]:
    return {k: v for k, v in values_of(trial).items() if not k.startswith(BOOKKEEPING)}


def end(oracle: SearchOracle, trial: Any, score: float | None) -> None:
    if score is None:
        trial.status = "FAILED"
    else:
        oracle.update_trial(trial.trial_id, {"score": score})
        trial.status = "COMPLETED"
    oracle.end_trial(trial)


def search(oracle: SearchOracle, score: Any, limit: int = 1000) -> list[Any]:
    """Run trials until the oracle stops, or `limit` more; return them."""
    trials = []
    while len(trials) < limit:
        trial = oracle.create_trial("tuner")
        if trial.status != "RUNNING":
            assert trial.status == "STOPPED"
            break
        trials.append(trial)
        end(oracle, trial, score(point_of(trial)))
    return trials


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_same_search(name: str, tmp_path: Path) -> None:
    runs = [
        search(
            make(name, conditional_space(), tmp_path / str(number), seed=7),
            score_conditional,
            TRIALS,
        )
        for number in range(2)
    ]
    assert len(runs[0]) == TRIALS
    assert [values_of(trial) for trial in runs[0]] == [values_of(trial) for trial in runs[1]]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"grid"}))
def test_other_seed_gives_other_search(name: str, tmp_path: Path) -> None:
    # Neighbouring seeds are the ones that a list of repetitions uses.
    first, second = (
        [
            values_of(trial)
            for trial in search(
                make(name, mixed_space(), tmp_path / str(seed), seed=seed), lambda _: 0.0, 5
            )
        ]
        for seed in (0, 1)
    )
    assert not any(values in second for values in first)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("killed_while", ["running", "idle"])
def test_killed_search_goes_on_as_if_undisturbed(
    name: str, killed_while: str, tmp_path: Path
) -> None:
    trials, before = TRIALS, TRIALS - 3
    settings: dict[str, Any] = {"max_trials": trials}
    whole = search(
        make(name, conditional_space(), tmp_path / "whole", **settings), score_conditional
    )
    cut = make(name, conditional_space(), tmp_path / "cut", **settings)
    search(cut, score_conditional, before)
    if killed_while == "running":
        running = cut.create_trial("tuner")
        # A metric that the next attempt must not be averaged with.
        cut.update_trial(running.trial_id, {"score": -100.0})
    resumed = make(name, conditional_space(), tmp_path / "cut", **settings)
    resumed.reload()
    search(resumed, score_conditional)
    assert [resumed.trials[trial_id].trial_id for trial_id in resumed.end_order] == [
        trial.trial_id for trial in whole
    ]
    for trial in whole:
        other = resumed.trials[trial.trial_id]
        assert (values_of(other), other.score) == (values_of(trial), trial.score)


@pytest.mark.parametrize("name", NAMES)
def test_kill_between_the_trial_s_file_and_the_state_s_loses_nothing(
    name: str, tmp_path: Path
) -> None:
    trials = TRIALS - 2
    whole = search(
        make(name, conditional_space(), tmp_path / "whole", max_trials=trials), score_conditional
    )
    cut = make(name, conditional_space(), tmp_path / "cut", max_trials=trials)
    search(cut, score_conditional, trials - 2)
    project = tmp_path / "cut" / "search"
    shutil.copy(project / "oracle.json", tmp_path / "oracle.json")
    cut.create_trial("tuner")
    shutil.copy(tmp_path / "oracle.json", project / "oracle.json")
    resumed = make(name, conditional_space(), tmp_path / "cut", max_trials=trials)
    resumed.reload()
    search(resumed, score_conditional)
    assert [values_of(resumed.trials[trial_id]) for trial_id in resumed.end_order] == [
        values_of(trial) for trial in whole
    ]


@pytest.mark.parametrize("name", NAMES)
def test_kill_before_the_first_state_starts_anew(name: str, tmp_path: Path) -> None:
    oracle = make(name, small_space(), tmp_path)
    first = values_of(oracle.create_trial("tuner"))
    (tmp_path / "search" / "oracle.json").unlink()
    again = make(name, small_space(), tmp_path)
    again.reload()
    assert values_of(again.create_trial("tuner")) == first


@pytest.mark.parametrize("name", NAMES)
def test_state_is_json_and_no_temporary_file_stays(name: str, tmp_path: Path) -> None:
    oracle = make(name, mixed_space(), tmp_path)
    search(oracle, lambda values: values["rate"], 8)
    state = json.loads((tmp_path / "search" / "oracle.json").read_text())
    assert state == json.loads(json.dumps(oracle.get_state()))
    assert not list(tmp_path.rglob(".tmp-*"))


@pytest.mark.parametrize("name", NAMES)
def test_only_active_hyperparameters_have_values(name: str, tmp_path: Path) -> None:
    hyperparameters = conditional_space()
    space = SearchSpace.from_hyperparameters(hyperparameters)
    trials = search(make(name, hyperparameters, tmp_path), score_conditional, TRIALS)
    assert all(space.contains(point_of(trial)) for trial in trials)
    if name != "grid":
        assert {point_of(trial)["model"] for trial in trials} == {"mlp", "cross"}


@pytest.mark.parametrize("name", NAMES)
def test_values_lie_in_their_ranges(name: str, tmp_path: Path) -> None:
    trials = search(make(name, mixed_space(), tmp_path), lambda v: -abs(v["rate"] - 0.01), TRIALS)
    for trial in trials:
        values = point_of(trial)
        assert 1e-4 <= values["rate"] <= 1e-1
        assert 16 <= values["units"] <= 512
        assert isinstance(values["units"], int)
        assert 1 <= values["layers"] <= 5
        assert values["loss"] == "log"
        assert ("momentum" in values) == (values["optimizer"] == "sgd")


@pytest.mark.parametrize("name", NAMES)
def test_exhausted_space_ends_the_search_with_each_point_tried_once(
    name: str, tmp_path: Path
) -> None:
    oracle = make(name, small_space(), tmp_path)
    points = [
        json.dumps(point_of(trial))
        for trial in search(oracle, lambda values: float(values["b"]))
        if not values_of(trial).get("tuner/round")
    ]
    assert len(points) == 6
    assert len(set(points)) == 6
    assert oracle.create_trial("tuner").status == "STOPPED"


@pytest.mark.parametrize("name", NAMES)
def test_no_point_is_tried_twice(name: str, tmp_path: Path) -> None:
    # Most of the space, so that chance alone would repeat.
    points = [
        json.dumps(point_of(trial), sort_keys=True)
        for trial in search(make(name, conditional_space(), tmp_path), score_conditional, 40)
        if not values_of(trial).get("tuner/round")
    ]
    assert len(points) == len(set(points)) > 6


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("failure", [None, float("nan"), float("inf")])
def test_failed_trials_are_recorded_and_the_search_goes_on(
    name: str, failure: float | None, tmp_path: Path
) -> None:
    oracle = make(
        name,
        conditional_space(),
        tmp_path,
        max_consecutive_failed_trials=1000,
        max_trials=12,
    )
    trials = search(
        oracle,
        lambda values: failure if values["norm"] else score_conditional(values),
    )
    assert len(trials) == 12
    good = [trial for trial in trials if not point_of(trial)["norm"]]
    assert good
    oracle.save()
    assert len(json.loads((tmp_path / "search" / "oracle.json").read_text())["end_order"]) == 12


@pytest.mark.parametrize("name", NAMES)
def test_search_where_all_fails_ends(name: str, tmp_path: Path) -> None:
    oracle = make(name, small_space(), tmp_path, max_consecutive_failed_trials=1000)
    assert len(search(oracle, lambda _: None)) == 6


@pytest.mark.parametrize("name", NAMES)
def test_minimum_mirrors_maximum(name: str, tmp_path: Path) -> None:
    largest = search(make(name, conditional_space(), tmp_path / "max"), score_conditional, TRIALS)
    smallest = search(
        make(name, conditional_space(), tmp_path / "min", direction="min"),
        lambda values: -score_conditional(values),
        TRIALS,
    )
    assert [values_of(trial) for trial in largest] == [values_of(trial) for trial in smallest]


@pytest.mark.parametrize("name", NAMES)
def test_earlier_trials_are_not_run_again(name: str, tmp_path: Path) -> None:
    earlier = [
        EarlierTrial({"a": "x", "b": True}, 0.3),
        EarlierTrial({"a": "y", "b": False}, 0.9),
        EarlierTrial({"a": "z", "b": False}, None),
    ]
    trials = search(make(name, small_space(), tmp_path, warm_start=earlier), lambda _: 0.0)
    points = [point_of(trial) for trial in trials if not values_of(trial).get("tuner/round")]
    assert len(points) == 3
    assert not any(trial.values in points for trial in earlier)


@pytest.mark.parametrize("name", ["bayesian", "evolution", "reinforcement", "local_search"])
def test_earlier_trials_guide_the_search(name: str, tmp_path: Path) -> None:
    hp = keras_tuner.HyperParameters()
    names = [f"p{index}" for index in range(6)]
    for each in names:
        hp.Choice(each, [0, 1, 2, 3], ordered=False)

    def score(values: dict[str, Any]) -> float:
        return float(sum(values[each] for each in names))

    teacher = search(make("random", hp, tmp_path / "teacher", seed=100), score, 60)
    earlier = [EarlierTrial(values_of(trial), trial.score) for trial in teacher]
    mean = {
        kind: statistics.fmean(
            trial.score
            for seed in range(3)
            for trial in search(
                make(name, hp, tmp_path / f"{kind}-{seed}", seed=seed, **settings),
                score,
                12,
            )
        )
        for kind, settings in {"cold": {}, "warm": {"warm_start": earlier}}.items()
    }
    assert mean["warm"] > mean["cold"] + 1


@pytest.mark.parametrize("name", NAMES)
def test_trials_may_run_side_by_side(name: str, tmp_path: Path) -> None:
    oracle = make(name, conditional_space(), tmp_path)
    points = []
    for _ in range(5):
        running = [oracle.create_trial(f"tuner{number}") for number in range(3)]
        points += [
            json.dumps(point_of(trial), sort_keys=True)
            for trial in running
            if not values_of(trial).get("tuner/round")
        ]
        for trial in reversed(running):
            end(oracle, trial, score_conditional(point_of(trial)))
    assert len(points) == len(set(points)) >= 6
    assert len(oracle.end_order) == 15


@pytest.mark.parametrize("name", NAMES)
def test_empty_space_and_foreign_trials_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="search space is empty"):
        make(name, keras_tuner.HyperParameters(), tmp_path)
    foreign = [EarlierTrial({"a": "w", "b": True}, 0.1)]
    with pytest.raises(InputError, match="not a point of the search space"):
        make(name, small_space(), tmp_path, warm_start=foreign)


def test_grid_visits_every_point_once(tmp_path: Path) -> None:
    hyperparameters = conditional_space()
    space = SearchSpace.from_hyperparameters(hyperparameters)
    trials = search(make("grid", hyperparameters, tmp_path), score_conditional)
    points = {json.dumps(values_of(trial), sort_keys=True) for trial in trials}
    assert len(trials) == len(points) == space.size() == 48


def test_hyperband_gives_more_epochs_to_the_best(tmp_path: Path) -> None:
    trials = search(
        make("hyperband", mixed_space(), tmp_path, max_epochs=9), lambda values: values["rate"]
    )
    epochs = {
        number: [
            point_of(trial)["rate"]
            for trial in trials
            if values_of(trial)["tuner/epochs"] == number and values_of(trial)["tuner/bracket"] == 2
        ]
        for number in (1, 3, 9)
    }
    assert len(epochs[1]) > len(epochs[3]) > len(epochs[9]) >= 1
    assert min(epochs[3]) >= sorted(epochs[1])[-len(epochs[3])]


@pytest.mark.parametrize("name", ["bayesian", "evolution", "reinforcement", "local_search"])
def test_learning_strategies_beat_random_on_a_separable_objective(name: str) -> None:
    hp = keras_tuner.HyperParameters()
    names = [f"p{index}" for index in range(8)]
    for each in names:
        hp.Choice(each, ["a", "b", "c", "d"])
    space = SearchSpace.from_hyperparameters(hp)

    def best(strategy_name: str, seed: int) -> int:
        oracle = STRATEGIES[strategy_name]
        assert issubclass(oracle, StrategyOracle)
        strategy = oracle.STRATEGY(space, seed)
        found = 0
        for _ in range(80):
            values = strategy.propose()
            assert values is not None
            score = sum("abcd".index(values[each]) for each in names)
            strategy.observe(values, float(score))
            found = max(found, score)
        return found

    ours, random = ([best(each, seed) for seed in range(5)] for each in (name, "random"))
    assert statistics.fmean(ours) > statistics.fmean(random) + 2
    # The maximum is 24: no luck, but a climb.
    assert statistics.fmean(ours) >= 21
