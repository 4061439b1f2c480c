"""`mmbot replay`: a journal once more through the core."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mmbot.cli.journal_place import located
from mmbot.cli.options import ConfigOption
from mmbot.cli.progress import byte_bar
from mmbot.store.journal import JournalReader
from mmbot.trading.replaying import replay_journal

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(
    help=(
        "Feed the journal of a session to a new core and compare every request it makes with the "
        "one that was sent. Exit 0 without a difference, 2 with one, 1 if it cannot be read."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot replay 7c1f1c1e-5d1b-5c55-8d0e-3d2f6a0b9c11\n\n"
        "mmbot replay data/journal/7c1f1c1e-5d1b-5c55-8d0e-3d2f6a0b9c11 --until-seq 10000"
    ),
)
def replay(
    place: Annotated[
        str, typer.Argument(metavar="SESSION_ID|DIR", help="A session id, or its directory.")
    ],
    *,
    until_seq: Annotated[
        int | None, typer.Option("--until-seq", min=0, help="Last record that counts.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Replay and say how it went."""
    path = located(place, config)
    with byte_bar() as bar:
        bar.begin("replay", sum(one.stat().st_size for one in JournalReader(path).segments))
        found = replay_journal(path, until_seq=until_seq, on_bytes=bar.advance)
    if found.is_torn:
        sys.stderr.write("torn tail: the last record is incomplete and does not count\n")
    sys.stdout.write(found.marker + "\n")
    if found.diff_seq is not None:
        sys.stderr.write(f"replayed: {found.replayed}\njournalled: {found.journalled}\n")
        raise typer.Exit(2)
