import json
import os
import subprocess
import sys
import time

import pytest
import typer
from typer.testing import CliRunner

from components.errors import InputError
from pipeline import read_verbs
from pipeline.store_config import StoreConfig, connection_config
from tests.recorded_runs import DAG, RecordedPipeline

app = typer.Typer(pretty_exceptions_enable=False)
read_verbs.register(app)

# Like the command line, in a process of its own.
PROGRAM = """
import sys, typer
from components.errors import ModelworksError
from pipeline import read_verbs
app = typer.Typer(pretty_exceptions_enable=False)
read_verbs.register(app)
try:
    app(standalone_mode=False)
except ModelworksError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
heavy = {"tensorflow", "tfx", "apache_beam", "tf_keras", "pandas", "numpy"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The root of a pipeline with a complete run, a partial one and a failed one."""
    place = tmp_path_factory.mktemp("pipeline") / "runs" / "taxi"
    place.mkdir(parents=True)
    pipeline = RecordedPipeline(connection_config(StoreConfig(), place), root=str(place))
    first = pipeline.begin(
        "20250101-100000-000",
        mw_state="COMPLETE",
        mw_started=1000.0,
        mw_ended=1045.0,
        mw_command="modelworks run",
        mw_config=json.dumps({"name": "taxi"}),
        mw_summary=json.dumps(
            {"executed": 9, "cached": 0, "metrics": {"AUC": 0.95, "loss": float("nan")}}
        ),
    )
    made = first.run_all(started=1000.0)
    second = pipeline.begin(
        "20250102-100000-000",
        mw_state="COMPLETE",
        mw_started=2000.0,
        mw_ended=2003.0,
        mw_base="20250101-100000-000",
        mw_summary=json.dumps({"executed": 1, "cached": 1, "metrics": {"AUC": 0.96}}),
    )
    second.reuse("Transform", made["Transform"])
    trainer = second.start(
        "Trainer",
        {"schema": [made["SchemaGen"]["schema"]]},
        config=json.dumps({"epochs": 3, "seed": 1}),
        code_fingerprint="changed",
        mw_started=2000.0,
    )
    log = place / "logs" / "20250102-100000-000" / "Trainer.log"
    log.parent.mkdir(parents=True)
    log.write_text("epoch 1\nepoch 2\nepoch 3\n")
    second.finish("Trainer", trainer, {"model": "Model"}, mw_ended=2003.0, mw_log=str(log))
    third = pipeline.begin("20250103-100000-000", mw_state="FAILED", mw_started=3000.0)
    failed = third.start("Trainer", mw_attempt=2, mw_started=3000.0)
    third.finish(
        "Trainer",
        failed,
        state="FAILED",
        mw_ended=3001.0,
        mw_error="ValueError: [red]no rows\x1b[2J",
        mw_phase="executing",
        mw_log="/etc/hostname",
    )
    return place


def invoke(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def as_json(*arguments):
    output = invoke(*arguments, "--json")
    assert output.count("\n") == 1
    return json.loads(output, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


# ---------------------------------------------------------------------- JSON


def test_runs(root):
    found = as_json("runs", "--root", str(root))["runs"]
    assert [run["id"][:8] for run in found] == ["20250103", "20250102", "20250101"]
    assert [run["seconds"] for run in found] == [None, 3.0, 45.0]
    assert found[1]["base"] == "20250101-100000-000"
    assert set(found[2]) == {
        "id",
        "pipeline",
        "state",
        "started",
        "ended",
        "seconds",
        "command",
        "base",
        "config",
        "job",
        "summary",
    }
    assert found[2]["summary"]["metrics"] == {"AUC": 0.95, "loss": None}
    assert len(as_json("runs", "--root", str(root), "--limit", "1")["runs"]) == 1
    [failed] = as_json("runs", "--root", str(root), "--state", "failed")["runs"]
    assert failed["id"] == "20250103-100000-000"


def test_show(root):
    found = as_json("show", "20250102", "--root", str(root))
    assert found["run"]["id"] == "20250102-100000-000"
    transform, trainer = found["executions"]
    assert (transform["node"], transform["state"]) == ("Transform", "CACHED")
    assert (trainer["seconds"], trainer["parameters"]["code_fingerprint"]) == (3.0, "changed")
    [output] = trainer["outputs"]
    assert output["type"] == "Model"
    assert output["key"] == "model"
    assert output["uri"].startswith(f"{root}/artifacts/Trainer/model/")
    assert [end["type"] for end in trainer["inputs"]] == ["Schema"]
    assert as_json("show", "--root", str(root))["run"]["id"] == "20250103-100000-000"


def test_artifacts(root):
    found = as_json("artifacts", "--root", str(root), "--type", "Model")["artifacts"]
    assert [artifact["run"][:8] for artifact in found] == ["20250102", "20250101"]
    assert {"id", "uri", "state", "manifest", "bytes", "files", "properties"} <= set(found[0])
    arguments = ("--run", "20250102", "--node", "Trainer")
    assert len(as_json("artifacts", "--root", str(root), *arguments)["artifacts"]) == 1


def test_lineage(root):
    [model, _] = as_json("artifacts", "--root", str(root), "--type", "Model")["artifacts"]
    found = as_json("lineage", str(model["id"]), "--root", str(root))
    assert (found["artifact"]["id"], found["direction"]) == (model["id"], "up")
    assert [e["node"] for e in found["executions"]] == [
        "ExampleGen",
        "StatisticsGen",
        "SchemaGen",
        "Trainer",
    ]
    assert len(found["events"]) == 7
    near = as_json("lineage", str(model["id"]), "--depth", "1", "--root", str(root))
    assert [e["node"] for e in near["executions"]] == ["Trainer"]
    down = as_json("lineage", str(model["id"]), "--down", "--root", str(root))
    assert (down["direction"], down["executions"]) == ("down", [])


def test_compare(root):
    found = as_json("compare", "20250101", "20250102", "--root", str(root))
    nodes = {node["node"]: node for node in found["nodes"]}
    assert list(nodes) == list(DAG)
    assert nodes["Trainer"]["parameters"]["config.epochs"] == [30, 3]
    assert nodes["Trainer"]["code"] == ["0000000000000006", "changed"]
    assert not nodes["Transform"]["differs"]
    assert found["metrics"]["AUC"] == [0.95, 0.96]
    assert found["run_b"]["seconds"] == 3.0


def test_logs(root):
    found = as_json("logs", "20250102", "Trainer", "--root", str(root))
    assert found["run"] == "20250102-100000-000"
    [log] = found["logs"]
    assert (log["node"], log["text"]) == ("Trainer", "epoch 1\nepoch 2\nepoch 3\n")
    assert invoke("logs", "20250102", "Trainer", "--root", str(root)) == log["text"]
    all_nodes = invoke("logs", "20250102", "--tail", "1", "--root", str(root))
    assert all_nodes == "==> Trainer <==\nepoch 3\n"


# -------------------------------------------------------------------- tables


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("runs",), ["20250101-100000-000  complete  45.0 s         9       0  AUC 0.9500"]),
        (("show", "20250101"), ["Trainer           complete  6.0 s  Model 7, ModelRun 8"]),
        (("artifacts",), ["artifacts/Trainer/model/", "1.0 kB", "20250101-100000-000"]),
        (("lineage", "7"), ["Model 7  artifacts/Trainer/model/6", "└── Trainer, 2025", "(above)"]),
        (("compare", "20250101", "20250102"), ["Trainer config.epochs  30", "+0.0100", "code"]),
    ],
)  # fmt: skip
def test_tables_fit_80_columns_without_colour(root, arguments, expected):
    output = invoke(*arguments, "--root", str(root))
    assert max(len(line) for line in output.splitlines()) <= 80
    assert "\x1b" not in output
    for text in expected:
        assert text in output


def test_a_failure_is_shown_as_it_was_written_but_harmless(root):
    output = invoke("show", "--root", str(root))
    assert "Trainer (attempt 2)" in output
    assert "Trainer failed while executing: ValueError: [red]no rows [2J" in output
    assert "\x1b" not in output


def test_colour_on_a_terminal(root, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in invoke("runs", "--root", str(root))
    assert "\x1b" not in invoke("runs", "--root", str(root), "--json")


# -------------------------------------------------------------- finding a root


def test_the_only_root_below_runs_is_the_default(root, monkeypatch):
    monkeypatch.chdir(root.parents[1])
    assert len(as_json("runs")["runs"]) == 3


def test_several_roots_are_listed(tmp_path, monkeypatch):
    for name in ("mnist", "taxi"):
        place = tmp_path / "runs" / name
        place.mkdir(parents=True)
        RecordedPipeline(connection_config(StoreConfig(), place), name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="several pipelines") as caught:
        invoke("runs")
    assert caught.value.details["expected"] == "--root with one of runs/mnist, runs/taxi"
    assert as_json("runs", "--root", "runs/mnist") == {"runs": []}
    assert "no run" in invoke("runs", "--root", "runs/mnist")
    with pytest.raises(InputError, match="nearest: mnist"):
        invoke("runs", "--root", "runs/mnits")


def test_no_root_and_no_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="no pipeline's root below"):
        invoke("runs")
    with pytest.raises(InputError, match="no metadata store yet"):
        invoke("runs", "--root", str(tmp_path))
    with pytest.raises(InputError, match="exclude each other"):
        invoke("runs", "--root", str(tmp_path), "--config", "taxi")
    assert list(tmp_path.iterdir()) == []  # looking makes nothing


def test_a_config_names_the_root_and_the_pipeline(root, tmp_path):
    config = tmp_path / "other.yaml"
    config.write_text(f"name: taxi\nroot: {root}\ndata: {{path: x.csv, label: y}}\n")
    assert len(as_json("runs", "--config", str(config))["runs"]) == 3
    config.write_text(f"name: mnist\nroot: {root}\ndata: {{path: x.csv, label: y}}\n")
    assert as_json("runs", "--config", str(config)) == {"runs": []}


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "20250104-100000-000"), "nearest: 20250103-100000-000"),
        (("show", "2025"), "3 runs begin with"),
        (("artifacts", "--type", "Modl"), "nearest: Model"),
        (("artifacts", "--node", "Traner"), "nearest: Trainer"),
        (("lineage", "999"), "no artifact 999"),
        (("compare", "20250101", "x"), "no run 'x'"),
        (("logs", "20250102", "Traner"), "nearest: Trainer"),
        (("logs", "20250102", "Transform"), "no log of Transform"),
        (("logs", "20250102", "../../x"), "no node '../../x'"),
        (("logs", "20250103", "Trainer"), "outside the pipeline's root"),
        (("logs", "20250101", "Trainer"), "No such file"),
        (("runs", "--state", "done"), "no state 'DONE'"),
    ],
)
def test_wrong_names(root, arguments, message):
    with pytest.raises(InputError, match=message):
        invoke(*arguments, "--root", str(root))


# ----------------------------------------------------------------- processes


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs",),
        ("show",),
        ("artifacts",),
        ("lineage", "7"),
        ("compare", "20250101", "20250102"),
        ("logs", "20250102"),
    ],
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_verbs_import_nothing_heavy(root, arguments, output):
    """Whole processes, with nothing but the result on standard output."""
    extra = ["--json"] if output == "json" else []
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments, "--root", str(root), *extra],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    if output == "json":
        json.loads(done.stdout)


def test_a_store_that_is_only_readable(root, tmp_path):
    """Looking needs no write, as the bytes on disk show."""
    store = root / "metadata.sqlite"
    before = store.read_bytes(), os.stat(store).st_mtime_ns
    for verb in (("runs",), ("show",), ("artifacts",), ("lineage", "7")):
        invoke(*verb, "--root", str(root))
    assert (store.read_bytes(), os.stat(store).st_mtime_ns) == before


def test_a_running_run_shows_how_long(tmp_path):
    pipeline = RecordedPipeline(connection_config(StoreConfig(), tmp_path))
    pipeline.begin("r1", mw_state="RUNNING", mw_started=time.time() - 7200)
    assert "2 h 00 min" in invoke("runs", "--root", str(tmp_path))


def test_every_backend_by_a_config(store_settings, tmp_path):
    config = tmp_path / "taxi.yaml"
    settings = {
        "root": str(tmp_path),
        "data": {"path": "x.csv", "label": "y"},
        "store": store_settings.model_dump(exclude_unset=True),
    }
    config.write_text(json.dumps(settings))  # YAML contains JSON
    RecordedPipeline(connection_config(store_settings, tmp_path)).begin("r1", mw_state="COMPLETE")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "runs", "--config", str(config), "--json"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [run["id"] for run in json.loads(done.stdout)["runs"]] == ["r1"]
