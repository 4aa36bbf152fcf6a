"""Answers come in the question's order, and any text survives, on every backend."""

from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.store.connection import Connection
from pipeline.store_config import connection_config

TEXTS = [
    "a \"quote\" and an 'apostrophe'",
    "back\\slash \\n \\u00e9 \\\\",
    "line\nbreak",
    "{$0} %s $1",
    "Łódź, 東京",
]


def test_order_and_texts(store_settings, tmp_path):
    connection = Connection(connection_config(store_settings, tmp_path))
    types = [
        connection.put_artifact_type(mlmd.ArtifactType(name=name, properties={"text": mlmd.STRING}))
        for name in ("B", "A")
    ]
    ids = []
    for number, text in enumerate(TEXTS):
        artifact = mlmd.Artifact(type_id=types[number % 2], uri=f"/{text}")
        artifact.properties["text"].string_value = text
        artifact.custom_properties["text"].string_value = text
        ids += connection.put_artifacts([artifact])
    # An update moves a row to the end of a PostgreSQL table.
    [first] = connection.get_artifacts_by_id(ids[:1])
    first.state = mlmd.Artifact.LIVE
    connection.put_artifacts([first])

    for asked in (ids, ids[::-1], [ids[3], ids[0]]):
        found = connection.get_artifacts_by_id(asked)
        assert [artifact.id for artifact in found] == asked
        for artifact in found:
            text = TEXTS[ids.index(artifact.id)]
            assert artifact.properties["text"].string_value == text
            assert artifact.custom_properties["text"].string_value == text
            assert artifact.uri == f"/{text}"
    asked = [types[1], types[0], types[1]]
    assert [t.id for t in connection.get_artifact_types_by_id(asked)] == asked
