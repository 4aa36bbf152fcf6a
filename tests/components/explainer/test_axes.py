"""Features as coordinates and back."""

import numpy as np
import pytest

from components.explainer import axes
from tests.components.explainer.problems import numbers, problem


@pytest.fixture
def columns():
    return {
        "x": np.array([3.0, np.nan, 1.0, 2.0, 2.0]),
        "city": np.array(["B", "A", "B", "", "B"], object),
        "red": np.array([1.0, 0, 0, 1, 0]),
        "blue": np.array([0.0, 1, 1, 0, 1]),
    }


def test_categories_are_places_by_frequency(columns):
    city = axes.axis("city", ("city",), columns)
    assert city.encode(columns).tolist() == [0, 2, 0, 1, 0]
    assert city.labels([0, 1, 2]) == ["B", "(missing)", "A"]
    assert city.decode(np.array([2.0, 1.0]))["city"].tolist() == ["A", ""]
    assert city.encode({"city": np.array(["A", "zz"], object)}).tolist() == [2, axes.UNSEEN]
    assert city.grid(2).tolist() == [0, 1]
    assert not city.numeric


def test_numbers_are_themselves(columns):
    x = axes.axis("x", ("x",), columns)
    assert x.numeric
    assert x.lacking
    assert x.distinct.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(x.encode(columns), columns["x"])
    assert x.labels([2.0, 1234567.0, 0.12345, np.nan]) == ["2", "1,234,567", "0.1235", "(missing)"]
    wide = axes.axis("w", ("w",), {"w": np.arange(101.0)})
    assert wide.grid(5).tolist() == [0, 25, 50, 75, 100]


def test_columns_of_one_feature_are_one_coordinate(columns):
    color = axes.axis("color", ("red", "blue"), columns)
    assert color.encode(columns).tolist() == [1, 0, 0, 1, 0]
    assert color.labels([0, 1]) == ["blue", "red"]
    moved = axes.replaced(columns, color, np.ones(5))
    assert moved["red"].tolist() == [1] * 5
    assert moved["blue"].tolist() == [0] * 5
    pair = axes.axis("pair", ("x", "city"), columns)
    assert len(pair.distinct) == 5
    assert "x=3, city=B" in pair.labels(range(5))
    np.testing.assert_array_equal(pair.decode(pair.encode(columns))["x"], columns["x"])


def test_a_column_of_one_value_is_constant(columns):
    assert axes.axis("c", ("c",), {"c": np.ones(3)}).constant
    assert axes.axis("c", ("c",), {"c": np.full(3, np.nan)}).constant
    assert axes.axis("c", ("c",), {"c": np.array(["", ""], object)}).constant
    # A number that is there or not varies.
    assert not axes.axis("c", ("c",), {"c": np.array([1.0, np.nan])}).constant


def test_what_is_drawn_depends_on_what_rows_hold_alone(columns):
    turned = {name: values[::-1] for name, values in columns.items()}
    for name in columns:
        first = columns[name][axes.sample(columns, 3, 7)]
        np.testing.assert_array_equal(first, turned[name][axes.sample(turned, 3, 7)])
    assert len(axes.sample(columns, 9, 0)) == 5


def test_all_points_are_asked_for_all_rows_in_chunks(monkeypatch):
    monkeypatch.setattr(axes, "CHUNK", 10)
    given = numbers(4, 2)
    sizes = []

    def predict(asked):
        sizes.append(len(asked["x0"]))
        return asked["x0"] + 10 * asked["x1"]

    made = problem(predict, given)
    sizes.clear()
    points = np.arange(5.0)
    found = axes.at(made, given, [axes.of(made)["x1"]], points[:, None])
    np.testing.assert_allclose(found[..., 0], given["x0"] + 10 * points[:, None])
    assert max(sizes) <= 10
