"""Tabulated hyperparameter searches: FCNet (HPOLib) and the MLPs of HPOBench.

FCNet (Klein and Hutter, 2019) holds the validation loss of networks with two hidden layers on
four regression sets: 62,208 configurations of nine parameters, four seeds each. HPOBench
(Eggensperger et al., NeurIPS 2021) holds the validation accuracy of multilayer perceptrons on
eight classification sets: 30,000 configurations of five parameters, five seeds each. Imports
nothing but NumPy, so that the peers can read the tables, too.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from benchmarks.data import hpo_table

#: Levels of each parameter by family, in the order of the digits of a table's keys.
LEVELS: dict[str, dict[str, list[Any]]] = {
    "hpolib": {
        "activation_fn_1": ["relu", "tanh"],
        "activation_fn_2": ["relu", "tanh"],
        "batch_size": [8, 16, 32, 64],
        "dropout_1": [0.0, 0.3, 0.6],
        "dropout_2": [0.0, 0.3, 0.6],
        "init_lr": [5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1],
        "lr_schedule": ["cosine", "const"],
        "n_units_1": [16, 32, 64, 128, 256, 512],
        "n_units_2": [16, 32, 64, 128, 256, 512],
    },
    "hpobench": {
        "alpha": [
            *(1e-8, 7.742637e-8, 5.994842e-7, 4.641589e-6, 3.5938137e-5, 2.7825593e-4),
            *(2.1544348e-3, 1.6681006e-2, 1.2915497e-1, 1.0),
        ],
        "batch_size": [4, 6, 10, 16, 25, 40, 64, 101, 161, 256],
        "depth": [1, 2, 3],
        "learning_rate_init": [
            *(1e-5, 3.5938137e-5, 1.2915497e-4, 4.641589e-4, 1.6681006e-3, 5.9948424e-3),
            *(2.1544347e-2, 7.742637e-2, 2.7825594e-1, 1.0),
        ],
        "width": [16, 25, 40, 64, 101, 161, 256, 406, 645, 1024],
    },
}
#: Family of each data set.
SETS = {
    "naval_propulsion": "hpolib",
    "parkinsons_telemonitoring": "hpolib",
    "protein_structure": "hpolib",
    "slice_localization": "hpolib",
    "australian": "hpobench",
    "blood_transfusion": "hpobench",
    "car": "hpobench",
    "credit_g": "hpobench",
    "kc1": "hpobench",
    "phoneme": "hpobench",
    "segment": "hpobench",
    "vehicle": "hpobench",
}


class Table:
    """The loss of every configuration of one data set.

    Parameters
    ----------
    name : str
        One of `SETS`.

    Attributes
    ----------
    levels : dict of list
        Values of each parameter; text has no order, numbers do.
    losses : array [configurations, seeds]
        Mean squared error of FCNet, ``1 - accuracy`` of HPOBench.
    means : array [configurations]
    """

    def __init__(self, name: str) -> None:
        family = SETS[name]
        self.levels = LEVELS[family]
        self._sizes = [len(levels) for levels in self.levels.values()]
        metric = "val_loss" if family == "hpolib" else "val_acc"
        # Each digit of a key is a level; in sorted order they count as one mixed-radix number.
        results = hpo_table(family, name)
        values = np.array([results[key][metric] for key in sorted(results)])
        assert len(values) == np.prod(self._sizes)
        self.losses = values if family == "hpolib" else 1.0 - values
        self.means = self.losses.mean(axis=1)

    def index(self, chosen: dict[str, Any]) -> int:
        """Return the row of a configuration, given as a level number for each parameter."""
        return int(np.ravel_multi_index([chosen[name] for name in self.levels], self._sizes))

    def draws(self, seed: int) -> np.ndarray:
        """Return one loss for each configuration, of a training seed drawn for it.

        A search with this seed sees these and no others: whatever strategy asks for a
        configuration, and however often, gets the same answer.
        """
        count, seeds = self.losses.shape
        drawn = np.random.default_rng(seed).integers(seeds, size=count)
        return self.losses[np.arange(count), drawn]

    def regret(self, index: int) -> float:
        """Return how much worse a configuration is than the best, by the mean over seeds.

        The unit is what the median configuration of the table is worse than the best.
        """
        best = self.means.min()
        return float((self.means[index] - best) / (np.median(self.means) - best))


@cache
def table(name: str) -> Table:
    """Return the table of a data set, read once."""
    return Table(name)
