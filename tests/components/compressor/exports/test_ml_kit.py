"""ML Kit files: the metadata, by a reader of their own, and scores that they do not change."""

import dataclasses
import io
import struct
import zipfile

import numpy as np
import pytest
import tf_keras

from components.compressor.exports import Skipped, export, ml_kit
from components.compressor.exports.base import CannotExportError
from tests.components.compressor.exports import subjects
from tests.components.compressor.exports.flat_tables import Flat


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    subject = dataclasses.replace(subjects.images(), author="A. Nother")
    [written] = export("ml_kit", subject, tmp_path_factory.mktemp("digits"))
    return subject, written, written.path.read_bytes()


@pytest.fixture(scope="module")
def files():
    """TF Lite files of the digits before they have metadata."""
    subject = subjects.images()
    images = {"image": ml_kit.in_colour(subject.rows()["image"])}
    model = ml_kit.as_rgb(subject.model)
    return {
        "grey": subjects.convert("multiclass", subject.model, {}),
        **{
            kind: subjects.convert("multiclass", model, images, kind)
            for kind in ("float32", "int8", "int8_ends")
        },
    }


def _described(content, classes=subjects.NAMES, **about):
    given = {"name": "n", "description": "d", "version": "1", **about}
    return ml_kit.with_metadata(content, classes, **given)


def _metadata(content):
    model = Flat.root(content)
    entries = {each.text(0): each.number(1, "I") for each in model.tables(6)}
    return bytes(model.tables(4)[entries["TFLITE_METADATA"]].vector(0, "B"))


def test_the_metadata_say_what_ml_kit_looks_for(digits):
    content = _metadata(digits[2])
    assert content[4:8] == b"M001"
    about = Flat.root(content)
    assert [about.text(field) for field in (0, 1, 2, 4, 7)] == [
        "A test",
        "Tells one thing from another.",
        "1",
        "A. Nother",
        "1.0.0",
    ]
    [graph] = about.tables(3)
    [image], [scores] = graph.tables(2), graph.tables(3)

    assert image.text(0) == "image"
    assert image.table(3).number(0, "B") == 2  # ImageProperties
    properties = image.table(3).table(1)
    assert properties.number(0, "b") == 1  # RGB
    assert [properties.table(1).number(side, "I") for side in (0, 1)] == [8, 8]
    [unit] = image.tables(4)
    assert unit.number(0, "B") == 1  # NormalizationOptions
    assert [list(unit.table(1).vector(field, "f")) for field in (0, 1)] == [[0.0], [1.0]]
    assert [list(image.table(5).vector(field, "f")) for field in (0, 1)] == [[255.0], [0.0]]

    assert scores.text(0) == "scores"
    assert scores.table(3).number(0, "B") == 1  # FeatureProperties
    assert [list(scores.table(5).vector(field, "f")) for field in (0, 1)] == [[1.0], [0.0]]
    [labels] = scores.tables(6)
    assert (labels.text(0), labels.number(2, "b")) == ("labels.txt", 2)  # TENSOR_AXIS_LABELS


def test_the_class_names_are_in_an_archive_behind_the_model(digits):
    subject, written, _ = digits
    with zipfile.ZipFile(written.path) as archive:
        assert archive.namelist() == ["labels.txt"]
        assert archive.testzip() is None
        # MediaPipe reads no compressed ones.
        assert archive.getinfo("labels.txt").compress_type == zipfile.ZIP_STORED
        assert archive.read("labels.txt").decode().splitlines() == list(subject.features.classes)


def test_an_author_is_left_out_unless_there_is_one(files):
    for author in (None, "A. Nother"):
        content = _described(files["float32"], author=author)
        assert Flat.root(_metadata(content)).text(4) == author


def test_the_file_takes_one_colour_image_and_returns_scores(digits):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(digits[1].path))
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["image"], "outputs": ["scores"]}
    }
    [image], [scores] = interpreter.get_input_details(), interpreter.get_output_details()
    assert (list(image["shape"]), image["dtype"]) == ([1, 8, 8, 3], np.float32)
    assert list(scores["shape"]) == [1, 10]


@pytest.mark.parametrize("end", [b"", b"\0\0\0"])
@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_no_byte_of_the_model_moves_off_its_alignment(files, kind, end):
    plain = files[kind] + end
    content = _described(plain)
    assert content[4:8] == b"TFL3"
    place = content.index(plain)
    assert place % 16 == 0
    assert place < 8192
    images = ml_kit.in_colour(subjects.images().rows()["image"])
    np.testing.assert_array_equal(ml_kit.run(plain, images), ml_kit.run(content, images))
    # Entries that were there stay.
    names = [{each.text(0) for each in Flat.root(file).tables(6)} for file in (plain, content)]
    assert names[1] == names[0] | {"TFLITE_METADATA"}


def test_grey_pictures_have_the_scores_that_the_model_gives_them():
    subject = subjects.images()
    rows = subject.rows(50)
    model = ml_kit.as_rgb(subject.model)
    colour = ml_kit.in_colour(rows["image"])
    assert colour.shape == (50, 8, 8, 3)
    found = np.concatenate([model({"image": colour[i : i + 1]}) for i in range(50)])
    np.testing.assert_allclose(found, subject.model(rows), atol=1e-4)


def test_colours_have_their_luminance():
    colours = np.eye(3, dtype=np.float32).reshape(1, 1, 3, 3) * 200
    found = ml_kit.Grey()(colours).numpy().ravel()
    np.testing.assert_allclose(found, [59.8, 117.4, 22.8], rtol=1e-6)
    assert ml_kit.Grey()(np.full((1, 2, 2, 3), 255, np.float32)).numpy().max() <= 255.001


def test_a_colour_model_is_given_its_colours():
    image = tf_keras.Input((4, 4, 3), name="image")
    model = tf_keras.Model({"image": image}, tf_keras.layers.Flatten()(image)[:, :3] * 2.0)
    pixels = np.arange(48, dtype=np.float32).reshape(1, 4, 4, 3)
    np.testing.assert_array_equal(ml_kit.as_rgb(model)({"image": pixels}), [[0.0, 2.0, 4.0]])


def test_a_quantized_model_stays_one(digits, files, tmp_path):
    subject, whole, _ = digits
    quantized = dataclasses.replace(subject, convert=lambda model, rows: files["int8"])
    [small] = export("ml_kit", quantized, tmp_path)
    assert small.bytes < whole.bytes
    assert 0 < small.comparison.difference < 0.2
    assert small.comparison.agreement >= 0.95


def test_ranges_are_calibrated_on_colour_images(files, tmp_path):
    seen = []

    def convert(model, rows):
        seen.append({name: (values.shape, values.dtype) for name, values in rows.items()})
        return files["float32"]

    export("ml_kit", dataclasses.replace(subjects.images(), convert=convert), tmp_path)
    assert seen == [{"image": ((100, 8, 8, 3), np.float32)}]


def test_a_regression_of_images_is_no_classifier(tmp_path):
    subject = subjects.images()
    features = subject.features.model_copy(update={"classes": (), "task": "regression"})
    result = export("ml_kit", dataclasses.replace(subject, features=features), tmp_path)
    assert isinstance(result, Skipped)
    assert "classifiers only" in result.reason
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_fit_is_skipped(files, tmp_path):
    grey = dataclasses.replace(subjects.images(), convert=lambda model, rows: files["grey"])
    result = export("ml_kit", grey, tmp_path)
    assert isinstance(result, Skipped)
    assert "[1, 8, 8, 1]" in result.reason
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "classes", "said"),
    [
        ("int8_ends", subjects.NAMES, "int8"),
        ("float32", ("a", "b"), r"\[1, 2\]"),
        ("float32", (*subjects.NAMES[1:], ""), "'' is no line"),
        ("float32", (*subjects.NAMES[1:], " "), "' ' is no line"),
        ("float32", (*subjects.NAMES[1:], "two\nlines"), "is no line"),
    ],
)
def test_what_does_not_fit_is_said(files, kind, classes, said):
    with pytest.raises(CannotExportError, match=said):
        _described(files[kind], classes)


def test_the_same_model_gives_the_same_file(files):
    assert _described(files["float32"]) == _described(files["float32"])


def test_the_archive_is_found_wherever_the_model_ends(digits):
    content = digits[2]
    [end] = struct.unpack_from("<I", content, content.rindex(b"PK\x05\x06") + 16)
    assert content[end : end + 4] == b"PK\x01\x02"
    assert zipfile.is_zipfile(io.BytesIO(content))
