"""Fixtures, order and cores of all tests; the database servers live in `tests.databases`."""

import os

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    # There is a worker for each core: more threads would only wait for each other. Libraries
    # read these when they are imported, here and in the processes that tests start.
    # Those between operations stay: a parameter server with one waits for itself.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(name, "1")

pytest_plugins = ["tests.databases"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run whole pipelines first, so that no process waits for a long test at the end."""
    items.sort(key=lambda item: item.get_closest_marker("e2e") is None)
