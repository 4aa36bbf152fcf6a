"""Fixtures for all tests; the database servers live in `tests.databases`."""

pytest_plugins = ["tests.databases"]
