"""What a run is about to read: the data, held against the settings that name parts of it."""

from __future__ import annotations

from components.errors import InputError
from components.evaluator import selection
from components.example_gen.dataset import DatasetSpec
from components.example_gen.inspect import inspect
from components.schema_gen import curated
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
    found = _inspect(config)
    if found.image is not None:
        raise InputError(
            "These are images: they are read and described, but no model takes them yet.",
            setting="data.path",
            expected="tables: CSV, Parquet, or TFRecord files without images",
        )
    if any(node.name == "Evaluator" for node in config.enabled_nodes):
        selection.check(config.evaluator, found.task, found.names, found.split_names)
    return found


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
