"""`mmbot soak`: long unattended runs, auto-tuning, their reports and gates."""

from __future__ import annotations

import typer

from mmbot.cli.soak_run import run_command, smoke_command

__all__ = ["app"]

app = typer.Typer(
    help="Long unattended runs in measuring windows; auto-tuning, reports, gates.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

app.command(
    "run",
    epilog=(
        "[bold]Examples[/]\n\n"
        "mmbot soak run --mock --iterations 6 --auto-tune --sleep-seconds 0\n\n"
        "mmbot soak run --hours 24 --auto-tune --warmup --profile steady_safe\n\n"
        "mmbot soak run --resume --hours 24 --auto-tune"
    ),
)(run_command)
app.command("smoke")(smoke_command)
