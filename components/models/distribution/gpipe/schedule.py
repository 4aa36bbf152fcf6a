"""The order of work in a pipeline, and how long it takes by a clock of its own.

The schedule is that of Huang et al. 2019 ("GPipe: Efficient Training of Giant Neural Networks
using Pipeline Parallelism"): each micro-batch goes forward through the stages, one behind the
other; when all have, they go back in reverse order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["forward", "backward"]


@dataclass(frozen=True)
class Task:
    """What one stage does with one micro-batch in one direction."""

    kind: Kind
    micro_batch: int
    stage: int

    def needs(self, stages: int) -> Task | None:
        """Return the task on another stage, or of the other direction, that this waits for."""
        if self.kind == "forward":
            return Task("forward", self.micro_batch, self.stage - 1) if self.stage else None
        if self.stage == stages - 1:  # only the loss is between
            return Task("forward", self.micro_batch, self.stage)
        return Task("backward", self.micro_batch, self.stage + 1)


def tasks(stages: int, micro_batches: int) -> tuple[Task, ...]:
    """Return all tasks, each behind those it waits for; each stage takes its own in this order.

    Parameters
    ----------
    stages, micro_batches : int
        At least 1.

    Examples
    --------
    >>> [f"{t.kind[0]}{t.micro_batch}{t.stage}" for t in tasks(2, 2)]
    ['f00', 'f10', 'f01', 'f11', 'b11', 'b01', 'b10', 'b00']
    """
    forward = [
        Task("forward", clock - stage, stage)
        for clock in range(micro_batches + stages - 1)
        for stage in range(stages)
        if 0 <= clock - stage < micro_batches
    ]
    return (*forward, *(Task("backward", t.micro_batch, t.stage) for t in reversed(forward)))


def bubble_share(stages: int, micro_batches: int) -> float:
    """Return the share of time that equal stages are idle: (K - 1) / (M + K - 1).

    Examples
    --------
    >>> bubble_share(4, 12)
    0.2
    """
    return (stages - 1) / (micro_batches + stages - 1)


@dataclass(frozen=True)
class Timeline:
    """When each task of a schedule runs, in the unit of the costs it was given.

    Attributes
    ----------
    spans : dict
        Task -> start and end; the first starts at 0.
    stages : int
    """

    spans: dict[Task, tuple[float, float]]
    stages: int

    @property
    def makespan(self) -> float:
        """End of the last task."""
        return max(end for _, end in self.spans.values())

    @property
    def idle_shares(self) -> tuple[float, ...]:
        """Share of the makespan in which each stage waits, in [0, 1]."""
        busy = [0.0] * self.stages
        for task, (start, end) in self.spans.items():
            busy[task.stage] += end - start
        return tuple(1 - each / self.makespan for each in busy)

    @property
    def idle_share(self) -> float:
        """Mean of `idle_shares`: the bubble, and what unequal stages add to it."""
        return sum(self.idle_shares) / self.stages


def simulate(micro_batches: int, forward: Sequence[float], backward: Sequence[float]) -> Timeline:
    """Run the schedule by a clock of its own: each task starts as soon as it can.

    Parameters
    ----------
    micro_batches : int
    forward, backward : sequence of float
        Cost of a task of each stage in each direction, above 0. Tensors take no time from
        stage to stage, and the loss none at all.

    Examples
    --------
    >>> round(simulate(12, [1.0] * 4, [2.0] * 4).idle_share, 6)
    0.2
    """
    stages = len(forward)
    costs = {"forward": forward, "backward": backward}
    spans: dict[Task, tuple[float, float]] = {}
    free = [0.0] * stages
    for task in tasks(stages, micro_batches):
        needed = task.needs(stages)
        start = max(free[task.stage], spans[needed][1] if needed else 0.0)
        end = free[task.stage] = start + costs[task.kind][task.stage]
        spans[task] = (start, end)
    return Timeline(spans, stages)
