"""Addresses of the store and what is refused about them."""

import pytest
from sqlalchemy import text

from mmbot.errors import ConfigError, StoreError
from mmbot.store.sql.engine import open_engine, prod_warning, shown_url, sql_errors, sqlite_path
from mmbot.store.sql.schema import schema_version

PG = "postgresql+psycopg://market_maker@localhost:5432/market_maker"


@pytest.mark.spec("08-5.2")
def test_sqlite_is_durable_patient_and_keeps_references(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/deep/er/mmbot.db")
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    with engine.connect() as connection:
        found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in wanted}
    assert found == wanted
    engine.dispose()


@pytest.mark.spec("08-5.2", "08-3.1")
def test_a_password_comes_from_a_secret_and_from_nowhere_else(tmp_path):
    with pytest.raises(ConfigError, match="E_CFG_SECRET") as refused:
        open_engine("postgresql+psycopg://a:hunter22@h/d", env={})
    assert "hunter22" not in str(refused.value)
    for env in ({}, {"STORAGE_PG_PASSWORD": "none"}):
        with pytest.raises(ConfigError, match="E_CFG_SECRET: STORAGE_PG_PASSWORD"):
            open_engine(PG, env=env)
    named = tmp_path / "pw"
    named.write_text("correct horse\n")
    named.chmod(0o600)
    engine = open_engine(PG, env={"STORAGE_PG_PASSWORD_FILE": str(named)})
    assert engine.url.password == "correct horse"
    assert "horse" not in repr(engine)
    assert "horse" not in shown_url(str(engine.url))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "E_CFG_TYPE"),
        ("no address", "E_CFG_TYPE"),
        ("mysql://h/d", "E_CFG_TYPE"),
        ("postgresql+asyncpg://u@h/d", "E_CFG_TYPE"),
        ("oracle+nothing://h/d", "E_CFG_TYPE"),
    ],
)
def test_what_is_no_store_is_refused(url, code):
    with pytest.raises(ConfigError) as refused:
        open_engine(url, env={"STORAGE_PG_PASSWORD": "secret words"})
    assert (refused.value.code, refused.value.key) == (code, "storage.url")


def test_a_file_to_read_must_exist_and_is_not_made(tmp_path):
    with pytest.raises(ConfigError, match="E_CFG_MISSING"):
        open_engine(f"sqlite:///{tmp_path}/none.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_not_there_is_one_line_without_a_secret():
    url = "postgresql+psycopg://market_maker@127.0.0.1:1/market_maker"
    engine = open_engine(url, env={"STORAGE_PG_PASSWORD": "secret words"})
    with pytest.raises(StoreError, match="E_STORE_SQL") as refused:
        schema_version(engine)
    assert "\n" not in str(refused.value)
    assert "secret words" not in str(refused.value)


def test_what_a_database_refuses_is_a_store_error(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/a.db")
    with (
        pytest.raises(StoreError, match="E_STORE_SQL: asking no such table"),
        sql_errors("asking"),
        engine.connect() as connection,
    ):
        connection.execute(text("SELECT 1 FROM nowhere"))
    engine.dispose()


@pytest.mark.spec("08-5.2")
def test_sqlite_in_production_is_warned_about():
    url = "sqlite:///data/mmbot.db"
    assert prod_warning(url, "prod") == "| storage | WARN | sqlite_in_prod |"
    assert prod_warning(url, "dev") is None
    assert prod_warning(PG, "prod") is None


def test_paths_of_files():
    assert str(sqlite_path("sqlite:///data/mmbot.db")) == "data/mmbot.db"
    assert sqlite_path("sqlite://") is None
    assert sqlite_path(PG) is None
    assert shown_url("nothing") == "****"
