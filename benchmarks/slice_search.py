"""Bad slices planted in Adult, and whether the search finds them first.

    python -m benchmarks.slice_search [--quick] [--slices N]

A gradient boosting model is trained on Adult's train split. In the test split, whose labels the
model otherwise meets well, all labels are flipped in one slice that crosses two columns and
holds about 3 % of the rows; then `components.slice_search` is given the columns and the losses.
That is done for many slices, drawn by a seed: those that cross two values of text columns, and
those that cross such a value with a range of a numeric column, whose borders are any two values
and unknown to the search, which cuts each column into six parts of equal size.

The rank is the place in the search's list of the first slice that is the planted one: the rows
of both have a Jaccard index of at least 0.8 (1 is the very same rows). Beside it, what anybody
would try first: a decision tree of scikit-learn on the losses, four levels deep, on the same
columns in one-hot code, whose leaves hold at least 1 % of the rows; its slices are its leaves,
by falling mean loss.

The last line on standard output is one JSON object. Of slices by two values: ``rank`` (the worst
of all; null if one was not found), ``first`` and ``slices`` (how many were found in the first
place, of how many), ``exact`` (how many first places hold the very same rows) and ``jaccard`` (mean
over the first places). The same of slices by a value and a range, in ``ranges``; of the tree, in
``peer`` and ``peer_ranges``. ``seconds`` and ``peer_seconds`` are medians of one search.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import data
from components.slice_search import Condition, search

LABEL, POSITIVE = "income", ">50K"
#: Slices of each kind that are planted, and what share of the rows they hold.
SLICES, QUICK_SLICES = 20, 3
SHARES = (0.025, 0.035)
#: Largest share of the rows of one of its two conditions that a slice may hold: more, and it
#: would not be a crossed one.
CROSSED = 0.7
#: Pairs of conditions that are looked at before the columns are held to have no such slices.
DRAWS = 100_000
#: Jaccard index from which two slices are the same.
SAME = 0.8
#: The peer's depth, and its least leaf as a share of the rows.
DEPTH, LEAF = 4, 0.01
SEED = 0

Columns = dict[str, np.ndarray]


def read(path: Path) -> tuple[Columns, np.ndarray]:
    """Return the columns, with NaN and "" for missing values, and the labels [n]."""
    frame = pd.read_csv(path, keep_default_na=False, na_values={})
    labels = (frame.pop(LABEL) == POSITIVE).to_numpy(np.int64)
    return {
        str(name): frame[name].to_numpy(np.float64)
        if pd.api.types.is_numeric_dtype(frame[name])
        else frame[name].to_numpy(object)
        for name in frame
    }, labels


def encoded(columns: Columns, like: Columns | None = None) -> pd.DataFrame:
    """Return columns for scikit-learn: text as categories, those of `like`."""
    like = like or columns
    return pd.DataFrame(
        {
            name: pd.Categorical(values, categories=sorted(set(like[name])))
            if values.dtype == object
            else values
            for name, values in columns.items()
        }
    )


def probabilities(train: Columns, labels: np.ndarray, test: Columns) -> np.ndarray:
    """Return a model's probability of the positive class for each row of `test`."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=SEED)
    model.fit(encoded(train), labels)
    return np.asarray(model.predict_proba(encoded(test, train))[:, 1])


def planted(
    columns: Columns, number: int, seed: int, *, ranges: bool
) -> list[tuple[Condition, Condition]]:
    """Return crossed slices of about 3 % of the rows, drawn by the seed, each another.

    Parameters
    ----------
    columns : dict
    number : int
        How many.
    seed : int
    ranges : bool
        Whether the second condition is a range of a numeric column, or a value of text.

    Raises
    ------
    RuntimeError
        So many were not found in `DRAWS` draws.
    """
    random = np.random.default_rng(seed)
    texts = [name for name, values in columns.items() if values.dtype == object]
    numbers = [name for name in columns if name not in texts]
    found: dict[frozenset[str], tuple[Condition, Condition]] = {}
    for _ in range(DRAWS):
        if len(found) == number:
            return list(found.values())
        first = _value(columns, str(random.choice(texts)), random)
        if ranges:
            second = _range(columns, str(random.choice(numbers)), random)
        else:
            second = _value(columns, str(random.choice(texts)), random)
        rows = [each.rows(columns) for each in (first, second)]
        both = rows[0] & rows[1]
        crossed = all(both.sum() <= CROSSED * each.sum() for each in rows)
        apart = first.column != second.column
        if apart and crossed and SHARES[0] <= both.mean() <= SHARES[1]:
            found[frozenset((str(first), str(second)))] = (first, second)
    raise RuntimeError(f"{DRAWS} draws gave {len(found)} of {number} slices")


def _value(columns: Columns, name: str, random: np.random.Generator) -> Condition:
    return Condition(name, value=str(random.choice([v for v in np.unique(columns[name]) if v])))


def _range(columns: Columns, name: str, random: np.random.Generator) -> Condition:
    """Return a range between two values that rows have."""
    low, high = np.sort(random.choice(columns[name], 2))
    return Condition(name, low=float(low), high=float(high), is_range=True)


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """Return the rows in both of two slices as a share of those in either."""
    return float((one & other).sum() / max((one | other).sum(), 1))


@dataclass(frozen=True)
class Outcome:
    """What a method made of a planted slice.

    Attributes
    ----------
    rank : int or None
        Place of the planted slice, from 1; None if it is not among those listed.
    jaccard : float
        Of the first slice and the planted one.
    seconds : float
    """

    rank: int | None
    jaccard: float
    seconds: float


def outcome(slices: Sequence[np.ndarray], truth: np.ndarray, seconds: float) -> Outcome:
    """Return the outcome of a list of slices, each the rows [n] in it."""
    same = [jaccard(rows, truth) for rows in slices]
    rank = next((place for place, index in enumerate(same, 1) if index >= SAME), None)
    return Outcome(rank, same[0] if same else 0.0, seconds)


def ours(columns: Columns, losses: np.ndarray, truth: np.ndarray) -> Outcome:
    """Search, and return what was found."""
    started = time.perf_counter()
    slices = search(columns, losses).slices
    seconds = time.perf_counter() - started
    return outcome([each.members(columns) for each in slices], truth, seconds)


def peer(columns: Columns, losses: np.ndarray, truth: np.ndarray) -> Outcome:
    """Grow a tree on the losses, and return what its leaves are."""
    from sklearn.tree import DecisionTreeRegressor

    started = time.perf_counter()
    table = pd.get_dummies(encoded(columns))
    tree = DecisionTreeRegressor(max_depth=DEPTH, min_samples_leaf=LEAF, random_state=SEED)
    leaf = tree.fit(table, losses).apply(table)
    names = np.unique(leaf)
    order = np.argsort([-losses[leaf == name].mean() for name in names])
    slices = [leaf == names[place] for place in order]
    return outcome(slices, truth, time.perf_counter() - started)


def losses_with(scores: np.ndarray, labels: np.ndarray, flipped: np.ndarray) -> np.ndarray:
    """Return the log loss [n] of scores, with the labels of some rows flipped."""
    wrong = np.where(flipped, 1 - labels, labels)
    likely = np.where(wrong == 1, scores, 1 - scores)
    return np.asarray(-np.log(np.clip(likely, 1e-7, 1.0)))


def run(columns: Columns, labels: np.ndarray, scores: np.ndarray, number: int) -> dict[str, Any]:
    """Return the figures over so many planted slices of each kind."""
    told: dict[str, Any] = {}
    seconds: dict[str, list[float]] = {"seconds": [], "peer_seconds": []}
    for ranges in (False, True):
        found: dict[str, list[Outcome]] = {"": [], "peer": []}
        for pair in planted(columns, number, SEED, ranges=ranges):
            truth = pair[0].rows(columns) & pair[1].rows(columns)
            losses = losses_with(scores, labels, truth)
            mine, other = ours(columns, losses, truth), peer(columns, losses, truth)
            found[""].append(mine)
            found["peer"].append(other)
            print(
                f"{pair[0]}, {pair[1]} ({truth.mean():.1%}): rank {mine.rank}, "
                f"Jaccard {mine.jaccard:.2f}; tree: rank {other.rank}, {other.jaccard:.2f}",
                file=sys.stderr,
            )
        for name, outcomes in found.items():
            seconds[f"{name}_seconds".strip("_")] += [each.seconds for each in outcomes]
            key = "_".join(part for part in (name, "ranges" if ranges else "") if part)
            told |= {key: figures(outcomes)} if key else figures(outcomes)
    return told | {name: round(statistics.median(each), 3) for name, each in seconds.items()}


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the figures of a method over some planted slices."""
    ranks = [each.rank for each in outcomes]
    return {
        "rank": None if None in ranks else max(rank for rank in ranks if rank is not None),
        "first": sum(rank == 1 for rank in ranks),
        "slices": len(outcomes),
        "exact": sum(each.jaccard == 1.0 for each in outcomes),
        "jaccard": round(statistics.mean(each.jaccard for each in outcomes), 4),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.slice_search", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SLICES} slices of each kind")
    parser.add_argument("--slices", type=int, default=None, help=f"of each kind; default: {SLICES}")
    arguments = parser.parse_args()
    number = arguments.slices or (QUICK_SLICES if arguments.quick else SLICES)
    with tempfile.TemporaryDirectory() as directory:
        paths = data.adult(Path(directory))
        (train, labels), (test, test_labels) = map(read, paths)
    scores = probabilities(train, labels, test)
    print(json.dumps(run(test, test_labels, scores, number)))


if __name__ == "__main__":
    main()
