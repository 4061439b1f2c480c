"""A session against the simulated exchange leaves a state file, too."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from mmbot import core
from mmbot.clock import wall_ns
from mmbot.store.runtime import version
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.live.figures import guard_states, symbol_state
from mmbot.trading.live.heartbeat import Heartbeat
from mmbot.trading.live.state_file import SessionState, StageMark, StageName, process_token
from mmbot.trading.session import Taken

__all__ = ["StateCompanion", "first_state"]


def first_state(
    identity: SessionIdentity, *, mode: str, venue: str, endpoint: str = ""
) -> SessionState:
    """The state of a session that begins now."""
    now_ns = wall_ns()
    pid = os.getpid()
    return SessionState(
        session=identity.session,
        pid=pid,
        process=process_token(pid) or "",
        host=socket.gethostname(),
        mode=mode,
        venue=venue,
        endpoint=endpoint,
        symbols=(),
        cid_prefix=identity.cid_prefix,
        bot_prefix=identity.bot_prefix,
        version=version(),
        started_ns=now_ns,
        heartbeat_ns=now_ns,
        stages=(StageMark("starting", now_ns),),
    )


class StateCompanion:
    """A `Companion` that beats once a second, and a block at whose end the session has ended.

    The market of a simulated session is as new as its last step.
    """

    def __init__(self, heartbeat: Heartbeat, state: SessionState, symbols: Sequence[str]) -> None:
        self._heartbeat = heartbeat
        self._state = state
        self._symbols = tuple(symbols)
        self._ended = (0, 1)
        heartbeat.publish(state)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        unconfirmed, exit_code = self._ended
        now_ns = wall_ns()
        marks = [] if unconfirmed else [StageMark("verified", now_ns, "left=0")]
        self._state = replace(
            self._state,
            heartbeat_ns=now_ns,
            stages=(*self._state.stages, *marks, StageMark("ended", now_ns, f"exit={exit_code}")),
            unconfirmed_orders=unconfirmed,
            exit_code=exit_code,
        )
        self._heartbeat.publish(self._state)

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """See `Companion`."""
        del market_ns
        self._beat(engine, "trading")

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del market_ns, taken
        if self._heartbeat.is_due():
            self._beat(engine)

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """See `Companion`."""
        del market_ns, taken
        self._beat(engine, "gate_closed")

    def finish(self, *, unconfirmed: int, exit_code: int) -> None:
        """How the session has ended; one of which nothing is said has failed."""
        self._ended = (unconfirmed, exit_code)

    def _beat(self, engine: core.Backtest, stage: StageName | None = None) -> None:
        now_ns = wall_ns()
        self._state = replace(
            self._state,
            heartbeat_ns=now_ns,
            symbols=tuple(
                symbol_state(symbol, engine.snapshot(0, at), at_ns=now_ns, market_ns=now_ns)
                for at, symbol in enumerate(self._symbols)
            ),
            guards=guard_states(engine.session(0).state()),
        )
        if stage is not None:
            stages = (*self._state.stages, StageMark(stage, now_ns))
            self._state = replace(self._state, stages=stages)
        self._heartbeat.publish(self._state)
