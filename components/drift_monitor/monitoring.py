"""What is watched in a span: errors, features, predictions, novelty; and what is usual there."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.drift_monitor import error_stream, estimation, evaluation, novelties
from components.drift_monitor.config import DriftMonitorConfig
from components.drift_monitor.detectors import table
from components.drift_monitor.detectors.base import Detector
from components.drift_monitor.error_stream import Errors
from components.drift_monitor.feature_drift.detect import detect
from components.drift_monitor.feature_drift.hdddm import HDDDM
from components.drift_monitor.feature_drift.reference import Reference
from components.drift_monitor.span import Problem, Span
from components.errors import InputError
from components.models.metric_names import REGRESSION
from components.page import count

#: Of the state: that of another version is refused.
VERSION = 1
_RATES = ("TPR", "TNR", "PPV", "NPV")
#: Deviations by which HDDDM's distance must change.
_GAMMA = 3.0
#: Reasons that an alarm of features names.
_REASONS = 2
#: Chance by which a slice is named beside an alarm without having changed.
_SLICE_LEVEL = 0.01


class Monitor:
    """The detectors of one model, which go on from span to span.

    Parameters
    ----------
    state : dict
        JSON, as `begin` makes it and `to_json` returns it.
    config : DriftMonitorConfig

    Raises
    ------
    InputError
        The state is of another version.
    """

    def __init__(self, state: dict[str, Any], config: DriftMonitorConfig) -> None:
        if state.get("version") != VERSION:
            raise InputError(
                "The history of the monitor was written by another version.",
                expected=f"version {VERSION}",
                got=state.get("version"),
                remedy="Use run, which begins a new history.",
            )
        self._state, self._config = state, config
        self._problem = Problem(
            **{**state["problem"], "classes": tuple(state["problem"]["classes"])}
        )
        self._champion: str | None = state["champion"]
        self._detectors = {
            name: table.from_json(saved) for name, saved in state["detectors"].items()
        }

    @classmethod
    def begin(
        cls,
        problem: Problem,
        train: Span,
        usual: Span,
        champion: str | None,
        config: DriftMonitorConfig,
    ) -> Monitor:
        """Return a monitor that knows what is usual and has seen no span.

        Parameters
        ----------
        problem : Problem
        train : Span
            Training rows, by which features are judged.
        usual : Span
            Rows that no model was trained on, by which errors and predictions are judged.
        champion : str or None
            The model whose errors are watched; None watches features alone.
        config : DriftMonitorConfig
        """
        state: dict[str, Any] = {
            "version": VERSION,
            "problem": {**dataclasses.asdict(problem), "classes": list(problem.classes)},
            "champion": champion,
            "stream": 0,
            "scale": 1.0,
            "usual": {"rows": len(usual), "metrics": {}, "slices": [], "error": None},
            "detectors": {},
            "false_alarms": {},
            "counted": [],
            "calibration": None,
            "features": None,
            "hellinger": None,
            "novelty": None,
        }
        if champion is not None:
            _begin_errors(state, problem, usual, champion, config)
        if config.features is not None:
            state["features"] = Reference.of(
                train.columns,
                seed=config.seed,
                scores=None if champion is None else usual.scores[champion],
            ).to_json()
            watched = {n: v for n, v in train.columns.items() if n not in config.features.leave_out}
            state["hellinger"] = HDDDM(
                Reference.of(watched, seed=config.seed), gamma=_GAMMA
            ).to_json()
        if config.novelty is not None:
            state["novelty"] = novelties.learn(train, config.novelty, config.seed)
        return cls(state, config)

    @property
    def usual(self) -> dict[str, Any]:
        """Rows, metrics and error of the reference, false alarms, and detectors that count."""
        names = ("usual", "scale", "false_alarms", "counted", "champion")
        return {name: self._state[name] for name in names}

    @property
    def stream(self) -> int:
        """Labelled rows that were seen since the monitor began."""
        return int(self._state["stream"])

    def to_json(self) -> dict[str, Any]:
        """Return the state as plain values."""
        saved = {name: detector.to_json() for name, detector in self._detectors.items()}
        return {**self._state, "detectors": saved}

    def watch(self, span: Span) -> dict[str, Any]:
        """Take in a span and return what was seen, as JSON.

        Returns
        -------
        dict
            ``rows``, ``labelled``, ``time`` (first and last), ``metrics`` and ``estimates`` by
            model, ``errors`` (with the places of its rows in the stream of errors), ``features``,
            ``hellinger`` (of HDDDM), ``novelty``, ``alarms``, ``notes``.
        """
        times = None if span.time is None or np.isnan(span.time).all() else span.time
        entry: dict[str, Any] = {
            "name": span.name,
            "rows": len(span),
            "time": None if times is None else [float(np.nanmin(times)), float(np.nanmax(times))],
            "features": None,
            "hellinger": None,
            "novelty": None,
            "alarms": [],
            "notes": [],
        }
        if self._state["features"] is not None and self._config.features is not None:
            entry["features"] = found = detect(
                Reference.from_json(self._state["features"]),
                span.columns,
                self._config.features,
                scores=None if self._champion is None else span.scores[self._champion],
            )
            entry["notes"] += found["notes"]
            if found["alarm"]:
                reasons, more = found["reasons"][:_REASONS], len(found["reasons"]) - _REASONS
                told = "; ".join(reasons) + (f"; and {more} more" if more > 0 else "")
                entry["alarms"].append(_alarm("features", "features", told))
        if self._state["hellinger"] is not None:
            entry["hellinger"] = self._hellinger(span)
        if self._state["novelty"] is not None and self._config.novelty is not None:
            entry["novelty"] = novelties.watch(span, self._state["novelty"], self._config.novelty)
            if entry["novelty"]["alarm"]:
                method = self._config.novelty.method
                entry["alarms"].append(_alarm("novelty", method, entry["novelty"]["alarm"]))
        self.evaluate(span, entry, new=span.labelled)
        return entry

    def evaluate(self, span: Span, entry: dict[str, Any], new: NDArray[np.bool_]) -> None:
        """Measure the models on a span, and take in errors of rows whose labels are new.

        Parameters
        ----------
        span : Span
            With all labels that are known by now.
        entry : dict
            What `watch` returned of the span; completed in place.
        new : ndarray of bool, shape [n]
            Rows whose labels were not known before.
        """
        entry |= {"labelled": int(span.labelled.sum()), "metrics": {}, "estimates": {}}
        entry.setdefault("errors", None)
        if self._champion is None:
            return
        if span.labelled.any():
            entry["metrics"] = evaluation.evaluate(span, self._config, self._problem)
        without = ~span.labelled
        curves = self._state["calibration"]
        if without.any() and self._config.estimate:
            if curves is None:
                entry["notes"].append(
                    "Without labels a regression's errors cannot be estimated: it states no "
                    "confidence."
                )
            else:
                for name, scores in span.scores.items():
                    if name == self._champion:
                        entry["estimates"][name] = estimation.estimate(
                            scores[without], curves, self._config, self._problem
                        )
        if new.any():
            self._watch_errors(span.take(new), entry)

    def _hellinger(self, span: Span) -> dict[str, Any]:
        """Take a span in as a batch of HDDDM, whose bound keeps no level: it is told, no alarm."""
        detector = HDDDM.from_json(self._state["hellinger"])
        detector.update(span.columns)
        self._state["hellinger"] = detector.to_json()
        return {
            "distance": _finite(detector.distance),
            "threshold": _finite(detector.threshold),
            "drift": detector.drift_detected,
        }

    def _watch_errors(self, span: Span, entry: dict[str, Any]) -> None:
        state, config, problem = self._state, self._config, self._problem
        assert self._champion is not None
        first = state["stream"]
        errors = Errors.of(span.labels, span.scores[self._champion], problem.task)
        sizes = errors.sizes(problem.task)
        found: dict[str, Any] = {}
        for name, detector in self._detectors.items():
            rows = errors.rows(detector.INPUT, problem.task, state["scale"], config.chart_rows)
            seen = detector.update_many(rows)
            counted = name in state["counted"]
            found[name] = {"drifts": [], "warnings": len(seen.warnings), "counted": counted}
            found[name]["drifts"] = [
                first + _row(at, detector, config.chart_rows, len(span))
                for at in seen.drifts.tolist()
            ]
            if not counted or not len(seen.drifts):
                continue
            # A chart with a fixed target goes on giving alarms; the first one tells.
            row = _row(int(seen.drifts[0]), detector, config.chart_rows, len(span))
            begin = error_stream.place(
                int(seen.change_points[0]), detector.INPUT, config.chart_rows, end=False
            )
            reason = self._evidence(errors, sizes, begin, row)
            if len(seen.drifts) > 1:
                reason += f"; the first of {len(seen.drifts)} alarms in this span"
            alarm = _alarm("errors", name, reason)
            entry["alarms"].append(
                alarm
                | {
                    "row": first + row,
                    "time": None if span.time is None else _finite(span.time[row]),
                    "change_row": max(first + begin, 0),
                    "slice": self._worst_slice(span, sizes),
                }
            )
        earlier = entry["errors"] or {"parts": []}
        entry["errors"] = {
            "mean": float(sizes.mean()),
            "detectors": found,
            # Labels may come in several parts.
            "parts": [*earlier["parts"], {"first": first, "rows": len(span)}],
        }
        state["stream"] = first + len(span)

    def _evidence(self, errors: Errors, sizes: NDArray[np.float64], begin: int, row: int) -> str:
        """Say how errors since the change differ from what is usual."""
        usual = self._state["usual"]
        after = slice(max(begin, 0), row + 1)
        mean = float(sizes[after].mean())
        rows = f"over {count(len(sizes[after]), 'row')}"
        if self._problem.task == REGRESSION:
            return f"the mean absolute error {rows} is {mean:.4g}, and was {usual['error']:.4g}"
        told = f"the error rate {rows} is {mean:.1%}, and was {usual['error']:.1%}"
        if len(self._problem.classes) == 2:
            now = _four_rates(errors.labels[after], errors.predictions[after])
            moved = {
                name: value - usual["rates"][name]
                for name, value in now.items()
                if value is not None and usual["rates"][name] is not None
            }
            if moved:
                name = max(moved, key=lambda rate: abs(moved[rate]))
                told += f"; {name} {now[name]:.1%}, and was {usual['rates'][name]:.1%}"
        return told

    def _worst_slice(self, span: Span, sizes: NDArray[np.float64]) -> dict[str, Any] | None:
        """Return the slice whose errors grew most beyond chance, if there is one."""
        usual = {(s["column"], s["value"]): s for s in self._state["usual"]["slices"]}
        found = []
        for column, value, rows in evaluation.groups(span, self._config):
            before = usual.get((column, value))
            if before is None:
                continue
            after = sizes[rows]
            spread = math.sqrt(before["variance"] / before["rows"] + float(after.var()) / len(rows))
            rise = float(after.mean()) - before["mean"]
            found.append((rise / spread if spread > 0 else 0.0, column, value, rise, len(rows)))
        if not found:
            return None
        score, column, value, rise, rows_of = max(found)
        bound = -_normal_quantile(_SLICE_LEVEL / len(found))
        if score < bound:
            return None
        return {"column": column, "value": value, "rise": rise, "rows": rows_of}


def _begin_errors(
    state: dict[str, Any], problem: Problem, usual: Span, champion: str, config: DriftMonitorConfig
) -> None:
    """Fill in what is usual of errors, and new detectors that have seen the reference."""
    known = usual.take(usual.labelled)
    errors = Errors.of(known.labels, known.scores[champion], problem.task)
    sizes = errors.sizes(problem.task)
    scale = float(sizes.std()) if problem.task == REGRESSION else 1.0
    state["scale"] = scale = scale if scale > 0 else 1.0
    detectors = error_stream.make(config.detectors, problem, sizes / scale)
    rates = error_stream.false_alarms(detectors, errors, problem, scale, config)
    counted = error_stream.within_budget(
        {name: rate["per_100_000"] for name, rate in rates.items()}, config.alarm_budget
    )
    for detector in detectors.values():
        detector.update_many(errors.rows(detector.INPUT, problem.task, scale, config.chart_rows))
        if detector.drift_detected:
            detector.reset()
    state |= {
        "detectors": {name: detector.to_json() for name, detector in detectors.items()},
        "false_alarms": rates,
        "counted": counted,
        "calibration": estimation.calibrate(known.labels, known.scores[champion], problem),
    }
    state["usual"] |= {
        "error": float(sizes.mean()),
        "metrics": evaluation.evaluate(known, config, problem),
        "slices": [
            {
                "column": column,
                "value": value,
                "rows": len(rows),
                "mean": float(sizes[rows].mean()),
                "variance": float(sizes[rows].var()),
            }
            for column, value, rows in evaluation.groups(known, config)
        ],
    }
    if len(problem.classes) == 2:
        state["usual"]["rates"] = _four_rates(errors.labels, errors.predictions)


def _row(at: int, detector: Detector, chart_rows: int, rows: int) -> int:
    """Return the row of a span at which a detector's row ends."""
    return min(error_stream.place(at, detector.INPUT, chart_rows), rows - 1)


def _alarm(kind: str, detector: str, reason: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "detector": detector,
        "reason": reason,
        "row": None,
        "time": None,
        "change_row": None,
        "slice": None,
    }


def _four_rates(
    labels: NDArray[np.float64], predictions: NDArray[np.float64]
) -> dict[str, float | None]:
    """Return the rates that Linear Four Rates watches; None of no case."""
    hit = labels == predictions
    cases = (labels == 1, labels == 0, predictions == 1, predictions == 0)
    return {
        name: float(hit[case].mean()) if case.any() else None
        for name, case in zip(_RATES, cases, strict=True)
    }


def _normal_quantile(chance: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(chance))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
