"""What a person enters reaches a model only as what the feature can be."""

import json
import math

import pytest

from components.errors import InputError
from pipeline.ui.what_if import entry
from pipeline.ui.what_if.fields import Field

FIELDS = (
    Field("fare", "number", required=False),
    Field("seconds", "integer", required=False),
    Field("area", "code", required=True),
    Field("at", "time", required=False),
    Field("member", "boolean", required=False),
    Field("company", "category", required=False, values=("A", "B")),
)


def checked(**values):
    return entry.checked(FIELDS, {"area": 8, **values})


def test_every_field_has_a_value_and_what_is_not_named_is_missing():
    found = checked(fare=12, company="new & <b>unknown</b>")
    assert found == {
        "fare": 12.0,
        "seconds": None,
        "area": 8.0,
        "at": None,
        "member": None,
        "company": "new & <b>unknown</b>",
    }
    assert list(found) == [field.name for field in FIELDS]


def test_a_text_of_no_characters_is_missing():
    assert checked(company="")["company"] is None
    assert checked(fare="")["fare"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fare", math.nan),
        ("fare", math.inf),
        ("fare", -math.inf),
        ("fare", 1e39),
        ("fare", 10**400),
        ("fare", "12"),
        ("fare", True),
        ("fare", [1]),
        ("fare", {"$gt": 0}),
        ("seconds", 1.5),
        ("seconds", 2**53 + 2),
        ("area", 1e300),
        ("at", 1e15),
        ("at", 0.5),
        ("member", 2),
        ("company", 7),
        ("company", "\ud800"),
        ("company", "x" * (entry.MOST_TEXT + 1)),
    ],
)
def test_what_a_feature_cannot_be_is_refused_with_its_name(name, value):
    with pytest.raises(InputError) as caught:
        checked(**{name: value})
    assert caught.value.details["column"] == name
    assert caught.value.details["expected"]
    assert len(str(caught.value)) < 400


def test_numbers_that_models_can_take_pass():
    found = checked(fare=-3.4e38, seconds=-(2**53), at=entry.LAST_SECOND, member=0)
    assert found["fare"] == -3.4e38
    assert found["seconds"] == -(2**53)
    assert found["member"] == 0


def test_an_unknown_feature_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="no feature 'fair'; nearest: fare"):
        checked(fair=1)


def test_a_long_unknown_name_is_not_told_in_full():
    with pytest.raises(InputError) as caught:
        checked(**{"x" * 100_000: 1})
    assert len(str(caught.value)) < 1000


def test_a_required_feature_cannot_be_missing():
    with pytest.raises(InputError) as caught:
        entry.checked(FIELDS, {"fare": 1})
    assert caught.value.details["column"] == "area"


@pytest.mark.parametrize("values", [None, [], "fare", 3])
def test_an_example_is_an_object(values):
    with pytest.raises(InputError, match="is an object"):
        entry.checked(FIELDS, values)


def test_what_json_reads_as_no_number_is_refused():
    # Python's reader takes NaN and Infinity, which JSON does not know.
    for text in ('{"fare": NaN}', '{"fare": Infinity}', '{"fare": 1e999}'):
        with pytest.raises(InputError):
            checked(**json.loads(text))
