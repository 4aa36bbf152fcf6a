"""One network for all tests of the room."""

import pytest

from tests.components.remediator.data import make


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("remediator"))
