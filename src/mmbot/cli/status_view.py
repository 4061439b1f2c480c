"""How `mmbot status` shows sessions: every figure with its age."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from mmbot.cli.data_tables import listing
from mmbot.trading.live.start_failures import StartFailures
from mmbot.trading.live.state_file import (
    Liveness,
    Problem,
    SessionState,
    SymbolState,
    is_running,
    liveness,
)
from mmbot.units import NS_PER_MIN, NS_PER_SEC, format_duration

__all__ = ["SessionRow", "rows_of", "show_sessions", "start_lines", "status_json"]

_FILL_WIDTH: Final = 108


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session and what its state file is worth.

    `is_superseded` says of a killed session that a later one of its bot has recovered its orders.
    """

    state: SessionState
    verdict: Liveness
    is_superseded: bool

    @property
    def needs_care(self) -> bool:
        """Whether an operator has to look after it."""
        if self.verdict is Liveness.DEAD:
            # The simulated exchange of any other mode died with its session.
            return self.state.mode == "live" and not self.is_superseded
        return self.verdict is Liveness.STALE or (
            self.verdict is Liveness.ENDED and self.state.unconfirmed_orders > 0
        )


def rows_of(
    states: Sequence[SessionState], *, now_ns: int, stale_ns: int | None = None
) -> list[SessionRow]:
    """The verdict on each session; `states` are newest first, as `found_states` gives them."""
    rows: list[SessionRow] = []
    seen: set[tuple[str, str, str, str]] = set()
    options: Mapping[str, int] = {} if stale_ns is None else {"stale_ns": stale_ns}
    for state in states:
        bot = (state.bot_prefix, state.venue, state.endpoint, state.mode)
        verdict = liveness(state, now_ns=now_ns, running=is_running(state), **options)
        rows.append(SessionRow(state, verdict, bot in seen))
        seen.add(bot)
    return rows


def status_json(
    rows: Sequence[SessionRow],
    problems: Sequence[Problem],
    failures: StartFailures,
    *,
    now_ns: int,
) -> dict[str, Any]:
    """Everything that the files say, with ages in seconds beside the instants."""
    return {
        "failed_starts": msgspec.to_builtins(failures),
        "now_ns": now_ns,
        "problems": [problem.message for problem in problems],
        "sessions": [_session_json(row, now_ns) for row in rows],
    }


def _session_json(row: SessionRow, now_ns: int) -> dict[str, Any]:
    state = row.state
    plain: dict[str, Any] = msgspec.to_builtins(state)
    plain |= {
        "liveness": row.verdict.value,
        "superseded": row.is_superseded,
        "stage": state.stage,
        "uptime_sec": (state.heartbeat_ns - state.started_ns) / NS_PER_SEC,
        "heartbeat_age_sec": _age_sec(state.heartbeat_ns, now_ns),
        "private_age_sec": _age_sec(state.private_ns, now_ns),
        "reconciled_age_sec": _age_sec(state.reconciled_ns, now_ns),
    }
    for symbol in plain["symbols"]:
        symbol["age_sec"] = _age_sec(symbol["at_ns"], now_ns)
        symbol["market_age_sec"] = _age_sec(symbol["market_ns"], now_ns)
    return plain


def _age_sec(at_ns: int | None, now_ns: int) -> float | None:
    return None if at_ns is None else (now_ns - at_ns) / NS_PER_SEC


def show_sessions(console: Console, rows: Sequence[SessionRow], *, now_ns: int) -> None:
    """A paragraph and a table for each session."""
    for row in rows:
        for line in _head(row, now_ns):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        if row.state.symbols:
            table = _table(row.state.symbols, now_ns)
            if not console.is_terminal:
                table.box = None
            console.print(table)


def start_lines(
    failures: StartFailures, states: Sequence[SessionState], *, now_ns: int
) -> list[str]:
    """Starts that failed and after which no session has begun."""
    if failures.newest_ns <= max((one.started_ns for one in states), default=0):
        return []
    counts = "  ".join(f"{code} {count}" for code, count in sorted(failures.counts.items()))
    newest = f"the newest {_age(failures.newest_ns, now_ns)}: {failures.newest}"
    return [f"starts that failed: {counts}", f"  {newest}"]


def _head(row: SessionRow, now_ns: int) -> list[str]:
    state = row.state
    word = row.verdict.value.upper()
    if row.verdict is Liveness.DEAD and row.is_superseded:
        word += " (a later session took over)"
    times = (
        f"  stage {state.stage}  up {_whole_seconds(state.heartbeat_ns - state.started_ns)}"
        f"  leader {_leader(state)}  heartbeat {_age(state.heartbeat_ns, now_ns)}"
        f"  private event {_age(state.private_ns, now_ns)}"
        f"  reconciled {_age(state.reconciled_ns, now_ns)}"
    )
    lines = [
        f"{word}  {state.mode} on {state.venue or '-'}  session {state.session}  pid {state.pid}",
        times,
    ]
    if state.guards:
        guards = "  ".join(f"{name} {value}" for name, value in sorted(state.guards.items()))
        lines.append(f"  {guards}  ({_age(state.heartbeat_ns, now_ns)})")
    if state.holds:
        lines.append(f"  not quoting: {', '.join(state.holds)}")
    if state.open_faults:
        since = (
            f"{name} since {_age(begun_ns, now_ns)}"
            for name, begun_ns in sorted(state.open_faults.items())
        )
        lines += _filled("  now: ", since)
    counts = (f"{name} {count}" for name, count in sorted(state.faults.items()))
    lines += _filled("  so far: ", counts)
    if state.unconfirmed_orders:
        lines.append(f"  orders that could not be confirmed gone: {state.unconfirmed_orders}")
    return lines


def _filled(title: str, parts: Iterable[str]) -> list[str]:
    """As many parts on a line as fit; no line without any."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) < _FILL_WIDTH:
            lines[-1] += f"  {part}"
        else:
            lines.append(f"{' ' * len(title) if lines else title}{part}")
    return lines


def _leader(state: SessionState) -> str:
    return "-" if state.leader is None else "yes" if state.leader else "no"


def _table(symbols: Sequence[SymbolState], now_ns: int) -> Table:
    table = listing("", "symbol")
    for name in ("position", "usd", "pnl usd", "orders", "unknown", "market", "figures"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in symbols:
        table.add_row(
            one.symbol,
            f"{one.position:+.6g}",
            "-" if one.position_usd is None else f"{one.position_usd:+.2f}",
            f"{one.net_pnl_usd:+.2f}",
            str(one.open_orders),
            str(one.unknown_orders),
            _age(one.market_ns, now_ns),
            _age(one.at_ns, now_ns),
        )
    return table


def _age(at_ns: int | None, now_ns: int) -> str:
    """``0.4 s ago``, ``2m5s ago``, ``never``."""
    if at_ns is None:
        return "never"
    age_ns = now_ns - at_ns
    if abs(age_ns) < NS_PER_MIN:
        return f"{age_ns / NS_PER_SEC:.1f} s ago"
    return f"{_whole_seconds(age_ns)} ago"


def _whole_seconds(duration_ns: int) -> str:
    return format_duration(duration_ns - duration_ns % NS_PER_SEC)
