"""What goes along with a session of any kind, along with one that meets a venue.

The same companions as in a session on the simulated exchange: they see the live core as an engine
with one lane, and wall time as market time. They are stepped by a watch, a few times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from mmbot.core import CoreError
from mmbot.errors import MmbotError
from mmbot.trading.readout import Columns, Course
from mmbot.trading.session import Adopted, Companion, SymbolEnd, Taken
from mmbot.units import NS_PER_MIN, NS_PER_SEC

if TYPE_CHECKING:
    from mmbot.core import Backtest, Instrument, LiveSession, SessionControl
    from mmbot.trading.live.desk import AdoptedLots
    from mmbot.trading.live.shell import Shell

__all__ = ["CompanionWatch", "LiveEngine"]

_SAMPLE_NS: Final = NS_PER_SEC
_NAN: Final = float("nan")
_PARTS: Final = 10_000


class LiveEngine:
    """A live core as companions see an engine: lane 0, symbols by number.

    `since_ns` is when the session began.
    """

    def __init__(self, core: LiveSession, since_ns: int) -> None:
        self._core = core
        self._since_ns = since_ns
        self._symbols = tuple(core.symbols)
        # one object for the whole session: it knows which events it has given out
        self._control = core.session()

    @classmethod
    def of(cls, core: LiveSession, since_ns: int) -> Backtest:
        """As the companions' protocol names it; what a simulated exchange has is not there."""
        return cast("Backtest", cls(core, since_ns))

    def session(self, _lane: int = 0) -> SessionControl:
        """Guards, windows and allocation."""
        return self._control

    def snapshot(self, _lane: int, symbol: int) -> dict[str, Any]:
        """Live view of a symbol."""
        return self._core.snapshot(self._symbols[symbol])

    def result(self, _lane: int, symbol: int) -> dict[str, Any]:
        """Counters and accounts of a symbol."""
        return self._core.result(self._symbols[symbol], since_ns=self._since_ns)


class CompanionWatch:
    """A `Watch` that steps companions; `begin` once, `close` once.

    Args:
        core: of the session; it keeps records, also until the companions are there.
        instruments: in its order.
        since_ns: when the session began.
        log: takes lines.
    """

    def __init__(
        self,
        core: LiveSession,
        instruments: Sequence[Instrument],
        *,
        since_ns: int,
        log: Callable[[str], None],
    ) -> None:
        self._core = core
        self._engine = LiveEngine.of(core, since_ns)
        self._grids = {one.symbol: one for one in instruments}
        self._symbols = tuple(self._grids)
        self._companions: tuple[Companion, ...] | None = None
        self._log = log
        self._adopted: list[tuple[str, Adopted]] = []
        self._sampled_ns = 0
        self._fills = [Course() for _ in instruments]
        self._courses = [Course() for _ in instruments]

    def begin(self, companions: Sequence[Companion], now_ns: int) -> None:
        """The session begins, or goes on; companions in the order in which they are asked."""
        self._companions = tuple(companions)
        for companion in self._companions:
            companion.begin(self._engine, now_ns)

    async def look(self, shell: Shell, now_ns: int) -> None:
        """See `Watch`."""
        # what has no price of its own has that of now
        self._adopted += [(one.symbol, self._priced(one)) for one in shell.desk.adopted]
        shell.desk.adopted = []
        if self._companions is None:
            return
        taken = self._take(now_ns)
        for companion in self._companions:
            companion.step(self._engine, now_ns, taken)

    async def close(self, now_ns: int) -> None:
        """Close the core's books, then the companions in their order, each whatever another does.

        They may have much to write, so that they are closed on another thread.
        """
        try:
            self._core.finish()
        except CoreError as exc:
            self._log(str(exc))
        taken = self._take(now_ns)
        for companion in self._companions or ():
            try:
                await asyncio.to_thread(companion.close, self._engine, now_ns, taken)
            except MmbotError as exc:
                self._log(str(exc))

    def ends(self) -> tuple[SymbolEnd, ...]:
        """What the session leaves of each symbol; fills and course are those of this process."""
        found = []
        for at, symbol in enumerate(self._symbols):
            curve = self._courses[at].columns()
            result = {**self._engine.result(0, at), "bars": _bars(curve)}
            found.append(SymbolEnd(symbol, result, self._fills[at].columns(), curve))
        return tuple(found)

    def _take(self, now_ns: int) -> list[Taken]:
        adopted, self._adopted = self._adopted, []
        is_due = now_ns - self._sampled_ns >= _SAMPLE_NS
        if is_due:
            self._sampled_ns = now_ns
        taken = []
        for at, symbol in enumerate(self._symbols):
            one = Taken(
                symbol=symbol,
                fills=self._core.take_fills(symbol),
                curve=_sample(self._core.snapshot(symbol), now_ns) if is_due else {},
                order_events=self._core.take_order_events(symbol),
                adopted=tuple(one for of, one in adopted if of == symbol),
            )
            self._courses[at].add(one.curve)
            self._fills[at].add(one.fills)
            taken.append(one)
        return taken

    def _priced(self, one: AdoptedLots) -> Adopted:
        grid = self._grids[one.symbol]
        if one.exec_px is None:
            price = float(self._core.result(one.symbol)["final_mid"])
        else:
            price = one.exec_px / _PARTS * grid.tick
        return Adopted(one.lots * grid.lot, price)


def _bars(curve: Columns) -> Columns:
    """Equity at the ends of minutes, and at the end."""
    if not curve:
        return {"ts_ns": np.array([], dtype=np.int64), "equity_usd": np.array([])}
    minutes = curve["ts_ns"] // NS_PER_MIN
    last = np.append(minutes[1:] != minutes[:-1], True)
    return {"ts_ns": curve["ts_ns"][last], "equity_usd": curve["net_pnl_usd"][last]}


def _sample(snapshot: dict[str, Any], now_ns: int) -> Columns:
    """One point of the course, as `mmbot.core.Backtest.take_curve` gives many."""
    bids = [order["px"] for order in snapshot["orders"] if order["side"] == "buy"]
    asks = [order["px"] for order in snapshot["orders"] if order["side"] == "sell"]
    point = {
        "mid": snapshot["mid"],
        "spread_bps": snapshot["spread_bps"],
        "position": snapshot["position"],
        "net_pnl_usd": snapshot["net_pnl_usd"],
        "own_bid": max(bids, default=None),
        "own_ask": min(asks, default=None),
    }
    found: Columns = {"ts_ns": np.array([now_ns], dtype=np.int64)}
    for name, value in point.items():
        found[name] = np.array([_NAN if value is None else value])
    return found
