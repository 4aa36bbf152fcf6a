"""What a schema says of images: their size, and that they show something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.schema_gen.inference import SERVING

#: Standard deviation of the brightness, in [0, 1], below which an image shows nothing: a
#: quarter of one of 255 levels.
BLANK = 0.25 / 255
#: Numbers that lie in [0, 1].
_SHARES = ("image_mean", "image_deviation")
_SIZES = ("image_height", "image_width", "image_channels")


def describe(
    schema: schema_pb2.Schema,
    statistics: Sequence[statistics_pb2.DatasetFeatureStatisticsList],
    columns: Sequence[Mapping[str, Any]],
    label: str,
) -> None:
    """Add what is known of images to an inferred schema, in place.

    Their height, width and channels are fixed to the range that was found. An image of one
    colour is an anomaly, unless the data have some of them among others.

    Parameters
    ----------
    schema : Schema
        Inferred from `statistics`, which do not cover the images themselves.
    statistics : sequence of DatasetFeatureStatisticsList
        One per split.
    columns : sequence of mapping
        The data set's columns, with `name` and `kind`.
    label : str
        Feature that is no number about the image.
    """
    names = [column["name"] for column in columns if column["kind"] == "image"]
    if not names:
        return
    for name in names:
        feature = schema.feature.add(name=name, type=schema_pb2.BYTES)
        feature.image_domain.SetInParent()
        feature.presence.min_fraction, feature.presence.min_count = 1.0, 1
        feature.shape.SetInParent()
    ranges = _ranges(statistics)
    for feature in schema.feature:
        if feature.name in (*names, label):
            continue
        feature.not_in_environment.append(SERVING)  # the image is all that a model is asked with
        low, high = ranges[feature.name]
        if feature.name in _SIZES:
            feature.int_domain.min, feature.int_domain.max = int(low), int(high)
        elif feature.name in _SHARES:
            feature.float_domain.min, feature.float_domain.max = 0.0, 1.0
        if feature.name == "image_deviation" and not low < BLANK <= high:
            feature.float_domain.min = BLANK


def _ranges(
    statistics: Sequence[statistics_pb2.DatasetFeatureStatisticsList],
) -> dict[str, tuple[float, float]]:
    """Return the least and the greatest value of each number over all splits."""
    found: dict[str, tuple[float, float]] = {}
    for split in statistics:
        for feature in split.datasets[0].features:
            low, high = feature.num_stats.min, feature.num_stats.max
            name = feature.path.step[0]
            least, greatest = found.get(name, (low, high))
            found[name] = min(least, low), max(greatest, high)
    return found
