"""What a run holds is found, and nothing outside of the pipeline's root."""

import json

import pytest

from components.errors import InputError
from pipeline.store.mlmd import MetadataStore
from pipeline.ui.what_if import materials
from pipeline.ui.what_if.materials import Inside, Materials
from tests.pipeline.ui.what_if.made import COLUMNS, Run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that no test changes."""
    return Run(tmp_path_factory.mktemp("whole") / "root")


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "root")


def find(run, name="run-1"):
    return materials.find(run.store(), run.root, name)


def test_every_candidate_of_a_run_is_found(whole):
    found = find(whole)
    assert list(found.candidates) == [
        "trained",
        "compressed",
        "benchmark/linear",
        "benchmark/majority",
        "pushed",
    ]
    assert found.candidates["pushed"] == str(whole.root / "serving" / "1")
    assert found.blessed == "compressed"
    assert found.absent == ()


def test_it_is_known_what_the_models_take_and_what_they_tell(whole):
    found = find(whole)
    assert found.columns == COLUMNS
    assert (found.label, found.task, found.classes) == ("label", "binary", ("no", "yes"))
    assert found.slices == ("zone", "group")
    assert not found.image


def test_materials_survive_the_way_to_the_process_of_the_models(whole):
    found = find(whole)
    assert Materials.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_run_with_the_trainer_alone_has_one_candidate(tmp_path):
    off = ("Compressor", "ModelDebugger", "Evaluator", "Pusher")
    found = find(Run(tmp_path / "root", without=off))
    assert list(found.candidates) == ["trained"]
    assert found.blessed is None


def test_a_run_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no Trainer\.model") as caught:
        find(Run(tmp_path / "root", without=("Trainer",)))
    assert "Trainer" in caught.value.details["expected"]


def test_an_unknown_run_is_refused(whole):
    with pytest.raises(InputError, match="run"):
        find(whole, "../run-2")


def test_a_model_that_is_gone_is_told_and_the_others_can_be_asked(run):
    (run.root / "serving" / "1" / "saved_model.pb").unlink()
    found = find(run)
    assert "pushed" not in found.candidates
    assert "trained" in found.candidates
    assert found.absent == ("pushed cannot be asked: There is no SavedModel.",)


@pytest.mark.parametrize("name", ["Trainer.model", "Transform.transform_graph"])
def test_a_needed_artifact_elsewhere_is_refused(run, tmp_path, name):
    outside = tmp_path / "outside"
    run.paths[name].rename(outside)
    run.paths[name].symlink_to(outside)
    with pytest.raises(InputError, match="outside the pipeline's root"):
        find(run)


def test_a_file_of_a_model_that_is_a_link_to_elsewhere_is_refused(run, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (run.paths["Trainer.model"] / "Format-Serving" / "assets").symlink_to(secret)
    with pytest.raises(InputError, match="outside the pipeline's root"):
        find(run)


def test_a_candidate_elsewhere_is_told_and_not_loaded(run, tmp_path):
    benchmark = run.paths["ModelDebugger.benchmark_models"]
    (benchmark / "linear").rename(tmp_path / "linear")
    (benchmark / "linear").symlink_to(tmp_path / "linear")
    found = find(run)
    assert not [name for name in found.candidates if name.startswith("benchmark")]
    assert "outside the pipeline's root" in found.absent[0]


def test_what_the_store_says_does_not_lead_out_of_the_root(run, tmp_path):
    store = MetadataStore(run.connection)
    [model] = [a for a in store.get_artifacts() if "Trainer/model" in a.uri]
    outside = tmp_path / "outside"
    run.paths["Trainer.model"].rename(outside)
    for uri in (str(outside), f"{run.root}/../outside", "/etc", "etc\0passwd"):
        model.uri = uri.replace("\0", "")
        store.put_artifacts([model])
        with pytest.raises(InputError):
            find(run)


def test_links_within_the_root_are_followed(run):
    target = run.paths["Trainer.model"]
    target.rename(run.root / "moved")
    target.symlink_to(run.root / "moved")
    assert find(run).candidates["trained"] == str(run.root / "moved")


@pytest.mark.parametrize("path", ["..", "/etc/passwd", "a/../../b", "\0", "x" * 5000])
def test_no_path_leads_out(tmp_path, path):
    root = tmp_path / "root"
    root.mkdir()
    inside = Inside(root)
    for check in (inside.file, inside.directory):
        with pytest.raises(InputError):
            check(root / path)


def test_a_loop_of_links_is_refused(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError):
        Inside(tmp_path).directory(tmp_path / "loop")
