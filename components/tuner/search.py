"""The search: asks the strategy for points, has them tried, and keeps what came of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from components import files
from components.errors import InputError, ModelworksError
from components.strategies.oracle import EarlierTrial, SearchOracle
from components.strategies.search_space import Values
from components.tuner.config import BudgetConfig
from components.tuner.objectives import Objectives
from components.tuner.stopping import StoppingRule
from components.tuner.trials import SCORED, Trial, best
from components.tuner.worker_pool import Event, WorkerPool

#: Id of the trial of the configured model.
DEFAULT = "default"
#: Seconds that a trial may go on after the time is up, to come to its own end.
GRACE = 5.0
#: Trials after which a search in which all have failed is given up.
HOPELESS = 10
#: Directory of the records, below the search's own.
RECORDS = "trials"
#: Makes the strategy, once it is known which points were tried before.
MakeOracle = Callable[[Sequence[EarlierTrial]], SearchOracle]


class SearchFailedError(ModelworksError):
    """No trial ended with a score."""


class Search:
    """One search, which goes on where a killed one ended.

    Parameters
    ----------
    make_oracle : callable
        Takes the earlier trials, returns the strategy.
    pool : WorkerPool
        Entered. Its jobs have ``id``, ``values`` (None: the configured model) and ``seconds``
        (what is left of the budget, or None), report ``kind`` and ``loss`` after each epoch, and
        return ``model``, ``metrics``, ``epochs``, ``rounds``, ``parameters`` and ``stopped``.
    objectives : Objectives
    rule : StoppingRule
    budget : BudgetConfig
    directory : Path
        Where the state is kept.
    default : dict or None
        The configured model's point, if the space has it.
    starts : mapping of str to dict
        Points that are tried before the strategy begins, by the ids of their trials.
    earlier : sequence of EarlierTrial
        Of other searches.
    models : int
        Models that the Trainer trains again; their time is part of the budget.
    report : callable
        Takes the share that is done and a text.

    Raises
    ------
    InputError
        A trial met what no point can mend, such as a user's function that builds no model.
    """

    def __init__(
        self,
        make_oracle: MakeOracle,
        pool: WorkerPool,
        *,
        objectives: Objectives,
        rule: StoppingRule,
        budget: BudgetConfig,
        directory: Path,
        default: Values | None = None,
        starts: Mapping[str, Values] | None = None,
        earlier: Sequence[EarlierTrial] = (),
        models: int = 1,
        report: Callable[[float, str], None] = lambda fraction, text: None,
    ) -> None:
        self._make_oracle = make_oracle
        self._pool = pool
        self._objectives = objectives
        self._rule = rule
        self._budget = budget
        self._directory = directory
        #: Points that are tried before the strategy begins; of the configured model, if any.
        self._starts: dict[str, Values | None] = {DEFAULT: default, **(starts or {})}
        self._earlier = tuple(earlier)
        self._models = models
        self._report = report
        #: Trials that ended, by id, in the order in which they ended.
        self._ended: dict[str, Trial] = {}
        self._curves: dict[str, list[float]] = {}
        self._running: dict[str, tuple[str, Any, float]] = {}

    def run(self) -> list[Trial]:
        """Search until the budget is used or the space is exhausted; return all trials.

        Raises
        ------
        SearchFailedError
            Every trial failed.
        """
        self._restore()
        self._began = time.monotonic() - self._seconds_before()
        self._begin()
        oracle = self._make_oracle(self._known())
        oracle._set_project_dir(str(self._directory), "oracle")
        oracle.reload()
        self._take_up(oracle)
        exhausted = False
        while True:
            if not exhausted:
                exhausted = self._start_trials(oracle)
            if not self._running:
                break
            self._handle(oracle)
        if self._all_failed(1):
            first = next(iter(self._ended.values()))
            raise SearchFailedError(
                f"None of {len(self._ended)} trials ended with a score; the first one "
                f"({first.state}): {first.error}"
            )
        return list(self._ended.values())

    def _all_failed(self, least: int) -> bool:
        return len(self._ended) >= least and best(self._ended.values()) is None

    def _begin(self) -> None:
        """Try the starts: the configured model alone, since others are measured by it."""
        waiting = [job_id for job_id in self._starts if job_id not in self._ended]
        while waiting or self._running:
            alone = DEFAULT in self._curves
            for worker in [] if alone else self._pool.idle():
                if waiting and (waiting[0] == DEFAULT or self._spent() < 1.0):
                    job_id = waiting.pop(0)
                    values = None if job_id == DEFAULT else self._starts[job_id]
                    self._submit(worker, job_id, values, None)
                    if job_id == DEFAULT:
                        break
            if not self._running:
                return
            self._handle(None)

    @property
    def seconds(self) -> float:
        """Duration so far, without the time in which the search was cut off."""
        return time.monotonic() - self._began

    # ---------------------------------------------------------------- budget

    def _spent(self) -> float:
        """Return the share of the budget that is used."""
        shares = [0.0]
        started = len(self._ended) + len(self._running) - 1
        if self._budget.trials is not None:
            shares.append(started / self._budget.trials)
        if self._budget.seconds is not None:
            shares.append((self.seconds + self._training_seconds()) / self._budget.seconds)
        if self._budget.epochs is not None:
            running = sum(len(curve) for curve in self._curves.values())
            epochs = running + sum(trial.epochs for trial in self._ended.values())
            shares.append(epochs / self._budget.epochs)
        return max(shares)

    def _training_seconds(self) -> float:
        """Return how long it will take to train the best models once more."""
        scored = [trial for trial in self._ended.values() if trial.score is not None]
        scored.sort(key=lambda trial: -(trial.score or 0.0))
        return sum(trial.seconds for trial in scored[: self._models])

    def _seconds_left(self) -> float | None:
        if self._budget.seconds is None:
            return None
        return max(self._budget.seconds - self.seconds - self._training_seconds(), 0.0)

    def _seconds_before(self) -> float:
        return max((trial.started + trial.seconds for trial in self._ended.values()), default=0.0)

    # ---------------------------------------------------------------- trials

    def _start_trials(self, oracle: SearchOracle) -> bool:
        """Give every idle worker a trial; return whether the strategy has no more."""
        for worker in self._pool.idle():
            while True:
                # A trial that was cut off is run whatever the budget says: it had begun.
                over = self._spent() >= 1.0 or self._all_failed(HOPELESS)
                if over and not oracle._retry_queue:
                    return False
                trial = oracle.create_trial(worker)
                if trial.status == "STOPPED":
                    return True
                if trial.status != "RUNNING":
                    return False  # it waits for the others
                done = self._ended.get(trial.trial_id)
                if done is None:
                    break
                self._tell(oracle, trial, done)
            self._submit(worker, trial.trial_id, dict(trial.hyperparameters.values), trial)
        return False

    def _submit(self, worker: str, job_id: str, values: Values | None, trial: Any) -> None:
        left = self._seconds_left()
        self._running[worker] = (job_id, trial, self.seconds)
        self._curves[job_id] = []
        self._pool.submit(
            worker,
            {"id": job_id, "values": values, "seconds": left},
            limit=None if left is None else left + GRACE,
        )
        self._tell_progress()

    def _handle(self, oracle: SearchOracle | None) -> None:
        """Wait for what the workers say next, and act on it."""
        for worker, event in self._pool.wait():
            if event["event"] == "epoch":
                curve = self._curves[event["id"]]
                curve.append(event["loss"])
                # The configured model is what others are measured by: it is never stopped.
                hopeless = event["id"] != DEFAULT and self._rule.should_stop(event["kind"], curve)
                used_up = self._budget.epochs is not None and self._spent() >= 1.0
                self._pool.answer(worker, stop=hopeless or used_up)
                self._tell_progress()
            else:
                self._end(worker, event, oracle)

    def _end(self, worker: str, event: Event, oracle: SearchOracle | None) -> None:
        if "input_error" in event:
            error = InputError(event["input_error"]["problem"])
            error.details = event["input_error"]["details"]
            raise error
        job_id, trial, started = self._running.pop(worker)
        curve = self._curves.pop(job_id)
        values = self._starts.get(job_id) if trial is None else trial.hyperparameters.values
        result: Mapping[str, Any] = event.get("result", {})
        record = Trial(
            id=job_id,
            state=event.get("state") or ("stopped" if result["stopped"] else "complete"),
            values=dict(values or {}),
            model=result.get("model", {}),
            metrics=result.get("metrics", {}),
            score=self._score(result["metrics"]) if result else None,
            curve=tuple(curve),
            epochs=result.get("epochs", len(curve)),
            rounds=result.get("rounds", 0),
            parameters=result.get("parameters", 0),
            seconds=self.seconds - started,
            started=started,
            error=event.get("error", ""),
        )
        files.write_json(
            self._directory / RECORDS / f"{job_id}.json", record.model_dump(mode="json")
        )
        self._learn(record)
        if oracle is not None:
            self._tell(oracle, trial, record)
        self._tell_progress()

    def _score(self, metrics: Mapping[str, float]) -> float:
        reference = self._ended.get(DEFAULT)
        known = reference.metrics if reference is not None and reference.state in SCORED else None
        # The configured model is its own reference.
        return self._objectives.score(metrics, known or (None if self._ended else metrics))

    def _learn(self, record: Trial) -> None:
        self._ended[record.id] = record
        if record.score is not None:
            self._rule.observe(kind(record.model), record.curve)

    @staticmethod
    def _tell(oracle: SearchOracle, trial: Any, record: Trial) -> None:
        """Tell the strategy how one of its trials ended."""
        if record.score is not None and math.isfinite(record.score):
            oracle.update_trial(trial.trial_id, {"score": record.score})
            trial.status = "COMPLETED"
        else:
            trial.status = "FAILED"
        oracle.end_trial(trial)

    # ---------------------------------------------------------------- state

    def _restore(self) -> None:
        """Read the records of a search that was cut off."""
        records = [
            Trial.model_validate_json(path.read_bytes())
            for path in (self._directory / RECORDS).glob("[!.]*.json")  # no unfinished ones
        ]
        for record in sorted(records, key=lambda each: each.started + each.seconds):
            self._learn(record)

    def _take_up(self, oracle: SearchOracle) -> None:
        """Forget the records that the strategy does not know: its own file came first."""
        for job_id in list(self._ended):
            if job_id not in self._starts and job_id not in oracle.trials:
                del self._ended[job_id]

    def _known(self) -> list[EarlierTrial]:
        """Return the points that the strategy need not try."""
        known = {json.dumps(trial.values, sort_keys=True): trial for trial in self._earlier}
        for job_id, values in self._starts.items():
            if values is not None and job_id in self._ended:
                key = json.dumps(values, sort_keys=True)
                known[key] = EarlierTrial(values, self._ended[job_id].score)
        return list(known.values())

    def _tell_progress(self) -> None:
        leader = best(self._ended.values())
        trials = len(self._ended)
        of = f" of {self._budget.trials + 1}" if self._budget.trials else ""
        text = f"trial {trials + len(self._running)}{of}"
        if leader is not None:
            name = self._objectives.names[0]
            text += f", best {name} {leader.metrics[name]:.5g} (trial {leader.id})"
        left = self._seconds_left()
        if left is not None:
            text += f", {left:.0f} s left"
        epochs = [len(self._curves[job_id]) for job_id, _, _ in self._running.values()]
        if any(epochs):
            text += f", epoch {max(epochs)}"
        self._report(min(self._spent(), 1.0), text)


def kind(model: Mapping[str, Any]) -> str:
    """Return which trials' losses can be compared epoch by epoch with those of `model`."""
    return "trees" if "max_leaves" in model else "network"
