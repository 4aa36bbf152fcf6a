"""LIME against known weights, its fidelity, and the lime package."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from components.deadline import Deadline
from components.explainer import axes
from components.explainer.intervals import Intervals
from components.explainer.lime import card, regression
from components.explainer.lime import images as superpixels
from components.explainer.lime.config import LimeConfig
from components.explainer.lime.explanation import METHOD
from tests.components.explainer.problems import images, matrix, numbers, problem
from tests.components.pages import EVIL, Document

ROWS = 200


def explained(given, *, seconds=60.0, **settings):
    return METHOD.explain(given, LimeConfig(**settings), Deadline(seconds))


def mixed(rows=ROWS, seed=0):
    random = np.random.default_rng(seed)
    return {
        "x": random.normal(size=rows),
        "z": np.where(random.random(rows) < 0.2, np.nan, random.integers(0, 5, rows)),
        "city": random.choice(["A", "B", ""], rows, p=[0.5, 0.3, 0.2]).astype(object),
        "same": np.full(rows, 3.0),
    }


def test_weights_of_kept_categories_are_what_keeping_them_adds():
    """For a sum of indicators the linear model is exact, whatever the kernel."""

    def predict(asked):
        return 3.0 * (asked["city"] == "A") - 2.0 * (asked["kind"] == "p")

    random = np.random.default_rng(0)
    columns = {
        "city": random.choice(["A", "B"], 100).astype(object),
        "kind": random.choice(["p", "q"], 100).astype(object),
    }
    found = explained(problem(predict, columns), penalty=1e-6)
    signs = np.stack([columns["city"] == "A", columns["kind"] == "p"], axis=1) * 2 - 1
    np.testing.assert_allclose(found.attributions.values[..., 0], signs * [3.0, -2.0], atol=1e-5)
    assert found.found["fidelity"]["mean"] == pytest.approx(1.0)
    assert found.found["notes"] == []
    fits = found.tables["lime_fit"].to_pydict()
    np.testing.assert_allclose(fits["linear"], fits["model"], atol=1e-5)


def test_fidelity_is_poor_where_the_model_is_not_linear_nearby():
    columns = {name: (values > 0) * 1.0 for name, values in numbers(ROWS, 2).items()}
    # Exclusive or: keeping one value alone tells nothing.
    found = explained(problem(lambda asked: asked["x0"] != asked["x1"], columns)).found
    assert found["fidelity"]["poor"] == 1.0
    assert any("says little" in note for note in found["notes"])


def test_weights_rank_as_those_of_the_lime_package():
    from lime.lime_tabular import LimeTabularExplainer

    columns = numbers(300, 6)
    data = matrix(columns)
    slopes = np.array([3.0, -2.0, 1.5, 1.0, -0.5, 0.2])

    def predict(x):
        return np.tanh(x @ slopes / 3) + 0.2 * x[:, 0] * x[:, 2]

    theirs = LimeTabularExplainer(
        data, mode="regression", feature_selection="none", discretizer="quartile", random_state=0
    )
    rows = {name: values[:8] for name, values in columns.items()}
    given = problem(lambda asked: predict(matrix(asked)), rows, columns)
    found = explained(given, samples=5000)
    assert found.found["width"] == pytest.approx(0.75 * np.sqrt(6))
    ranks = []
    for row, own in zip(data, found.attributions.values[..., 0], strict=False):
        answer = theirs.explain_instance(row, predict, num_features=6, num_samples=5000)
        weights = dict(answer.as_map()[1])
        ranks.append(stats.spearmanr([weights[i] for i in range(6)], own).statistic)
        # They fit the same data: the fit is as good.
        place = len(ranks) - 1
        assert answer.score == pytest.approx(
            found.tables["lime_fit"]["fidelity"][place].as_py(), abs=0.05
        )
    assert np.mean(ranks) >= 0.95


def test_ridge_weights_equal_those_of_scikit_learn():
    from sklearn.linear_model import Ridge

    random = np.random.default_rng(0)
    kept = random.random((2, 50, 4)) < 0.5
    near, answers = random.random((2, 50)), random.normal(size=(1, 50, 3))
    own = regression.fit(kept, near, answers, 0.7)
    for row in range(2):
        theirs = Ridge(0.7).fit(kept[row], answers[0], sample_weight=near[row])
        np.testing.assert_allclose(own.weights[row].T, theirs.coef_)
        np.testing.assert_allclose(own.intercept[row], theirs.intercept_)
        for output in range(3):
            single = Ridge(0.7).fit(kept[row], answers[0, :, output], sample_weight=near[row])
            score = single.score(kept[row], answers[0, :, output], sample_weight=near[row])
            assert own.fidelity[row, output] == pytest.approx(score)


def test_intervals_speak_of_values():
    columns = {
        "x": np.array([*np.arange(8.0), np.nan]),
        "c": np.array(["a", ""] * 4 + ["b"], object),
    }
    given = axes.of(problem(lambda asked: asked["x"] * 0, columns))
    parts = Intervals.of(given["x"], 4)
    assert parts.codes(columns).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert [parts.text(code) for code in range(5)] == [
        "x ≤ 1",
        "1 < x ≤ 3",
        "3 < x ≤ 5",
        "x > 5",
        "x is missing",
    ]
    kinds = Intervals.of(given["c"], 4)
    assert kinds.text(0) == "c = (missing)"
    unknown = {"c": np.array(["zz"], object)}
    assert kinds.codes(unknown).tolist() == [-1]
    assert kinds.text(-1, unknown) == "c = zz"


def test_what_varies_not_has_no_weight_and_what_is_unknown_is_told():
    rows = mixed(6)
    rows["city"] = np.array(["A", "B", "nowhere"] * 2, object)
    given = problem(lambda asked: asked["x"] + (asked["city"] == "nowhere"), rows, mixed())
    found = explained(given)
    assert found.found["importance"]["same"] == pytest.approx(0.0, abs=1e-12)
    assert any("same" in note for note in found.found["notes"])
    assert any("city" in note for note in found.found["notes"])
    weights = found.attributions.values[:, 2, 0]
    assert weights[2] > 0.3 > abs(weights[0])


def test_the_order_of_rows_does_not_matter():
    columns = mixed(30)
    turned = {name: values[::-1] for name, values in columns.items()}

    def predict(asked):
        return asked["x"] * (asked["city"] == "A") + np.nan_to_num(asked["z"])

    first, second = (explained(problem(predict, each)) for each in (columns, turned))
    np.testing.assert_allclose(first.attributions.values, second.attributions.values[::-1])
    assert first.found["fidelity"] == pytest.approx(second.found["fidelity"])
    texts = [
        [each["weights"][0]["text"] for each in found.found["examples"]]
        for found in (first, second)
    ]
    assert texts[0] == texts[1]


def test_a_constant_model_has_no_fidelity():
    found = explained(problem(lambda asked: asked["x0"] * 0 + 1, numbers(20, 2)))
    assert found.found["fidelity"] is None
    np.testing.assert_allclose(found.attributions.values, 0.0, atol=1e-12)
    assert card.lines(found.found) == []
    Document(card.section(found.found))
    assert found.tables["lime_fit"]["fidelity"].null_count == 20


def test_a_passed_deadline_explains_no_row_and_says_so():
    found = explained(problem(lambda asked: asked["x0"], numbers(20, 2)), seconds=0.0)
    assert found.found["rows"] == len(found.attributions.rows) == 0
    assert "0 of 20 rows" in found.found["notes"][0]
    Document(card.section(found.found))


def of_quarter(rows=3, channels=1):
    """Return images of random blocks, and a model that looks at their top left quarter."""
    given = images(size=16, rows=rows)
    blocks = np.random.default_rng(0).integers(60, 256, (rows, 4, 4, channels)).astype(float)
    pixels = blocks.repeat(4, axis=1).repeat(4, axis=2)
    subject = replace(given.subject, images=pixels, model="any")

    class Problem(type(given)):
        def values_of_images(self, asked):
            return asked[:, :8, :8].mean(axis=(1, 2, 3))[:, None] ** 2 / 255**2

    return Problem(subject, given.background, {}, "probability", 0)


@pytest.mark.parametrize("channels", [1, 3])
def test_superpixels_that_the_model_looks_at_have_the_weight(channels, monkeypatch):
    # Black instead of the mean, which would leave the model's answer as it is.
    monkeypatch.setattr(superpixels, "faded", lambda image, segments: np.zeros_like(image))
    given = of_quarter(channels=channels)
    each = superpixels.explain(given, LimeConfig(segments=16), given.subject.images[0])
    inside = np.zeros((16, 16), bool)
    inside[:8, :8] = True
    share = np.array([inside[each.segments == place].mean() for place in range(len(each.weights))])
    assert 4 <= len(each.weights) <= 40
    assert each.weights[share == 1].min() > 5 * np.abs(each.weights[share == 0]).max()
    assert each.fidelity > 0.8


def test_superpixels_rank_as_those_of_the_lime_package():
    from lime.lime_image import LimeImageExplainer

    given = of_quarter(channels=3)
    # Hiding a superpixel of one colour would change nothing.
    image = given.subject.images[0] * np.random.default_rng(2).random((16, 16, 3))
    slopes = np.random.default_rng(1).normal(size=(16, 16, 3)) / 255

    def said(asked):
        return np.tanh((asked * slopes).mean(axis=(1, 2, 3)))[:, None]

    class Problem(type(given)):
        def values_of_images(self, asked):
            return said(asked)

    given = Problem(given.subject, given.background, {}, "probability", 0)
    own = superpixels.explain(given, LimeConfig(segments=16, image_samples=1000), image)
    theirs = LimeImageExplainer(random_state=0, feature_selection="none").explain_instance(
        image,
        said,
        labels=(0,),
        top_labels=None,
        num_samples=1000,
        segmentation_fn=lambda _: own.segments,
    )
    weights = dict(theirs.local_exp[0])
    ranks = stats.spearmanr([weights[place] for place in range(len(own.weights))], own.weights)
    assert ranks.statistic >= 0.95


def test_hidden_superpixels_have_their_mean_colour():
    image = np.random.default_rng(0).random((6, 6, 3)) * 255
    segments = np.arange(36).reshape(6, 6) // 12
    plain = superpixels.faded(image, segments)
    for place in range(3):
        np.testing.assert_allclose(
            plain[segments == place], np.tile(image[segments == place].mean(axis=0), (12, 1))
        )


def test_images_are_shown_with_their_superpixels():
    given = of_quarter()
    found = explained(given, images=2, segments=9, image_samples=50).found
    assert found["rows"] == 2
    assert "Of 3 images 2" in found["notes"][0]
    json.dumps(found, allow_nan=False)
    document = Document(card.section(found))
    assert len(document.named("img")) == 4
    turned = replace(given, subject=given.subject.take(np.array([2, 1, 0])))
    again = explained(turned, images=2, segments=9, image_samples=50).found
    assert again["examples"] == found["examples"]
    late = explained(given, seconds=0.0).found
    assert late["examples"] == []
    assert "0 of 3 images" in late["notes"][0]
    Document(card.section(late))


def test_images_without_a_model_are_refused():
    assert METHOD.refuse(images(), LimeConfig())
    assert METHOD.refuse(of_quarter(), LimeConfig()) is None


def test_the_card_stays_text():
    columns = {**numbers(60, 2), EVIL: np.array([EVIL, "b", ""] * 20, object)}
    given = problem(
        lambda asked: 1 / (1 + np.exp(-asked["x0"] - (asked[EVIL] == EVIL))), columns, task="binary"
    )
    found = explained(given, shown=7).found
    json.dumps(found, allow_nan=False)
    text = card.section(found)
    Document(text)
    assert "<script" not in text
    assert text.count("<svg") == 7
    assert card.lines(found)[0].startswith("LIME: R²")
