"""Anomalies as plain values that a person, a report or a test can read."""

from __future__ import annotations

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2


def of_statistics(schema: schema_pb2.Schema) -> schema_pb2.Schema:
    """Return what of `schema` statistics can be held against: all but images.

    There are no statistics of images, and whoever wrote the examples has read each of them.
    """
    rules = schema_pb2.Schema()
    rules.CopyFrom(schema)
    del rules.feature[:]
    rules.feature.extend(
        feature for feature in schema.feature if feature.WhichOneof("domain_info") != "image_domain"
    )
    return rules


def describe(anomalies: anomalies_pb2.Anomalies) -> list[dict[str, str]]:
    """Return one entry per anomaly: the feature, the kind and the description.

    Anomalies of the data set as a whole (such as too few examples) have the feature
    name ``"(data set)"``.
    """
    found = []
    for reason in anomalies.dataset_anomaly_info.reason:
        found.append(_entry("(data set)", reason))
    for name in sorted(anomalies.anomaly_info):
        info = anomalies.anomaly_info[name]
        feature = ".".join(info.path.step) or name
        found.extend(_entry(feature, reason) for reason in info.reason)
    return found


def _entry(feature: str, reason: anomalies_pb2.AnomalyInfo.Reason) -> dict[str, str]:
    kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
    return {
        "feature": feature,
        "kind": kind,
        "description": f"{reason.short_description}: {reason.description}",
    }
