"""Each pass over a model that is a formula finds what the formula says."""

from __future__ import annotations

import numpy as np
import pytest

from components.model_debugger.sensitivity import (
    images,
    missing,
    monotonicity,
    one_way,
    stability,
)
from components.model_debugger.sensitivity.answers import Answers
from components.model_debugger.sensitivity.domains import Domain
from components.models.judge import Judge


def linear(values):
    return 2 * values["x"] - 0.5 * values["count"] + 4 * (values["city"] == "B")


@pytest.fixture
def answers(make_subject):
    return Answers(make_subject("regression", linear))


def domain(answers, name):
    return Domain(name, answers.subject.columns[name])


class TestDomain:
    def test_draws_are_the_column_s_distribution(self, make_columns):
        columns = make_columns()
        for name, values in columns.items():
            own = Domain(name, values)
            places = (np.arange(len(values)) + 0.5) / len(values)
            drawn = own.drawn(places)
            assert drawn.dtype == values.dtype
            if own.numeric:
                assert np.array_equal(np.sort(drawn), np.sort(values), equal_nan=True)
            else:
                assert sorted(drawn) == sorted(values)
        # The ends are the missing values and the last known one.
        gaps = Domain("gaps", columns["gaps"])
        assert np.isnan(gaps.drawn(np.array([0.0]))[0])
        assert gaps.drawn(np.array([np.nextafter(1, 0)]))[0] == np.nanmax(columns["gaps"])

    def test_steps_are_values_of_the_column(self, make_columns):
        columns = make_columns()
        assert Domain("city", columns["city"]).steps(2).tolist() == ["A", "B"]
        assert Domain("count", columns["count"]).steps(50).tolist() == list(range(20))
        steps = Domain("x", columns["x"]).steps(5)
        assert len(steps) == 5
        assert set(steps) <= set(columns["x"])
        assert (np.diff(steps) > 0).all()

    def test_whole_numbers_stay_whole_and_in_range(self, make_columns):
        count = Domain("count", make_columns()["count"])
        assert count.step == 1
        moved = count.moved(7.3)
        assert (moved == np.round(moved)).all()
        assert moved.max() == 19
        assert moved.min() >= 7

    @pytest.mark.parametrize(("scale", "wanted"), [(1.0, 0.3), (100.0, 30.0), (0.01, 0.003)])
    def test_steps_have_one_digit(self, scale, wanted):
        values = np.random.default_rng(0).uniform(0, 10 * scale, 5000)
        assert Domain("x", values).step == pytest.approx(wanted)

    def test_nothing_known(self):
        for values in (np.full(5, np.nan), np.full(5, "", object)):
            own = Domain("none", values)
            assert len(own.steps(4)) == 0
            assert own.spread == 0
            drawn = own.drawn(np.linspace(0, 0.99, 5))
            assert Domain("drawn", drawn).is_missing.all()


class TestOneWay:
    def test_numbers(self, answers):
        found = one_way.describe(answers, domain(answers, "x"), 9)
        steps = np.array(found["steps"])
        assert np.diff(found["means"]["y"]) == pytest.approx(2 * np.diff(steps))
        assert found["swing"] == pytest.approx(2 * np.ptp(steps))
        up, down = found["nudges"]
        assert up["by"] == -down["by"] == pytest.approx(0.3)
        # At its ends a value is not moved out of the range.
        assert up["mean"] == pytest.approx(0.6, rel=0.05)
        assert down["mean"] == pytest.approx(-0.6, rel=0.05)
        assert up["distance"] == pytest.approx(abs(up["mean"]))

    def test_categories(self, answers):
        found = one_way.describe(answers, domain(answers, "city"), 9)
        assert found["steps"] == ["A", "B", "C"]
        means = found["means"]["y"]
        assert means[1] - means[0] == pytest.approx(4)
        assert means[2] == pytest.approx(means[0])
        assert found["swing"] == pytest.approx(4)
        assert found["nudges"] == []

    def test_the_row_that_moves_most(self, make_subject):
        subject = make_subject("regression", lambda v: v["x"] * (v["count"] == v["count"].max()))
        found = one_way.describe(Answers(subject), Domain("x", subject.columns["x"]), 5)
        place = found["greatest"]["row"] - 100
        assert subject.columns["count"][place] == subject.columns["count"].max()

    def test_one_value_has_no_response(self, answers):
        assert one_way.describe(answers, Domain("x", np.full(400, 3.0)), 5) is None

    def test_classes(self, make_subject):
        def odds(values):
            return np.stack([values["x"], np.zeros_like(values["x"]) + 5, values["x"] * 0], axis=1)

        answers = Answers(make_subject("multiclass", odds, classes=("a", "b", "c")))
        found = one_way.describe(answers, domain(answers, "x"), 9)
        assert set(found["means"]) == {"a", "b", "c"}
        total = np.sum(list(found["means"].values()), axis=0)
        assert total == pytest.approx(np.ones(9))
        # Each row is of class b at the least x, and of class a at the greatest.
        assert found["changed"] == 1.0
        # The distance of two distributions is at most 1.
        assert 0 < found["nudges"][0]["distance"] < 1


class TestMonotonicity:
    def test_obeyed(self, answers):
        found = monotonicity.describe(answers, domain(answers, "x"), "increasing", 5)
        assert (found["violations"], found["greatest"]) == (0.0, None)
        assert found["observed"] == "increasing"
        found = monotonicity.describe(answers, domain(answers, "count"), None, 5)
        assert (found["observed"], found["violations"]) == ("decreasing", None)
        assert (
            monotonicity.describe(answers, domain(answers, "gaps"), None, 5)["observed"] == "none"
        )

    def test_violated(self, make_subject):
        def bent(values):
            # Falls by 3 between 4 and 7 for the rows of one city.
            x = values["x"]
            fall = np.clip(x, 4, 7) - 4
            return x - 2 * fall * (values["city"] == "B")

        subject = make_subject("regression", bent)
        answers = Answers(subject)
        found = monotonicity.describe(answers, domain(answers, "x"), "increasing", 200)
        share = (subject.columns["city"] == "B").mean()
        assert found["violations"] == pytest.approx(share)
        worst = found["greatest"]
        assert subject.columns["city"][worst["row"] - 100] == "B"
        assert worst["size"] == pytest.approx(3, abs=0.15)
        assert (worst["start"], worst["end"]) == pytest.approx((4, 7), abs=0.15)
        # The other way round all rows disobey, and the ends are those of the range.
        found = monotonicity.describe(answers, domain(answers, "x"), "decreasing", 200)
        assert found["violations"] == 1.0
        assert found["greatest"]["size"] > 9

    def test_a_probability_is_that_of_the_positive_class(self, make_subject):
        answers = Answers(make_subject("binary", lambda v: v["x"] - 5))
        found = monotonicity.describe(answers, domain(answers, "x"), "increasing", 5)
        assert found["violations"] == 0.0

    def test_rounding_is_no_violation(self, make_subject):
        def rounded(values):
            return np.float32(1000) + np.float32(1e-4) * np.sin(values["x"] * 9) + values["count"]

        answers = Answers(make_subject("regression", rounded))
        found = monotonicity.describe(answers, domain(answers, "x"), "increasing", 5)
        assert found["violations"] == 0.0


class TestMissing:
    def test_the_loss_of_a_column(self, make_subject):
        def formula(values):
            gaps = np.where(np.isnan(values["gaps"]), 10.0, values["gaps"])
            return gaps + values["count"]

        subject = make_subject("regression", formula, noise=0.1)
        answers = Answers(subject)
        judge = Judge("regression", subject.labels, 1)
        found = missing.describe(answers, domain(answers, "gaps"), judge)
        known = ~np.isnan(subject.columns["gaps"])
        change = 10 - subject.columns["gaps"][known]
        assert found["share"] == pytest.approx(1 - known.mean())
        assert found["distance"] == pytest.approx(change.sum() / len(known))
        assert found["greatest"]["distance"] == pytest.approx(change.max())
        assert found["greatest"]["row"] == 100 + np.flatnonzero(known)[change.argmax()]
        assert found["metric"] > 5 > judge.measure(answers.scores)["RootMeanSquaredError"]
        # What the model does not use may as well be missing.
        assert missing.describe(answers, domain(answers, "x"), judge)["distance"] == 0

    def test_no_number_is_said_to_be_none(self, answers):
        judge = Judge("regression", answers.subject.labels, 1)
        found = missing.describe(answers, domain(answers, "x"), judge)
        assert found["distance"] is None
        assert found["metric"] is None
        assert found["share"] == 0


class TestStability:
    def test_more_noise_moves_more(self, answers):
        domains = [domain(answers, name) for name in answers.subject.columns]
        found = [stability.describe(answers, domains, size, 5, 1)[0] for size in (0.01, 0.1, 0.5)]
        distances = [each["distance"] for each in found]
        assert distances == sorted(distances)
        assert all(each["changed"] <= each["ever"] for each in found)
        assert stability.describe(answers, domains, 0.1, 5, 1)[0] == found[1]

    def test_the_size_is_that_of_the_column(self, make_columns):
        columns, random = make_columns(20_000), np.random.default_rng(0)
        x = Domain("x", columns["x"])
        moved = stability.disturbed(x, 0.1, random) - columns["x"]
        inner = (columns["x"] > 2) & (columns["x"] < 8)
        assert moved[inner].std() == pytest.approx(0.1 * x.spread, rel=0.03)
        city = stability.disturbed(Domain("city", columns["city"]), 0.2, random)
        known = columns["city"] != ""
        # Drawn anew it may be the same again.
        same = sum(((columns["city"][known] == c).mean()) ** 2 for c in "ABC")
        assert (city[known] != columns["city"][known]).mean() == pytest.approx(
            0.2 * (1 - same), abs=0.01
        )
        assert (city[~known] == "").all()
        gaps = stability.disturbed(Domain("gaps", columns["gaps"]), 0.2, random)
        assert np.array_equal(np.isnan(gaps), np.isnan(columns["gaps"]))

    def test_a_model_that_ignores_a_column_is_stable_in_it(self, answers):
        found, moved = stability.describe(answers, [domain(answers, "gaps")], 0.5, 3, 1)
        assert found["distance"] == found["changed"] == 0
        assert not moved.any()


class TestImages:
    @pytest.fixture
    def pixels(self):
        return np.random.default_rng(0).integers(60, 190, (50, 8, 8, 1)).astype(np.float32)

    @pytest.mark.parametrize("name", images.CHANGES)
    def test_pixels_stay_pixels(self, pixels, name):
        for given in (pixels, pixels.astype(np.uint8)):
            found = images.CHANGES[name](given, 0.9, np.random.default_rng(1))
            assert found.dtype == given.dtype
            assert found.shape == given.shape
            assert found.min() >= 0
            assert found.max() <= 255
            assert not np.array_equal(found, given)

    def test_noise_and_brightness_have_their_size(self, pixels):
        noise = images.noise(pixels, 0.05, np.random.default_rng(1)) - pixels
        assert noise.std() == pytest.approx(0.05 * 255, rel=0.05)
        lighter = images.brightness(pixels, 0.1, np.random.default_rng(1)) - pixels
        assert np.abs(lighter) == pytest.approx(25.5, abs=1e-3)
        contrast = images.contrast(pixels, 0.1, np.random.default_rng(1))
        ratio = contrast.std(axis=(1, 2, 3)) / pixels.std(axis=(1, 2, 3))
        assert set(np.round(ratio, 4)) == {np.float32(0.9), np.float32(1.1)}
        assert contrast.mean(axis=(1, 2, 3)) == pytest.approx(pixels.mean(axis=(1, 2, 3)))

    def test_a_shift_moves_by_whole_pixels(self, pixels):
        found = images.shift(pixels, 0.25, np.random.default_rng(1))
        for given, moved in zip(pixels[..., 0], found[..., 0], strict=True):
            assert any(
                np.array_equal(*pair)
                for pair in (
                    (moved[2:], given[:-2]),
                    (moved[:-2], given[2:]),
                    (moved[:, 2:], given[:, :-2]),
                    (moved[:, :-2], given[:, 2:]),
                )
            )
