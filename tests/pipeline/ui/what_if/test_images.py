"""Of images the candidates' answers are to be had, and the picture; all else is refused."""

import base64
import functools
import io

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image
from tensorflow_metadata.proto.v0 import schema_pb2

from components import examples
from components.errors import InputError
from components.models.transformed import Features, ImageFeature
from components.transform import images, local_analysis, preprocessing
from pipeline.ui.what_if.materials import Materials
from pipeline.ui.what_if.worker import questions
from pipeline.ui.what_if.worker.session import Session

SIZE, ROWS = 4, 9
SCHEMA = """
feature { name: "image" type: BYTES presence { min_fraction: 1 min_count: 1 } shape {}
          image_domain {} }
feature { name: "label" type: BYTES presence { min_fraction: 1 min_count: 1 }
          value_count { min: 1 max: 1 } }
"""
KINDS = {"image": "image", "label": "categorical"}


def encoded(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


class Brightness(tf.Module):
    """The brighter an image, the more probable is the second class."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples):
        """Return the scores of serialized tf.Examples."""
        files = tf.io.parse_example(examples, {"image": tf.io.FixedLenFeature([], tf.string)})

        def mean(file):
            return tf.reduce_mean(tf.cast(tf.io.decode_png(file, 1), tf.float32)) / 255.0

        bright = tf.map_fn(mean, files["image"], fn_output_signature=tf.float32)
        return {"scores": tf.stack([1.0 - bright, bright], axis=1)}


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(1).integers(0, 256, (ROWS, SIZE, SIZE), np.uint8)


@pytest.fixture(scope="module")
def session(pixels, tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    (root / "schema.pbtxt").write_text(SCHEMA)
    columns = {
        "image": pa.array([encoded(each) for each in pixels], pa.large_binary()),
        "label": pa.array(["ab"[row % 2] for row in range(ROWS)]),
    }
    for split in ("train", "eval"):
        examples.write_split([pa.record_batch(columns)], root / "examples" / f"Split-{split}")
    dataset = {
        "label": "label",
        "task": "binary",
        "classes": ["a", "b"],
        "columns": [{"name": name, "kind": kind} for name, kind in KINDS.items()],
    }
    function = images.ImagePreprocessing(
        preprocessing.make_plan(schema, dataset, own=True), SIZE, SIZE, 1, resize=False
    )
    files = examples.split_files(root / "examples" / "Split-train")
    shards = [functools.partial(examples.read_files, files, schema)]
    graph = root / "graph"
    local_analysis.analyze(function, schema, shards, str(graph), str(root / "temporary"))
    shape = ImageFeature(height=SIZE, width=SIZE, channels=1, mean=(0.5,), deviation=(0.25,))
    Features(label="label", task="binary", classes=("a", "b"), image=shape).write(graph)
    model = Brightness()
    served = root / "model" / "Format-Serving"
    tf.saved_model.save(model, str(served), signatures={"serving_default": model.serve})
    return Session(
        Materials(
            run="run-1",
            examples=str(root / "examples"),
            transform_graph=str(graph),
            schema=str(root / "schema.pbtxt"),
            statistics=None,
            projection=None,
            label="label",
            task="binary",
            classes=("a", "b"),
            kinds=KINDS,
            columns=("image",),
            candidates={"trained": str(root / "model")},
        )
    )


def test_the_picture_of_a_row_is_its_file(session, pixels):
    data = base64.b64decode(questions.image(session, 3)["file"])
    assert (np.asarray(Image.open(io.BytesIO(data))) == pixels[3]).all()
    with pytest.raises(InputError, match="no row"):
        questions.image(session, ROWS)


def test_candidates_answer_about_the_picked_image(session, pixels):
    for row in (0, 5):
        [found] = questions.predictions(session, {}, row, ["trained"])["predictions"]
        assert found["scores"][1] == pytest.approx(pixels[row].mean() / 255, abs=1e-5)
    with pytest.raises(InputError, match="number of its row"):
        questions.predictions(session, {}, None, ["trained"])


def test_rows_are_found_by_label_and_error(session, pixels):
    bright = pixels.mean(axis=(1, 2)) > 127.5
    wrong = [row for row in range(ROWS) if bright[row] != row % 2]
    found = questions.rows(session, None, "equal", None, None, "trained", 0)
    assert [each["row"] for each in found["rows"]] == wrong
    assert found["rows"] == [] or found["rows"][0]["values"] == {}


def test_a_threshold_is_for_images_too(session):
    found = questions.trade_off(session, "trained", None)
    assert found["all"]["positives"] == ROWS // 2
    assert found["groups"] == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda s: questions.neighbours(s, {}, "trained", None),
        lambda s: questions.changes(s, {}, "trained", None),
        lambda s: questions.curve(s, {}, ["trained"], "image", 1),
        lambda s: questions.shapley(s, {}, "trained", 1),
    ],
)
def test_what_is_of_columns_is_refused(session, ask):
    with pytest.raises(InputError, match="to be had of tables"):
        ask(session)
