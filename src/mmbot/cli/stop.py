"""`mmbot stop`: end a running session in order, and see it done."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from mmbot.clock import monotonic_ns, sleep_ns, wall_ns
from mmbot.errors import ConfigError, StoreError
from mmbot.units import NS_PER_MS, parse_duration_ns

if TYPE_CHECKING:
    from mmbot.trading.live.state_file import SessionState

__all__ = ["app"]

app = typer.Typer(add_completion=False, rich_markup_mode="rich")

_LOOK_NS: Final = 50 * NS_PER_MS
_SHOWN: Final = frozenset({"gate_closed", "drained", "cancelled", "verified", "ended"})


@app.command(
    help=(
        "End a session in order and print each stage: gate closed, drained, cancelled, verified at "
        "the venue, ended. With --keep-orders orders stay where they are and the next session "
        "takes them over. Exit 2 when orders could not be confirmed, or the session did not end."
    ),
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "mmbot stop\n\n"
        "mmbot stop --keep-orders\n\n"
        "mmbot stop --session 7c1f1c1e --timeout 1m"
    ),
)
def stop(
    *,
    keep_orders: Annotated[
        bool, typer.Option("--keep-orders", help="Leave orders at the venue.")
    ] = False,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="Which one; a prefix will do."),
    ] = None,
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="TIME", help="How long to wait for its end.")
    ] = "30s",
) -> None:
    """Signal the session and follow it."""
    from mmbot.trading.live.state_file import StopOrder, write_stop_order  # noqa: PLC0415

    timeout_ns = parse_duration_ns(timeout, key="--timeout")
    state = _running(session)
    if keep_orders and state.mode != "live":
        raise ConfigError("E_CFG_CONFLICT", "--keep-orders", f"mode {state.mode} has no venue")
    write_stop_order(StopOrder(session=state.session, at_ns=wall_ns(), keep_orders=keep_orders))
    try:
        os.kill(state.pid, signal.SIGTERM)
    except ProcessLookupError as exc:
        key = f"session={state.session} pid={state.pid}"
        raise ConfigError("E_OPS_NO_SESSION", key, "has just ended") from exc
    raise typer.Exit(_follow(state, timeout_ns))


def _running(session: str | None) -> SessionState:
    """The one session that is meant.

    Raises:
        ConfigError: ``E_OPS_NO_SESSION`` when there is none, ``E_CFG_MISSING`` when it is not
        clear which one.
    """
    from mmbot.trading.live.state_file import found_states, is_running  # noqa: PLC0415

    found = [
        state
        for state in found_states()[0]
        if state.stage != "ended" and state.session.startswith(session or "") and is_running(state)
    ]
    if not found:
        raise ConfigError("E_OPS_NO_SESSION", session or "this host", "runs no such session")
    if len(found) > 1:
        named = ", ".join(f"{one.session} ({one.mode})" for one in found)
        raise ConfigError("E_CFG_MISSING", "--session", f"must be given, there are: {named}")
    return found[0]


def _follow(state: SessionState, timeout_ns: int) -> int:
    """Print stages as they come; the exit code."""
    from mmbot.trading.live.state_file import (  # noqa: PLC0415
        is_running,
        read_state,
        state_path,
    )

    deadline_ns = monotonic_ns() + timeout_ns
    shown = len(state.stages)
    while True:
        has_process = is_running(state)
        try:
            state = read_state(state_path(state.session))
        except StoreError as exc:
            sys.stderr.write(f"{exc}\n")
            return 2
        for mark in state.stages[shown:]:
            if mark.stage in _SHOWN:
                sys.stdout.write(f"| stop | {mark.stage.upper()} | {mark.text} |\n")
                sys.stdout.flush()
        shown = len(state.stages)
        if state.stage == "ended":
            return _verdict(state)
        if not has_process:
            sys.stderr.write(f"E_EXEC_STOP_ORDERS: session={state.session} died on the way\n")
            return 2
        if monotonic_ns() > deadline_ns:
            sys.stderr.write(f"E_EXEC_STOP_ORDERS: session={state.session} has not ended\n")
            return 2
        sleep_ns(_LOOK_NS)


def _verdict(state: SessionState) -> int:
    if state.unconfirmed_orders:
        sys.stderr.write(f"E_EXEC_STOP_ORDERS: {state.unconfirmed_orders}\n")
        return 2
    return 0
