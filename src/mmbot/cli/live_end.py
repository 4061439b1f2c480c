"""How a session at a venue ends: its reports, its summary, its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Final, get_args

from mmbot.cli.live_beside import Beside
from mmbot.cli.live_scene import LiveScene
from mmbot.clock import wall_ns
from mmbot.errors import MmbotError, VenueError
from mmbot.trading.live.shell import Shell
from mmbot.trading.live.shell_records import ShellEnd
from mmbot.trading.live.showing import Showing
from mmbot.trading.live.shutdown import Stage
from mmbot.trading.session import EndReason, SessionEnd

__all__ = ["close_beside", "ended", "exit_code", "report", "unconfirmed"]

_REASONS: Final[tuple[EndReason, ...]] = get_args(EndReason)


async def close_beside(beside: Beside, showing: Showing, shell: Shell) -> None:
    """Write what went along with the session, which may take seconds; the state file stays new."""
    beside.faults.end(shell, wall_ns())
    beating = asyncio.create_task(_beat(showing, shell))
    try:
        await beside.close(wall_ns())
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating


async def _beat(showing: Showing, shell: Shell) -> None:
    while True:
        showing.publish(shell, shell.clock())
        await asyncio.sleep(1.0)


def ended(end: ShellEnd, shell: Shell, beside: Beside, showing: Showing) -> SessionEnd:
    """What the session leaves; times are those of this process."""
    now_ns = shell.clock()
    took_ns = now_ns - showing.start_ns
    return SessionEnd(
        reason=next((one for one in _REASONS if one == end.reason), "interrupted"),
        symbols=beside.companions.ends(),
        start_ns=showing.start_ns,
        market_ns=took_ns,
        wall_ns=took_ns,
        unconfirmed_orders=unconfirmed(end),
        last=showing.readout(shell, now_ns),
    )


def report(scene: LiveScene, end: SessionEnd) -> None:
    """Write the reports and print the summary; that it could not be done changes nothing else."""
    from mmbot.cli.reporting import tell_end  # noqa: PLC0415 -- nothing that a start waits for

    try:
        tell_end(end, scene.config, scene.facts, scene.labels, scene.options.place)
    except MmbotError as exc:
        sys.stderr.write(f"{exc}\n")


def unconfirmed(end: ShellEnd) -> int:
    """Orders that may rest although nobody wants them."""
    return 0 if end.stop.stage is Stage.VERIFIED else max(1, len(end.stop.left))


def exit_code(end: ShellEnd) -> int:
    """Say what was fatal and what is not confirmed; 1 for either."""
    code = 0
    if end.fatal is not None:
        sys.stderr.write(str(VenueError("E_EXEC_FATAL", end.fatal, "the session ended")) + "\n")
        code = 1
    if end.stop.stage is not Stage.VERIFIED:
        sys.stderr.write(f"E_EXEC_STOP_ORDERS: {unconfirmed(end)}\n")
        code = 1
    return code
