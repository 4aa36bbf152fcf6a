"""The inputs of a form: a field for each feature that the models take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.errors import InputError
from pipeline.ui.what_if.materials import Materials

Kind = Literal["number", "integer", "code", "time", "boolean", "category"]

#: Values of a category that a list offers, the most frequent first.
MOST_VALUES = 200
#: A numeric code is offered as a list only up to this many values.
MOST_CODES = 200


@dataclass(frozen=True)
class Field:
    """A feature that can be edited.

    Attributes
    ----------
    name : str
    kind : {"number", "integer", "code", "time", "boolean", "category"}
        A ``code`` is a whole number that names something; a ``time`` is in seconds since 1970,
        in UTC; a ``boolean`` is 0 or 1.
    required : bool
        Whether the models need a value: the schema says that it is never missing.
    usual : tuple of float, or None
        Between the first and the last tenth of the train split's values.
    range : tuple of float, or None
        The least and the greatest of them.
    values : tuple
        Known values, the most frequent first; others may be entered.
    """

    name: str
    kind: Kind
    required: bool
    usual: tuple[float, float] | None = None
    range: tuple[float, float] | None = None
    values: tuple[str | int, ...] = ()

    @property
    def text(self) -> bool:
        """Whether values are texts."""
        return self.kind == "category"


def of(materials: Materials) -> tuple[Field, ...]:
    """Return the fields of what a run's models take, in the order of the data.

    Raises
    ------
    InputError
        The schema or the statistics cannot be read.
    """
    schema = _schema(materials.schema)
    statistics = _statistics(materials.statistics)
    domains = {domain.name: domain for domain in schema.string_domain}
    described = {feature.name: feature for feature in schema.feature}
    missing = [name for name in materials.columns if name not in described]
    if missing:
        raise InputError(
            "The schema has no such feature, which the models take.",
            file=materials.schema,
            column=missing[0],
        )
    return tuple(
        _field(described[name], materials.kinds[name], statistics.get(name), domains)
        for name in materials.columns
        if materials.kinds[name] != "image"
    )


def _field(
    feature: schema_pb2.Feature,
    kind: str,
    known: statistics_pb2.FeatureNameStatistics | None,
    domains: Mapping[str, schema_pb2.StringDomain],
) -> Field:
    chosen = _kind(feature, kind)
    usual, whole = _ranges(known)
    return Field(
        name=feature.name,
        kind=chosen,
        required=feature.HasField("shape"),
        usual=usual,
        range=whole,
        values=_values(feature, chosen, known, domains),
    )


def _kind(feature: schema_pb2.Feature, kind: str) -> Kind:
    if feature.type == schema_pb2.BYTES:
        return "category"
    if kind == "time" or feature.WhichOneof("domain_info") == "time_domain":
        return "time"
    if kind == "boolean":
        return "boolean"
    if feature.int_domain.is_categorical:
        return "code"
    return "number" if feature.type == schema_pb2.FLOAT else "integer"


def _ranges(
    known: statistics_pb2.FeatureNameStatistics | None,
) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    """Return the usual range and the whole one of numbers."""
    if known is None or not known.HasField("num_stats"):
        return None, None
    numbers = known.num_stats
    whole = (numbers.min, numbers.max)
    for histogram in numbers.histograms:
        if histogram.type == statistics_pb2.Histogram.QUANTILES and len(histogram.buckets) > 2:
            return (histogram.buckets[0].high_value, histogram.buckets[-1].low_value), whole
    return None, whole


def _values(
    feature: schema_pb2.Feature,
    kind: Kind,
    known: statistics_pb2.FeatureNameStatistics | None,
    domains: Mapping[str, schema_pb2.StringDomain],
) -> tuple[str | int, ...]:
    if kind == "category":
        ranked = known.string_stats.rank_histogram.buckets if known is not None else ()
        seen = [bucket.label for bucket in ranked]
        named = domains.get(feature.domain)
        allowed = named.value if named is not None else feature.string_domain.value
        return tuple(dict.fromkeys([*seen, *allowed]))[:MOST_VALUES]
    domain = feature.int_domain
    bounded = kind == "code" and domain.HasField("min") and domain.HasField("max")
    if bounded and domain.max - domain.min < MOST_CODES:
        return tuple(range(domain.min, domain.max + 1))
    return ()


def _schema(path: str) -> schema_pb2.Schema:
    try:
        return text_format.Parse(Path(path).read_text(encoding="utf-8"), schema_pb2.Schema())
    except (OSError, UnicodeError, text_format.ParseError) as error:
        raise InputError("The schema cannot be read.", file=path, got=str(error)[:200]) from None


def _statistics(path: str | None) -> dict[str, statistics_pb2.FeatureNameStatistics]:
    """Return what is known of each feature; nothing without the file."""
    if path is None:
        return {}
    found = statistics_pb2.DatasetFeatureStatisticsList()
    try:
        found.ParseFromString(Path(path).read_bytes())
    except Exception as error:  # protobuf's own error has several homes
        raise InputError(
            "The statistics cannot be read.", file=path, got=str(error)[:200]
        ) from None
    return {
        feature.path.step[0] if feature.path.step else feature.name: feature
        for dataset in found.datasets[:1]
        for feature in dataset.features
    }
