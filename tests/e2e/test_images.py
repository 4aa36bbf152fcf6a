"""From images to a pushed model, as a person types it."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks import data
from tests.components.example_gen import images
from tests.e2e.harness import NODES, Project

pytestmark = pytest.mark.e2e


def make_project(directory: Path, settings: str, name: str = "digits") -> Project:
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / f"{name}.yaml"
    config.write_text(settings)
    return Project(directory, config, directory / "runs" / name)


def encode(pixels, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0]).save(buffer, kind)
    return buffer.getvalue()


def example(encoded):
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))
    return tf.train.Example(
        features=tf.train.Features(feature={"image": feature})
    ).SerializeToString()


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return data.digits(tmp_path_factory.mktemp("digits"))


def test_runs_from_png_folders_to_a_pushed_model(tmp_path, digits):
    project = make_project(
        tmp_path, "extends: digits\nevaluator: {slices: [[label], [image_channels]]}\n"
    )
    done = project.run("--set", f"data.path={digits}").json
    assert done["state"] == "COMPLETE"
    assert set(project.executions()) >= set(NODES)
    assert done["metrics"]["SparseCategoricalAccuracy"] > 0.95
    [told] = [note for note in done["notes"] if note.startswith("cnn: ")]
    assert re.search(r"parameters, best epoch \d+ of \d+, [\d.]+ s per epoch$", told)
    history = project.newest("Trainer/model_run", "history.json")
    assert history["examples_per_second"] * history["seconds_per_epoch"] == pytest.approx(
        history["rows"]
    )
    slices = project.newest("Evaluator/evaluation", "evaluation.json")["metrics"]["trained"]
    assert sum("label" in name for name in slices) == 10
    assert any("image_channels" in name for name in slices)

    # All signatures say the same of the same images, and PNG and pixels are one.
    model = tf.saved_model.load(done["pushed"])
    files = sorted(digits.rglob("*.png"))[::40]
    encoded = [path.read_bytes() for path in files]
    pixels = np.stack([np.asarray(Image.open(path))[..., np.newaxis] for path in files])
    served = model.signatures["serving_default"](
        examples=tf.constant([example(each) for each in encoded])
    )
    predicted = model.signatures["predict"](image=tf.constant(encoded))
    dense = model.signatures["transformed_features"](image=tf.constant(pixels, tf.float32))
    for other in (predicted, dense):
        np.testing.assert_allclose(served["scores"], other["scores"], rtol=1e-5, atol=1e-6)
    classes = [name.decode() for name in predicted["class"].numpy()]
    assert (
        np.mean([name == path.parent.name for name, path in zip(classes, files, strict=True)]) > 0.9
    )
    jpeg = model.signatures["predict"](image=tf.constant([encode(p, "JPEG") for p in pixels]))
    assert np.mean(jpeg["class"].numpy() == predicted["class"].numpy()) > 0.9
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[9,8,1\]"):
        model.signatures["predict"](image=tf.constant([encode(np.zeros((9, 8, 1), np.uint8))]))

    # A second run takes all from the cache; a file under another name is the same image.
    first = min((digits / "3").iterdir())
    first.rename(first.with_name("renamed.png"))
    again = project.run("--set", f"data.path={digits}").json
    assert again["counts"]["executed"] == 0
    first.with_name("renamed.png").rename(first)


def test_path_alone_is_enough_and_beam_gives_the_same(tmp_path, digits):
    """No schema, no model and no label is named; the data come as IDX files."""
    files = sorted(digits.rglob("*.png"))
    pixels = np.stack([np.asarray(Image.open(path))[..., np.newaxis] for path in files])
    labels = np.array([int(path.parent.name) for path in files])
    order = np.random.default_rng(0).permutation(len(files))
    images.write_idx(tmp_path / "data", pixels[order[:1400]], labels[order[:1400]])
    images.write_idx(tmp_path / "data", pixels[order[1400:]], labels[order[1400:]], "t10k")
    settings = (
        "data:\n  path: data/train-images-idx3-ubyte\n  test_path: data/t10k-images-idx3-ubyte\n"
        "trainer: {epochs: 12}\nevaluator: {confidence_intervals: false}\n"
    )
    found = {}
    for engine in ("memory", "beam"):
        project = make_project(tmp_path, f"{settings}beam: {{engine: {engine}}}\n", engine)
        found[engine] = project.run().json["metrics"]
        assert found[engine]["ExampleCount"] == len(files) - 1400
        [path] = project.root.glob("artifacts/Trainer/model/*/keras/model.json")
        assert json.loads(path.read_text())["members"][0]["model"]["architecture"] == "cnn"
    assert found["memory"]["SparseCategoricalAccuracy"] > 0.9


def test_a_black_set_stops_the_run_at_the_gate(tmp_path):
    for number in range(60):
        shade = np.full((6, 5, 1), number // 2, np.uint8)  # no two in a class are equal
        images.save(tmp_path / f"data/{number % 2}/{number}.png", shade)
    project = make_project(tmp_path, "data: {path: data}\n")
    refused = project.call("run", expect=3)
    assert "image_deviation" in refused.out + refused.err
    assert project.states()["ExampleValidator"] == "COMPLETE"
    assert "Trainer" not in project.states()


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        (lambda d: (d / "c0/000.png").write_bytes(b"GIF89a"), "", ["000.png", "neither PNG"]),
        (
            lambda d: images.save(d / "c1/x.png", images.make_pixels(1, 9, 9)[0]),
            "",
            ["x.png", "9 x 9", "data.image_size: [6, 5]"],
        ),
        (lambda d: (d / "c5").mkdir(), "", ["c5", "empty"]),
        (lambda d: (d / "c0/a.txt").write_text("a"), "", ["a.txt"]),
        (
            lambda d: None,
            "trainer: {model: {architecture: mlp}}",
            ["mlp does not take images", "lenet300, lenet5, cnn"],
        ),
        (
            lambda d: None,
            "trainer: {model: {architecture: cnn, kernell: 3}}",
            ["trainer.model.kernell", "nearest: kernel"],
        ),
        (lambda d: None, "evaluator: {slices: [image_wdth]}", ["nearest: image_width"]),
    ],
)
def test_bad_input_ends_with_exit_code_2_and_writes_nothing(tmp_path, change, settings, words):
    images.write_folders(tmp_path / "data")
    change(tmp_path / "data")
    project = make_project(tmp_path, f"data: {{path: data}}\n{settings}\n")
    refused = project.call("run", expect=2)
    for word in words:
        assert word in refused.err
    assert not project.root.exists()
