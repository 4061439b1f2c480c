"""`mmbot status`: the sessions of this host."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from mmbot.cli.options import JsonOption
from mmbot.clock import wall_ns
from mmbot.errors import ascii_line
from mmbot.store.canonical import canonical_json

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")

_PLAIN_WIDTH = 110


@app.command(
    help=(
        "Sessions of this host: mode, symbols, uptime, leader, positions, PnL, orders, guards, "
        "every figure with its age. A session whose heartbeat has stopped never shows as live. "
        "Exit 2 when a session needs care: its heartbeat has stopped, it was killed and no later "
        "session took over, or it left orders that could not be confirmed gone."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot status\n\n"
        "mmbot status --all --json\n\n"
        "watch -n 1 mmbot status"
    ),
)
def status(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Sessions that have ended, too, of the last week.")
    ] = False,
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="Only this one; a prefix will do.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read the state files and print."""
    from mmbot.cli.status_view import (  # noqa: PLC0415
        rows_of,
        show_sessions,
        start_lines,
        status_json,
    )
    from mmbot.trading.live.start_failures import read_start_failures  # noqa: PLC0415
    from mmbot.trading.live.state_file import Liveness, found_states  # noqa: PLC0415

    states, problems = found_states()
    failures = read_start_failures()
    now_ns = wall_ns()
    rows = [
        row
        for row in rows_of(states, now_ns=now_ns)
        if (everything or session or row.verdict is not Liveness.ENDED or row.needs_care)
        and row.state.session.startswith(session or "")
        and (everything or session or not row.is_superseded or row.verdict is not Liveness.DEAD)
    ]
    if as_json:
        report = status_json(rows, problems, failures, now_ns=now_ns)
        sys.stdout.write(canonical_json(report, nonfinite="null").decode("ascii"))
    else:
        plain = not sys.stdout.isatty()
        console = Console(width=_PLAIN_WIDTH, color_system=None) if plain else Console()
        show_sessions(console, rows, now_ns=now_ns)
        if not rows:
            sys.stdout.write("no session\n")
        for line in start_lines(failures, states, now_ns=now_ns):
            sys.stdout.write(ascii_line(line) + "\n")
    for problem in problems:
        sys.stderr.write(ascii_line(problem.message) + "\n")
    raise typer.Exit(2 if any(row.needs_care for row in rows) else 1 if problems else 0)
