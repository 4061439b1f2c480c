"""Which schema a store has, and how it gets the code's.

Versions are Alembic's revisions, ascending numbers of four digits. A store without one is empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, String, column, inspect, select, table, text

from mmbot.errors import StoreError
from mmbot.store.sql.append_only import guards_missing
from mmbot.store.sql.engine import sql_errors
from mmbot.store.sql.tables import METADATA

__all__ = [
    "EMPTY",
    "SCHEMA_VERSION",
    "differences",
    "prepare_schema",
    "require_schema",
    "schema_version",
    "upgrade_schema",
]

SCHEMA_VERSION: Final = "0001"
"""What this code reads and writes."""
EMPTY: Final = "none"
"""The version of a store without tables."""
_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_TABLE: Final = "alembic_version"


def schema_version(engine: Engine) -> str:
    """The version of a store; `EMPTY` without one.

    Raises:
        StoreError: ``E_STORE_SQL`` when it cannot be asked.
    """
    with sql_errors("schema"), engine.connect() as connection:
        return _version(connection)


def require_schema(engine: Engine) -> None:
    """Refuse a store whose schema is not the code's.

    Raises:
        StoreError: ``E_STORE_SCHEMA:<have>:<want>``, ``E_STORE_SQL``.
    """
    have = schema_version(engine)
    if have != SCHEMA_VERSION:
        raise _other(have)


def prepare_schema(engine: Engine, *, mm_env: str) -> None:
    """As `require_schema`, but outside of ``prod`` an older or empty store is upgraded first.

    Raises:
        StoreError: as `require_schema`.
    """
    if mm_env != "prod" and schema_version(engine) != SCHEMA_VERSION:
        upgrade_schema(engine)
    require_schema(engine)


def upgrade_schema(engine: Engine) -> tuple[str, str]:
    """Bring a store to the code's schema, in one transaction; the versions before and after.

    Raises:
        StoreError: ``E_STORE_SCHEMA`` for a store that is newer than the code, ``E_STORE_SQL``.
    """
    # half a second that only a change of the schema is worth
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with sql_errors("schema"), engine.begin() as connection:
        _lock(connection)
        have = _version(connection)
        if have != EMPTY and have > SCHEMA_VERSION:
            raise _other(have)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return have, _version(connection)


def differences(engine: Engine) -> list[str]:
    """What of the tables, columns, keys and triggers of a store is not as the code has it.

    Raises:
        StoreError: ``E_STORE_SQL``.
    """
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    with sql_errors("schema"), engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "target_metadata": METADATA, "include_object": _is_ours},
        )
        found = [_described(one) for one in compare_metadata(context, METADATA)]
        found += [f"trigger {name} is missing" for name in guards_missing(connection)]
    return found


def _version(connection: Connection) -> str:
    if not inspect(connection).has_table(_TABLE):
        return EMPTY
    versions = select(column("version_num", String)).select_from(table(_TABLE))
    found = connection.execute(versions).scalars().all()
    return str(found[0]) if found else EMPTY


def _lock(connection: Connection) -> None:
    """Two processes that start together do not both upgrade; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('mmbot schema'))"))


def _other(have: str) -> StoreError:
    hint = "run `mmbot db upgrade`" if have == EMPTY or have < SCHEMA_VERSION else "update mmbot"
    return StoreError(
        "E_STORE_SCHEMA",
        "storage.url",
        f"has another schema than this version of mmbot: {hint}",
        detail=f"{have}:{SCHEMA_VERSION}",
    )


def _is_ours(*about: Any) -> bool:  # noqa: ANN401 -- Alembic's own signature
    _object, name, kind, *_ = about
    return not (kind == "table" and name == _TABLE)


def _described(change: Any) -> str:  # noqa: ANN401 -- a tuple, or a list of them
    if isinstance(change, list):
        return "; ".join(_described(one) for one in change)
    kind, *about = change
    names = [str(getattr(one, "name", one)) for one in about if one is not None]
    return " ".join([str(kind), *names])
