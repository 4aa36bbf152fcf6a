"""The questions that the page asks of a run's models, by name.

Each is a function of a `Session` and of arguments that `pipeline.ui.what_if.requests` has
checked, and returns JSON.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from components.attacks.constraints import is_text
from components.deadline import Deadline
from components.errors import InputError
from components.explainer import axes
from components.explainer.axes import Axis
from components.explainer.counterfactuals.config import CounterfactualsConfig
from components.explainer.counterfactuals.search import Found, Search
from components.explainer.decisions import Decisions
from components.explainer.shapley import rounds
from components.explainer.shapley.config import ShapleyConfig
from components.explainer.shapley.game import Game
from components.models.metric_names import BINARY, REGRESSION
from pipeline.ui.what_if import thresholds
from pipeline.ui.what_if.entry import Value
from pipeline.ui.what_if.worker.nearest import nearest
from pipeline.ui.what_if.worker.session import Session, plain

Answer = dict[str, Any]
Values = dict[str, Value]

#: Rows of a page of the list, and neighbours that are shown.
PAGE_ROWS, NEIGHBOURS = 10, 3
#: Points of a curve, and rows whose curves make the mean one.
GRID_NUMBERS, GRID_CATEGORIES, MEAN_ROWS = 40, 20, 200
#: Usual rows that stand in for absent features, and seconds after which an estimate ends.
BACKGROUND, SECONDS = 50, 10.0


def describe(session: Session) -> Answer:
    """Return what there is to choose from."""
    places = session.rows.places
    return {
        "rows": len(session),
        "last_row": int(places[-1]),
        "drawn": int(places[-1]) + 1 > len(session),
        "spread": float(session.rows.labels.std()) if session.task == REGRESSION else None,
    }


def example(session: Session, row: int | None, seed: int | None) -> Answer:
    """Return a row of the split: by its number, or drawn by the seed."""
    if row is None:
        place = int(np.random.default_rng(seed).integers(len(session)))
    else:
        place = session.place(row)
    return _example(session, place)


def rows(
    session: Session,
    column: str | None,
    test: str,
    value: Value,
    label: str | None,
    wrong: str | None,
    offset: int,
) -> Answer:
    """Return a page of the rows that pass some tests.

    Parameters
    ----------
    column, test, value
        A raw column, how it is compared, and with what; None for no such test.
    label : str or None
        Class, of which rows are wanted.
    wrong : str or None
        Candidate that is wrong about the wanted rows.
    offset : int
        Rows that precede the page.
    """
    chosen = np.ones(len(session), bool)
    if column is not None:
        if column not in session.rows.columns:
            raise InputError(
                f"The data have no column {column[:80]!r}.",
                expected=", ".join(session.rows.columns),
            )
        chosen &= _passes(session.rows.columns[column], test, value, column)
    if label is not None:
        classes = session.materials.classes
        if label not in classes:
            raise InputError(
                f"There is no class {label[:80]!r}.", expected=", ".join(classes) or "no class"
            )
        chosen &= session.rows.labels == classes.index(label)
    if wrong is not None:
        chosen &= session.wrong(wrong)
    places = np.flatnonzero(chosen)
    page = places[offset : offset + PAGE_ROWS]
    return {
        "found": len(places),
        "offset": offset,
        "page": PAGE_ROWS,
        "rows": [_example(session, int(place)) for place in page],
    }


def predictions(
    session: Session, values: Values, row: int | None, candidates: Sequence[str]
) -> Answer:
    """Return what candidates say of an example.

    Returns
    -------
    dict
        ``predictions``, each with ``name`` and either ``scores``, None where one is no finite
        number, or ``error``.
    """
    columns = _asked(session, values, row)
    found: list[Answer] = []
    for name in candidates:
        try:
            [scores] = session.model(name)(columns)
        except InputError as error:
            found.append({"name": name, "error": error.problem})
            continue
        except Exception as error:  # whatever a model's graph raises of an odd example
            found.append({"name": name, "error": _brief(error)})
            continue
        found.append({"name": name, "scores": [plain(score) for score in scores]})
    return {"predictions": found}


def neighbours(session: Session, values: Values, candidate: str, delta: float | None) -> Answer:
    """Return the nearest rows of which a candidate says something else.

    Parameters
    ----------
    values : dict
    candidate : str
    delta : float or None
        Of a regression, by how much the answer must differ; by default a standard deviation of
        the answers.
    """
    _tables_only(session)
    columns = session.entered(values)
    problem = session.problem(candidate, columns)
    said, own = session.scores(candidate), problem.subject.scores[0]
    if session.task == REGRESSION:
        delta = float(said.std()) if delta is None else delta
        other = np.abs(said[:, 0] - own[0]) >= delta
    else:
        other = session.decided(said) != session.decided(own[None])[0]
    point = session.coordinates(columns)[0]
    names = list(session.axes)
    found = []
    for each in nearest(session.space, session.points, point, other, NEIGHBOURS):
        differing = np.flatnonzero(each.parts > 0)
        found.append(
            {
                **_example(session, each.place),
                "distance": each.distance,
                "scores": [plain(score) for score in said[each.place]],
                "differs": [
                    {"feature": names[index], "part": float(each.parts[index])}
                    for index in differing[np.argsort(-each.parts[differing], kind="stable")]
                ],
            }
        )
    return {
        "neighbours": found,
        "others": int(other.sum()),
        "delta": delta,
        "isolation": float(session.space.isolation(point[None])[0]),
    }


def changes(session: Session, values: Values, candidate: str, delta: float | None) -> Answer:
    """Return the fewest and least changes of an example that flip what a candidate decides.

    See `components.explainer.counterfactuals.search.Search`, and for `delta` `neighbours`.
    """
    _tables_only(session)
    columns = session.entered(values)
    problem = session.problem(candidate, columns)
    config = CounterfactualsConfig(rows=1)
    decisions = Decisions.of(problem, config.regression_change)
    if session.task == REGRESSION and delta is not None:
        decisions = Decisions(problem, delta)
    made = list(session.axes.values())
    free = [None if axis.constant else 0 for axis in made]
    search = Search(problem, made, free, session.space, decisions, config)
    said = problem.of_scores(problem.subject.scores)
    deadline = Deadline(SECONDS, title="least changes")
    ways = search.of(columns, session.coordinates(columns)[0], said[0], deadline)
    return {
        "decision": decisions.name(said[0]),
        "ways": [_way(each, made, decisions) for each in ways],
        "tolerance": decisions.tolerance,
        "out_of_time": deadline.passed,
        "most": config.max_features,
    }


def curve(
    session: Session, values: Values, candidates: Sequence[str], feature: str, output: int
) -> Answer:
    """Return what candidates say if one feature of an example takes other values.

    The curve of the example (individual conditional expectation) of each candidate, and the
    mean curve of rows of the split (partial dependence) of the first one.

    Returns
    -------
    dict
        ``numeric``; ``grid``, the feature's values; ``own``, that of the example, and its place in
        the grid, None where it is missing; ``curves``, each with ``name`` and ``values``;
        ``mean``, and the number of ``mean_rows``.
    """
    _tables_only(session)
    if feature not in session.axes:
        raise InputError(
            f"The models take no feature {feature[:80]!r}.", expected=", ".join(session.axes)
        )
    axis = session.axes[feature]
    columns = session.entered(values)
    grid, place = _grid(axis, columns[feature])
    curves = []
    for name in candidates:
        asked = {key: np.repeat(value, len(grid)) for key, value in columns.items()}
        asked[feature] = grid
        scores = session.model(name)(asked)
        curves.append({"name": name, "values": [plain(each) for each in scores[:, output]]})
    usual = session.held()
    usual = axes.taken(usual, axes.sample(usual, MEAN_ROWS, 0))
    rows = len(usual[feature])
    asked = {key: np.tile(value, len(grid)) for key, value in usual.items()}
    asked[feature] = np.repeat(grid, rows)
    scores = session.model(candidates[0])(asked)[:, output].reshape(len(grid), rows)
    return {
        "numeric": axis.numeric,
        "grid": [plain(each) for each in grid],
        "own": plain(columns[feature][0]),
        "place": place,
        "curves": curves,
        "mean": [plain(each) for each in scores.mean(axis=1)],
        "mean_rows": rows,
        "lacking": axis.lacking,
    }


def shapley(session: Session, values: Values, candidate: str, output: int) -> Answer:
    """Return how a candidate's answer about an example is divided among its features.

    Interventional Shapley values against rows of the split; see `components.explainer.shapley`.
    """
    _tables_only(session)
    problem = session.problem(candidate, session.entered(values))
    usual = session.held()
    usual = axes.taken(usual, axes.sample(usual, BACKGROUND, problem.seed))
    game = Game(
        problem.values,
        problem.subject.columns,
        usual,
        list(problem.groups.values()),
        problem.seed,
    )
    # Of two classes the positive one alone is explained.
    output = 0 if session.task == BINARY else output
    config = ShapleyConfig(rows=1, background=BACKGROUND)
    notes: list[str] = []
    name, budget = rounds.plan(game.players, config, notes)
    estimate = rounds.estimated(
        game,
        np.zeros(1, np.int64),
        name,
        budget,
        problem.seed,
        config,
        Deadline(SECONDS, title="Shapley values"),
        notes,
    )
    contributions, errors = estimate.values[0, :, output], estimate.errors[0, :, output]
    order = np.argsort(-np.abs(contributions), kind="stable")
    return {
        "base": float(estimate.base[0, output]),
        "prediction": float(estimate.predictions[0, output]),
        "parts": [
            {
                "feature": problem.features[index],
                "value": float(contributions[index]),
                "error": float(errors[index]),
            }
            for index in order
        ],
        "exact": name == "exact",
        "coalitions": estimate.coalitions,
        "background": len(next(iter(usual.values()))),
        "relative_error": estimate.relative_error,
    }


def trade_off(session: Session, candidate: str, column: str | None) -> Answer:
    """Return what a decision threshold does to all rows, and to groups of a column."""
    if session.task != BINARY:
        raise InputError(
            "A threshold decides between two classes.",
            expected="a model of two classes",
            got="a regression" if session.task == REGRESSION else "more than two classes",
        )
    if column is not None and column not in session.rows.columns:
        raise InputError(
            f"The data have no column {column[:80]!r}.", expected=", ".join(session.rows.columns)
        )
    if column is None:
        groups = thresholds.Groups(np.full(len(session), -1), (), 0)
    else:
        groups = thresholds.grouped(session.rows.columns[column], axes.amount)
    scores = session.scores(candidate)[:, -1]
    return {
        **thresholds.trade_off(session.rows.labels, scores, groups),
        "rows": len(session),
        "auc": _auc(session.rows.labels, scores),
    }


def image(session: Session, row: int) -> Answer:
    """Return the file of an image of the split, as base64."""
    if not session.materials.image:
        raise InputError("The examples of this run are no images.")
    return {"file": base64.b64encode(session.image(session.place(row))).decode()}


QUESTIONS: dict[str, Callable[..., Answer]] = {
    each.__name__: each
    for each in (
        describe,
        example,
        rows,
        predictions,
        neighbours,
        changes,
        curve,
        shapley,
        trade_off,
        image,
    )
}


def _example(session: Session, place: int) -> Answer:
    label = session.rows.labels[place]
    classes = session.materials.classes
    return {
        "row": int(session.rows.places[place]),
        "values": session.values(place),
        "label": classes[int(label)] if classes else plain(label),
    }


def _asked(session: Session, values: Values, row: int | None) -> dict[str, np.ndarray]:
    if not session.materials.image:
        return session.entered(values)
    if row is None:
        raise InputError("An image is chosen by the number of its row.")
    return {"image": np.array([session.place(row)])}


def _tables_only(session: Session) -> None:
    if session.materials.image:
        raise InputError(
            "This is to be had of tables; what counts in an image the Explainer's report shows."
        )


def _passes(values: np.ndarray, test: str, value: Value, column: str) -> np.ndarray:
    """Return which values of a column pass a test."""
    text = is_text(values)
    absent = values == "" if text else np.isnan(values)
    if test == "missing":
        return np.asarray(absent)
    if text:
        if test not in ("equal", "other", "contains"):
            raise InputError(
                "Texts have no order.", column=column, expected="=, ≠, contains or missing"
            )
        asked = str(value or "")
        if test == "contains":
            lower = asked.lower()
            return np.array([lower in each.lower() for each in values], bool)
        same = values == asked
        return np.asarray(same if test == "equal" else ~same & ~absent)
    if isinstance(value, str) or value is None:
        raise InputError("The column holds numbers.", column=column, expected="a number")
    found = {
        "equal": values == value,
        "other": (values != value) & ~absent,
        "below": values < value,
        "above": values > value,
    }
    if test not in found:
        raise InputError(
            "Numbers are not searched in.", column=column, expected="=, ≠, <, > or missing"
        )
    return np.asarray(found[test])


def _grid(axis: Axis, own: np.ndarray) -> tuple[np.ndarray, int | None]:
    """Return values of a feature in order, the example's among them, and its place."""
    points = axis.grid(GRID_NUMBERS if axis.numeric else GRID_CATEGORIES)
    grid = axis.decode(points)[axis.columns[0]]
    if axis.numeric:
        if np.isnan(own[0]):
            return grid, None
        grid = np.unique(np.concatenate([grid, own]))
        return grid, int(np.searchsorted(grid, own[0]))
    if own[0] == "":
        return grid, None
    found = np.flatnonzero(grid == own[0])
    if len(found):
        return grid, int(found[0])
    return np.concatenate([grid, own]), len(grid)


def _way(each: Found, made: Sequence[Axis], decisions: Decisions) -> Answer:
    values = {
        name: plain(column[0])
        for place in each.changed
        for name, column in made[place].decode(each.point[[place]]).items()
    }
    return {
        "values": values,
        "decision": decisions.name(each.values),
        "distance": each.distance,
        "plausible": each.plausible,
        "outputs": [plain(value) for value in each.values],
    }


def _auc(labels: np.ndarray, scores: np.ndarray) -> float | None:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores)) if len(np.unique(labels)) == 2 else None


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
