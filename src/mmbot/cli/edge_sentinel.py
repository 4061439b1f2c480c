"""`mmbot edge sentinel`: where the edge goes, by symbol and bucket, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mmbot.cli.options import JsonOption
from mmbot.research.edge_audit import AuditInput
from mmbot.research.edge_lines import read_quotes, read_trades
from mmbot.research.edge_sentinel import BUCKET_MIN
from mmbot.research.sentinel_audit import read_sentinel, sentinel_markdown, sentinel_of
from mmbot.store.artifacts import write_json, write_text
from mmbot.store.canonical import canonical_json
from mmbot.store.runtime import artifact_path

__all__ = ["app"]

app = typer.Typer(
    help="Where the edge goes, and which parameter answers that.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_NAME = "EDGE_SENTINEL.json"


@app.command(
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot edge sentinel analyze --trades trades.jsonl --quotes quotes.jsonl\n\n"
        "mmbot edge sentinel analyze --trades trades.jsonl --quotes quotes.jsonl --bucket-min 60"
    )
)
def analyze(
    *,
    trades: Annotated[Path, typer.Option(metavar="FILE", help="Own fills, JSON lines.")],
    quotes: Annotated[
        Path, typer.Option(metavar="FILE", help="Best quotes of the market, JSON lines.")
    ],
    bucket_min: Annotated[
        int, typer.Option(min=1, max=1440, help="Buckets of this many minutes.")
    ] = BUCKET_MIN,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", show_default=f"artifacts/{_NAME}")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Rank symbols, buckets and costs by money; name the parameters that answer them."""
    fills, _ = read_trades(trades)
    mids, _ = read_quotes(quotes)
    found = sentinel_of(AuditInput(trades=fills, quotes=mids), bucket_min=bucket_min)
    target = out or artifact_path(_NAME)
    write_json(target, found)
    if json:
        typer.echo(canonical_json(found))
        return
    _show(found)
    typer.echo(f"wrote {target}")


@app.command(epilog="[bold]Examples[/]\n\nmmbot edge sentinel report artifacts/EDGE_SENTINEL.json")
def report(
    document: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", show_default=f"artifacts/{_NAME}")
    ] = None,
) -> None:
    """Write the Markdown page of an analysis beside it."""
    path = document or artifact_path(_NAME)
    page = path.with_suffix(".md")
    write_text(page, sentinel_markdown(read_sentinel(path)))
    typer.echo(f"wrote {page}")


def _show(found: Mapping[str, Any]) -> None:
    for one in found["advice"]:
        what = "" if one["parameter"] is None else f"  {one['parameter']} {one['direction']}"
        typer.echo(f"{one['code']}  {one['symbol']}{what}  ({one['text']})")
    if not found["advice"]:
        typer.echo("no advice")
