"""What goes wrong between us and the store, told so that a person can mend it."""

import os
import sqlite3
import subprocess
import sys
import time

import pytest

from components.errors import InputError
from pipeline.store import Store, connection
from pipeline.store.mlmd import metadata_store_pb2
from pipeline.store_config import StoreConfig, connection_config
from tests import databases
from tests.databases import MISSPELT, PASSWORD, PASSWORD_ENV, free_port
from tests.recorded_runs import RecordedPipeline

SERVERS = ("mysql", "postgresql")

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN " + sys.argv[2])
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""


@pytest.fixture(params=SERVERS)
def server(request, monkeypatch):
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    return request.getfixturevalue(f"{request.param}_server")


def failure(settings, root="/"):
    with pytest.raises(InputError) as caught:
        Store(connection_config(settings, root))
    error = caught.value
    assert PASSWORD not in str(error) + repr(error) + repr(error.__cause__)
    return error


def test_a_missing_server_is_a_reason_to_skip():
    with pytest.raises(pytest.skip.Exception, match="Debian's package mariadb-server"):
        databases._program("no-such-program", package="mariadb-server")


# ------------------------------------------------------------------- servers


def test_a_password_of_special_characters(store_settings, tmp_path):
    # On the servers, the fixture's user has one.
    assert Store(connection_config(store_settings, tmp_path)).runs() == []


def test_a_wrong_password(server, monkeypatch):
    settings = server.create_database()
    monkeypatch.setenv(PASSWORD_ENV, "wrong-" + PASSWORD)
    error = failure(settings)
    assert "refuses user 'modelworks' or its password" in error.problem
    assert f"127.0.0.1:{server.port}" in error.problem
    assert "password_env" in error.details["setting"]


def test_a_wrong_user(server):
    assert "refuses user 'nobody'" in failure(server.create_database_for("nobody")).problem


def test_an_unknown_database(server):
    error = failure(server.settings(database="no_such"))
    assert "no_such" in error.problem
    assert error.details["setting"].startswith("store.database")


def test_an_unknown_database_is_not_created(server):
    # Though the user may create it.
    settings = server.settings(database=MISSPELT)
    for _ in range(2):
        assert f"no database '{MISSPELT}'" in failure(settings).problem


@pytest.mark.parametrize("kind", SERVERS)
def test_a_refused_connection(kind, monkeypatch):
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    port = free_port()
    settings = StoreConfig(type=kind, port=port, database="x", user="x", password_env=PASSWORD_ENV)
    error = failure(settings)
    assert f"127.0.0.1:{port}" in error.problem
    assert "refused" in error.problem
    assert "start the server" in error.details["to do"]


@pytest.mark.parametrize("kind", SERVERS)
def test_an_unknown_host(kind):
    settings = StoreConfig(type=kind, host="no-such-host.invalid", database="x", user="x")
    assert "no-such-host.invalid" in failure(settings).problem


def test_a_server_of_another_kind(mysql_server, postgresql_server, monkeypatch):
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    monkeypatch.setattr(connection, "_CONNECT_SECONDS", 0.5)
    started = time.monotonic()
    error = failure(mysql_server.settings(port=postgresql_server.port))
    assert "MySQL" in error.problem
    error = failure(postgresql_server.settings(port=mysql_server.port))
    assert "PostgreSQL" in error.problem
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("wrong", ["", "password", "database"])
def test_no_output_holds_the_password(server, wrong):
    settings = server.create_database()
    if wrong == "database":
        settings = server.settings(database="no_such")
    password = PASSWORD + "x" if wrong == "password" else PASSWORD
    program = (
        "import logging, sys\n"
        "from absl import logging as absl_logging\n"
        "logging.basicConfig(level=logging.DEBUG)\n"
        "absl_logging.set_verbosity(absl_logging.DEBUG)\n"
        "from pipeline.store import Store\n"
        "from pipeline.store_config import StoreConfig, connection_config\n"
        "settings = StoreConfig.model_validate_json(sys.argv[1])\n"
        "try:\n"
        "    store = Store(connection_config(settings, '/'))\n"
        "    print(store, vars(store), vars(store._mlmd), store.runs())\n"
        "except Exception as error:\n"
        "    print(repr(error), error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, settings.model_dump_json(exclude_unset=True)],
        env={**os.environ, PASSWORD_ENV: password},
        capture_output=True,
        text=True,
        check=True,
    )
    output = done.stdout + done.stderr
    assert ("InputError" in output) == bool(wrong)
    for part in (PASSWORD, PASSWORD.split()[0], PASSWORD.split()[1]):
        assert part not in output


# -------------------------------------------------------------------- SQLite


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "metadata.sqlite").write_bytes(b"x" * 5000)
    error = failure(StoreConfig(), tmp_path)
    assert "no SQLite file, or is damaged" in error.problem
    assert error.details["file"] == str(tmp_path / "metadata.sqlite")


def test_a_directory_in_the_file_s_place(tmp_path):
    (tmp_path / "metadata.sqlite").mkdir()
    assert "is a directory" in failure(StoreConfig(), tmp_path).problem


def test_a_store_of_another_version(tmp_path):
    Store(connection_config(StoreConfig(), tmp_path))
    with sqlite3.connect(tmp_path / "metadata.sqlite") as database:
        database.execute("UPDATE MLMDEnv SET schema_version = 99")
    error = failure(StoreConfig(), tmp_path)
    assert "another version" in error.problem
    assert "99" in error.details["got"]


def test_a_file_that_may_not_be_opened():
    # Even root may make no file there.
    error = failure(StoreConfig(path="/proc/metadata.sqlite"))
    assert "may not be read and written" in error.problem


def test_a_store_that_may_not_be_written(tmp_path, monkeypatch):
    config = connection_config(StoreConfig(), tmp_path)
    run = RecordedPipeline(config).begin("r1")
    config.sqlite.connection_mode = config.sqlite.READONLY
    store = Store(config)
    assert store.run("r1").id == run.context.name
    with pytest.raises(InputError, match="may not be written"):
        store.record_run("r1", mw_state="FAILED")


@pytest.fixture
def hold(tmp_path):
    """Let another process lock the store; ends it afterwards."""
    processes = []

    def start(kind):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path / "metadata.sqlite"), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        processes.append(process)
        assert process.stdout.readline() == b"locked\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_write_waits_for_a_busy_store(tmp_path, hold):
    config = connection_config(StoreConfig(), tmp_path)
    RecordedPipeline(config).begin("r1", mw_state="RUNNING")
    store = Store(config)
    process = hold("IMMEDIATE")
    started = time.monotonic()
    # The lock goes when the other process reads a line.
    releaser = subprocess.Popen(["sh", "-c", "sleep 1; echo"], stdout=process.stdin)
    store.record_run("r1", mw_state="FAILED")
    waited = time.monotonic() - started
    releaser.wait()
    assert 0.9 < waited < 5
    assert store.run("r1").state == "FAILED"


def test_a_lock_that_stays_is_an_error(tmp_path, hold, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.5)
    config = connection_config(StoreConfig(), tmp_path)
    RecordedPipeline(config).begin("r1", mw_state="RUNNING")
    store = Store(config)
    hold("IMMEDIATE")
    assert store.run("r1").state == "RUNNING"  # reading goes on
    with pytest.raises(InputError, match="locked"):
        store.record_run("r1", mw_state="FAILED")
    assert store.run("r1").state == "RUNNING"


def test_the_patience_is_half_a_minute():
    assert connection.BUSY_SECONDS == 30


def test_a_locked_store_that_cannot_even_be_opened():
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = "/x.sqlite"
    message = "Concurrent writes aborted after max number of retries."  # after 40 s
    assert "locked by another process" in connection._explain(config, message, "").problem
