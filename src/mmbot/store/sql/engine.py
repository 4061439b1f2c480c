"""Connections to the store: an engine from `storage.url`.

SQLite is the embedded default: write-ahead log, every commit synced, foreign keys on, five seconds
of patience with another writer. A transaction takes the write lock when it begins, because one that
reads first and writes then could not be repeated here. PostgreSQL needs the extra ``postgres`` and
its password from a secret.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from mmbot.config.secrets import require_secret
from mmbot.errors import ConfigError, StoreError

__all__ = [
    "PASSWORD",
    "open_engine",
    "prod_warning",
    "shown_url",
    "sql_errors",
    "sqlite_path",
]

PASSWORD: Final = "STORAGE_PG_PASSWORD"  # noqa: S105 -- its name
_KEY: Final = "storage.url"
_BUSY_MS: Final = 5_000
_CONNECT_SEC: Final = 5


def open_engine(
    url: str, *, env: Mapping[str, str] | None = None, read_only: bool = False, key: str = _KEY
) -> Engine:
    """An engine; nothing is connected yet, but the directory of a SQLite file exists.

    Args:
        url: SQLAlchemy address without a password.
        env: environment with the password; that of the process by default.
        read_only: transactions do not take the write lock; the SQLite file must exist.
        key: what an error names.

    Raises:
        ConfigError: ``E_CFG_TYPE`` for an address that is none, ``E_CFG_SECRET`` for a password in
            it or a missing one, ``E_CFG_MISSING`` without a driver or file.
        StoreError: ``E_STORE_DISK`` when the directory cannot be made.
    """
    address = _parsed(url, key)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address, read_only=read_only, key=key)
    return _postgres(address, env, key)


def shown_url(url: str) -> str:
    """The address as it may be printed."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "****"


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite address; None for another backend or a store in memory."""
    address = _parsed(url, _KEY)
    if address.get_backend_name() != "sqlite" or address.database in {None, "", ":memory:"}:
        return None
    return Path(str(address.database))


def prod_warning(url: str, mm_env: str) -> str | None:
    """The marker line of a store that is too small for where it is used."""
    if mm_env == "prod" and _parsed(url, _KEY).get_backend_name() == "sqlite":
        return "| storage | WARN | sqlite_in_prod |"
    return None


@contextlib.contextmanager
def sql_errors(what: str) -> Iterator[None]:
    """Turn what the database refuses into `StoreError` ``E_STORE_SQL`` about `what`."""
    try:
        yield
    except SQLAlchemyError as exc:
        cause = getattr(exc, "orig", None) or exc
        if isinstance(cause, StoreError):
            raise cause from exc  # an amount that cannot be stored
        reason = str(cause).strip().partition("\n")[0]
        raise StoreError("E_STORE_SQL", what, reason or type(cause).__name__) from exc


def _parsed(url: str, key: str) -> URL:
    try:
        address = make_url(url)
        backend = address.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as exc:
        raise ConfigError("E_CFG_TYPE", key, "is no SQLAlchemy address") from exc
    if backend not in {"sqlite", "postgresql"}:
        raise ConfigError("E_CFG_TYPE", key, f"must be sqlite or postgresql, not {backend}")
    if address.password is not None:
        raise ConfigError("E_CFG_SECRET", key, f"must not hold a password: use {PASSWORD}")
    return address


def _sqlite(address: URL, *, read_only: bool, key: str) -> Engine:
    name = address.database
    if name and name != ":memory:":
        path = Path(name)
        if read_only and not path.is_file():
            raise ConfigError("E_CFG_MISSING", key, f"there is no file {path}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StoreError(
                "E_STORE_DISK", f"file={path.parent}", f"cannot be made: {exc.strerror}"
            ) from exc
    engine = create_engine(address.set(drivername="sqlite+pysqlite"), hide_parameters=True)
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 -- of the driver
        # the driver begins no transactions of its own, see _on_begin
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:  # noqa: ANN401
        connection.exec_driver_sql(begin)

    return engine


def _postgres(address: URL, env: Mapping[str, str] | None, key: str) -> Engine:
    if address.drivername not in {"postgresql", "postgresql+psycopg"}:
        raise ConfigError("E_CFG_TYPE", key, "must begin with postgresql+psycopg://")
    password = require_secret(PASSWORD, env)
    address = address.set(drivername="postgresql+psycopg", password=password)
    try:
        return create_engine(
            address,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": _CONNECT_SEC,
                "application_name": "mmbot",
                "options": "-c timezone=UTC",
            },
        )
    except ModuleNotFoundError as exc:
        hint = "needs the driver psycopg: install mmbot[postgres]"
        raise ConfigError("E_CFG_MISSING", key, hint) from exc
