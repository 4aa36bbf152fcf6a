"""The preprocessing function that a schema asks for, with few analyzers.

All numbers are packed into one tensor, so that one mean, one variance and one
quantiles analyzer serve any number of columns; only vocabularies are one per
categorical column, because each is a file of its own that people read.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import analyzers
from tensorflow_transform.tf_metadata import schema_utils

from components import dotted, examples, naming
from components.errors import InputError
from components.models.transformed import (
    CATEGORICAL,
    LABEL,
    MISSING_ID,
    NUMERIC,
    RESERVED_IDS,
    UNKNOWN_ID,
    CategoricalColumn,
    Features,
)
from components.transform.config import TransformConfig

Inputs = Mapping[str, tft.common_types.TensorType]
Outputs = dict[str, tf.Tensor]

#: Key of the config that names an own function.
SETTING = "transform.preprocessing_fn"

DAY = 86_400
#: Periods of a time column, in seconds: the day, the week and the mean year of the
#: Gregorian calendar; with the shift that puts the start of a week on Monday.
CYCLES = {
    "time_of_day": (DAY, 0),
    "day_of_week": (7 * DAY, 3 * DAY),
    "day_of_year": (365.2425 * DAY, 0),
}


def select(schema: schema_pb2.Schema, dataset: Mapping[str, Any]) -> schema_pb2.Schema:
    """Return `schema` with the columns of the data set alone.

    A curated schema may describe more columns than are used; the transform graph, and
    so whoever calls the served model, shall not ask for those. Nor for the numbers that
    sum up an image: of images, only they themselves and the label are selected.
    """
    names = {column["name"] for column in dataset["columns"]}
    images = {column["name"] for column in dataset["columns"] if column["kind"] == "image"}
    if images:
        names = {*images, dataset["label"]}
    selected = schema_pb2.Schema()
    selected.CopyFrom(schema)
    del selected.feature[:]
    selected.feature.extend(feature for feature in schema.feature if feature.name in names)
    return selected


@dataclasses.dataclass(frozen=True)
class Plan:
    """Which raw column becomes which feature.

    Attributes
    ----------
    numbers : tuple of str
        Columns that become a z-score and a rank.
    flags : tuple of str
        Columns of 0 and 1, which become a z-score.
    times : tuple of str
        Columns of Unix seconds, which become a trend and cycles.
    categories : tuple of str
        Columns that become vocabulary ids.
    optional : tuple of str
        Those of `numbers`, `flags` and `times` that may lack a value, which get an
        indicator.
    label : str
        Raw column of the label.
    task : str
        ``regression`` or a kind of classification.
    classes : tuple of str
        Class of each label index; empty for regression.
    """

    numbers: tuple[str, ...]
    flags: tuple[str, ...]
    times: tuple[str, ...]
    categories: tuple[str, ...]
    optional: tuple[str, ...]
    label: str
    task: str
    classes: tuple[str, ...]

    @property
    def packed(self) -> tuple[str, ...]:
        """Columns of the packed tensor of numbers, in order."""
        return (*self.numbers, *self.flags, *self.times)

    def vocabulary(self, column: str) -> str:
        """Return the name of the vocabulary of a categorical column, as an asset."""
        return vocabulary_names(self.categories)[column]


def vocabulary_names(columns: Sequence[str]) -> dict[str, str]:
    """Return a distinct file name for the vocabulary of each column.

    Examples
    --------
    >>> vocabulary_names(["payment type", "payment-type"])
    {'payment type': 'payment-type', 'payment-type': 'payment-type_2'}
    """
    return naming.distinct(
        columns, lambda name: analyzers.sanitized_vocab_filename(filename=name) or "_"
    )


def make_plan(schema: schema_pb2.Schema, dataset: Mapping[str, Any], *, own: bool = False) -> Plan:
    """Decide what becomes of each column of `schema`.

    A column is categorical if it holds text, if its domain says so, or if its kind
    is ``categorical``; a column of integers is a time if its domain or its kind
    says so.

    Parameters
    ----------
    schema : Schema
        Schema of the raw data.
    dataset : mapping
        With `label`, `task`, `classes` and `columns`, each column with `name` and
        `kind`: numeric, integer, categorical, boolean or time.
    own : bool
        Whether an own function makes the features: the plan is for the label alone.

    Raises
    ------
    InputError
        If the schema lacks the label, has no other usable column, or a column has
        several values a row; or if the label cannot have the classes.
    """
    label, task = dataset["label"], dataset["task"]
    kinds = {column["name"]: column["kind"] for column in dataset["columns"]}
    usable = schema_utils.schema_as_feature_spec(schema).feature_spec
    columns = {feature.name: feature for feature in schema.feature if feature.name in usable}
    if label not in columns:
        raise InputError(
            "The schema has no feature for the label.",
            column=label,
            expected=", ".join(sorted(columns)),
        )
    _check_single(columns[label])
    groups: dict[str, list[str]] = {"numeric": [], "boolean": [], "time": [], "categorical": []}
    optional = []
    for name, feature in columns.items():
        if name == label or name not in kinds or own:
            continue
        _check_single(feature)
        kind = _kind(feature, kinds[name])
        groups[kind].append(name)
        if kind != "categorical" and not _always_present(feature):
            optional.append(name)
    if not (any(groups.values()) or own):
        raise InputError(
            "There is no column besides the label to learn from.",
            column=label,
            remedy="Give the data at least one feature column, or exclude fewer.",
        )
    classes = () if task == "regression" else tuple(dataset["classes"])
    if columns[label].type != schema_pb2.BYTES:
        for value in classes:
            _class_number(value, label)
    elif not classes:
        raise InputError(
            "The label of a regression is text.", column=label, expected="numbers", got="text"
        )
    return Plan(
        numbers=tuple(groups["numeric"]),
        flags=tuple(groups["boolean"]),
        times=tuple(groups["time"]),
        categories=tuple(groups["categorical"]),
        optional=tuple(optional),
        label=label,
        task=task,
        classes=classes,
    )


def _kind(feature: schema_pb2.Feature, kind: str) -> str:
    if feature.type == schema_pb2.BYTES or feature.int_domain.is_categorical:
        return "categorical"
    if feature.WhichOneof("domain_info") == "time_domain" and feature.type == schema_pb2.INT:
        return "time"
    return "numeric" if kind == "integer" else kind


def _always_present(feature: schema_pb2.Feature) -> bool:
    if feature.HasField("shape"):
        return True
    # A feature may be present and yet hold an empty list.
    return feature.presence.min_fraction >= 1.0 and feature.value_count.min >= 1


def _check_single(feature: schema_pb2.Feature) -> None:
    sizes = [dim.size for dim in feature.shape.dim]
    if feature.value_count.max > 1 or math.prod(sizes) != 1:
        raise InputError(
            "The column has several values in a row.",
            column=feature.name,
            expected="one value or none",
            remedy="Exclude it, or give transform.preprocessing_fn.",
        )


def _class_number(value: str, label: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InputError(
            "A class of a label of numbers is no number.",
            column=label,
            expected="numbers as classes",
            got=value,
        ) from None


@dataclasses.dataclass(frozen=True)
class DefaultPreprocessing:
    """The preprocessing function of a plan.

    Its outputs are ``numeric`` float32 ``[n, k]``, ``categorical`` int64 ``[n, m]``
    (either is absent if it would have no column) and ``label`` ``[n]``: int64 class
    index, -1 for no known class, or float32. No feature depends on the label, so
    that serving needs none.

    Parameters
    ----------
    plan : Plan
    config : TransformConfig
    """

    plan: Plan
    config: TransformConfig

    def __call__(self, inputs: Inputs) -> Outputs:
        outputs = {LABEL: make_label(inputs[self.plan.label], self.plan)}
        if self.plan.packed:
            outputs[NUMERIC] = self._numeric(inputs)
        if self.plan.categories:
            outputs[CATEGORICAL] = self._categorical(inputs)
        return outputs

    def numeric_names(self) -> tuple[str, ...]:
        """Return the names of the columns of ``numeric``, in order."""
        plan = self.plan
        return (
            *plan.packed,
            *(f"{name}:cdf" for name in plan.numbers if self.config.quantiles),
            *(f"{t}:{cycle}_{f}" for f in ("sin", "cos") for t in plan.times for cycle in CYCLES),
            *(f"{name}:missing" for name in plan.optional),
        )

    def _numeric(self, inputs: Inputs) -> tf.Tensor:
        plan, config = self.plan, self.config
        # Double precision, because seconds since 1970 do not fit a single.
        columns = [dense(inputs[name], tf.float64, math.nan) for name in plan.packed]
        packed = tf.concat(columns, axis=1)
        packed = tf.where(tf.math.is_finite(packed), packed, math.nan)
        missing = tf.math.is_nan(packed)

        mean = _or_zero(tft.mean(packed, reduce_instance_dims=False))
        deviation = tf.sqrt(_or_zero(tft.var(packed, reduce_instance_dims=False)))
        # A column that is constant up to rounding tells nothing: it becomes 0.
        varies = deviation > 1e-9 * tf.maximum(tf.abs(mean), 1e-9)
        scores = _or_zero(packed - mean) * tf.where(
            varies, 1 / _nonzero(deviation), tf.zeros_like(deviation)
        )
        parts = [tf.clip_by_value(scores, -config.clip, config.clip)]

        if plan.numbers and config.quantiles:
            numbers = tf.cast(packed[:, : len(plan.numbers)], tf.float32)
            boundaries = self._quantiles(numbers)
            parts.append(tf.cast(rank(numbers, boundaries), tf.float64))

        if plan.times:
            seconds = packed[:, len(plan.numbers) + len(plan.flags) :, tf.newaxis]
            periods = tf.constant([period for period, _ in CYCLES.values()], tf.float64)
            shifts = tf.constant([shift for _, shift in CYCLES.values()], tf.float64)
            angles = 2 * math.pi * tf.math.floormod((seconds + shifts) / periods, 1.0)
            for wave in (tf.sin(angles), tf.cos(angles)):
                parts.append(tf.reshape(_or_zero(wave), [-1, len(plan.times) * len(CYCLES)]))

        if plan.optional:
            places = [plan.packed.index(name) for name in plan.optional]
            parts.append(tf.cast(tf.gather(missing, places, axis=1), tf.float64))
        return tf.cast(tf.concat(parts, axis=1), tf.float32)

    def _quantiles(self, numbers: tf.Tensor) -> tf.Tensor:
        # The analyzer fails if a column has no value at all. So each batch gets a row
        # of zeros, which weighs too little to move a quantile of any other column.
        filled = tf.pad(numbers, [[0, 1], [0, 0]])
        weights = tf.pad(tf.ones_like(numbers[:, 0]), [[0, 1]], constant_values=1e-6)
        return tft.quantiles(
            filled,
            self.config.quantiles,
            self.config.quantile_error,
            weights=weights,
            reduce_instance_dims=False,
        )

    def _categorical(self, inputs: Inputs) -> tf.Tensor:
        columns = self.plan.categories
        text = tf.concat([dense(inputs[name], tf.string, "") for name in columns], axis=1)
        # A vocabulary has a value a line, so that a line break within is written out.
        text = tf.strings.regex_replace(text, "\n", r"\\n")
        text = tf.strings.regex_replace(text, "\r", r"\\r")
        ids = [
            tft.compute_and_apply_vocabulary(
                text[:, place],
                top_k=self.config.vocabulary_size,
                frequency_threshold=self.config.min_frequency,
                vocab_filename=self.plan.vocabulary(name),
            )
            for place, name in enumerate(columns)
        ]
        known = tf.stack(ids, axis=1)
        known = tf.where(known < 0, tf.cast(UNKNOWN_ID, tf.int64), known + RESERVED_IDS)
        return tf.where(tf.equal(text, ""), tf.cast(MISSING_ID, tf.int64), known)

    def features(self, graph: tft.TFTransformOutput, train_dir: str) -> Features:
        """Return the description of what the analysed function puts out.

        Parameters
        ----------
        graph : TFTransformOutput
        train_dir : str
            The transformed train split, which is not read.
        """
        plan = self.plan
        return Features(
            numeric=self.numeric_names(),
            categorical=tuple(
                CategoricalColumn(
                    name=name,
                    size=RESERVED_IDS + graph.vocabulary_size_by_name(plan.vocabulary(name)),
                )
                for name in plan.categories
            ),
            label=plan.label,
            task=plan.task,
            classes=plan.classes,
        )


@dataclasses.dataclass(frozen=True)
class OwnPreprocessing:
    """A user's preprocessing function, held to the contract of `TransformConfig`.

    Ids that the training data do not have become that of an unknown value.

    Parameters
    ----------
    path : str
        Dotted path of the function.
    plan : Plan
        Gives the label, unless the function does.
    """

    path: str
    plan: Plan

    def __call__(self, inputs: Inputs) -> Outputs:
        outputs = dict(dotted.resolve(self.path, setting=SETTING)(inputs))
        unknown = sorted(set(outputs) - {NUMERIC, CATEGORICAL, LABEL})
        if unknown or not outputs.keys() & {NUMERIC, CATEGORICAL}:
            raise self._broken(
                f"{NUMERIC} or {CATEGORICAL} or both, and {LABEL} if it is not the default's",
                ", ".join(outputs),
            )
        outputs.setdefault(LABEL, make_label(inputs[self.plan.label], self.plan))
        label_type = tf.float32 if self.plan.task == "regression" else tf.int64
        outputs[LABEL] = tf.reshape(tf.cast(outputs[LABEL], label_type), [-1])
        for name, dtype in ((NUMERIC, tf.float32), (CATEGORICAL, tf.int64)):
            if name in outputs:
                tensor = outputs[name]
                if (
                    not isinstance(tensor, tf.Tensor)
                    or len(tensor.shape) != 2
                    or (not tensor.shape[1])
                ):
                    raise self._broken(f"{name} as a dense tensor [n, k]", repr(tensor))
                outputs[name] = tf.cast(tensor, dtype)
        if CATEGORICAL in outputs:
            ids = outputs[CATEGORICAL]
            top = tf.maximum(
                tft.max(ids, reduce_instance_dims=False), tf.cast(UNKNOWN_ID, tf.int64)
            )
            outputs[CATEGORICAL] = tf.where(
                (ids < 0) | (ids > top), tf.cast(UNKNOWN_ID, tf.int64), ids
            )
        return outputs

    def features(self, graph: tft.TFTransformOutput, train_dir: str) -> Features:
        """Return the description of what the analysed function puts out.

        Parameters
        ----------
        graph : TFTransformOutput
        train_dir : str
            The transformed train split, whose ids tell how many there are.
        """
        spec = graph.transformed_feature_spec()
        width = {
            name: spec[name].shape[0] if name in spec else 0 for name in (NUMERIC, CATEGORICAL)
        }
        top = np.full(width[CATEGORICAL], UNKNOWN_ID)
        if width[CATEGORICAL]:
            for batch in examples.read_split(train_dir):
                ids = batch.column(CATEGORICAL).flatten().to_numpy()
                top = np.maximum(top, ids.reshape(-1, len(top)).max(axis=0))
        return Features(
            numeric=tuple(f"{NUMERIC}_{place}" for place in range(width[NUMERIC])),
            categorical=tuple(
                CategoricalColumn(name=f"{CATEGORICAL}_{place}", size=int(last) + 1)
                for place, last in enumerate(top)
            ),
            label=self.plan.label,
            task=self.plan.task,
            classes=self.plan.classes,
        )

    def _broken(self, expected: str, got: str) -> InputError:
        return InputError(
            f"{self.path} does not return what it has to.",
            setting=SETTING,
            expected=expected,
            got=got,
        )


Preprocessing = DefaultPreprocessing | OwnPreprocessing


def make_preprocessing(plan: Plan, config: TransformConfig) -> Preprocessing:
    """Return the preprocessing function that `config` asks for."""
    if config.preprocessing_fn is not None:
        dotted.resolve(config.preprocessing_fn, setting=SETTING)
        return OwnPreprocessing(config.preprocessing_fn, plan)
    return DefaultPreprocessing(plan, config)


def dense(tensor: tft.common_types.TensorType, dtype: tf.DType, default: Any) -> tf.Tensor:
    """Return a column with at most one value a row as a dense tensor ``[n, 1]``."""
    if isinstance(tensor, tf.SparseTensor):
        values = _convert(tensor.values, dtype)
        rows = tensor.dense_shape[0]
        return tf.sparse.to_dense(
            tf.SparseTensor(tensor.indices, values, tf.stack([rows, 1])), default
        )
    return tf.reshape(_convert(tensor, dtype), [-1, 1])


def _convert(tensor: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    if dtype == tf.string:
        return tensor if tensor.dtype == tf.string else tf.strings.as_string(tensor)
    return tf.cast(tensor, dtype)


def _or_zero(tensor: tf.Tensor) -> tf.Tensor:
    return tf.where(tf.math.is_finite(tensor), tensor, tf.zeros_like(tensor))


def _nonzero(tensor: tf.Tensor) -> tf.Tensor:
    return tf.where(tensor > 0, tensor, tf.ones_like(tensor))


def rank(values: tf.Tensor, boundaries: tf.Tensor) -> tf.Tensor:
    """Return the quantile level of each value, scaled to mean 0 and variance 1.

    Between two boundaries the level is interpolated; a value that is on several equal
    boundaries gets their middle. A missing value gets 0, the median.

    Parameters
    ----------
    values : tensor
        Shape ``[n, k]``; NaN where missing.
    boundaries : tensor
        Shape ``[k, b]``: the boundaries of b + 1 quantile buckets of each column.
    """
    buckets = boundaries.shape[1] + 1
    boundaries = _or_zero(boundaries)
    columns = tf.transpose(values)
    below = tf.searchsorted(boundaries, columns, side="left")
    through = tf.searchsorted(boundaries, columns, side="right")
    lower = tf.gather(boundaries, tf.maximum(below - 1, 0), batch_dims=1)
    upper = tf.gather(boundaries, tf.minimum(below, buckets - 2), batch_dims=1)
    inside = (below > 0) & (below < buckets - 1)
    share = tf.where(inside, (columns - lower) / _nonzero(upper - lower), 0.5)
    level = tf.where(
        tf.equal(below, through),
        tf.cast(below, tf.float32) + share,
        tf.cast(below + through + 1, tf.float32) / 2,
    )
    scaled = math.sqrt(12) * (level / buckets - 0.5)
    return tf.transpose(tf.where(tf.math.is_nan(columns), tf.zeros_like(scaled), scaled))


def make_label(tensor: tft.common_types.TensorType, plan: Plan) -> tf.Tensor:
    """Return the label ``[n]``: int64 class index, -1 for no known class, or float32.

    Parameters
    ----------
    tensor : tensor
        Raw label: text, integers or floats.
    plan : Plan
        Gives the task and the classes.
    """
    if plan.task == "regression":
        return tf.cast(dense(tensor, tf.float64, math.nan)[:, 0], tf.float32)
    if tensor.dtype == tf.string:
        matches = tf.equal(dense(tensor, tf.string, ""), tf.constant([list(plan.classes)]))
    else:
        numbers = [_class_number(value, plan.label) for value in plan.classes]
        # Single precision on both sides, as a raw float is.
        values = dense(tensor, tf.float64, math.nan)
        if tensor.dtype == tf.float32:
            matches = tf.equal(tf.cast(values, tf.float32), tf.constant([numbers], tf.float32))
        else:
            matches = tf.equal(values, tf.constant([numbers], tf.float64))
    index = tf.argmax(tf.cast(matches, tf.int32), axis=1, output_type=tf.int64)
    return tf.where(tf.reduce_any(matches, axis=1), index, tf.cast(-1, tf.int64))
