"""`mmbot watchdog`: cancels a session's orders when its heartbeat stops."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mmbot.cli.options import ConfigOption, ProfileOption, SetOption

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(
    help=(
        "Watch the live sessions of this host from a process of its own. When the heartbeat of one "
        "stops for [bold]watchdog.timeout_s[/bold], its orders are cancelled at the venue with the "
        "watchdog's own key (WATCHDOG_API_KEY, WATCHDOG_API_SECRET or files named by "
        "WATCHDOG_API_KEY_FILE, ...), until the venue shows none. Orders of others are never "
        "touched. Start it beside each session, with the same configuration."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot watchdog --config config/app.yaml\n\n"
        "mmbot watchdog --set watchdog.timeout_s=3\n\n"
        "mmbot watchdog --once  (exit 2 when orders could not be proved gone)"
    ),
)
def watchdog(
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    sets: SetOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="Look once, cancel what a dead session left, end.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1.0, help="Longest time of --once, seconds.")
    ] = 30.0,
) -> int:
    """Load the configuration and watch."""
    from mmbot.cli.watchdog_wire import WatchdogOptions, run_watchdog  # noqa: PLC0415
    from mmbot.config import ConfigRequest, load_config  # noqa: PLC0415

    loaded = load_config(ConfigRequest(path=config, profile=profile, sets=tuple(sets or ())))
    options = WatchdogOptions(is_once=once, once_timeout_sec=timeout)
    return run_watchdog(loaded.config, options, _say)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
