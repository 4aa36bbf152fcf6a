"""A search begins from another one's trials, and never from its own."""

from __future__ import annotations

from tfx.types import standard_artifacts

from components.tuner.earlier import SEARCH_KEY, EarlierTrialsStrategy, search_key


def result(number: int, key: str) -> standard_artifacts.TunerResults:
    artifact = standard_artifacts.TunerResults()
    artifact.id = number
    artifact.set_string_custom_property(SEARCH_KEY, key)
    return artifact


def resolved(key: str, *results: standard_artifacts.TunerResults) -> list[int]:
    found = EarlierTrialsStrategy(key).resolve_artifacts(None, {"results": list(results)})
    return [artifact.id for artifact in found["results"]]


def test_first_search_has_none_before_it() -> None:
    assert resolved("a") == []


def test_newest_of_the_others_is_taken() -> None:
    assert resolved("c", result(1, "a"), result(2, "b")) == [2]


def test_same_search_gets_the_same_again() -> None:
    # It then comes from the cache: its own results and later ones change nothing.
    assert resolved("b", result(1, "a"), result(2, "b")) == [1]
    assert resolved("b", result(1, "a"), result(2, "b"), result(3, "c")) == [1]
    assert resolved("a", result(1, "a"), result(2, "b")) == []


def test_key_tells_settings_code_and_data_apart() -> None:
    keys = {search_key(*parts) for parts in (("s", "c", "d"), ("sc", "", "d"), ("s", "c", "e"))}
    assert len(keys) == 3
