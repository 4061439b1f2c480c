"""`mmbot data summaries`: check hourly summaries and bring them to the current schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmbot.errors import MarketDataError, MmbotError, ascii_line
from mmbot.market.summaries.locks import hold_lock
from mmbot.market.summaries.schema import (
    parse_object,
    upgrade_summary,
    validate_summary_payload,
)
from mmbot.store.artifacts import write_json

__all__ = ["app"]

app = typer.Typer(
    help="Hourly research summaries: validate, upgrade.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH...", help="Files, or directories of summaries.")
]


@app.command(
    "validate",
    epilog="[bold]Example[/]\n\nmmbot data summaries validate data/research/summaries/BTCUSDT",
)
def validate_command(paths: Paths) -> None:
    """Check every file, upgraded in memory: OK, or FAIL with each error; exit 1 on any failure."""
    failed = False
    for path in _files(paths):
        errors = _errors(path)
        failed |= bool(errors)
        if not errors:
            typer.echo(ascii_line(f"OK {path}"))
        for error in errors:
            typer.echo(ascii_line(f"FAIL {path} {error}"))
    if failed:
        raise typer.Exit(1)


@app.command(
    "upgrade",
    epilog="[bold]Example[/]\n\nmmbot data summaries upgrade data/research/summaries --write",
)
def upgrade_command(
    paths: Paths,
    write: Annotated[bool, typer.Option("--write", help="Replace the files.")] = False,
) -> None:
    """Show what an upgrade to e1.1 would change, or do it; a bad file stays and gives exit 1."""
    failed = False
    for path in _files(paths):
        try:
            line = _upgrade_locked(path) if write else _upgrade(path, write=False)
        except MmbotError as exc:
            failed, line = True, f"FAIL {path} {exc}"
        typer.echo(ascii_line(line))
    if failed:
        raise typer.Exit(1)


def _files(paths: list[Path]) -> list[Path]:
    """Files as given; of a directory all summaries below it, of which there must be one."""
    files: list[Path] = []
    for path in paths:
        found = sorted(path.rglob("*_????-??-??_??.json")) if path.is_dir() else [path]
        if not found:
            raise MarketDataError("E_BT_NO_DATA", str(path), "holds no hourly summary")
        files += found
    return files


def _errors(path: Path) -> list[str]:
    try:
        summary = upgrade_summary(parse_object(_read(path)))
    except MmbotError as exc:
        return [str(exc)]
    return validate_summary_payload(summary)[1]


def _upgrade_locked(path: Path) -> str:
    if not path.is_file():
        return _upgrade(path, write=True)
    with hold_lock(path):
        return _upgrade(path, write=True)


def _upgrade(path: Path, *, write: bool) -> str:
    before = parse_object(_read(path))
    after = upgrade_summary(before)
    ok, errors = validate_summary_payload(after)
    if not ok:
        raise MarketDataError("E_SUM_INVALID", "summary", "; ".join(errors))
    old, new = before.get("schema_version", "e1.0"), after["schema_version"]
    if after == before:
        return f"KEEP {path} {old}"
    if write:
        write_json(path, after)
    return f"{'UPGRADED' if write else 'WOULD UPGRADE'} {path} {old} -> {new}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise MarketDataError("E_SUM_INVALID", f"file={path}", f"cannot be read: {reason}") from exc
