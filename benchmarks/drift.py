"""Detectors of drift: their speed against river's, and what they find.

    python -m benchmarks.drift [--quick] [--updates N] [--seeds N] [--rows N]

Speed: a million errors, a tenth of all rows, and three tenths in the 2,000 rows after each of ten
changes, until a new model is there. Ours takes them in one call of `update_many`, river one by one
and in a loop that notes alarms and warnings, since both give these. They run in turn, each on one
thread, river on a part of the rows each time; figures are rows per second of processor time, the
median of the repetitions.

Detection: streams of five concepts (see `benchmarks.drift_streams`) and NOAA's weather. A naive
Bayes classifier predicts each row and then learns from it; each detector sees its errors. After an
alarm the classifier begins anew with the rows since then. The first alarm within
`TOLERANCE` rows of a change is true, all others are false. Beside the detectors there are a
classifier that is never reset, and the prediction that nothing changes: the last label. With strong
autocorrelation, as of weather, the latter is hard to beat, and says how little the accuracy of any
detector means there. An alarm may pay even where it is false.

Standard output has tables and, as its last line, one JSON object: ``throughput_ratio``,
``throughput`` of ours and of river, ``lfr_per_s``, and ``detection``: for each stream the two
baselines and for each detector the means over seeds of the share of changes ``found``, of the
number of ``false`` alarms, of the ``delay`` in rows, of the ``accuracy``, and of that in the
`AFTER` rows after true alarms.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.drift_streams import GENERATORS, NaiveBayes, Stream, generate, weather
from components.drift_monitor.detectors.alarm_rate import pairs
from components.drift_monitor.detectors.base import Detector
from components.drift_monitor.detectors.table import make

UPDATES = 1_000_000
SEEDS, QUICK_SEEDS = 5, 1
ROWS, QUICK_ROWS = 100_000, 20_000
REPETITIONS = 9
#: Rows from change to change, and from a change until a new model is there.
PERIOD, UNTIL_REPLACED = 100_000, 2_000
#: Rows that river takes in at each repetition.
RIVER_ROWS = 100_000
TOLERANCE = 5_000
AFTER = 1_000
#: Rows predicted at once, in vain if there is an alarm among the first.
CHUNK = 1024

#: Detector -> parameters for errors that differ from the default. Charts know their target from
#: the first rows.
DETECTORS: dict[str, dict[str, Any]] = {
    "ddm": {},
    "eddm": {},
    "hddm_a": {},
    "hddm_w": {},
    "page_hinkley": {},
    "adwin": {},
    "linear_four_rates": {},
    "ewma": {"weight": 0.02, "warm_start": 500},
    "cusum": {"drift_threshold": 20.0, "warning_threshold": 15.0, "warm_start": 500},
}


def river_detectors() -> dict[str, Callable[[], Any]]:
    """Return river's detectors by the names of ours."""
    from river import drift

    return {
        "ddm": drift.binary.DDM,
        "eddm": drift.binary.EDDM,
        "page_hinkley": drift.PageHinkley,
        "adwin": drift.ADWIN,
        "hddm_a": drift.binary.HDDMA,
        "hddm_w": drift.binary.HDDMW,
    }


def errors_to_time(rows: int) -> np.ndarray:
    """Return the errors of a model that is replaced some time after each change."""
    place = np.arange(rows) % PERIOD - PERIOD // 2
    rate = np.where((place >= 0) & (place < UNTIL_REPLACED), 0.3, 0.1)
    found: np.ndarray = np.random.default_rng(0).random(rows) < rate
    return found


def of_river(detector: Any, rows: list[bool]) -> tuple[list[int], list[int]]:
    """Return the rows at which river gives alarms and warnings."""
    drifts, warnings = [], []
    if hasattr(detector, "warning_detected"):
        for index, row in enumerate(rows):
            detector.update(row)
            if detector.drift_detected:
                drifts.append(index)
            if detector.warning_detected:
                warnings.append(index)
    else:
        for index, row in enumerate(rows):
            detector.update(row)
            if detector.drift_detected:
                drifts.append(index)
    return drifts, warnings


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time that some work takes."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def throughput(updates: int) -> dict[str, dict[str, float]]:
    """Return the rows per second of each detector, ours and river's."""
    rows = errors_to_time(updates)
    some = rows[:RIVER_ROWS].tolist()
    found = {}
    for name, theirs in river_detectors().items():
        print(f"speed of {name}", file=sys.stderr)
        ours_s, river_s = [], []
        for _ in range(REPETITIONS):
            ours_s.append(seconds(lambda name=name: make(name).update_many(rows)) / len(rows))
            river_s.append(seconds(lambda theirs=theirs: of_river(theirs(), some)) / len(some))
        found[name] = {
            "ours": round(1 / float(np.median(ours_s))),
            "river": round(1 / float(np.median(river_s))),
        }
    return found


def lfr_speed(updates: int) -> float:
    """Return the rows per second of Linear Four Rates, the simulation of its bounds included."""
    print("speed of linear_four_rates", file=sys.stderr)
    rows = pairs(0.1, 0.75, 0.95)(np.random.default_rng(0), updates)
    return round(updates / seconds(lambda: make("linear_four_rates").update_many(rows)))


def rows_of(detector: Detector, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return what the detector takes in."""
    if detector.INPUT == "pair":
        return np.stack([labels, predictions], axis=1)
    return labels != predictions


def follow(stream: Stream, model: NaiveBayes, detector: Detector | None) -> dict[str, np.ndarray]:
    """Return which predictions were right, and where the alarms were.

    Parameters
    ----------
    stream : Stream
    model : NaiveBayes
    detector : Detector or None
        The classifier begins anew after each of its alarms.
    """
    size = len(stream.labels)
    right = np.zeros(size, bool)
    alarms = []
    at = begin = 0
    while at < size:
        end = min(size, at + CHUNK)
        predictions, labels = model.predict(begin, at, end), stream.labels[at:end]
        if detector is not None:
            before = detector.to_json()
            drifts = detector.update_many(rows_of(detector, labels, predictions)).drifts
            if len(drifts):
                # What comes after the first alarm is predicted by another model.
                end = at + int(drifts[0]) + 1
                detector = type(detector).from_json(before)
                detector.update_many(rows_of(detector, labels[: end - at], predictions[: end - at]))
                alarms.append(end - 1)
                begin = end
        right[at:end] = predictions[: end - at] == labels[: end - at]
        at = end
    return {"right": right, "alarms": np.array(alarms, int)}


def judge(stream: Stream, followed: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """Return how many changes were found, how late, and how good the predictions were."""
    alarms, right = followed["alarms"], followed["right"]
    delays, after, true = [], [], 0
    for change, end in zip(stream.changes, [*stream.changes[1:], len(stream.labels)], strict=True):
        there = alarms[(alarms >= change) & (alarms < min(end, change + TOLERANCE))]
        if len(there):
            true += 1
            delays.append(int(there[0]) - change)
            after.append(right[there[0] + 1 : there[0] + 1 + AFTER].mean())
    return {
        "found": true / len(stream.changes),
        "false": len(alarms) - true,
        "delay": float(np.mean(delays)) if delays else None,
        "accuracy": float(right.mean()),
        "accuracy_after_reset": float(np.mean(after)) if after else None,
    }


def average(results: list[dict[str, float | None]]) -> dict[str, float | None]:
    """Return the mean of each figure over those seeds that have it."""
    found: dict[str, float | None] = {}
    for key in results[0]:
        there = [value for result in results if (value := result[key]) is not None]
        found[key] = round(float(np.mean(there)), 4) if there else None
    return found


def detection(streams: list[Stream]) -> dict[str, Any]:
    """Return what each detector finds in streams of one kind, and the baselines."""
    models = [NaiveBayes(stream) for stream in streams]
    no_change = [float((s.labels[1:] == s.labels[:-1]).mean()) for s in streams]
    alone = [
        float(follow(stream, model, None)["right"].mean())
        for stream, model in zip(streams, models, strict=True)
    ]
    return {
        "no_change": {"accuracy": round(float(np.mean(no_change)), 4)},
        "no_detector": {"accuracy": round(float(np.mean(alone)), 4)},
        **{
            name: average(
                [
                    judge(stream, follow(stream, model, make(name, parameters)))
                    for stream, model in zip(streams, models, strict=True)
                ]
            )
            for name, parameters in DETECTORS.items()
        },
    }


def tables(result: Mapping[str, Any]) -> list[str]:
    """Return the figures as lines of text."""
    lines = [f"{'':<20}{'ours /s':>14}{'river /s':>14}{'ratio':>8}"]
    for name, speeds in result["throughput"].items():
        lines.append(
            f"{name:<20}{speeds['ours']:>14,}{speeds['river']:>14,}"
            f"{result['throughput_ratio'][name]:>8.1f}"
        )
    lines.append(f"{'linear_four_rates':<20}{result['lfr_per_s']:>14,}")
    for stream, found in result["detection"].items():
        lines += [
            "",
            f"{stream:<20}{'found':>7}{'false':>8}{'delay':>8}{'accuracy':>10}{'after':>8}",
        ]
        for name, figures in found.items():
            cells = [figures.get(key) for key in ("found", "false", "delay")]
            cells += [figures["accuracy"], figures.get("accuracy_after_reset")]
            widths, digits = (7, 8, 8, 10, 8), (2, 1, 0, 3, 3)
            lines.append(
                f"{name:<20}"
                + "".join(
                    f"{'-' if cell is None else format(cell, f'.{places}f'):>{width}}"
                    for cell, width, places in zip(cells, widths, digits, strict=True)
                )
            )
    return lines


def measure(updates: int, seeds: int, rows: int) -> dict[str, Any]:
    """Return all figures."""
    speeds = throughput(updates)
    result: dict[str, Any] = {
        "throughput_ratio": {n: round(s["ours"] / s["river"], 2) for n, s in speeds.items()},
        "throughput": speeds,
        "lfr_per_s": lfr_speed(updates),
        "detection": {},
        "updates": updates,
        "seeds": seeds,
        "rows": rows,
    }
    for name in GENERATORS:
        print(f"detection on {name}", file=sys.stderr)
        result["detection"][name] = detection([generate(name, s, rows) for s in range(seeds)])
    print("detection on NOAA weather", file=sys.stderr)
    result["detection"]["noaa_weather"] = detection([weather()])
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed, short streams")
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--rows", type=int)
    options = parser.parse_args()
    result = measure(
        options.updates,
        options.seeds or (QUICK_SEEDS if options.quick else SEEDS),
        options.rows or (QUICK_ROWS if options.quick else ROWS),
    )
    print("\n".join(tables(result)))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
