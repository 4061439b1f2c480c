"""`mmbot audit`: the hash chain of decisions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from mmbot.errors import ConfigError
from mmbot.store.audit_files import dump_day, verify_file, write_verdict
from mmbot.store.runtime import artifact_path
from mmbot.units import parse_utc_ns

__all__ = ["app"]

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BROKEN: Final = 1

app = typer.Typer(
    help="The hash chain of decisions: check it, copy a day of it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_Audit = Annotated[
    Path | None,
    typer.Option("--audit", metavar="FILE", show_default="artifacts/audit.jsonl"),
]


@app.command(
    "verify",
    epilog="[bold]Example[/]\n\nmmbot audit verify --utc-date 2026-01-01",
)
def verify_command(
    *,
    audit: _Audit = None,
    utc_date: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Only lines of this day count.")
    ] = None,
    out_json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", show_default="artifacts/AUDIT_CHAIN_VERIFY.json"),
    ] = None,
    out_md: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default="artifacts/AUDIT_CHAIN_VERIFY.md")
    ] = None,
) -> None:
    """Check that no line was changed, left out or put in; exit 1 if one was."""
    day = None if utc_date is None else _day(utc_date)
    verdict = verify_file(audit or artifact_path("audit.jsonl"), day)
    write_verdict(
        verdict,
        day,
        json=out_json or artifact_path("AUDIT_CHAIN_VERIFY.json"),
        md=out_md or artifact_path("AUDIT_CHAIN_VERIFY.md"),
    )
    typer.echo(f"AUDIT_VERIFY={'BROKEN' if verdict.broken else 'OK'}")
    if verdict.broken:
        raise typer.Exit(_BROKEN)


@app.command("dump", epilog="[bold]Example[/]\n\nmmbot audit dump --utc-date 2026-01-01")
def dump_command(
    *,
    utc_date: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The day.")],
    audit: _Audit = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default="artifacts/AUDIT_DUMP.jsonl")
    ] = None,
) -> None:
    """Copy the lines of a day as they are."""
    day = _day(utc_date)
    source = audit or artifact_path("audit.jsonl")
    target = out or artifact_path("AUDIT_DUMP.jsonl")
    if target.resolve() == source.resolve():
        raise ConfigError("E_CFG_CONFLICT", "--out", "is the chain itself")
    typer.echo(f"AUDIT_DUMP {day} {dump_day(source, day, target)}")


def _day(text: str) -> str:
    if _DATE.fullmatch(text) is None:
        raise ConfigError("E_CFG_TYPE", "--utc-date", f"must be YYYY-MM-DD, not {text!r}")
    parse_utc_ns(text, key="--utc-date")
    return text
