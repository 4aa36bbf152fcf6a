"""Images: the same examples from any format and engine, and clear errors for bad ones."""

import gzip
import io
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from components import base, examples
from components.errors import InputError
from components.example_gen import image_header, pixels
from components.example_gen.component import ExampleGen
from components.example_gen.config import DataConfig
from components.example_gen.executor import Executor
from components.example_gen.inspect import fingerprint, inspect
from tests.components.example_gen import images


def run(config, directory, engine="memory"):
    """Run the executor and return split -> rows, each a dict of plain values."""
    output = standard_artifacts.Examples()
    output.uri = str(directory)
    component = ExampleGen(config, engine, dataset=inspect(config).model_dump_json())
    context = BaseBeamExecutor.Context(beam_pipeline_args=[], tmp_dir=str(directory / "tmp"))
    Executor(context).Do({}, {"examples": [output]}, component.exec_properties)
    return {
        split: [
            {name: value for name, [value] in row.items()}
            for batch in examples.read_split(base.split_uri(output, split))
            for row in batch.to_pylist()
        ]
        for split in base.split_names(output)
    }


def in_order(rows):
    return sorted(rows, key=lambda row: row["image"])


def test_a_folder_gives_its_files_labels_and_facts(tmp_path):
    wanted = images.write_folders(tmp_path / "data")
    (tmp_path / "data" / ".hidden").write_text("")
    config = DataConfig(path=str(tmp_path / "data"))
    spec = inspect(config)
    assert (spec.kind, spec.format, spec.task, spec.rows) == ("image", "images", "multiclass", 60)
    assert (spec.image.height, spec.image.width, spec.image.channels) == (6, 5, 1)
    assert spec.classes == ("c0", "c1", "c2")
    found = run(config, tmp_path / "out")
    assert {name: len(rows) for name, rows in found.items()} == spec.split_rows
    rows = [row for split in found.values() for row in split]
    assert len(rows) == 60
    by_pixels = {image.tobytes(): place for place, image in enumerate(wanted)}
    for row in rows:
        place = by_pixels[pixels.decode(row["image"]).tobytes()]
        assert row["label"] == f"c{place % 3}".encode()
        assert row["image"] == (tmp_path / f"data/c{place % 3}/{place:03d}.png").read_bytes()
        assert row["image_bytes"] == len(row["image"])
        assert [row[f"image_{n}"] for n in ("height", "width", "channels")] == [6, 5, 1]
        assert row["image_mean"] == pytest.approx(wanted[place].mean() / 255, rel=1e-6)
        assert row["image_deviation"] == pytest.approx(wanted[place].std() / 255, rel=1e-6)
        assert "image_digest" not in row


def test_idx_files_hold_the_same_pixels(tmp_path):
    wanted, labels = images.make_pixels(60), np.arange(60) % 4
    path = images.write_idx(tmp_path / "data", wanted, labels)
    test = images.write_idx(tmp_path / "data", wanted[:7][:, ::-1], labels[:7], "t10k")
    config = DataConfig(path=str(path), test_path=str(test))
    spec = inspect(config)
    assert (spec.format, spec.task, spec.classes) == ("idx", "multiclass", ("0", "1", "2", "3"))
    found = run(config, tmp_path / "out")
    assert [row["label"] for row in found["test"]] == labels[:7].tolist()
    for row, image in zip(found["test"], wanted[:7][:, ::-1], strict=True):
        np.testing.assert_array_equal(tf.io.decode_png(row["image"]), image)
    assert len(found["train"]) + len(found["eval"]) == 60


@pytest.mark.parametrize("channels", [1, 3])
def test_engines_agree_for_each_format(tmp_path, channels):
    wanted = images.write_folders(tmp_path / "folders", channels=channels)
    path = images.write_idx(tmp_path / "idx", wanted, np.arange(60) % 3)
    encoded = [pixels.encode(image) for image in wanted]
    images.write_tfrecord(
        tmp_path / "d.tfrecord", encoded, [f"c{number % 3}" for number in range(60)]
    )
    for name, source, label in (
        ("folders", tmp_path / "folders", "label"),
        ("idx", path, "label"),
        ("tfrecord", tmp_path / "d.tfrecord", "image/class"),
    ):
        config = DataConfig(path=str(source), label=label)
        memory = run(config, tmp_path / f"memory-{name}")
        beam = run(config, tmp_path / f"beam-{name}", "beam")
        assert {split: in_order(rows) for split, rows in memory.items()} == {
            split: in_order(rows) for split, rows in beam.items()
        }
        facts = sorted(
            (row["image_mean"], row["image_deviation"]) for rows in memory.values() for row in rows
        )
        assert len(facts) == 60
        if name == "folders":
            first = facts
        assert facts == first


def test_equal_images_share_a_split_and_names_do_not_matter(tmp_path):
    wanted = images.make_pixels(40)
    for name, number in (("a", 0), ("b", 1)):
        for copy in range(2):
            for place, image in enumerate(wanted[number::2]):
                images.save(tmp_path / f"d/{name}/{place}-{copy}.png", image)
    spec = inspect(DataConfig(path=str(tmp_path / "d")))
    assert all(count % 2 == 0 for count in spec.split_rows.values())
    (tmp_path / "d").rename(tmp_path / "e")
    for number, path in enumerate(sorted((tmp_path / "e/a").iterdir())):
        path.rename(path.with_name(f"renamed-{number}.png"))
    again = inspect(DataConfig(path=str(tmp_path / "e")))
    assert (again.split_rows, again.fingerprint) == (spec.split_rows, spec.fingerprint)
    images.save(tmp_path / "e/a/renamed-3.png", wanted[0][::-1])
    assert fingerprint(again) != again.fingerprint


def test_spans_are_folders_of_class_folders(tmp_path):
    images.write_folders(tmp_path / "data")
    images.write_folders(tmp_path / "later/june", count=6)
    images.write_folders(tmp_path / "later/may", count=9)
    spec = inspect(DataConfig(path=str(tmp_path / "data"), spans=(str(tmp_path / "later/*"),)))
    assert (spec.split_rows["span-001"], spec.split_rows["span-002"]) == (6, 9)
    assert spec.rows == 60


@pytest.mark.parametrize(
    ("mode", "suffix", "channels"),
    [
        ("1", "png", 1),
        ("L", "png", 1),
        ("LA", "png", 1),
        ("P", "png", 3),
        ("RGB", "png", 3),
        ("RGBA", "png", 3),
        ("L", "jpg", 1),
        ("RGB", "jpg", 3),
        ("CMYK", "jpeg", 3),
    ],
)
def test_headers_say_what_tensorflow_decodes(mode, suffix, channels):
    image = Image.fromarray(images.make_pixels(1, 33, 17, 3)[0]).convert(mode)
    buffer = io.BytesIO()
    image.save(buffer, "PNG" if suffix == "png" else "JPEG")
    data = buffer.getvalue()
    assert image_header.read(data) == (33, 17, channels)
    ours, theirs = pixels.decode(data), tf.io.decode_image(data, channels).numpy()
    assert ours.shape == theirs.shape == (33, 17, channels)
    if suffix == "png" and mode != "P":
        np.testing.assert_array_equal(ours, theirs)
    for end in range(0, len(data) - 1, 7):
        with pytest.raises(image_header.BadImageError):
            image_header.read(data[:end])


def test_a_flipped_bit_of_a_png_is_found():
    data = bytearray(pixels.encode(images.make_pixels(1)[0]))
    for place in range(len(data) - 20):
        data[place] ^= 1
        with pytest.raises(image_header.BadImageError):
            image_header.read(bytes(data))
        data[place] ^= 1


def folders(root):
    images.write_folders(root)


def cut(root):
    folders(root)
    (root / "c1/004.png").write_bytes((root / "c1/004.png").read_bytes()[:-20])


def not_an_image(root):
    folders(root)
    (root / "c1/zz.jpg").write_text("hello")


def other_file(root):
    folders(root)
    (root / "c1/notes.txt").write_text("hello")


def other_size(root):
    folders(root)
    images.save(root / "c2/big.png", images.make_pixels(1, 9, 7)[0])


def empty_class(root):
    folders(root)
    (root / "c9").mkdir()


def flat(root):
    folders(root)
    images.save(root / "stray.png", images.make_pixels(1)[0])


def one_class(root):
    images.write_folders(root, classes=1)


def nested(root):
    folders(root)
    images.save(root / "c1/more/x.png", images.make_pixels(1)[0])


def few(root):
    images.write_folders(root, count=2, classes=2)


@pytest.mark.parametrize(
    ("make", "settings", "words"),
    [
        (cut, {}, ["cannot be read", "004.png", "cut off"]),
        (not_an_image, {}, ["cannot be read", "zz.jpg", "neither PNG nor JPEG"]),
        (other_file, {}, ["something else than images", "notes.txt"]),
        (nested, {}, ["something else than images", "more", "a folder"]),
        (other_size, {}, ["several sizes", "big.png", "6 x 5", "9 x 7", "image_size: [6, 5]"]),
        (empty_class, {}, ["'c9' is empty", "c9"]),
        (flat, {}, ["outside the class folders", "stray.png"]),
        (one_class, {}, ["one class only", "c0"]),
        (few, {}, ["too few rows"]),
        (folders, {"task": "binary"}, ["contradict the task 'binary'"]),
        (folders, {"split": {"by": "time", "column": "day"}}, ["hash of each image"]),
        (folders, {"columns": {"x": "numeric"}}, ["no columns to declare"]),
        (folders, {"labels_path": "labels"}, ["Only IDX files", "data.labels_path"]),
        (folders, {"test_path": "nowhere"}, ["this is no folder", "nowhere"]),
        (folders, {"format": "csv"}, ["holds no data files"]),
    ],
)
def test_bad_folders(tmp_path, make, settings, words):
    make(tmp_path / "data")
    with pytest.raises(InputError) as caught:
        inspect(DataConfig(path=str(tmp_path / "data"), **settings))
    for word in words:
        assert word in str(caught.value)


def test_sizes_that_differ_are_resized_to_the_one_that_is_set(tmp_path):
    other_size(tmp_path / "data")
    spec = inspect(DataConfig(path=str(tmp_path / "data"), image_size=(6, 5)))
    assert (spec.image.height, spec.image.width, spec.image.resize) == (6, 5, True)
    heights = {row["image_height"] for rows in run(
        DataConfig(path=str(tmp_path / "data"), image_size=(6, 5)), tmp_path / "out"
    ).values() for row in rows}  # fmt: skip
    assert heights == {6, 9}


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        (lambda p: p.write_bytes(p.read_bytes()[:-5]), {}, ["cut off", "1,816 bytes"]),
        (lambda p: p.write_bytes(b"PK\3\4" + p.read_bytes()), {}, ["no IDX file", "50 4b"]),
        (lambda p: p.write_bytes(b""), {}, ["no IDX file", "empty"]),
        (
            lambda p: p.with_name("train-labels-idx1-ubyte").unlink(),
            {},
            ["labels of the images are not found", "train-labels-idx1-ubyte"],
        ),
        (
            lambda p: p.with_name("train-labels-idx1-ubyte").write_bytes(
                images.idx_bytes(np.arange(59))
            ),
            {},
            ["one label for each image", "60 labels", "59"],
        ),
        (
            lambda p: p.write_bytes(images.idx_bytes(np.zeros(60))),
            {},
            ["does not hold images", "[60]"],
        ),
        (lambda p: None, {"labels_path": ("a", "b")}, ["not as many", "data.labels_path"]),
    ],
)
def test_bad_idx_files(tmp_path, change, settings, words):
    path = images.write_idx(tmp_path, images.make_pixels(60), np.arange(60) % 3)
    change(path)
    with pytest.raises(InputError) as caught:
        inspect(DataConfig(path=str(path), **settings))
    for word in words:
        assert word in str(caught.value)


def test_gzipped_idx_files_and_labels_elsewhere(tmp_path):
    wanted, labels = images.make_pixels(60), np.arange(60) % 3
    plain = images.write_idx(tmp_path, wanted, labels)
    packed = tmp_path / "x-images.idx3-ubyte.gz"
    packed.write_bytes(gzip.compress(images.idx_bytes(wanted[..., 0])))
    (tmp_path / "answers").write_bytes(images.idx_bytes(labels))
    one = inspect(DataConfig(path=str(plain)))
    two = inspect(DataConfig(path=str(packed), labels_path=str(tmp_path / "answers")))
    assert one.split_rows == two.split_rows
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(InputError, match="cut off"):
        inspect(DataConfig(path=str(packed), labels_path=str(tmp_path / "answers")))


def test_bad_records_name_the_record(tmp_path):
    encoded = [pixels.encode(image) for image in images.make_pixels(30)]
    labels = ["a", "b"] * 15
    path = tmp_path / "d.tfrecord"
    config = DataConfig(path=str(path), label="image/class")
    images.write_tfrecord(path, [*encoded[:20], encoded[20][:40], *encoded[21:]], labels)
    with pytest.raises(InputError) as caught:
        inspect(config)
    assert "in record 21" in str(caught.value)
    images.write_tfrecord(path, encoded, labels)
    assert inspect(config).task == "binary"
    with pytest.raises(InputError, match="no feature 'label'"):
        inspect(DataConfig(path=str(path)))


def test_pixels_that_only_decoding_shows_to_be_bad_name_the_file(tmp_path):
    images.write_folders(tmp_path / "data")
    path = tmp_path / "data/c0/000.png"
    data = path.read_bytes()
    start = data.index(b"IDAT")
    rotten = b"IDAT" + b"\x78\x9c" + bytes(int.from_bytes(data[start - 4 : start], "big") - 2)
    rest = data[start + len(rotten) + 4 :]
    path.write_bytes(data[:start] + rotten + zlib.crc32(rotten).to_bytes(4, "big") + rest)
    config = DataConfig(path=str(tmp_path / "data"))
    inspect(config)  # the file is whole, and its checksums match
    with pytest.raises(InputError) as caught:
        run(config, tmp_path / "out")
    assert caught.value.details["file"] == str(path)


def test_a_table_still_needs_a_label_and_takes_no_setting_of_images(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(60)))
    with pytest.raises(InputError, match=r"data\.label.* is missing"):
        inspect(DataConfig(path=str(path)))
    with pytest.raises(InputError, match=r"data\.image_size is for images"):
        inspect(DataConfig(path=str(path), label="y", image_size=(3, 3)))
