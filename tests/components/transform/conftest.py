"""Small raw data with every kind of column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from tests.components.transform.tables import make_schema


@pytest.fixture(scope="session")
def rows() -> list[dict[str, Any]]:
    generator = np.random.default_rng(5)
    result = []
    for place in range(400):
        color = generator.choice(["red", "green", "blue", "grün", "old gold"])
        result.append(
            {
                "price": float(np.float32(generator.lognormal(3, 1))),
                "size": None if place % 7 == 0 else float(np.float32(generator.normal(10, 2))),
                "rooms": int(generator.integers(1, 9)),
                "color": None if place % 11 == 0 else str(color),
                "zip": int(generator.integers(10, 40)),
                "label": int(color in ("red", "blue") or generator.random() < 0.2),
            }
        )
    return result


@pytest.fixture(scope="session")
def schema() -> schema_pb2.Schema:
    return make_schema(
        {
            "price": float,
            "size": float,
            "rooms": int,
            "color": str,
            "zip": int,
            "label": int,
        },
        required=("price", "rooms", "zip", "label"),
    )
