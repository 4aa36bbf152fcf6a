"""Which of several students to teach: each is taught for a few epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tf_keras

from components.distiller.distillation import Distillation
from components.distiller.students import Hyper

#: Epochs of each candidate.
EPOCHS = 5


@dataclass(frozen=True)
class Entry:
    """A candidate and how it did.

    Attributes
    ----------
    hp : HyperParameters or ImageHyperParameters
    parameters : int
    loss : float
        Best loss of the labels on the eval split.
    """

    hp: Hyper
    parameters: int
    loss: float


def hold(work: Distillation, candidates: Sequence[Hyper]) -> list[Entry]:
    """Teach each candidate for `EPOCHS` epochs and return them all, the best first."""
    entries = []
    for hp in candidates:
        model, history = work.teach(hp, epochs=min(EPOCHS, work.training.epochs))
        entries.append(Entry(hp, int(model.count_params()), history.best_loss))
        tf_keras.backend.clear_session()
    return sorted(entries, key=lambda entry: entry.loss)
