"""Private MariaDB and PostgreSQL servers for tests; a pytest plugin.

Each server runs from Debian's packages (``mariadb-server``, ``postgresql``) in a
temporary directory on a free loopback port, for the length of the test session, with
its durability switched off. Where the programs are missing, the tests that need them
are skipped with a reason that names the package.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.store_config import StoreConfig

#: Of the servers' users; every character that a shell, SQL, a URL or libpq treats specially.
PASSWORD = "p'w \"$%@:/\\#é;=x"
PASSWORD_ENV = "MODELWORKS_TEST_DATABASE_PASSWORD"
USER = "modelworks"
#: A database that does not exist, though the user may create it.
MISSPELT = "misspelt"

BACKENDS = ("sqlite", "mysql", "postgresql")

_START_SECONDS = 60
_databases = itertools.count()


@dataclass(frozen=True)
class Server:
    """A running database server."""

    type: str
    port: int
    pid: int
    execute: Callable[[str], None]

    def create_database(self) -> StoreConfig:
        """Return the settings of a new, empty database."""
        name = f"store_{next(_databases)}"
        if self.type == "mysql":
            self.execute(f"CREATE DATABASE {name}; GRANT ALL ON {name}.* TO '{USER}'@'%';")
        else:
            self.execute(f"CREATE DATABASE {name} OWNER {USER}")
        return self.settings(database=name)

    def create_database_for(self, user: str) -> StoreConfig:
        """Return the settings of a new database for a user who does not exist."""
        return self.create_database().model_copy(update={"user": user})

    def settings(self, **changes: Any) -> StoreConfig:
        """Return settings for this server's user, with `changes`."""
        values = {
            "type": self.type,
            "host": "127.0.0.1",
            "port": self.port,
            "database": "none",
            "user": USER,
            "password_env": PASSWORD_ENV,
        }
        return StoreConfig.model_validate({**values, **changes})


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[Server]:
    """A private MariaDB server."""
    server = _program("mariadbd", "mysqld", package="mariadb-server")
    install = _program("mariadb-install-db", "mysql_install_db", package="mariadb-server")
    client = _program("mariadb", "mysql", package="mariadb-client")
    account = pwd.getpwuid(os.getuid()).pw_name  # mariadbd runs as root when told to
    with _directory() as directory:
        data, unix_socket, port = directory / "data", directory / "socket", free_port()
        subprocess.run(
            [
                install,
                "--no-defaults",
                f"--user={account}",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            check=True,
            capture_output=True,
        )

        def execute(sql: str) -> None:
            subprocess.run(
                [client, "--no-defaults", f"--socket={unix_socket}", "--user=root"],
                input=sql.encode(),
                check=True,
                capture_output=True,
            )

        command = [
            *_dependent(signal.SIGTERM),
            server,
            "--no-defaults",
            f"--user={account}",
            f"--datadir={data}",
            f"--socket={unix_socket}",
            f"--pid-file={directory / 'pid'}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            "--skip-log-bin",
            "--skip-name-resolve",
            "--performance-schema=OFF",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=32M",
        ]
        with _running(command, directory, signal.SIGTERM) as process:
            _wait(process, directory, lambda: execute("SELECT 1"))
            password = PASSWORD.replace("\\", "\\\\").replace("'", "''")
            execute(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{password}';")
            execute(f"GRANT ALL ON {MISSPELT}.* TO '{USER}'@'%';")
            yield Server("mysql", port, process.pid, execute)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """A private PostgreSQL server."""
    server = _program("postgres", package="postgresql")
    initdb = _program("initdb", package="postgresql")
    client = _program("psql", package="postgresql-client")
    with _directory() as directory:
        port = free_port()
        account_options: list[str] = []
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            account = _unprivileged_account()
            os.chown(directory, account.pw_uid, account.pw_gid)
            account_options = [
                f"--reuid={account.pw_uid}",
                f"--regid={account.pw_gid}",
                "--clear-groups",
            ]
        data = directory / "data"
        subprocess.run(
            [
                *_dependent(signal.SIGKILL, *account_options),
                initdb,
                f"--pgdata={data}",
                "--username=admin",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ],
            check=True,
            capture_output=True,
            cwd="/",
        )

        def execute(sql: str) -> None:
            subprocess.run(
                [
                    client,
                    "--no-psqlrc",
                    "--quiet",
                    "--set=ON_ERROR_STOP=1",
                    f"--host={directory}",
                    f"--port={port}",
                    "--username=admin",
                    "--dbname=postgres",
                ],
                input=sql.encode(),
                check=True,
                capture_output=True,
                env={**os.environ, "PGCLIENTENCODING": "UTF8"},
            )

        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": directory,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
        }
        # SIGINT is PostgreSQL's request for a shutdown that does not wait for clients.
        command = [*_dependent(signal.SIGINT, *account_options), server, "-D", str(data)]
        for key, value in options.items():
            command += ["-c", f"{key}={value}"]
        with _running(command, directory, signal.SIGINT) as process:
            _wait(process, directory, lambda: execute("SELECT 1"))
            password = PASSWORD.replace("'", "''")
            execute(f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{password}'")
            yield Server("postgresql", port, process.pid, execute)


@pytest.fixture
def mysql_settings(mysql_server: Server, monkeypatch: pytest.MonkeyPatch) -> StoreConfig:
    """The settings of an empty MariaDB database, with the password in the environment."""
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    return mysql_server.create_database()


@pytest.fixture
def postgresql_settings(postgresql_server: Server, monkeypatch: pytest.MonkeyPatch) -> StoreConfig:
    """The settings of an empty PostgreSQL database, with the password in the environment."""
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    return postgresql_server.create_database()


@pytest.fixture(params=BACKENDS)
def store_settings(request: pytest.FixtureRequest) -> StoreConfig:
    """The settings of an empty store, on each backend in turn."""
    if request.param == "sqlite":
        return StoreConfig()
    settings: StoreConfig = request.getfixturevalue(f"{request.param}_settings")
    return settings


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _program(*names: str, package: str) -> str:
    """Return the path of the first of `names` that is installed, or skip the test."""
    places = [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    places += sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    for name in names:
        if found := shutil.which(name, path=os.pathsep.join(places)):
            return found
    pytest.skip(f"{names[0]} is not installed (Debian's package {package})")


def _dependent(request: signal.Signals, *options: str) -> list[str]:
    """Return a prefix for a command that the kernel ends if the tests are killed."""
    setpriv = _program("setpriv", package="util-linux")
    return [setpriv, *options, f"--pdeathsig={request.name.removeprefix('SIG')}", "--"]


def _unprivileged_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    pytest.skip("PostgreSQL refuses root, and there is no account postgres or nobody")


@contextlib.contextmanager
def _directory() -> Iterator[Path]:
    # Not below pytest's own directory, which only its owner may enter; and short, for
    # the path of a Unix socket may have no more than 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="mw-db-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _running(
    command: list[str], directory: Path, request: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server; ask it to end with the signal `request`, insist after ten seconds."""
    with open(directory / "server.log", "wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/"
        )
        try:
            yield process
        finally:
            process.send_signal(request)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], directory: Path, probe: Callable[[], None]) -> None:
    """Return once `probe` succeeds."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            probe()
        except subprocess.CalledProcessError:
            time.sleep(0.1)
        else:
            return
    log = (directory / "server.log").read_text(errors="replace")
    raise RuntimeError(f"{process.args} did not start:\n{log[-2000:]}")
