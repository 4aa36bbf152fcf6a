"""Cuts are the best there are, and every part has a layer."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import InputError
from components.models.distribution.gpipe import partitioning

COSTS = st.lists(st.floats(0, 10), min_size=1, max_size=9)


def _largest(costs, cuts):
    return max(sum(costs[part.start : part.stop]) for part in partitioning.ranges(cuts, len(costs)))


@settings(deadline=None)
@given(COSTS, st.data())
def test_no_other_cuts_have_a_smaller_largest_part(costs, data):
    partitions = data.draw(st.integers(1, len(costs)))
    cuts = partitioning.partition(costs, partitions)
    every = itertools.combinations(range(1, len(costs)), partitions - 1)
    assert _largest(costs, cuts) == pytest.approx(min(_largest(costs, each) for each in every))


@settings(deadline=None)
@given(COSTS, st.data())
def test_parts_follow_one_another_and_none_is_empty(costs, data):
    partitions = data.draw(st.integers(1, len(costs)))
    parts = partitioning.ranges(partitioning.partition(costs, partitions), len(costs))
    assert len(parts) == partitions
    assert all(parts)
    assert [index for part in parts for index in part] == list(range(len(costs)))


@pytest.mark.parametrize("partitions", [1, 2, 4])
def test_equal_layers_make_equal_parts(partitions):
    parts = partitioning.ranges(partitioning.partition([1.0] * 8, partitions), 8)
    assert {len(part) for part in parts} == {8 // partitions}


@pytest.mark.parametrize("partitions", [0, 4])
def test_more_parts_than_layers_are_refused(partitions):
    with pytest.raises(InputError) as error:
        partitioning.partition([1, 2, 3], partitions)
    assert error.value.details["setting"] == "trainer.distribution.partitions"
    assert error.value.details["got"] == partitions
    assert "1 to 3" in error.value.details["expected"]
