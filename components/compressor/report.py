"""What is told of a compression: as JSON, as a table, and in the run's summary."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from components import pareto
from components.compressor import card, chains, choice
from components.compressor.config import CompressorConfig
from components.compressor.eval_rows import EvalRows
from components.compressor.figures import Source
from components.compressor.search import Found
from components.compressor.workbench import Candidate

#: Candidates of which the run's summary speaks.
LEADERS = 5


def describe(
    found: Found,
    source: Source,
    rows: EvalRows,
    config: CompressorConfig,
    *,
    name: str,
    containers: Sequence[int | None],
    tensorflow_ms: float,
    exports: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return the report.

    Parameters
    ----------
    found : Found
    source : Source
    rows : EvalRows
    config : CompressorConfig
    name : str
        Of the node whose model was compressed.
    containers : sequence of int or None
        Bytes of each candidate in the container of `components.compressor.deep_compression`.
    tensorflow_ms : float
        Median of one row of the source model in TensorFlow.
    exports : sequence of dict

    Returns
    -------
    dict
        ``source``, ``candidates`` (the first is the source as a TF Lite file), ``chosen`` (index),
        ``met``, ``nearest`` (sentences, where the constraint is not met), ``ended``,
        ``failures``, ``exports``, ``constraint``, ``metric``, ``better``, ``rows``, ``notes``.
    """
    judge, constraint = rows.judge, config.constraint
    entries = [
        _entry(candidate, container, config)
        for candidate, container in zip(found.candidates, containers, strict=True)
    ]
    for entry, on_front in zip(entries, _front(found.candidates, judge), strict=True):
        entry["front"] = bool(on_front)
    chosen = found.candidates[found.chosen]
    result: dict[str, Any] = {
        "source": {
            "name": name,
            "metric": source.metric,
            "slices": source.slices,
            "tensorflow_ms": tensorflow_ms,
        },
        "candidates": entries,
        "chosen": found.chosen,
        "met": found.met,
        "nearest": choice.explain(chosen.figures, constraint, judge.metric),
        "ended": found.ended,
        "failures": found.failures,
        "exports": list(exports),
        "constraint": constraint.model_dump(mode="json"),
        "metric": judge.metric,
        "better": "higher" if judge.higher_is_better else "lower",
        "rows": len(judge.labels),
        "slices": list(config.slices),
    }
    result["notes"] = _notes(result)
    return result


def _entry(candidate: Candidate, container: int | None, config: CompressorConfig) -> dict[str, Any]:
    return {
        "title": candidate.title,
        "recipes": list(chains.recipes_of(candidate.values)) if candidate.values else [],
        "settings": chains.settings_of(candidate.values),
        "seconds": candidate.seconds,
        "container_bytes": container,
        "violations": sorted(choice.violations(candidate.figures, config.constraint)),
        **candidate.figures.as_json(),
    }


def _front(candidates: Sequence[Candidate], judge: Any) -> np.ndarray:
    """Return who is on the front of metric, size and latency."""
    points = np.array(
        [
            [each.figures.metrics[judge.metric], each.figures.bytes, each.figures.median_ms]
            for each in candidates
        ]
    )
    return pareto.front(points, [judge.higher_is_better, False, False])


def _notes(found: dict[str, Any]) -> list[str]:
    notes = []
    if not found["met"]:
        notes.append(
            "No candidate meets the constraint. The nearest was taken: "
            + "; ".join(found["nearest"])
            + "."
        )
    elif found["chosen"] == 0:
        notes.append(
            "Every recipe costs more of the metric than the constraint allows: the model stays as "
            "it is. Allow more in compressor.constraint.max_metric_drop, or train longer in "
            "compressor.recipes.fine_tuning.epochs."
        )
    for title, problem in found["failures"].items():
        notes.append(f"{title} was left out: {problem.splitlines()[0]}")
    return notes


def as_table(found: dict[str, Any]) -> pa.Table:
    """Return the candidates as a table, one row each; what is nested is JSON."""
    rows = [
        {
            "title": each["title"],
            "file": card.FILES.format(index),
            "recipes": "+".join(each["recipes"]),
            "settings": json.dumps(each["settings"], sort_keys=True),
            "chosen": index == found["chosen"],
            "front": each["front"],
            **{
                name: each[name]
                for name in (
                    "bytes",
                    "gzip_bytes",
                    "container_bytes",
                    "median_ms",
                    "p95_ms",
                    "threads",
                    "drop",
                    "slice_drop",
                    "worst_slice",
                    "parameters",
                    "sparsity",
                    "unique",
                    "macs",
                    "seconds",
                )
            },
            "violations": ", ".join(each["violations"]),
            "metrics": json.dumps(each["metrics"], sort_keys=True),
            "slices": json.dumps(each["slices"], sort_keys=True),
        }
        for index, each in enumerate(found["candidates"])
    ]
    return pa.Table.from_pylist(rows)


def lines(found: dict[str, Any]) -> str:
    """Return what the run's summary says."""
    metric, candidates = found["metric"], found["candidates"]
    plain, chosen = candidates[0], candidates[found["chosen"]]
    head = (
        f"{found['source']['name']}'s model compressed by {chosen['title']}: "
        f"{chosen['bytes'] / plain['bytes']:.0%} of its TF Lite file's size"
    )
    shown = sorted(range(len(candidates)), key=lambda index: candidates[index]["bytes"])
    shown = [index for index in shown if candidates[index]["front"]][:LEADERS]
    rows = []
    for index in dict.fromkeys([found["chosen"], 0, *shown]):
        each = candidates[index]
        mark = "*" if index == found["chosen"] else " "
        rows.append(
            f"  {mark} {each['title']:<40} {metric} {each['metrics'][metric]:.5g}, "
            f"{each['bytes'] / 1e3:.4g} KB, {1e3 * each['median_ms']:.3g} µs"
        )
    notes = [f"  Note: {note}" for note in found["notes"]]
    return "\n".join([head, *rows, *notes])
