"""Rules that end a trial early, because it has no hope to be the best."""

from __future__ import annotations

import abc
import statistics
from collections import defaultdict
from collections.abc import Sequence


class StoppingRule(abc.ABC):
    """Looks at validation losses, epoch by epoch.

    Only trials of the same kind are compared: an epoch of a network and a round of boosting
    have nothing in common.
    """

    @abc.abstractmethod
    def should_stop(self, kind: str, curve: Sequence[float]) -> bool:
        """Tell whether a running trial with these losses so far should end."""

    @abc.abstractmethod
    def observe(self, kind: str, curve: Sequence[float]) -> None:
        """Learn the losses of a trial that ended."""


class NoStopping(StoppingRule):
    """Let every trial run to its end."""

    def should_stop(self, kind: str, curve: Sequence[float]) -> bool:
        return False

    def observe(self, kind: str, curve: Sequence[float]) -> None:
        pass


class MedianStopping(StoppingRule):
    """End a trial whose best loss so far is above the median of the others' running means.

    Parameters
    ----------
    trials : int
        Trials that must have ended before.
    epochs : int
        Epochs that each trial may have.

    References
    ----------
    Golovin, D. et al. (2017). Google Vizier: a service for black-box optimization. KDD,
    section 3.2.2.

    Examples
    --------
    >>> rule = MedianStopping(trials=1, epochs=1)
    >>> rule.observe("network", [0.5, 0.3])
    >>> rule.should_stop("network", [0.9, 0.39]), rule.should_stop("network", [0.9, 0.41])
    (False, True)
    """

    def __init__(self, *, trials: int = 5, epochs: int = 2) -> None:
        self.trials = trials
        self.epochs = epochs
        self._curves: dict[str, list[Sequence[float]]] = defaultdict(list)

    def should_stop(self, kind: str, curve: Sequence[float]) -> bool:
        epoch = len(curve)
        others = [each for each in self._curves[kind] if len(each) >= epoch]
        if epoch < self.epochs or len(others) < self.trials:
            return False
        return min(curve) > statistics.median(statistics.fmean(each[:epoch]) for each in others)

    def observe(self, kind: str, curve: Sequence[float]) -> None:
        self._curves[kind].append(tuple(curve))


class SuccessiveHalving(StoppingRule):
    """Let only the better part of the trials pass each rung.

    Parameters
    ----------
    first : int
        Epochs at the first rung.
    factor : int
        A rung has so many times the epochs of the one before, and one in so many passes.

    Notes
    -----
    Asynchronous: a trial is compared with those that were at the rung before it, and
    does not wait for others.

    References
    ----------
    Li, L. et al. (2020). A system for massively parallel hyperparameter tuning. MLSys.

    Examples
    --------
    >>> rule = SuccessiveHalving(first=1, factor=3)
    >>> for loss in (0.1, 0.2):
    ...     rule.observe("network", [loss])
    >>> rule.should_stop("network", [0.3]), rule.should_stop("network", [0.05])
    (True, False)
    """

    def __init__(self, *, first: int = 2, factor: int = 3) -> None:
        self.first = first
        self.factor = factor
        self._rungs: dict[tuple[str, int], list[float]] = defaultdict(list)

    def should_stop(self, kind: str, curve: Sequence[float]) -> bool:
        epoch = len(curve)
        if epoch not in self._epochs(epoch):
            return False
        best = min(curve)
        losses = sorted([*self._rungs[kind, epoch], best])
        passing = max(len(losses) // self.factor, 1)
        return best > losses[passing - 1]

    def observe(self, kind: str, curve: Sequence[float]) -> None:
        for epoch in self._epochs(len(curve)):
            self._rungs[kind, epoch].append(min(curve[:epoch]))

    def _epochs(self, last: int) -> list[int]:
        """Return the epochs of the rungs up to `last`."""
        found = []
        epoch = self.first
        while epoch <= last:
            found.append(epoch)
            epoch *= self.factor
        return found


#: Rules by their names in the config.
RULES: dict[str, type[StoppingRule]] = {
    "none": NoStopping,
    "median": MedianStopping,
    "halving": SuccessiveHalving,
}
