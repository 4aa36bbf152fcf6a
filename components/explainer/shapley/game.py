"""The game that features play for a prediction, and what their coalitions win."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from components.models.subject import Columns

#: Mixed rows of a chunk before equal ones are told apart, the bound of what is in memory at once.
CHUNK_ROWS = 1 << 20


class Game:
    """What coalitions of features win: the prediction if only their values are a row's own.

    The others are those of background rows, over which the prediction is averaged (the
    interventional value function: Janzing, Minorics and Blöbaum 2020, "Feature relevance
    quantification in explainable AI").

    Parameters
    ----------
    values : callable
        Columns of n rows to values [n, outputs].
    rows, background : dict of str to ndarray
        The rows that are explained, and the usual ones.
    players : sequence of sequence of str
        The columns of each feature. Columns of none always are a row's own.
    seed : int
    chunk_rows : int
        Mixed rows that are made at once, at most.

    Attributes
    ----------
    asked, predicted : int
        Rows of which values were needed so far, and those that the model was given.

    Notes
    -----
    Many mixed rows are the same: wherever a row and a background row agree, it does not matter
    whose value is taken. Each is predicted once in a chunk. Rows are told apart by the sum of
    random 64-bit numbers, one for each value of each column: that two of a million rows are
    mistaken for one another has a probability of 3e-8.
    """

    def __init__(
        self,
        values: Callable[[Columns], np.ndarray],
        rows: Columns,
        background: Columns,
        players: Sequence[Sequence[str]],
        seed: int,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        self._chunk_rows = chunk_rows
        self._values, self._players = values, [tuple(player) for player in players]
        self._rows, self._background = rows, background
        self._size = len(next(iter(rows.values())))
        self._usual = len(next(iter(background.values())))
        random = np.random.default_rng(seed)
        keys = [self._keys(player, random) for player in self._players]
        self._row_keys = np.stack([key[: self._size] for key in keys], axis=1)
        self._usual_keys = np.stack([key[self._size :] for key in keys], axis=1)
        played = {name for player in self._players for name in player}
        self._fixed = [name for name in rows if name not in played]
        self._fixed_keys = self._keys(self._fixed, random)[: self._size]
        self.asked = self.predicted = 0

    def __len__(self) -> int:
        return self._size

    @property
    def players(self) -> int:
        """How many features there are."""
        return len(self._players)

    def drawn(self, count: int) -> np.ndarray:
        """Return places of at most so many rows, the same ones in whatever order they are."""
        if count >= self._size:
            return np.arange(self._size)
        lowest = np.argsort(self._row_keys.sum(axis=1), kind="stable")[:count]
        return np.sort(lowest)

    def values(
        self,
        coalitions: np.ndarray,
        rows: np.ndarray | None = None,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> np.ndarray:
        """Return what coalitions win.

        Parameters
        ----------
        coalitions : ndarray of bool, shape [m, features]
        rows : ndarray of int, shape [n], optional
            Places of those for which it is asked; by default all.
        out_of_time : callable
            Asked after each chunk whether to end.

        Returns
        -------
        ndarray, shape [n, m, outputs]
            Of the rows, or, if time was over, of the first of them.
        """
        own = coalitions.astype(np.uint64)
        usual = (1 - own) @ self._usual_keys.T
        chosen = np.arange(self._size) if rows is None else rows
        step = max(1, self._chunk_rows // usual.size)
        found = []
        for start in range(0, len(chosen), step):
            places = chosen[start : start + step]
            found.append(self._chunk(coalitions, places, own, usual))
            if out_of_time():
                break
        return np.concatenate(found)

    def _chunk(
        self, coalitions: np.ndarray, places: np.ndarray, own: np.ndarray, usual: np.ndarray
    ) -> np.ndarray:
        """Return what coalitions win for some rows, or those of one row in parts."""
        step = max(1, self._chunk_rows // (len(places) * self._usual))
        parts = []
        for start in range(0, len(coalitions), step):
            part = slice(start, start + step)
            mine = self._row_keys[places] @ own[part].T + self._fixed_keys[places, np.newaxis]
            keys = mine[:, :, np.newaxis] + usual[part]
            codes, distinct = pd.factorize(keys.ravel())
            first = np.empty(len(distinct), np.int64)
            first[codes[::-1]] = np.arange(len(codes))[::-1]
            values = self._values(self._mixed(first, keys.shape, coalitions[part], places))
            self.asked, self.predicted = self.asked + keys.size, self.predicted + len(first)
            parts.append(values[codes].reshape(*keys.shape, -1).mean(axis=2))
        return np.concatenate(parts, axis=1)

    def _mixed(
        self, chosen: np.ndarray, shape: tuple[int, ...], part: np.ndarray, places: np.ndarray
    ) -> Columns:
        """Return the columns of some of the mixed rows of a chunk."""
        row, coalition, usual = np.unravel_index(chosen, shape)
        row = places[row]
        mixed = {name: self._rows[name][row] for name in self._fixed}
        for index, player in enumerate(self._players):
            inside = part[coalition, index]
            for name in player:
                mixed[name] = np.where(inside, self._rows[name][row], self._background[name][usual])
        return {name: mixed[name] for name in self._rows}

    def _keys(self, player: Sequence[str], random: np.random.Generator) -> np.ndarray:
        """Return a number [rows + background] for the values of a feature's columns."""
        total = np.zeros(self._size + self._usual, np.uint64)
        for name in player:
            both = np.concatenate([self._rows[name], self._background[name]])
            # Sorted: the numbers of values are then those of the rows in any order.
            codes = pd.factorize(both, sort=True)[0]
            numbers = random.integers(0, 2**64, codes.max() + 2, dtype=np.uint64)
            total += numbers[codes + 1]
        return total


def all_coalitions(players: int) -> np.ndarray:
    """Return all 2^players coalitions as bool [2^players, players], bit i being feature i."""
    numbers = np.arange(1 << players)
    return (numbers[:, np.newaxis] >> np.arange(players) & 1).astype(bool)
