"""Executor of DriftMonitor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components import base, files, progress
from components.drift_monitor import card
from components.drift_monitor.config import DriftMonitorConfig
from components.drift_monitor.history import WINDOW_FILE, History
from components.errors import InputError
from components.models import candidates
from components.settings import Settings
from components.spans import LATE_LABELS_FILE, is_span

if TYPE_CHECKING:
    from components.drift_monitor.span_reader import SpanReader

#: The history as a page for people, in the artifact ``history``.
PAGE_FILE = "monitoring.html"
TRAIN = "train"
#: The model whose errors are watched.
CHAMPION = "champion"
#: Training rows by which features are judged.
_REFERENCE_ROWS = 100_000


class Executor(base.Executor):
    """Go on with the history of the model, or begin one, and watch each span that is new."""

    CONFIG: ClassVar[type[Settings]] = DriftMonitorConfig

    def run(
        self, inputs: base.Artifacts, outputs: base.Artifacts, config: DriftMonitorConfig
    ) -> None:
        from components.drift_monitor import late_labels, watching
        from components.drift_monitor.monitoring import Monitor
        from components.drift_monitor.span_reader import SpanReader

        [examples], [written] = inputs["examples"], outputs["history"]
        earlier, later = base.optional(inputs, "earlier"), base.optional(inputs, "spans")
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(inputs["schema"][0].uri))
        dataset = json.loads(self.properties["dataset"])
        model = _model(inputs["champion"][0])
        scored = {CHAMPION: model["uri"]} if model["uri"] else {}
        reader = SpanReader(schema, dataset, {**scored, **_challengers(inputs, config)})
        progress.report(0.0, "reading what is usual")
        history, state = History.read(earlier.uri) if earlier else (History(None, None), None)
        goes_on = (
            state is not None
            and history.models[-1]["id"] == model["id"]
            and history.models[-1]["settings"] == _settings(config)
        )
        if goes_on:
            assert state is not None
            monitor = Monitor(state, config)
            splits = []
        else:
            bare = SpanReader(schema, dataset, {})
            uri = base.split_uri
            train = bare.read(
                uri(examples, TRAIN), TRAIN, most=_REFERENCE_ROWS, seed=config.seed
            ).span
            usual = reader.read(uri(examples, config.reference_split), config.reference_split).span
            progress.report(0.2, "measuring what is usual")
            champion = CHAMPION if scored else None
            monitor = Monitor.begin(reader.problem, train, usual, champion, config)
            history.models.append({**model, "settings": _settings(config)})
            splits = [
                (name, base.split_uri(examples, name), False)
                for name in base.split_names(examples)
                if is_span(name)
            ]
        history.usual, history.window = monitor.usual, None
        if later is not None:
            splits += [
                (name, base.split_uri(later, name), True) for name in base.split_names(later)
            ]
        alarms: list[dict[str, Any]] = []
        relabelled: list[str] = []
        if later is not None:
            labels = _late_labels(later, reader)
            relabelled, alarms = late_labels.join(labels, history, monitor)
        before = len(history.spans)
        for number, (name, place, is_new) in enumerate(splits):
            progress.report(0.3 + 0.6 * number / len(splits), f"watching {name}")
            read = reader.read(place, name, later=is_new)
            alarms += watching.watch(read, history, monitor, config)
        if alarms:
            history.window = _window(history, alarms, config, reader, Path(written.uri))
        history.write(written.uri, monitor.to_json())
        written.spans, written.alarms = (
            len(history.spans),
            sum(len(entry["alarms"]) for entry in history.spans),
        )
        base.write_page(Path(written.uri) / PAGE_FILE, lambda: card.page(written.uri))
        touched = [*relabelled, *(e["name"] for e in history.spans[before:])]
        base.note(written, card.lines(history.spans, touched, alarms))
        if alarms and config.gate:
            base.refuse(written, card.refusal(alarms))


def _model(artifact: Artifact) -> dict[str, Any]:
    """Return which model is watched; without a URI where none was blessed."""
    blessed = files.list_files(artifact.uri)
    return {
        "id": artifact.id,
        "uri": artifact.uri if blessed else None,
        "candidate": artifact.get_string_custom_property("candidate") or candidates.TRAINED,
    }


def _settings(config: DriftMonitorConfig) -> dict[str, Any]:
    """Return the settings under which a history goes on."""
    settings: dict[str, Any] = json.loads(
        config.model_dump_json(exclude={"retrain", "gate", "key"})
    )
    return settings


def _challengers(inputs: base.Artifacts, config: DriftMonitorConfig) -> dict[str, str]:
    found = candidates.find(inputs)
    chosen: dict[str, str] = {}
    for name in config.challengers:
        names = [each for each in found if name in (each, candidates.group_of(each))]
        if not names:
            raise InputError(
                f"This run has no candidate {name!r} to watch beside the blessed model.",
                setting="monitor.challengers",
                expected=", ".join(found),
                got=name,
            )
        chosen |= {each: str(found[each][1]) for each in names}
    return chosen


def _late_labels(later: Artifact, reader: SpanReader) -> dict[str, float]:
    """Return the labels that came after their rows, by key."""
    import pyarrow.parquet

    path = Path(later.uri) / LATE_LABELS_FILE
    if not path.is_file():
        return {}
    keys, labels = (column.to_pylist() for column in pyarrow.parquet.read_table(path).columns)
    return dict(zip(keys, map(reader.as_label, labels), strict=True))


def _window(
    history: History,
    alarms: list[dict[str, Any]],
    config: DriftMonitorConfig,
    reader: SpanReader,
    directory: Path,
) -> dict[str, Any] | None:
    """Choose the rows to train anew on, and write them."""
    from components.drift_monitor import window

    if not history.models[-1]["uri"]:
        return None
    chosen = window.choose(history, alarms, config.retrain.min_rows)
    if chosen["lacking"] is None:
        chosen["empty"] = window.write(
            history, chosen, reader.schema, reader.problem, config.key, directory / WINDOW_FILE
        )
    return chosen
