"""Builds what `mmbot reconcile` needs: the venue's answers, the journal's ledger, the plan."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmbot.cli.live_venue import own_prefix, venue_sets
from mmbot.cli.venue_wire import open_venue
from mmbot.clock import wall_ns
from mmbot.config import AppConfig, ConfigRequest, lane_params, load_config
from mmbot.errors import ConfigError
from mmbot.store.journal import JournalReader, list_sessions
from mmbot.store.journal.segments import SUFFIX
from mmbot.trading.live.parameters import fee_params
from mmbot.trading.live.recall import OVERLAP_NS, Recalled
from mmbot.trading.live.remembering import remember
from mmbot.trading.live.state_file import (
    SessionState,
    found_states,
    is_running,
    write_book_order,
)
from mmbot.trading.reconcile import (
    ExplainRow,
    Fetched,
    OwnScope,
    PositionMismatch,
    ReconcileState,
    explain,
    reconcile,
    venue_view,
)
from mmbot.venues.ports import VenuePort
from mmbot.venues.records import FeeRates, InstrumentRules

__all__ = ["Comparison", "ReconcileOptions", "compare"]

_CYCLES: Final = 2
_PAUSE_SEC: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileOptions:
    """The options of `mmbot reconcile`."""

    config: Path | None
    profile: str | None
    sets: tuple[str, ...]
    symbols: tuple[str, ...]
    venue: str | None
    endpoint: str | None
    is_applied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found; `session` is the journal's, empty without one."""

    session: str
    is_session_running: bool
    rows: tuple[ExplainRow, ...]
    fees: tuple[str, ...]
    equity_usd: str
    is_applied: bool

    @property
    def differences(self) -> int:
        """Differences that are ours: foreign orders are none, and fees a session takes over."""
        return sum(1 for row in self.rows if row.finding != "foreign")

    def lines(self, *, explain: bool) -> Iterator[str]:
        """For people; the last line is a marker."""
        if explain:
            yield from (row.text for row in self.rows)
            yield from self.fees
        status = "OK" if not self.differences else "APPLIED" if self.is_applied else "DIFF"
        yield (
            f"| reconcile | {status} | differences={self.differences}"
            f" equity_usd={self.equity_usd} session={self.session or 'none'} |"
        )

    def as_json(self) -> dict[str, Any]:
        """As a plain object."""
        names = ("finding", "symbol", "cid", "cause", "local", "venue", "event")
        return {
            "applied": self.is_applied,
            "differences": self.differences,
            "equity_usd": self.equity_usd,
            "fees": list(self.fees),
            "rows": [{name: getattr(row, name) for name in names} for row in self.rows],
            "running": self.is_session_running,
            "session": self.session,
        }


def compare(options: ReconcileOptions) -> Comparison:
    """Ask the venue and compare.

    Raises:
        MmbotError: the configuration, the venue or the journal is unusable.
    """
    request = ConfigRequest(
        path=options.config,
        profile=options.profile,
        sets=(*venue_sets(options.venue, options.endpoint), *options.sets),
        symbols=options.symbols,
        mode="live",
    )
    config = load_config(request).config
    return asyncio.run(_compare(config, options))


async def _compare(config: AppConfig, options: ReconcileOptions) -> Comparison:
    bot = own_prefix(config)
    path = _newest(Path(config.storage.journal_dir), bot)
    running = None if path is None else _running(path.name)
    port = open_venue(config).port
    try:
        rules = await port.instruments(config.trading.symbols)
        fees = await port.fee_rates(config.trading.symbols)
        equity = await port.equity()
        symbols = frozenset(rules)
        scope = OwnScope(bot, symbols)
        state = ReconcileState()
        rows: tuple[ExplainRow, ...] = ()
        mismatches: list[PositionMismatch] = []
        for cycle in range(_CYCLES):
            # What is missing is believed when it is missing twice.
            await asyncio.sleep(_PAUSE_SEC if cycle else 0)
            fetched = await _fetched(port, _recalled(path))
            # What we know is read after the answers: an order of meanwhile is no stranger.
            recalled = _recalled(path)
            view = venue_view(fetched, scope=scope, instruments=rules).view
            plan = reconcile(recalled.ledger.view(symbols), view, state, symbols=symbols)
            state, rows = plan.state, explain(plan)
            mismatches = [one for one in plan.actions if isinstance(one, PositionMismatch)]
    finally:
        await port.aclose()
    is_applied = options.is_applied and _apply(path, running, mismatches)
    return Comparison(
        session="" if path is None else path.name,
        is_session_running=running is not None,
        rows=rows,
        fees=tuple(_fee_lines(config, fees, rules)),
        equity_usd=equity.equity_usd,
        is_applied=is_applied,
    )


def _newest(directory: Path, bot: str) -> Path | None:
    """The newest live journal of the bot."""
    newest: tuple[int, Path] | None = None
    for path in list_sessions(directory):
        header = JournalReader(path).header()
        if header["mode"] == "live" and header["cid_prefix"].startswith(bot):
            begun_ns = (path / f"0{SUFFIX}").stat().st_mtime_ns
            newest = max(newest or (0, path), (begun_ns, path))
    return None if newest is None else newest[1]


def _running(session: str) -> SessionState | None:
    states = (one for one in found_states()[0] if one.session == session)
    return next((one for one in states if one.stage != "ended" and is_running(one)), None)


def _recalled(path: Path | None) -> Recalled:
    if path is None:
        return Recalled(started_ns=wall_ns(), since_ns=wall_ns(), last_ns=wall_ns())
    return remember(path)


async def _fetched(port: VenuePort, recalled: Recalled) -> Fetched:
    started_ns = wall_ns()
    newest_ns = recalled.ledger.last_exec_ns
    since_ns = recalled.since_ns if newest_ns is None else newest_ns - OVERLAP_NS
    open_orders, history, executions, positions = await asyncio.gather(
        port.open_orders(),
        port.order_history(since_ns=since_ns),
        port.executions(since_ns=since_ns),
        port.positions(),
    )
    return Fetched(
        started_ns=started_ns,
        open_orders=open_orders,
        history=history,
        executions=executions,
        positions=positions,
    )


def _fee_lines(
    config: AppConfig, fees: Mapping[str, FeeRates], rules: Mapping[str, InstrumentRules]
) -> Iterator[str]:
    """Fees that the configuration has otherwise; a session takes the venue's by itself."""
    for symbol in sorted(rules):
        ours = lane_params(config, symbol)
        for name, value in sorted(fee_params(fees.get(symbol)).items()):
            if ours[name] != value:
                yield f"fee symbol={symbol} {name} configured={ours[name]} venue={value} event=-"


def _apply(
    path: Path | None, running: SessionState | None, mismatches: Sequence[PositionMismatch]
) -> bool:
    """Have the session that runs book the venue's positions.

    Raises:
        ConfigError: ``E_OPS_NO_SESSION``: without one the next start does it all by itself.
    """
    if running is None:
        where = "no journal" if path is None else f"session={path.name}"
        raise ConfigError(
            "E_OPS_NO_SESSION", where, "does not run: its next start compares and corrects"
        )
    write_book_order(running.session, [one.symbol for one in mismatches])
    return True
