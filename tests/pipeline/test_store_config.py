import pytest
from pydantic import ValidationError

from components.errors import InputError
from pipeline.store_config import StoreConfig, connection_config

SERVER = {"type": "postgresql", "database": "mlmd", "user": "ann", "password_env": "MW_PW"}


def test_the_default_is_a_sqlite_file_below_the_root(tmp_path):
    config = connection_config(StoreConfig(), tmp_path)
    assert config.sqlite.filename_uri == str(tmp_path / "metadata.sqlite")
    assert config.sqlite.connection_mode == config.sqlite.READWRITE_OPENCREATE


def test_a_path_takes_precedence(tmp_path):
    config = connection_config(StoreConfig(path=str(tmp_path / "a.db")), "/elsewhere")
    assert config.sqlite.filename_uri == str(tmp_path / "a.db")


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(InputError, match="no metadata store yet") as caught:
        connection_config(StoreConfig(), tmp_path / "none")
    assert caught.value.details["file"] == str(tmp_path / "none" / "metadata.sqlite")


def test_default_ports(monkeypatch):
    monkeypatch.setenv("MW_PW", "x")
    assert connection_config(StoreConfig(**SERVER), "/").postgresql.port == "5432"
    assert connection_config(StoreConfig(**{**SERVER, "type": "mysql"}), "/").mysql.port == 3306


def test_a_server_must_not_make_a_database(monkeypatch):
    monkeypatch.setenv("MW_PW", "x")
    assert connection_config(StoreConfig(**SERVER), "/").postgresql.skip_db_creation
    assert connection_config(StoreConfig(**{**SERVER, "type": "mysql"}), "/").mysql.skip_db_creation


@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
def test_an_unset_variable_is_named(monkeypatch, kind):
    monkeypatch.delenv("MW_PW", raising=False)
    with pytest.raises(InputError, match="MW_PW is not set") as caught:
        connection_config(StoreConfig(**{**SERVER, "type": kind}), "/")
    assert caught.value.details["setting"] == "store.password_env"


def test_without_a_variable_there_is_no_password():
    settings = {key: value for key, value in SERVER.items() if key != "password_env"}
    assert connection_config(StoreConfig(**settings), "/").postgresql.password == ""


def test_values_are_quoted_for_libpq(monkeypatch):
    monkeypatch.setenv("MW_PW", r"a'b\c d")
    config = connection_config(StoreConfig(**{**SERVER, "user": "o'neil host=evil"}), "/")
    assert config.postgresql.password == r"'a\'b\\c d'"
    assert config.postgresql.user == r"'o\'neil host=evil'"


@pytest.mark.parametrize(
    ("settings", "culprit"),
    [
        ({"type": "mysql", "user": "ann"}, "database"),
        ({"type": "mysql", "database": "x"}, "user"),
        ({**SERVER, "path": "x.db"}, "path"),
        ({"host": "db"}, "host"),
        ({**SERVER, "database": "x; drop table y"}, "database"),
        ({**SERVER, "database": "x host=evil"}, "database"),
        ({**SERVER, "port": 0}, "port"),
        ({**SERVER, "password": "secret"}, "password"),
        ({"type": "oracle"}, "type"),
    ],
)
def test_settings_that_make_no_sense(settings, culprit):
    with pytest.raises(ValidationError, match=culprit):
        StoreConfig(**settings)


def test_a_password_in_the_place_of_its_variable_is_not_repeated():
    with pytest.raises(InputError, match="no name of an environment variable") as caught:
        StoreConfig(**{**SERVER, "password_env": "hunter-2!"})
    assert "hunter" not in str(caught.value)


def test_the_settings_hold_no_password(monkeypatch):
    monkeypatch.setenv("MW_PW", "hunter-2!")
    config = StoreConfig(**SERVER)
    connection_config(config, "/")
    assert "hunter" not in repr(config) + str(config) + config.model_dump_json()
