"""The schedule does each task once and in order, and its clock shows the published bubble."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.models.distribution.gpipe.schedule import Task, bubble_share, simulate, tasks

SIZES = st.integers(1, 6), st.integers(1, 12)
COSTS = st.lists(st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)), min_size=1, max_size=5)


@settings(deadline=None)
@given(*SIZES)
def test_every_task_is_there_once_behind_those_it_needs(stages, micro_batches):
    found = tasks(stages, micro_batches)
    assert len(found) == len(set(found)) == 2 * stages * micro_batches
    places = {task: place for place, task in enumerate(found)}
    for task, place in places.items():
        needed = task.needs(stages)
        assert needed is None or places[needed] < place


@settings(deadline=None)
@given(*SIZES)
def test_each_stage_goes_back_in_reverse_order_when_all_went_forward(stages, micro_batches):
    found = tasks(stages, micro_batches)
    forward = list(range(micro_batches))
    for stage in range(stages):
        mine = [task for task in found if task.stage == stage]
        assert [task.kind for task in mine] == ["forward"] * len(forward) + ["backward"] * len(
            forward
        )
        assert [task.micro_batch for task in mine] == forward + forward[::-1]


@settings(deadline=None)
@given(*SIZES, st.floats(0.1, 10), st.floats(0.1, 10))
def test_equal_stages_are_idle_as_published(stages, micro_batches, forward, backward):
    found = simulate(micro_batches, [forward] * stages, [backward] * stages)
    steps = micro_batches + stages - 1
    assert found.makespan == pytest.approx(steps * (forward + backward))
    assert found.idle_share == pytest.approx(bubble_share(stages, micro_batches), abs=1e-9)
    assert found.idle_shares == pytest.approx([found.idle_share] * stages, abs=1e-9)


@settings(deadline=None)
@given(COSTS, st.integers(1, 12))
def test_no_task_starts_early_and_no_stage_does_two_at_once(costs, micro_batches):
    forward, backward = zip(*costs, strict=True)
    found = simulate(micro_batches, forward, backward)
    for task, (start, end) in found.spans.items():
        needed = task.needs(len(costs))
        assert needed is None or found.spans[needed][1] <= start
        cost = forward if task.kind == "forward" else backward
        assert end - start == pytest.approx(cost[task.stage])
    for stage in range(len(costs)):
        mine = sorted(span for task, span in found.spans.items() if task.stage == stage)
        assert all(one[1] <= two[0] for one, two in itertools.pairwise(mine))
    # The slowest stage bounds it from below, and all work one after the other from above.
    assert found.makespan >= micro_batches * max(map(sum, costs)) - 1e-9
    assert found.makespan <= micro_batches * sum(map(sum, costs)) + 1e-9


def test_one_stage_is_never_idle():
    assert simulate(3, [2.0], [5.0]).idle_share == 0
    assert bubble_share(1, 7) == 0


def test_a_slow_stage_makes_the_others_wait():
    found = simulate(2, [1.0, 3.0], [1.0, 3.0])
    assert found.spans[Task("forward", 1, 1)] == (4.0, 7.0)
    assert found.makespan == 14
    assert found.idle_shares == pytest.approx((1 - 4 / 14, 1 - 12 / 14))
