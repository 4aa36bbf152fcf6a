"""What a search promises, whatever its trials do: budgets, failures, resumption."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from components.errors import InputError
from components.strategies.oracle import EarlierTrial
from components.strategies.search_space import SearchSpace
from components.strategies.table import STRATEGIES
from components.tuner import oracles
from components.tuner.config import BudgetConfig, ObjectiveConfig, TunerConfig
from components.tuner.objectives import Objectives
from components.tuner.search import DEFAULT, Search, SearchFailedError
from components.tuner.stopping import RULES
from components.tuner.trials import Trial, best
from components.tuner.worker_pool import WorkerPool
from tests.components.tuner.runners import quality

RUNNER = "tests.components.tuner.runners.make"
AUC = (ObjectiveConfig(metric="AUC"),)


def space() -> keras_tuner.HyperParameters:
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0.0, 1.0, step=0.05)
    hp.Choice("kind", ["a", "b", "c"])
    return hp


def search(
    directory: Path,
    *,
    strategy: str = "random",
    trials: int | None = 6,
    parallel: int = 1,
    arguments: dict[str, Any] | None = None,
    stopping: str = "none",
    objective: tuple[ObjectiveConfig, ...] = AUC,
    budget: BudgetConfig | None = None,
    on_report: Any = None,
    **settings: Any,
) -> list[Trial]:
    """Run a search in `directory`, from where an earlier one left it."""
    config = TunerConfig(
        strategy=strategy,
        budget=budget or BudgetConfig(trials=trials),
        options={"max_epochs": 9} if strategy == "hyperband" else {},
    )
    directory.mkdir(parents=True, exist_ok=True)
    with WorkerPool(RUNNER, arguments or {}, parallel) as pool:
        return Search(
            oracles.prepare(config, space()),
            pool,
            objectives=Objectives(objective, "binary"),
            rule=RULES[stopping](),
            budget=config.budget,
            directory=directory,
            report=on_report or (lambda fraction, text: None),
            **settings,
        ).run()


def told(trials: list[Trial]) -> list[tuple[Any, ...]]:
    """Return what of the trials does not depend on the clock."""
    return [(t.id, t.state, t.values, t.score, t.metrics, t.curve, t.epochs) for t in trials]


def killed(directory: Path, after: int, **settings: Any) -> None:
    """Run a search in a process that is killed when `after` trials have ended."""
    child = os.fork()
    if child == 0:
        try:
            search(directory, **settings)
        finally:
            os._exit(0)
    records = directory / "trials"
    while len(list(records.glob("[!.]*.json"))) < after:
        time.sleep(0.005)
        assert os.waitpid(child, os.WNOHANG) == (0, 0), "it ended before it could be killed"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
def test_killed_search_resumes_to_what_an_undisturbed_one_finds(
    strategy: str, tmp_path: Path
) -> None:
    trials = None if strategy == "hyperband" else 8
    settings: dict[str, Any] = {
        "strategy": strategy,
        "trials": 8,
        "arguments": {"pause": 0.01},
        "budget": BudgetConfig(trials=trials or 25),
    }
    if strategy == "grid":
        settings["budget"] = BudgetConfig(trials=63)
    whole = search(tmp_path / "whole", **settings)
    killed(tmp_path / "cut", after=4, **settings)
    resumed = search(tmp_path / "cut", **settings)
    assert told(resumed) == told(whole)
    assert best(resumed).values == best(whole).values  # type: ignore[union-attr]


def test_kill_between_record_and_strategy_runs_the_trial_once(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole")
    search(tmp_path / "cut", trials=3)
    # As if killed right before the strategy heard of the last trial.
    state = json.loads((tmp_path / "cut" / "oracle" / "oracle.json").read_text())
    last = state["end_order"].pop()
    state["ongoing_trials"] = {"worker-0": last}
    (tmp_path / "cut" / "oracle" / "oracle.json").write_text(json.dumps(state))
    record = tmp_path / "cut" / "trials" / f"{last}.json"
    before = record.stat().st_mtime_ns
    resumed = search(tmp_path / "cut")
    assert [(t.values, t.score) for t in resumed] == [(t.values, t.score) for t in whole]
    assert record.stat().st_mtime_ns == before


def test_budget_of_trials_counts_all_but_the_configured_model(tmp_path: Path) -> None:
    trials = search(tmp_path, trials=5)
    assert [trial.id for trial in trials] == [DEFAULT, "0", "1", "2", "3", "4"]


def test_budget_of_epochs_ends_the_search_within_a_trial(tmp_path: Path) -> None:
    trials = search(tmp_path, budget=BudgetConfig(epochs=7))
    assert sum(trial.epochs for trial in trials) == 7
    assert trials[-1].state == "stopped"


def test_budget_of_seconds_ends_the_search(tmp_path: Path) -> None:
    began = time.monotonic()
    trials = search(tmp_path, budget=BudgetConfig(seconds=8.0), arguments={"pause": 0.1})
    # The worker's start counts, and a busy machine has to be given time for it.
    assert 4.0 < time.monotonic() - began < 30.0
    assert len(trials) > 3


def test_trial_that_hangs_is_cut_off_when_the_time_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.tuner.search.GRACE", 0.2)
    trials = search(tmp_path, budget=BudgetConfig(seconds=1.5), arguments={"faults": {"0": "hang"}})
    assert [trial.state for trial in trials] == ["complete", "unfinished"]


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("raise", "crashed"),
        ("memory", "out_of_memory"),
        ("kill", "out_of_memory"),
        ("segfault", "crashed"),
        ("nan", "diverged"),
    ],
)
def test_failed_trial_is_recorded_and_the_search_goes_on(
    fault: str, state: str, tmp_path: Path
) -> None:
    trials = search(tmp_path, arguments={"faults": {"1": fault}})
    assert [trial.state for trial in trials] == [
        "complete",
        "complete",
        state,
        *["complete"] * 4,
    ]
    assert trials[2].error
    assert trials[2].score is None


def test_search_of_failures_ends_early_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(SearchFailedError, match="the fault of this test"):
        search(tmp_path, trials=100, arguments={"faults": {"*": "raise"}})
    assert len(list((tmp_path / "trials").glob("*.json"))) <= 10


def test_bad_input_ends_the_search_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The function is wrong") as caught:
        search(tmp_path, arguments={"faults": {DEFAULT: "input"}})
    assert caught.value.details["setting"] == "tuner.build_model"


def test_parallel_trials_overlap_and_none_is_lost(tmp_path: Path) -> None:
    trials = search(tmp_path, parallel=2, trials=8, arguments={"pause": 0.05})
    assert sorted(trial.id for trial in trials) == [*map(str, range(8)), DEFAULT]
    spans = [(trial.started, trial.started + trial.seconds) for trial in trials[1:]]
    assert any(a[0] < b[0] < a[1] for a in spans for b in spans if a is not b)
    assert len({json.dumps(trial.values) for trial in trials}) == 9


@pytest.mark.parametrize("stopping", ["median", "halving"])
def test_hopeless_trials_end_early_and_the_best_is_the_same(stopping: str, tmp_path: Path) -> None:
    arguments = {"epochs": 9}
    whole = search(tmp_path / "whole", trials=40, arguments=arguments)
    rule = search(tmp_path / "rule", trials=40, arguments=arguments, stopping=stopping)
    assert sum(trial.epochs for trial in rule) < 0.85 * sum(trial.epochs for trial in whole)
    assert {trial.state for trial in rule} == {"complete", "stopped"}
    assert best(rule).values == best(whole).values  # type: ignore[union-attr]


def test_configured_model_s_point_is_not_tried_again(tmp_path: Path) -> None:
    default = {"x": 0.5, "kind": "a"}
    trials = search(
        tmp_path,
        strategy="grid",
        trials=63,
        budget=BudgetConfig(trials=63),
        default=default,
        earlier=[EarlierTrial({"x": 0.0, "kind": "c"}, 0.1)],
    )
    points = SearchSpace.from_hyperparameters(space()).size()
    assert len(trials) == points - 1  # the earlier one is left out
    assert [trial.id for trial in trials if trial.values == default] == [DEFAULT]


def test_starts_are_tried_first_and_guide_the_strategy(tmp_path: Path) -> None:
    starts = {"near": {"x": 0.65, "kind": "b"}, "far": {"x": 0.0, "kind": "c"}}
    for parallel in (1, 2):
        trials = search(
            tmp_path / str(parallel),
            strategy="local_search",
            trials=6,
            parallel=parallel,
            starts=starts,
        )
        assert trials[0].id == DEFAULT
        assert {trial.id for trial in trials[1:3]} == set(starts)
        assert len(trials) == 7
        points = [json.dumps(trial.values, sort_keys=True) for trial in trials[1:]]
        assert len(set(points)) == 6


def test_several_objectives_are_gains_over_the_configured_model(tmp_path: Path) -> None:
    objective = (ObjectiveConfig(metric="AUC"), ObjectiveConfig(metric="parameters", weight=0.5))
    trials = search(tmp_path, objective=objective)
    assert trials[0].score == pytest.approx(0.0)
    reference = quality({"x": 0.5, "kind": "a"})
    for trial in trials[1:]:
        value = quality(trial.values)
        gain = 1 - (1 - value) / (1 - reference) + 0.5 * (1 - value / reference)
        assert trial.score == pytest.approx(gain)
    kept = Objectives(objective, "binary").front(trials)
    for trial in trials:
        beaten = any(
            other.metrics["AUC"] >= trial.metrics["AUC"]
            and other.metrics["parameters"] <= trial.metrics["parameters"]
            and other.metrics != trial.metrics
            for other in trials
        )
        assert (trial.id in kept) == (not beaten)


def test_progress_names_trial_best_and_share(tmp_path: Path) -> None:
    said: list[tuple[float, str]] = []
    search(tmp_path, trials=4, on_report=lambda fraction, text: said.append((fraction, text)))
    shares = [fraction for fraction, _ in said]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert "trial 3 of 5, best AUC 0." in " ".join(text for _, text in said)


def test_no_process_outlives_the_search(tmp_path: Path) -> None:
    before = _workers()
    search(tmp_path, parallel=2)
    assert _workers() == before


def _workers() -> set[int]:
    found = set()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"components.tuner.worker" in entry.read_bytes():
                found.add(int(entry.parent.name))
        except OSError:
            continue
    return found
