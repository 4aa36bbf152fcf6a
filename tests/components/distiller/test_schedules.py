"""Numbers that change over a training."""

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.distiller.config import DistillerConfig, Scheduled, constant
from components.distiller.schedules import value

DONE = np.linspace(0, 1, 11)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("linear", 8 - 6 * DONE),
        ("cosine", 5 + 3 * np.cos(np.pi * DONE)),
    ],
)
def test_from_start_to_end(schedule, expected):
    number = Scheduled(start=8, end=2, schedule=schedule)
    found = [float(value(number, tf.constant(done))) for done in DONE]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_plain_number_stays_and_so_does_the_end():
    assert [float(value(constant(3.0), tf.constant(done))) for done in (0.0, 0.3, 1.0)] == [3.0] * 3
    number = Scheduled(start=1, end=2, schedule="linear")
    assert float(value(number, tf.constant(1.7))) == 2.0


def test_read_from_a_config():
    settings = DistillerConfig.model_validate(
        {"temperature": {"start": 8, "end": 2}, "mix": {"start": 0, "end": 1, "schedule": "cosine"}}
    )
    assert settings.temperature.schedule == "linear"
    assert settings.mix.schedule == "cosine"
    assert DistillerConfig.model_validate_json(settings.model_dump_json()) == settings
    with pytest.raises(ValidationError, match="end"):
        DistillerConfig.model_validate({"mix": {"start": 0.5}})
