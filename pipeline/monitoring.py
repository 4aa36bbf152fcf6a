"""The verb `monitor`: what came after training, and training anew on it after an alarm."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from components.drift_monitor import history
from components.drift_monitor import selection as monitored
from components.drift_monitor.config import DriftMonitorConfig
from components.errors import GateRefusedError, InputError
from components.evaluator.config import BEATS, Threshold
from components.example_gen import later
from components.example_gen.config import DataConfig, SplitConfig
from components.example_gen.dataset import Column, DatasetSpec
from components.example_gen.discovery import format_of
from components.models.judge import METRICS
from pipeline import commands
from pipeline.commands import Outcome, Plan
from pipeline.config import LaterData, PipelineConfig
from pipeline.invocation import Invocation
from pipeline.store import Run, Store
from pipeline.store_config import connection_config

#: The nodes that a run of the monitor executes.
NODES = ("HistoryResolver", "SpanGen", "DriftMonitor")
_HISTORY = "MonitoringHistory"
#: Settings whose keys are columns.
_BY_COLUMN = ("columns", "monotonic")


def monitor(
    config: PipelineConfig,
    paths: Sequence[str],
    *,
    labels: str | None,
    base: str | None,
    retrain: bool | None,
    invocation: Invocation,
    as_json: bool,
) -> int:
    """Watch later data, and after an alarm train anew if that is asked for.

    Parameters
    ----------
    config : PipelineConfig
    paths : sequence of str
        Files of later data, each a span, in the order of their times.
    labels : str or None
        File with labels of rows that were monitored without.
    base : str or None
        Run whose model is watched; None takes the newest whose model was pushed.
    retrain : bool or None
        Whether an alarm leads to a run that trains anew; None asks the settings.
    invocation, as_json
        As for the other verbs.

    Returns
    -------
    int
        0 without an alarm, or if the model that was trained anew was pushed; 3 after an alarm.
    """
    if not paths and labels is None and not retrain:
        raise InputError(
            "There is nothing to monitor.",
            expected="a file of later data, --labels FILE, or --retrain after an alarm",
        )
    # What is told by an alarm is told by the exit code.
    settings = (config.monitor or DriftMonitorConfig()).model_copy(update={"gate": True})
    config = config.model_copy(update={"monitor": settings})
    store = Store(connection_config(config.store, config.root), config.name)
    if not paths and labels is None:
        return _train_on_standing_window(store, config, base, invocation, as_json=as_json)
    outcome = commands.execute(
        config, invocation, lambda: _plan(store, config, paths, labels, base)
    )
    result = commands.as_plain(outcome)
    if not as_json:
        commands.summarise(outcome, invocation)
    code = outcome.code
    window = None
    if code == GateRefusedError.exit_code:
        window = _window(store, outcome.job.run_id)
    if window is not None:
        wanted = settings.retrain.automatic if retrain is None else retrain
        if window["lacking"] is None and not wanted:
            told = (
                f"{window['rows']:,} rows are there to train anew on ({window['since_change']:,} "
                "since the change): monitor --retrain does."
            )
            result["retraining"] = told
            if not as_json:
                print(f"  {told}")
        else:
            anew = _train_anew(config, outcome.job.dataset, window, invocation, as_json=as_json)
            code = anew.code if isinstance(anew, Outcome) else code
            result["retraining"] = _told(anew, invocation, as_json=as_json)
    if as_json:
        print(json.dumps(result))
    return code


def _train_on_standing_window(
    store: Store,
    config: PipelineConfig,
    base: str | None,
    invocation: Invocation,
    *,
    as_json: bool,
) -> int:
    """Train anew after an alarm of an earlier run of the monitor."""
    run = _base(store, config, base)
    found = _newest_history(store, run)
    artifact = None if found is None else store.artifact(found)
    chosen = None if artifact is None else history.load(artifact.uri)["window"]
    if artifact is None or chosen is None:
        raise InputError(
            "No alarm stands after which a model could be trained anew.",
            expected="an alarm in the last run of the monitor",
            remedy="Monitor later data first.",
        )
    window = {**chosen, "artifact": artifact.id, "uri": artifact.uri}
    anew = _train_anew(config, _dataset(store, run), window, invocation, as_json=as_json)
    told = _told(anew, invocation, as_json=as_json)
    if as_json:
        print(json.dumps({"retraining": told}))
    return anew.code if isinstance(anew, Outcome) else GateRefusedError.exit_code


def _told(anew: Outcome | str, invocation: Invocation, *, as_json: bool) -> Any:
    """Return, and say, what became of training anew."""
    if isinstance(anew, str):
        if not as_json:
            print(f"  {anew}")
        return anew
    if not as_json:
        commands.summarise(anew, invocation)
    return commands.as_plain(anew)


def _plan(
    store: Store,
    config: PipelineConfig,
    paths: Sequence[str],
    labels: str | None,
    base: str | None,
) -> Plan:
    store.mark_dead()
    run = _base(store, config, base)
    dataset = _as_read_now(_dataset(store, run), config.data, paths)
    settings = config.monitor
    assert settings is not None
    excluded = config.data.exclude
    monitored.check(settings, dataset.task, dataset.names, dataset.split_names, excluded)
    spans = later.inspect(paths, dataset, excluded=excluded, key=settings.key, labels_path=labels)
    found = _newest_history(store, run)
    later_data = LaterData(spans=spans, history=found)
    only = NODES if found is not None else NODES[1:]
    return Plan(
        config.model_copy(update={"later": later_data}),
        dataset,
        {"forced": only, "only": only, "base": run.id},
    )


def _base(store: Store, config: PipelineConfig, base: str | None) -> Run:
    """Return the run whose model is watched."""
    needed = [node.name for node in config.enabled_nodes if node.name not in NODES]
    if base is not None or "Pusher" not in needed:
        return store.last_good_run(needed, run=base)
    pushed = [run for run in store.runs() if (run.summary or {}).get("pushed")]
    if not pushed:
        raise InputError(
            "No model was pushed that could be monitored.",
            expected="a run that pushed one",
            remedy="Use run; or say which run's model to watch with --base RUN.",
        )
    return store.last_good_run(needed, run=pushed[0].id)


def _dataset(store: Store, run: Run) -> DatasetSpec:
    """Return what the data were that a run trained on."""
    for execution in store.executions(run.id):
        if execution.node == "ExampleGen" and "dataset" in execution.parameters:
            found = execution.parameters["dataset"]
            return DatasetSpec.model_validate(
                json.loads(found) if isinstance(found, str) else found
            )
    raise InputError(f"Run {run.id} does not say what its data were.", remedy="Use run.")


def _as_read_now(dataset: DatasetSpec, data: DataConfig, paths: Sequence[str]) -> DatasetSpec:
    """Return the data set as later files of it are read.

    They are as the settings say, though the model may have been trained on a window, which is a
    table of our own without the columns that are no features.
    """
    if dataset.image is not None:
        return dataset
    known = [path for path in paths if os.path.isfile(path)]
    read: dict[str, Any] = {
        "format": format_of(known, data) if known else dataset.format,
        "delimiter": data.delimiter,
        "encoding": data.encoding,
        "missing_values": data.missing_values,
    }
    periods = data.periods
    if periods is not None and periods.column not in dataset.names:
        column = Column(name=periods.column, kind="time", missing=0, distinct=None)
        read |= {"periods": periods, "period_only": column}
    return dataset.model_copy(update=read)


def _newest_history(store: Store, run: Run) -> int | None:
    """Return the newest history of the model of a run, or None."""
    champions = {
        artifact.id
        for artifact in store.artifacts(run=run.id, type="Model")
        if artifact.key in ("blessed_model", "model")
    }
    if _HISTORY not in store.types():
        return None
    for artifact in store.artifacts(type=_HISTORY):
        if artifact.state != "LIVE":
            continue
        try:
            models = history.load(artifact.uri)["models"]
        except (OSError, ValueError, KeyError):
            continue
        if models and models[-1]["id"] in champions:
            return artifact.id
    return None


def _window(store: Store, run_id: str) -> dict[str, Any] | None:
    """Return the rows to train anew on that a run of the monitor chose, with their artifact."""
    for artifact in store.artifacts(run=run_id, type=_HISTORY):
        chosen = history.load(artifact.uri)["window"]
        if chosen is not None:
            return {**chosen, "artifact": artifact.id, "uri": artifact.uri}
    return None


def _train_anew(
    config: PipelineConfig,
    dataset: DatasetSpec,
    window: dict[str, Any],
    invocation: Invocation,
    *,
    as_json: bool,
) -> Outcome | str:
    """Run the DAG on a window of rows, or say why not."""
    if window["lacking"] is not None:
        return f"Training anew is not possible: {window['lacking']}."
    if dataset.image is not None:
        return "Training anew on a window is for tables; use run with the new images."
    if not as_json:
        print(
            f"\nTraining anew on {window['rows']:,} rows, {window['since_change']:,} of them since "
            "the change."
        )
    settings = retraining(config, dataset, window)
    if window["empty"] and not as_json:
        print(f"Left out, for want of any value there: {', '.join(window['empty'])}.")
    return commands.execute(settings, invocation, lambda: commands.inspected(settings, dict))


def retraining(
    config: PipelineConfig, dataset: DatasetSpec, window: dict[str, Any]
) -> PipelineConfig:
    """Return the settings of a run on a window: only a model that is better there is blessed.

    Parameters
    ----------
    config : PipelineConfig
    dataset : DatasetSpec
        The data that the watched model was trained on.
    window : dict
        ``uri`` and ``artifact`` of the history that holds it, and the columns that are ``empty``
        there: settings do not name them.
    """
    config = PipelineConfig.model_validate(
        _without(config.model_dump(mode="json", by_alias=True, exclude_unset=True), window["empty"])
    )
    kinds = {column.name: column.kind for column in dataset.columns}
    split = config.data.split
    if split.column is not None and split.column not in kinds:
        split = SplitConfig(**split.model_dump(include={"train", "eval", "test"}))
    key = config.monitor.key if config.monitor else None
    data = DataConfig(
        path=str(Path(window["uri"]) / history.WINDOW_FILE),
        format="parquet",
        label=dataset.label,
        task=dataset.task,
        # Both are stored as numbers.
        columns={name: kind for name, kind in kinds.items() if kind in ("boolean", "time")},
        exclude=() if key is None or key in kinds else (key,),
        positive_label=config.data.positive_label,
        split=split,
    )
    metric, *_ = METRICS[dataset.task]
    thresholds = dict(config.evaluator.thresholds)
    thresholds[metric] = (*thresholds.get(metric, ()), Threshold(min_gain=BEATS))
    return config.model_copy(
        update={
            "data": data,
            "evaluator": config.evaluator.model_copy(update={"thresholds": thresholds}),
            "later": LaterData(history=window["artifact"], window=window["artifact"]),
        }
    )


def _without(settings: Any, names: Collection[str], parent: str = "") -> Any:
    """Return settings that do not name some columns, in lists or as keys of what is by column."""
    if isinstance(settings, dict):
        by_column = parent in _BY_COLUMN
        return {
            key: _without(value, names, key)
            for key, value in settings.items()
            if not (by_column and key in names)
        }
    if isinstance(settings, list):
        kept = [_without(value, names, parent) for value in settings if value not in names]
        # A slice by such a column alone is none.
        return [value for value in kept if value != [] or value in settings]
    return settings
