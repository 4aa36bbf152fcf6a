"""What a run is about to read: the data, held against the settings that name parts of it."""

from __future__ import annotations

from components.drift_monitor import selection as monitored
from components.errors import InputError
from components.evaluator import selection as evaluated
from components.example_gen.dataset import DatasetSpec
from components.example_gen.inspect import inspect
from components.explainer import selection as explained
from components.model_debugger import selection as debugged
from components.models import candidates
from components.models.hyperparameters import ImageHyperParameters, check_kind
from components.remediator import selection as remedied
from components.schema_gen import curated
from components.slicing import check_columns
from pipeline.config import PipelineConfig


def inspect_data(config: PipelineConfig) -> DatasetSpec:
    """Return what the data are, after checking that the settings fit them.

    Where a curated schema says what a column holds, that counts, and not what its
    values look like: whole numbers in a column of fractions, digits in one of text.

    Raises
    ------
    InputError
        For data, settings or a schema with which no run could end well.
    """
    config.trainer.check()
    found = _inspect(config)
    on = {node.name for node in config.enabled_nodes}
    # What images say of themselves is not counted.
    distinct = {} if found.image else {column.name: column.distinct for column in found.columns}
    if "Evaluator" in on:
        evaluated.check(config.evaluator, found.task, found.names, found.split_names, distinct)
    if "Compressor" in on and config.compressor is not None:
        check_columns(config.compressor.slices, found.names, "compressor.slices")
    if "ModelDebugger" in on and config.debugger is not None:
        debugged.check(config.debugger, found.names, found.split_names)
    if "Remediator" in on and config.remediator is not None:
        remedied.check(config.remediator, found.task, found.names, distinct)
    if "Explainer" in on and config.explainer is not None:
        explained.check(config.explainer, found.names, found.split_names)
        _check_candidate(config, config.explainer.candidate, "Explainer", "explainer.candidate")
    if "DriftMonitor" in on and config.monitor is not None:
        monitored.check(
            config.monitor, found.task, found.names, found.split_names, config.data.exclude
        )
        for name in config.monitor.challengers:
            _check_candidate(config, name, "DriftMonitor", "monitor.challengers")
    return found


def _check_candidate(config: PipelineConfig, name: str, taker: str, setting: str) -> None:
    """Raise InputError if no node of the run makes a candidate that another node is to take."""
    [inputs] = [node.inputs for node in config.enabled_nodes if node.name == taker]
    channels = {**candidates.SINGLE, **candidates.SEVERAL}
    known = [channels[channel] for channel in channels if channel in inputs]
    if candidates.group_of(name) not in known:
        raise InputError(
            f"No node of this run makes the candidate {name!r}.",
            setting=setting,
            expected=" or ".join(known),
            got=name,
            remedy="Switch on the component that makes it, or name another.",
        )


def fit_to_data(config: PipelineConfig, dataset: DatasetSpec) -> PipelineConfig:
    """Return `config` with the model that the kind of data asks for, unless it names one.

    Raises
    ------
    InputError
        If the model that it names takes data of another kind.
    """
    on = {node.name for node in config.enabled_nodes}
    images = dataset.kind == "image"
    if "DimensionalityReducer" in on and config.reducer is not None:
        images = images and config.reducer.method == "none"  # others make a table of images
    if "Tuner" in on and config.tuner is not None:
        for family in config.tuner.families or ():
            check_kind(family, images=images, setting="tuner.families")
    trainer = config.trainer
    if trainer.build_model is not None or config.transform.preprocessing_fn is not None:
        return config  # what they make of the data, and take, they alone know
    if "Distiller" in on and config.distiller is not None:
        config.distiller.check(dataset.task, images=images)
    if images and "model" not in trainer.model_fields_set:
        trainer = trainer.model_copy(update={"model": ImageHyperParameters()})
        return config.model_copy(update={"trainer": trainer})
    check_kind(trainer.model.architecture, images=images)
    return config


def _inspect(config: PipelineConfig) -> DatasetSpec:
    data = config.data
    found = inspect(data)
    path = config.schema_.path
    if path is None:
        return found
    schema = curated.load(path)
    curated.check_columns(schema, found.names, path)
    declared = curated.kinds(schema)
    differing = {
        column.name: declared[column.name]
        for column in found.columns
        if column.name in declared
        and column.name not in data.columns
        and column.name != data.label
        and column.kind != declared[column.name]
    }
    if not differing:
        return found
    return inspect(data.model_copy(update={"columns": {**data.columns, **differing}}))
