"""The running session that a command is about."""

from __future__ import annotations

from mmbot.errors import ConfigError
from mmbot.trading.live.state_file import SessionState, found_states, is_running

__all__ = ["running_session"]


def running_session(session: str | None) -> SessionState:
    """The one session of this host whose id begins with `session`.

    Raises:
        ConfigError: ``E_OPS_NO_SESSION`` when there is none, ``E_CFG_MISSING`` when it is not clear
        which one.
    """
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
