"""How good, how alike, and how much of the gap: by hand."""

import numpy as np
import pytest

from components.distiller.measures import agreement, recovered


@pytest.mark.parametrize(
    ("teacher", "alone", "distilled", "higher", "share"),
    [
        (67, 146, 74, False, 72 / 79),
        (0.96, 0.90, 0.93, True, 0.5),
        (0.96, 0.90, 0.97, True, 7 / 6),  # better than the teacher
        (0.96, 0.90, 0.89, True, -1 / 6),  # worse than without one
        (0.90, 0.96, 0.95, True, None),
        (0.90, 0.90, 0.95, True, None),
    ],
)
def test_gap(teacher, alone, distilled, higher, share):
    found = recovered(teacher, alone, distilled, higher_is_better=higher)
    assert found == (share if share is None else pytest.approx(share))


def test_agreement():
    one, other = np.array([[1.0], [-1.0], [2.0], [3.0]]), np.array([[0.1], [-5.0], [-1.0], [9.0]])
    assert agreement("binary", one, other) == 0.75
    many = np.eye(3)
    assert agreement("multiclass", many, many[[0, 2, 2]]) == pytest.approx(2 / 3)
    assert agreement("regression", one, one) == pytest.approx(1)
    assert agreement("regression", np.full((4, 1), one.mean()), one) == pytest.approx(0)
