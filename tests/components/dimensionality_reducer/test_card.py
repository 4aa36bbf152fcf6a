"""The page of a reduction: complete, self-contained, safe, and of every method."""

from __future__ import annotations

import base64
import json
import math
import re
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.charts import BLUE, RED
from components.dimensionality_reducer import card, fitting, pictures, pixels, report
from components.dimensionality_reducer.assembly import projection_of
from components.dimensionality_reducer.config import ReducerConfig
from components.dimensionality_reducer.reducers import REDUCERS
from components.models.transformed import Features
from tests.components.dimensionality_reducer.data import columns_of, rows_of, shards
from tests.components.pages import EVIL, Document, check_alone, check_tables, headings, images

PARTS = [
    "How much each component holds",
    "What the components are made of",
    "Map",
    "What is lost",
    "Settings",
]
CHOICE = "How it was chosen"


def content(
    components: int = 3,
    classes: tuple[str, ...] = ("no", "yes"),
    rows: int = 40,
    method: str = "pca",
    **changes: Any,
) -> dict[str, Any]:
    """Return a report as the component writes it; without classes, of a regression."""
    random = np.random.default_rng(0)
    shares = np.sort(random.random(components))[::-1]
    shares = 0.9 * shares / shares.sum()
    points = random.normal(size=(rows, min(components, 2)))
    labels = [classes[i % len(classes)] for i in range(rows)] if classes else points[:, 0].tolist()
    settings = {"method": method, "components": components, "standardize": True, "seed": 0}
    return {
        "method": method,
        "input_width": 10,
        "settings": settings,
        "notes": [],
        "auto": None,
        "score": "share of the columns' variance",
        "components": [
            {
                "name": f"{method}:{place}",
                "score": float(share),
                "loadings": [
                    {"feature": f"f{i}", "loading": float((-1) ** i / (i + 1))} for i in range(10)
                ],
            }
            for place, share in enumerate(shares)
        ],
        "map": {
            "axes": [f"{method}:{place}" for place in range(points.shape[1])],
            "points": points.tolist(),
            "label": labels,
        },
        "reconstruction": {
            "definition": "what it is",
            "overall": 0.1,
            "slices": {
                name: {"rows": 30 + place, "error": 0.05 + 0.01 * place}
                for place, name in enumerate(classes)
            },
        },
        **changes,
    }


def candidates(
    method: str = "pca", components: int = 4, **metrics: tuple[float, float]
) -> dict[str, Any]:
    """Return how a choice is told: metrics without reduction, and with all components."""
    metrics = metrics or {"accuracy": (0.95, 0.96)}
    start = {name: values[0] for name, values in metrics.items()}
    found = [{"method": "none", "components": 10, "score": -0.2, "metrics": start}]
    found += [
        {
            "method": name,
            "components": size,
            "score": -0.9 / size,
            "metrics": {key: values[1] - 0.1 / size for key, values in metrics.items()},
        }
        for name in ("pca", "lda")
        for size in (1, 2, 4, 5)
    ]
    return {"method": method, "components": components, "candidates": found}


def write(directory: Path, found: dict[str, Any]) -> Path:
    (directory / "report.json").write_text(json.dumps(found))
    return directory


def lead(text: str) -> str:
    [found] = re.findall(r'<p class="lead">(.*?)</p>', text)
    return Document(found).text


def test_page_is_one_document_that_needs_nothing_else(tmp_path: Path) -> None:
    check_alone(card.page(write(tmp_path, content(auto=candidates()))))


def test_section_is_a_fragment_and_part_of_the_page(tmp_path: Path) -> None:
    directory = write(tmp_path, content(auto=candidates()))
    fragment = card.section(directory)
    Document(fragment)
    assert not re.search(r"<(html|head|body|script|!doctype|h1)\b", fragment)
    assert fragment in card.page(directory)
    assert fragment == card.section(directory)


def test_the_file_is_the_one_that_the_component_writes() -> None:
    assert card.REPORT_FILE == report.REPORT_FILE
    assert card.METHODS.keys() == REDUCERS.keys()
    assert {method.name for method in card.METHODS.values()} == pictures.MARKS.keys()


@pytest.mark.parametrize(
    ("method", "classes"), [*((method, 3) for method in REDUCERS), ("pca", 0), ("pls", 0)]
)
def test_every_method(tmp_path: Path, method: str, classes: int) -> None:
    random = np.random.default_rng(0)
    x = random.random((90, 5)) @ random.random((5, 5))
    label = np.arange(90) % 3 if classes else x[:, 0] + random.normal(size=90)
    x[:, 1] += label
    rows = rows_of(x, label if classes else label.astype(np.float32))
    columns = columns_of(rows, classes)
    config = ReducerConfig(
        method=method, components=2, standardize="min_max" if method == "nmf" else True
    )
    fit = fitting.fit(shards(rows), columns, config)
    features = Features(
        numeric=columns.numeric, label="y", task="regression", classes=columns.classes
    )
    projection = projection_of(fit, columns, features, config)
    described = report.describe(fit, columns, config, projection, shards(rows), None)
    text = card.page(write(tmp_path, described))
    document = check_alone(text)
    assert headings(text) == PARTS
    assert lead(text).startswith(f"{method.upper()} keeps 2 components of 5 columns")
    assert "x1" in document.text
    # Whether shares are parts of a whole is what the method says, and the figures bear out.
    scores = [component["score"] for component in described["components"]]
    assert sum(scores) <= 1 + 1e-6 or not card.METHODS[method].adds


def test_verdict_says_what_is_kept_and_lost(tmp_path: Path) -> None:
    def said(**changes: Any) -> str:
        return lead(card.section(write(tmp_path, content(**changes))))

    lost = {"definition": "", "overall": 0.0321, "slices": {}}
    assert said() == "PCA keeps 3 components of 10 columns; 10.0% of their variance is lost."
    assert said(reconstruction=lost).endswith("; 3.2% of their variance is lost.")
    assert said(components=1).startswith("PCA keeps 1 component of 10 columns")
    assert said(method="pls") == (
        "PLS keeps 3 components of 10 columns, with 90.0% of the targets' variance; 10.0% of the "
        "columns' variance is lost."
    )
    assert "90.0% of the variance between classes" in said(method="lda")
    assert said(reconstruction=lost | {"overall": None}) == "PCA keeps 3 components of 10 columns."
    assert "worse than the columns' means" in said(reconstruction=lost | {"overall": 1.5})


def test_nothing_reduced_is_said_and_no_more(tmp_path: Path) -> None:
    nothing = report.nothing(30, ReducerConfig(method="none"))
    text = card.page(write(tmp_path, nothing))
    check_alone(text)
    assert lead(text) == "Nothing is reduced: all 30 columns are kept."
    assert headings(text) == []
    assert lead(card.page(write(tmp_path, nothing | {"input_width": 0}))) == "Nothing is reduced."


def test_auto_that_reduces_nothing_shows_what_it_tried(tmp_path: Path) -> None:
    nothing = report.nothing(10, ReducerConfig(method="auto"))
    auto = candidates(method="none", components=10)
    text = card.page(write(tmp_path, nothing | {"auto": auto, "notes": ["Not tried: nmf."]}))
    document = check_alone(text)
    assert headings(text) == [CHOICE]
    assert lead(text) == (
        "Nothing is reduced: of 8 candidates, none does as well as all 10 columns."
    )
    assert "Not tried: nmf." in document.text
    assert '<tr class="best"><th scope="row">no reduction</th>' in text
    assert len(images(text)) == 2


def test_choice_shows_each_measure_and_what_was_taken(tmp_path: Path) -> None:
    auto = candidates(accuracy=(0.95, 0.96), auc=(0.99, 0.985))
    text = card.section(write(tmp_path, content(4, auto=auto)))
    assert headings(text) == [CHOICE, *PARTS]
    assert (
        "Of 8 candidates, PCA with 4 components was taken: accuracy 0.9350 (0.9500 without "
        "reduction), AUC 0.9600 (0.9900 without reduction)." in Document(text).text
    )
    drawn = images(text)[:3]
    for image, title in zip(drawn, ["accuracy", "AUC", "log loss"], strict=True):
        words = list(image.itertext())
        assert {title, "PCA 4", "half", "PCA", "LDA"} <= set(words)
        assert any("without" in word for word in words)
        assert image.attrib["aria-label"].startswith(f"{title} against the number")
    [best] = re.findall(r'<tr class="best">.*?</tr>', text)
    assert Document(best).text == "PCA40.93500.96000.2250"
    [reference] = re.findall(r'<tr class="reference">.*?</tr>', text)
    assert Document(reference).text == "no reduction100.95000.99000.2000"


def test_choice_for_regression(tmp_path: Path) -> None:
    auto = candidates(r2=(0.4, -0.2))
    document = Document(card.section(write(tmp_path, content(4, classes=(), auto=auto))))
    assert "R² -0.2250 (0.4000 without reduction)" in document.text
    assert "squared error" in document.text


def test_components_add_up_where_they_do(tmp_path: Path) -> None:
    text = Document(card.section(write(tmp_path, content()))).text
    assert "Together the components hold 90.0% of the columns' variance." in text
    assert "So far" in text
    text = Document(card.section(write(tmp_path, content(method="nmf")))).text
    assert "the shares do not add up" in text
    assert "So far" not in text


def test_scores_that_are_missing(tmp_path: Path) -> None:
    for missing in (None, math.nan):
        found = content(auto=candidates())
        for component in found["components"][:2]:
            component["score"] = missing
        found["components"][0]["loadings"][0]["loading"] = missing
        found["reconstruction"]["slices"]["no"]["error"] = missing
        found["auto"]["candidates"][1]["score"] = missing
        found["auto"]["candidates"][2]["metrics"]["accuracy"] = missing
        found["map"]["points"][0][0] = missing
        text = card.page(write(tmp_path, found))
        check_alone(text)
        assert headings(text) == [CHOICE, *PARTS[1:]]
        assert "nan" not in re.sub(r"<style>.*?</style>", "", text).lower().split()
    unknown = content(1, reconstruction={"definition": "", "overall": None, "slices": {}})
    unknown["map"] |= {"points": [], "label": []}
    text = card.page(write(tmp_path, unknown))
    check_alone(text)
    assert "Map" not in headings(text)


@pytest.mark.parametrize(
    ("components", "classes"),
    [(1, ("no", "yes")), (1, ()), (2, ()), (2, ("one",)), (3, ("no", "yes"))],
)
def test_maps_of_few_components(tmp_path: Path, components: int, classes: tuple[str, ...]) -> None:
    text = card.section(write(tmp_path, content(components, classes)))
    document = Document(text)
    assert "Map" in headings(text)
    assert ("How much each component holds" in headings(text)) == (components > 1)
    assert "Each point is a row of the eval split (40 rows)" in document.text
    words = {word for image in images(text) for word in image.itertext()}
    assert set(classes) <= words
    assert ("label" in words) == (not classes)


def test_classes_differ_by_colour_and_shape_together(tmp_path: Path) -> None:
    pairs = {
        (pictures.COLORS[i % len(pictures.COLORS)], pictures.SHAPES[i % len(pictures.SHAPES)])
        for i in range(pictures.MOST_CLASSES)
    }
    assert len(pairs) == pictures.MOST_CLASSES


def test_many_classes_are_summed_up(tmp_path: Path) -> None:
    names = tuple(f"{'long ' * 20}{i}" for i in range(40))
    for components in (1, 2):
        text = card.section(write(tmp_path, content(components, names, rows=400)))
        words = [word for image in images(text) for word in image.itertext()]
        assert "30 others" in words
        assert all(len(word) < 60 for word in words)
        assert "The 15 of 40 that lose the most are drawn." in Document(text).text
    assert all(float(image.attrib["width"]) < 900 for image in images(text))


def test_classes_are_in_the_order_of_people() -> None:
    assert list(pictures.legend(["10", "9", "b", "nan", "a", "-1"])) == [
        "-1",
        "9",
        "10",
        "a",
        "b",
        "nan",
    ]
    # Names that are the same when shortened stay apart.
    long = [f"{'x' * 40}{i}{'y' * 40}" for i in range(3)]
    assert len(set(pictures.legend(long).values())) == 3


def test_what_is_lost_names_the_worst(tmp_path: Path) -> None:
    slices = {"a": {"rows": 1234, "error": 0.02}, "b": {"rows": 1, "error": 0.4}}
    slices["c"] = {"rows": 0, "error": None}
    found = content(reconstruction={"definition": "d", "overall": 0.1, "slices": slices})
    text = card.section(write(tmp_path, found))
    assert "Of b it is the most, 40.0%; of a the least, 2.0%." in Document(text).text
    words = {word for image in images(text) for word in image.itertext()}
    assert {"overall 10.0%", "2.0% (1,234 rows)", "40.0% (1 row)"} <= words
    assert '<th scope="row">c</th><td class="number">0</td><td class="number">–</td>' in text


def test_far_points_do_not_hide_the_others(tmp_path: Path) -> None:
    found = content()
    found["map"]["points"][0] = [1e6, 0.0]
    text = Document(card.section(write(tmp_path, found))).text
    assert "Too far out for the scale, and at its edge: 1 point." in text
    points = np.array(found["map"]["points"])
    assert pictures.limits(points[:, 0])[1] < 100
    assert pictures.outliers(points) == 1


def test_loadings_are_drawn_with_names(tmp_path: Path) -> None:
    found = content(8)
    found["components"][0]["loadings"][1:] = [{"feature": "none", "loading": 0.0}]
    text = card.section(write(tmp_path, found))
    drawn = [i for i in images(text) if i.attrib["aria-label"].startswith("Largest loadings")]
    assert len(drawn) == card.MOST_DRAWN
    assert "The first 6 of 8 components are drawn." in Document(text).text
    assert "none" not in set(drawn[0].itertext())
    assert {"f0", "f1", "1", "-0.5"} <= set(drawn[1].itertext())


def decoded(uri: str) -> np.ndarray:
    """Return the pixels of a PNG that is written without filters."""
    raw = base64.b64decode(uri.partition(",")[2])
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, kind = struct.unpack(">IIBB", raw[16:26])
    assert depth == 8
    start = raw.index(b"IDAT")
    [size] = struct.unpack(">I", raw[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(raw[start + 4 : start + 4 + size]), np.uint8)
    return rows.reshape(height, -1)[:, 1:].reshape(height, width, {2: 3, 6: 4}[kind])


def test_pixels_show_sign_and_size() -> None:
    grey = decoded(pixels.picture(np.array([[[2.0], [0.0], [-1.0]]])))
    blue, orange = (tuple(bytes.fromhex(color[1:])) for color in (BLUE, RED))
    assert grey[0].tolist() == [[*blue, 255], [*blue, 0], [*orange, 128]]
    colored = decoded(pixels.picture(np.array([[[2.0, 0.0, -2.0]], [[0.0, 0.0, 0.0]]])))
    assert colored[:, 0].tolist() == [[255, 128, 0], [128, 128, 128]]
    assert not decoded(pixels.picture(np.zeros((2, 3, 1))))[..., 3].any()


@pytest.mark.parametrize("channels", [1, 3])
def test_components_of_images_are_pictures(tmp_path: Path, channels: int) -> None:
    loadings = np.random.default_rng(0).normal(size=(16, 4, 5, channels))
    image = {"height": 4, "width": 5, "channels": channels}
    found = content(20, image=image, loading_images=loadings.tolist())
    found["input_width"] = 20 * channels
    text = card.page(write(tmp_path, found))
    document = check_alone(text)
    assert ("pixels" if channels == 1 else "60 colour values") in lead(text)
    shown = document.named("img")
    assert [item["alt"] for item in shown[:2]] == [
        "Loadings of the pixels of pca:0",
        "Loadings of the pixels of pca:1",
    ]
    assert len(shown) == 16
    assert decoded(str(shown[0]["src"])).shape == (4, 5, channels + (channels == 1) * 3)
    assert "The first 16 of 20 components are drawn." in document.text
    assert not [i for i in images(text) if "Largest loadings" in i.attrib["aria-label"]]


def test_tables_and_pictures_can_be_read_by_ear(tmp_path: Path) -> None:
    text = card.section(write(tmp_path, content(auto=candidates())))
    document = Document(text)
    check_tables(document)
    assert len(document.named("table")) == 4
    drawn = images(text)
    assert len(drawn) == 8
    assert all(image.attrib["role"] == "img" for image in drawn)
    assert all(len(image.attrib["aria-label"]) > 20 for image in drawn)
    identifiers = re.findall(r' id="([^"]*)"', text)
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize("components", [1, 3])
def test_what_comes_from_data_is_text(tmp_path: Path, components: int) -> None:
    image = {"height": 2, "width": 2, "channels": 1}
    for more in ({}, {"image": image, "loading_images": np.ones((3, 2, 2, 1)).tolist()}):
        found = content(components, (EVIL, f"{EVIL}2"), auto=candidates(**{EVIL: (0.9, 0.8)}))
        found |= {"notes": [EVIL], "settings": {EVIL: EVIL}, **more}
        found["map"]["axes"] = [EVIL] * len(found["map"]["axes"])
        found["reconstruction"]["definition"] = EVIL
        for component in found["components"]:
            component["name"] = EVIL
            component["loadings"][0]["feature"] = EVIL
        text = card.page(write(tmp_path, found))
        document = check_alone(text)
        assert "<script" not in text
        assert "\x00" not in text
        assert "<script>alert('1')</script>" in document.text
        drawn = " ".join(word for image in images(text) for word in image.itertext())
        assert "<script>" in drawn


def test_large_reports_are_quick_and_small(tmp_path: Path) -> None:
    found = content(500, tuple("abcdefgh"), rows=2000, auto=candidates())
    found["image"] = {"height": 64, "width": 64, "channels": 1}
    found["loading_images"] = np.random.default_rng(0).normal(size=(16, 64, 64, 1)).tolist()
    write(tmp_path, found)
    started = time.process_time()
    text = card.page(tmp_path)
    assert time.process_time() - started < 5
    assert len(text.encode()) < 600_000
    assert "(1,000 of 2,000 rows)" in text
    assert "The first 100 of 500 are shown." in text


def test_import_is_light() -> None:
    code = (
        "import sys, components.dimensionality_reducer.card;"
        "heavy = {'altair', 'vl_convert', 'sklearn', 'scipy', 'tfx', 'tensorflow', 'apache_beam'};"
        "assert not heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
