"""The model that candidates are compared with."""

from __future__ import annotations

from tfx.types import standard_artifacts

from components.evaluator.baseline import NEWEST_CANDIDATE, PreviousBlessedModelStrategy


def model(number: int, uri: str):
    artifact = standard_artifacts.Model()
    artifact.id, artifact.uri = number, uri
    return artifact


def blessing(number: int, newest: int, uri: str, blessed: int = 1):
    artifact = standard_artifacts.ModelBlessing()
    artifact.id = number
    artifact.set_int_custom_property("blessed", blessed)
    artifact.set_int_custom_property(NEWEST_CANDIDATE, newest)
    artifact.set_string_custom_property("blessed_model", uri)
    return artifact


def resolve(candidates: list[int], models, blessings):
    inputs = {f"model_{n}": [model(n, f"/c/{n}")] for n in candidates}
    found = PreviousBlessedModelStrategy().resolve_artifacts(
        None, inputs | {"baseline": models, "model_blessing": blessings}
    )
    assert {name: found[name] for name in inputs} == inputs
    return [each.id for each in found["baseline"]]


def test_the_last_blessed_among_older_candidates():
    models = [model(8, "/b/1"), model(18, "/b/2")]
    blessings = [blessing(9, 5, "/b/1"), blessing(19, 15, "/b/2")]
    assert resolve([20, 21], models, blessings) == [18]
    # Only one candidate is new.
    assert resolve([4, 21], models, blessings) == [18]
    # The same candidates again, from the cache.
    assert resolve([11, 15], models, blessings) == [8]
    assert resolve([4, 5], models, blessings) == []


def test_what_was_refused_or_is_gone_is_no_baseline():
    models = [model(8, "/b/1")]
    refused, gone = blessing(9, 5, "/b/1", blessed=0), blessing(10, 5, "/b/0")
    assert resolve([20], models, [refused, gone]) == []
    assert resolve([20], models, [refused, gone, blessing(11, 6, "/b/1")]) == [8]
