"""Infer a schema from statistics by TensorFlow Data Validation."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

#: Environments in which the schema is used; the label is absent from the second.
TRAINING, SERVING = "TRAINING", "SERVING"


def infer(
    statistics: Sequence[statistics_pb2.DatasetFeatureStatisticsList],
    *,
    categorical: Sequence[str] = (),
    label: str | None = None,
) -> schema_pb2.Schema:
    """Return the narrowest schema that all of `statistics` satisfy.

    Parameters
    ----------
    statistics : sequence of DatasetFeatureStatisticsList
        One per split. All splits count: a rare value that only the test split
        happens to hold is no anomaly.
    categorical : sequence of str
        Features whose integers are categories.
    label : str, optional
        Feature that is absent when a model is served.
    """
    schema = tfdv.infer_schema(statistics[0], infer_feature_shape=False)
    for further in statistics[1:]:
        schema = tfdv.update_schema(schema, further)
    schema.default_environment.extend([TRAINING, SERVING])
    for feature in schema.feature:
        if feature.name in categorical and feature.type == schema_pb2.INT:
            feature.int_domain.is_categorical = True
        if feature.name == label:
            feature.not_in_environment.append(SERVING)
    return schema
