"""What other programs of this machine hold: ports, state files, locks."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping, Sequence
from typing import Final

from mmbot.ops.doctor.finding import Finding, bad, good, warning
from mmbot.trading.live.state_file import Liveness, Problem, SessionState
from mmbot.units import NS_PER_SEC

__all__ = ["heartbeats", "lock_files", "port_trouble", "ports", "state_files"]

_LOOP_MAX_AGE_NS: Final = 10 * NS_PER_SEC


def ports(troubles: Mapping[int, str | None], *, has_live_session: bool) -> Finding:
    """Judge the ports of metrics and health; `troubles` says why one cannot be opened."""
    taken = {port: why for port, why in troubles.items() if why is not None}
    names = ", ".join(str(port) for port in sorted(troubles))
    if not taken:
        return good("ports", f"{names} free")
    text = "; ".join(f"{port} {why}" for port, why in sorted(taken.items()))
    remedy = "choose others: monitoring.metrics_port, monitoring.health_port"
    if has_live_session:
        return warning("ports", f"{text}; a session is alive and may hold it", remedy)
    return bad("ports", text, remedy)


def port_trouble(host: str, port: int) -> str | None:
    """Why nobody could listen there now; None if one could."""
    with socket.socket() as probe:
        # A port whose last user has just gone may be opened again.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            taken = exc.errno == errno.EADDRINUSE
            return "is in use" if taken else (exc.strerror or type(exc).__name__)
    return None


def state_files(
    verdicts: Sequence[tuple[SessionState, Liveness]], problems: Sequence[Problem]
) -> Finding:
    """Judge what sessions left: one that died may have orders at the venue."""
    dead = [state for state, found in verdicts if found is Liveness.DEAD]
    newest = max((state.started_ns for state, _ in verdicts), default=0)
    open_cases = [state for state in dead if state.started_ns == newest]
    unconfirmed = [state for state, _ in verdicts if state.unconfirmed_orders > 0]
    live = sum(found is Liveness.LIVE for _, found in verdicts)
    if unconfirmed or (open_cases and open_cases[0].mode == "live"):
        worst = (unconfirmed or open_cases)[0]
        text = f"session {worst.session} ended without proof that its orders are gone"
        return bad("stale_pid", text, "mmbot watchdog --once, then mmbot status")
    if open_cases:
        text = f"process {open_cases[0].pid} of session {open_cases[0].session} is gone"
        return warning("stale_pid", text, "start a session: it recovers; or remove the state file")
    if problems:
        return warning("stale_pid", problems[0].message, "remove the file")
    return good("stale_pid", f"{live} sessions alive, none left behind")


def heartbeats(verdicts: Sequence[tuple[SessionState, Liveness]], *, now_ns: int) -> Finding:
    """Judge the age of the heartbeats of processes that run."""
    late = [
        state
        for state, found in verdicts
        if found is Liveness.STALE and now_ns - state.heartbeat_ns > _LOOP_MAX_AGE_NS
    ]
    if not late:
        return good("loops_heartbeats_fresh", "no session hangs")
    age_sec = (now_ns - late[0].heartbeat_ns) // NS_PER_SEC
    text = f"session {late[0].session} has been silent for {age_sec} s, pid {late[0].pid}"
    remedy = "mmbot stop; if that does not help end the process, then mmbot watchdog --once"
    return bad("loops_heartbeats_fresh", text, remedy)


def lock_files(locks: Mapping[str, bool]) -> Finding:
    """Judge lock files by whether a living process holds them."""
    orphans = sorted(path for path, is_held in locks.items() if not is_held)
    if orphans:
        text = f"{orphans[0]} is held by nobody"
        return warning("stale_lock", text, "the next run takes it over; or remove it")
    return good("stale_lock", f"{len(locks)} locks, each held" if locks else "no locks")
