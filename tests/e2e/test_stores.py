"""The whole pipeline on each database server, with a password that nothing gives away."""

import json

import pytest
import yaml

from tests.databases import PASSWORD
from tests.e2e.harness import make_project

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("backend", ["mysql", "postgresql"])
def test_runs_and_caches_on_a_server(tmp_path, request, backend):
    settings = request.getfixturevalue(f"{backend}_settings")
    store = yaml.safe_dump({"store": settings.model_dump(exclude_none=True)})
    project = make_project(
        tmp_path, settings=f"trainer: {{epochs: 1, model: {{hidden_units: [4]}}}}\n{store}"
    )
    first = project.run()
    assert first.json["state"] == "COMPLETE"
    assert not (project.root / "metadata.sqlite").exists()
    second = project.run()
    assert second.json["counts"]["executed"] == 0

    shown = project.call("show", "--json")
    failed = project.run("--no-cache", fault="raise:Transform", expect=1)
    said = "".join(
        result.out + result.err
        for result in (first, second, shown, failed, project.call("runs", "--json"))
    )
    assert PASSWORD not in said
    assert json.dumps(PASSWORD)[1:-1] not in said
    for path in project.root.rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path
