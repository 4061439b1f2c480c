"""`mmbot journal`: what lies in the journals of sessions."""

from __future__ import annotations

import itertools
import sys
from typing import Annotated

import typer
from rich.console import Console

from mmbot import core
from mmbot.cli import journal_view
from mmbot.cli.journal_place import journal_dir, located
from mmbot.cli.options import ConfigOption, JsonOption
from mmbot.cli.progress import byte_bar
from mmbot.errors import ConfigError
from mmbot.store.canonical import canonical_json
from mmbot.store.journal import JournalReader, list_sessions
from mmbot.store.journal.segments import list_segments

__all__ = ["app"]

app = typer.Typer(
    help="Journals of sessions: list them, show their records.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Place = Annotated[
    str | None,
    typer.Argument(
        metavar="DIR|SESSION",
        help="Directory of journals, of one session, or a session id. Default: storage.journal_dir",
    ),
]


@app.command(
    "ls",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot journal ls\n\n"
        "mmbot journal ls data/journal --json\n\n"
        "mmbot journal ls 20260101T000000Z-0123abcd"
    ),
)
def ls_command(
    place: Place = None, *, config: ConfigOption = None, as_json: JsonOption = False
) -> None:
    """List journals with size, records and state, or the segments of one; every frame is checked.

    Exit 1 if a journal is damaged.
    """
    path = journal_dir(config) if place is None else located(place, config)
    if path.is_dir() and list_segments(path):
        with byte_bar() as bar:
            segments = journal_view.segments_of(JournalReader(path), bar)
        shown = [segment.as_json() for segment in segments]
        errors = [segment.error for segment in segments if segment.error]
        table = journal_view.segment_table(segments, path)
    else:
        with byte_bar() as bar:
            journals = [journal_view.journal_at(session, bar) for session in list_sessions(path)]
        shown = [journal.as_json() for journal in journals]
        errors = [journal.error for journal in journals if journal.error]
        table = journal_view.journal_table(journals, path)
    if as_json:
        sys.stdout.write(canonical_json(shown).decode("ascii"))
    else:
        Console().print(table)
    for line in errors:
        typer.echo(line, err=True)
    if errors:
        raise typer.Exit(1)


@app.command(
    "dump",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot journal dump 20260101T000000Z-0123abcd --kind intent --kind report\n\n"
        "mmbot journal dump data/journal/20260101T000000Z-0123abcd/0.mmj --from-seq 1000 --limit 50"
        "\n\n"
        "mmbot journal dump 20260101T000000Z-0123abcd --json > records.jsonl"
    ),
)
def dump_command(
    place: Annotated[
        str, typer.Argument(metavar="PATH", help="Directory of a session, a segment, or a session.")
    ],
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(help=f"Only these kinds; repeatable: {', '.join(core.journal_kinds())}"),
    ] = None,
    from_seq: Annotated[int, typer.Option(min=0, help="First record shown.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="Most records shown.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print records, one a line: number, local time, kind, fields. Damage ends it with exit 1."""
    for name in kind or ():
        if name not in core.journal_kinds():
            raise ConfigError("E_CFG_TYPE", "--kind", f"has no value {name!r}")
    reader = JournalReader(located(place, config))
    prefix = journal_view.cid_prefix(reader.path)
    line = journal_view.json_line if as_json else journal_view.text_line
    with byte_bar(hidden=sys.stdout.isatty()) as bar:
        bar.begin("dump", sum(path.stat().st_size for path in reader.segments))
        records = reader.records(kinds=kind, from_seq=from_seq, on_bytes=bar.advance)
        for record in itertools.islice(records, limit):
            sys.stdout.write(line(record, prefix))
    sys.stdout.flush()
    if reader.torn is not None:
        text = (
            f"torn tail: file={reader.torn.path} offset={reader.torn.offset}, an incomplete record"
        )
        typer.echo(text, err=True)
