"""Executor of Tuner."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from components import base, files, progress
from components.models import transformed
from components.models.specification import Member, Specification
from components.settings import Settings
from components.tuner import earlier
from components.tuner.config import TunerConfig
from components.tuner.trials import SEARCH_FILE, Trial, best, read_table, write_table

if TYPE_CHECKING:
    from components.strategies.oracle import EarlierTrial
    from components.tuner.objectives import Objectives
    from components.tuner.space import ModelSpace, OwnSpace

#: TFX's name for the best hyperparameters, in KerasTuner's format.
BEST_FILE = "best_hyperparameters.txt"
#: The search as a page for people.
PAGE_FILE = "search.html"
#: Trials of which the run's summary speaks.
LEADERS = 5


class Executor(base.Executor):
    """Search on the split ``train``, judge on the split ``eval``."""

    CONFIG: ClassVar[type[Settings]] = TunerConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: TunerConfig) -> None:
        # Late, for whoever only builds the DAG: KerasTuner takes seconds to import.
        from components.tuner.worker_pool import WorkerPool

        [examples], [graph] = inputs["examples"], inputs["transform_graph"]
        # What the examples are is said where they were made.
        described = base.optional(inputs, "projection") or graph
        [hyperparameters], [results] = outputs["best_hyperparameters"], outputs["tuner_results"]
        directory = self.checkpoint_directory(inputs, hyperparameters)
        directory.mkdir(parents=True, exist_ok=True)
        parallel = config.parallel or os.cpu_count() or 1
        arguments = {
            "splits": {name: base.split_uri(examples, name) for name in ("train", "eval")},
            "features": described.uri,
            "config": config.model_dump(mode="json"),
            "directory": str(directory),
        }
        threads = None if parallel == 1 else max((os.cpu_count() or 1) // parallel, 1)
        progress.report(0.0, "starting")
        # First: the processes import TensorFlow while this one reads the space.
        with WorkerPool(
            "components.tuner.trial_runner.make_runner", arguments, parallel, threads
        ) as pool:
            from components.tuner import card, oracles
            from components.tuner import space as spaces
            from components.tuner.objectives import Objectives
            from components.tuner.search import Search
            from components.tuner.stopping import RULES

            assert config.training is not None
            features = transformed.Features.read(described.uri)
            space = spaces.build_space(config, config.training, features)
            objectives = Objectives(config.objective, features.task)
            search = Search(
                oracles.prepare(config, space.hyperparameters),
                pool,
                objectives=objectives,
                rule=RULES["none" if config.strategy == "hyperband" else config.stopping](),
                budget=config.budget,
                directory=directory,
                default=space.default(),
                starts=space.starts(),
                earlier=_earlier_trials(inputs.get("earlier", []), objectives, space),
                models=config.ensemble,
                report=progress.report,
            )
            trials = search.run()
            seconds = search.seconds
        progress.report(1.0, "choosing the best")
        labels = transformed.load_arrays(base.split_uri(examples, "eval"), features)[
            transformed.LABEL
        ]
        weights = _choose(trials, config, directory, objectives, labels)
        by_id = {trial.id: trial for trial in trials}
        Specification(
            members=tuple(
                _member(by_id[name], space, config).model_copy(update={"weight": weight})
                for name, weight in weights.items()
            ),
            refit=config.refit,
        ).write(hyperparameters.uri)
        leader = best(trials)
        assert leader is not None
        found = space.hyperparameters.copy()
        found.values = dict(leader.values or leader.model)
        files.write_json(Path(hyperparameters.uri) / BEST_FILE, found.get_config())
        front = objectives.front(trials)
        write_table(trials, front, results.uri)
        summary = _summary(trials, config, objectives, space.describe(), weights, seconds)
        files.write_json(Path(results.uri) / SEARCH_FILE, {**summary, "parallel": parallel})
        base.write_page(Path(results.uri) / PAGE_FILE, lambda: card.page(results.uri))
        results.set_string_custom_property(
            earlier.SEARCH_KEY,
            earlier.search_key(
                self.properties["config"],
                self.properties["code_fingerprint"],
                self.properties["dataset"],
            ),
        )
        base.note(results, _leaderboard(trials, summary))
        # Only now: until the outputs are published, a killed run starts from it again.
        shutil.rmtree(directory, ignore_errors=True)


def _earlier_trials(
    results: list[Any], objectives: Objectives, space: ModelSpace | OwnSpace
) -> list[EarlierTrial]:
    """Return the trials of an earlier search that are points of this one's space."""
    from components.strategies.oracle import EarlierTrial
    from components.strategies.search_space import SearchSpace

    points = SearchSpace.from_hyperparameters(space.hyperparameters)
    found = []
    for result in results:
        before = json.loads((Path(result.uri) / SEARCH_FILE).read_text())
        # Scores of another objective say nothing here.
        if [item["metric"] for item in before["objectives"]] != list(objectives.names):
            continue
        for trial in read_table(result.uri):
            values = {k: v for k, v in trial.values.items() if not k.startswith("tuner/")}
            if values and points.contains(values):
                found.append(EarlierTrial(values, trial.score))
    return found


def _choose(
    trials: list[Trial],
    config: TunerConfig,
    directory: Path,
    objectives: Objectives,
    labels: np.ndarray,
) -> dict[str, float]:
    """Return the weights of the trials whose models make the result."""
    from components.models import scores
    from components.tuner.ensemble_selection import CANDIDATES, select
    from components.tuner.trial_runner import OUTPUTS

    leader = best(trials)
    assert leader is not None
    if config.ensemble == 1:
        return {leader.id: 1.0}
    scored = sorted(
        (trial for trial in trials if trial.score is not None), key=lambda each: -(each.score or 0)
    )
    outputs = {
        trial.id: np.load(directory / OUTPUTS / f"{trial.id}.npy") for trial in scored[:CANDIDATES]
    }

    def score(candidate: np.ndarray) -> float:
        probabilities = scores.from_outputs(candidate.astype(np.float32), objectives.task)
        return objectives.quality(np.asarray(probabilities), labels)

    return select(outputs, score, largest=config.ensemble)


def _member(trial: Trial, space: ModelSpace | OwnSpace, config: TunerConfig) -> Member:
    from components.tuner.search import DEFAULT

    assert config.training is not None
    configured = trial.id == DEFAULT
    member = space.configured(config.training) if configured else space.member(trial.values)
    return member.for_rounds(trial.rounds) if config.refit else member


def _summary(
    trials: list[Trial],
    config: TunerConfig,
    objectives: Objectives,
    space: dict[str, str],
    weights: dict[str, float],
    seconds: float,
) -> dict[str, Any]:
    """Return what `SEARCH_FILE` says of the whole search."""
    from components.tuner.importance import importance
    from components.tuner.objectives import larger_is_better
    from components.tuner.search import DEFAULT

    states = [trial.state for trial in trials]
    leader = best(trials)
    assert leader is not None
    return {
        "strategy": config.strategy,
        "seed": config.seed,
        "seconds": seconds,
        "stopping": config.stopping,
        "budget": config.budget.model_dump(mode="json"),
        "objectives": [
            {
                "metric": item.metric,
                "better": "higher" if larger_is_better(item.metric) else "lower",
                "weight": item.weight,
            }
            for item in objectives.configs
        ],
        "space": space,
        "best": leader.id,
        "default": DEFAULT,
        "ensemble": [{"trial": name, "weight": weight} for name, weight in weights.items()],
        "trials": {state: states.count(state) for state in dict.fromkeys(states)},
        "importance": [dataclasses.asdict(item) for item in importance(trials, seed=config.seed)],
    }


def _leaderboard(trials: list[Trial], summary: dict[str, Any]) -> str:
    """Return what the run's summary says of the search: a line, and the best trials."""
    names = [item["metric"] for item in summary["objectives"]]
    scored = [trial for trial in trials if trial.score is not None]
    scored.sort(key=lambda trial: -(trial.score or 0.0))
    lines = [f"{len(trials)} trials by {summary['strategy']} in {summary['seconds']:.0f} s"]
    shown = scored[:LEADERS]
    shown += [trial for trial in scored[LEADERS:] if trial.id == summary["default"]]
    for trial in shown:
        metrics = "  ".join(f"{name} {trial.metrics[name]:.5g}" for name in names)
        architecture = trial.model.get("architecture", "")
        lines.append(f"{scored.index(trial) + 1:>3}  {trial.id:<8} {architecture:<14} {metrics}")
    if len(summary["ensemble"]) > 1:
        members = ", ".join(
            f"{item['trial']} ({item['weight']:.0%})" for item in summary["ensemble"]
        )
        lines.append(f"ensemble of {members}")
    return "\n".join(lines)
