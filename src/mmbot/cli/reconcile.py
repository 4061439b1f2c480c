"""`mmbot reconcile`: the venue against our own records, and what would make them agree."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mmbot.cli.options import ConfigOption, JsonOption, ProfileOption, SetOption, SymbolOption
from mmbot.store.canonical import canonical_json

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(
    help=(
        "Compare orders, positions and fees of the venue with the journal of the newest live "
        "session. --explain prints each difference with the event that would close it. --apply "
        "has the running session write them to its journal: orders and executions it settles by "
        "itself, positions it books as adjustments and quotes again. Exit 2 when something differs."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot reconcile\n\n"
        "mmbot reconcile --explain --json\n\n"
        "mmbot reconcile --apply"
    ),
)
def reconcile(
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Each difference, and what would close it.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the events that close the differences.")
    ] = False,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    symbol: SymbolOption = None,
    venue: Annotated[str | None, typer.Option("--venue", help="Where.")] = None,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", metavar="URL", help="As of `mmbot run`.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask, compare, print."""
    from mmbot.cli import reconcile_wire  # noqa: PLC0415 -- loads the engine

    found = reconcile_wire.compare(
        reconcile_wire.ReconcileOptions(
            config=config,
            profile=profile,
            sets=tuple(sets or ()),
            symbols=tuple(symbol or ()),
            venue=venue,
            endpoint=endpoint,
            is_applied=apply,
        )
    )
    if as_json:
        sys.stdout.write(canonical_json(found.as_json()).decode("ascii"))
    else:
        for line in found.lines(explain=explain):
            sys.stdout.write(line + "\n")
    raise typer.Exit(2 if found.differences and not found.is_applied else 0)
