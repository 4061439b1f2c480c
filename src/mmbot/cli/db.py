"""`mmbot db`: the SQL store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mmbot.cli.options import ConfigOption
from mmbot.cli.progress import byte_bar, row_bar
from mmbot.errors import ConfigError, StoreError, ascii_line

__all__ = ["app"]

app = typer.Typer(
    help="The SQL store: its schema, what is in it, copies of it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url", help="SQLAlchemy address without a password.", show_default="storage.url"
    ),
]


@app.command("upgrade", epilog="[bold]Example[/]\n\nmmbot db upgrade")
def upgrade_command(url: UrlOption = None, config: ConfigOption = None) -> None:
    """Bring the store to the schema of this version; an empty one gets its tables.

    Exit 1 if it is newer than this version, or cannot be reached.
    """
    from mmbot.cli.db_place import opened  # noqa: PLC0415 -- as all of SQL: half a second
    from mmbot.store.sql.schema import upgrade_schema  # noqa: PLC0415

    with opened(url, config) as engine:
        have, want = upgrade_schema(engine)
    sys.stdout.write(f"| db | OK | from={have} to={want} |\n")


@app.command("current", epilog="[bold]Example[/]\n\nmmbot db current")
def current_command(url: UrlOption = None, config: ConfigOption = None) -> None:
    """Print the schema version of the store, `none` for an empty one."""
    from mmbot.cli.db_place import opened  # noqa: PLC0415
    from mmbot.store.sql.schema import schema_version  # noqa: PLC0415

    with opened(url, config, read_only=True) as engine:
        sys.stdout.write(schema_version(engine) + "\n")


@app.command("check", epilog="[bold]Example[/]\n\nmmbot db check && mmbot run")
def check_command(url: UrlOption = None, config: ConfigOption = None) -> None:
    """Compare tables, columns, keys and triggers with what this version wants; exit 1 if not so."""
    from mmbot.cli.db_place import opened  # noqa: PLC0415
    from mmbot.store.sql.schema import differences, require_schema  # noqa: PLC0415

    with opened(url, config, read_only=True) as engine:
        require_schema(engine)
        found = differences(engine)
    for line in found:
        sys.stdout.write(ascii_line(f"DB_CHECK {line}") + "\n")
    _result(is_ok=not found)


@app.command(
    "ship",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot db ship\n\n"
        "mmbot db ship 20260101T000000Z-0123abcd\n\n"
        "mmbot db ship data/journal --url sqlite:///reports.db"
    ),
)
def ship_command(
    place: Annotated[
        str | None,
        typer.Argument(
            metavar="DIR|SESSION",
            help="Directory of journals, of one session, or a session id. "
            "Default: storage.journal_dir",
        ),
    ] = None,
    *,
    url: UrlOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring journals into the store, as a session does while it runs: what is there stays.

    Exit 1 if a journal is damaged; all others are shipped nevertheless.
    """
    from mmbot.cli.db_ship import ship  # noqa: PLC0415

    with byte_bar() as bar:
        done, errors = ship(place, url, config, bar)
    for error in errors:
        sys.stderr.write(f"{error}\n")
    sys.stdout.write(
        f"| db | {'FAIL' if errors else 'OK'} | sessions={done.sessions} records={done.records} "
        f"events={done.events} fills={done.fills} |\n"
    )
    if errors:
        raise typer.Exit(1)


@app.command(
    "backup",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot db backup --out backup/mmbot-20260101.db\n\n"
        "mmbot db copy --from sqlite:///backup/mmbot-20260101.db --to sqlite:///data/mmbot.db"
    ),
)
def backup_command(
    out: Annotated[Path, typer.Option("--out", help="SQLite file to make.")],
    url: UrlOption = None,
    config: ConfigOption = None,
) -> None:
    """Copy the store into one SQLite file, whatever its backend, and compare every row.

    Sessions may go on meanwhile. Exit 1 on a difference, or if the file exists.
    """
    from mmbot.cli.db_place import opened  # noqa: PLC0415
    from mmbot.store.sql.copying import back_up, count_rows  # noqa: PLC0415

    with opened(url, config, read_only=True) as engine, row_bar() as bar:
        bar.begin("backup", count_rows(engine))
        copied = back_up(engine, out, on_rows=bar.advance)
    different = [table.name for table in copied if not table.is_equal]
    if different:
        raise StoreError("E_STORE_SQL", str(out), f"differs in {', '.join(different)}: not kept")
    sys.stdout.write(f"wrote {out} rows={sum(table.rows_to for table in copied)}\n")


@app.command(
    "export", epilog="[bold]Example[/]\n\nmmbot db export --table fills --out fills.parquet"
)
def export_command(
    table: Annotated[str, typer.Option("--table", help="Its name: orders, fills, ...")],
    out: Annotated[Path, typer.Option("--out", help="Parquet file; replaced if it exists.")],
    url: UrlOption = None,
    config: ConfigOption = None,
) -> None:
    """Write a table as Parquet, in the order of its key; amounts are exact decimals."""
    from mmbot.cli.db_place import opened  # noqa: PLC0415
    from mmbot.store.sql.exporting import export_table  # noqa: PLC0415
    from mmbot.store.sql.schema import require_schema  # noqa: PLC0415
    from mmbot.store.sql.tables import METADATA  # noqa: PLC0415

    if table not in METADATA.tables:
        known = ", ".join(sorted(METADATA.tables))
        raise ConfigError("E_CFG_TYPE", "--table", f"has no value {table!r}; there are {known}")
    with opened(url, config, read_only=True) as engine, row_bar() as bar:
        require_schema(engine)
        bar.begin("export", 0)
        rows = export_table(engine, METADATA.tables[table], out, on_rows=bar.advance)
    sys.stdout.write(f"wrote {out} rows={rows}\n")


@app.command(
    "copy",
    epilog=(
        "[bold]Example[/]\n\n"
        "STORAGE_PG_PASSWORD_FILE=pw mmbot db copy --from sqlite:///data/mmbot.db "
        "--to postgresql+psycopg://market_maker@localhost/market_maker"
    ),
)
def copy_command(
    source: Annotated[str, typer.Option("--from", help="Address of the store to read.")],
    target: Annotated[str, typer.Option("--to", help="Address of an empty store.")],
) -> None:
    """Copy a store into another one, between backends too; compare row counts and checksums.

    The target gets its tables. Exit 1 on a difference, or if the target holds rows.
    """
    from mmbot.cli.db_place import at_url  # noqa: PLC0415
    from mmbot.store.sql.copying import copy_store, count_rows  # noqa: PLC0415
    from mmbot.store.sql.schema import upgrade_schema  # noqa: PLC0415

    with (
        at_url(source, key="--from", read_only=True) as old,
        at_url(target, key="--to") as new,
        row_bar() as bar,
    ):
        upgrade_schema(new)
        bar.begin("copy", count_rows(old))
        copied = copy_store(old, new, on_rows=bar.advance)
    for table in copied:
        state = "equal" if table.is_equal else "DIFFERENT"
        sys.stdout.write(
            f"DB_COPY {table.name} from={table.rows_from} to={table.rows_to} {state}\n"
        )
    _result(is_ok=all(table.is_equal for table in copied))


@app.command("rebuild-positions", epilog="[bold]Example[/]\n\nmmbot db rebuild-positions")
def rebuild_command(url: UrlOption = None, config: ConfigOption = None) -> None:
    """Make all positions anew from the fills, account by account."""
    from mmbot.cli.db_place import opened  # noqa: PLC0415
    from mmbot.store.sql.engine import sql_errors  # noqa: PLC0415
    from mmbot.store.sql.opening import rebuild_positions, venues  # noqa: PLC0415
    from mmbot.store.sql.schema import require_schema  # noqa: PLC0415

    count = 0
    with opened(url, config) as engine, row_bar() as bar, sql_errors("positions"):
        require_schema(engine)
        with engine.begin() as connection:
            accounts = venues(connection)
            bar.begin("positions", sum(fills for _, fills in accounts))
            for venue, fills in accounts:
                count += rebuild_positions(connection, venue)
                bar.advance(fills)
    sys.stdout.write(f"| db | OK | accounts={len(accounts)} positions={count} |\n")


@app.command("verify", epilog="[bold]Example[/]\n\nmmbot db verify")
def verify_command(url: UrlOption = None, config: ConfigOption = None) -> None:
    """Check that the store adds up; exit 1 if it does not.

    Keys are unique; orders, markouts and ledger entries belong to fills; fills add up to positions;
    cash, result and equity of every mark follow from the ledger; events have no gap.
    """
    from mmbot.cli.db_place import opened  # noqa: PLC0415
    from mmbot.store.sql.schema import require_schema  # noqa: PLC0415
    from mmbot.store.sql.verify import verify_store  # noqa: PLC0415

    count = 0
    with opened(url, config, read_only=True) as engine, row_bar() as bar:
        require_schema(engine)
        bar.begin("verify", 0)
        for finding in verify_store(engine):
            bar.advance(1)
            count += 1
            sys.stdout.write(ascii_line(str(finding)) + "\n")
    _result(is_ok=count == 0)


def _result(*, is_ok: bool) -> None:
    sys.stdout.write("RESULT=OK\n" if is_ok else "RESULT=FAIL\n")
    if not is_ok:
        raise typer.Exit(1)
