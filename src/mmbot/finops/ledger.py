"""The virtual balance: fills, cash flows and prices in, equity over time and per day out.

    fee    = n * max(fee_bps, 0) / 1e4                              n = price * qty
    rebate = n * (max(-fee_bps, 0) + maker_rebate_bps) / 1e4
    equity = initial_cash + realised + unrealised - fees + rebates + funding + transfers
           = initial_cash + cash + funding + transfers + sum(pos * mark)

Positions are booked at weighted average cost (`mmbot.store.accounts`), marked at the last mid at or
before a moment, else at the last traded price. Prices are converted when they come in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from itertools import groupby
from typing import Final

from mmbot.errors import InvariantError
from mmbot.finops.ledger_lines import CashFlow, LedgerEvent, Trade
from mmbot.store.accounts import Account
from mmbot.units import NS_PER_DAY, NS_PER_MS, format_utc

__all__ = ["DayRecord", "EquityPoint", "VirtualBalance", "book"]

_ZERO: Final = Decimal(0)
_ONE: Final = Decimal(1)
_BPS: Final = Decimal("1e-4")
_TOLERANCE: Final = Decimal("1e-9")
_MS_PER_DAY: Final = NS_PER_DAY // NS_PER_MS
_PRECISION: Final = 76


@dataclass(frozen=True, slots=True)
class EquityPoint:
    """Equity after all events of one time."""

    ts_ms: Decimal
    equity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRecord:
    """A UTC day; `equity` and `unrealized` are those at its end, the others its sums."""

    date: str
    equity: Decimal
    fees: Decimal
    fills: int
    funding: Decimal
    pnl: Decimal
    realized: Decimal
    rebates: Decimal
    trading_pnl: Decimal
    transfers: Decimal
    turnover: Decimal
    unrealized: Decimal


@dataclass(slots=True)
class _Sums:
    """Sums since the beginning."""

    realized: Decimal = _ZERO
    unrealized: Decimal = _ZERO
    fees: Decimal = _ZERO
    rebates: Decimal = _ZERO
    funding: Decimal = _ZERO
    transfers: Decimal = _ZERO
    turnover: Decimal = _ZERO
    fills: int = 0


@dataclass(slots=True)
class VirtualBalance:
    """What a ledger comes to. `repeated` counts executions that were given twice."""

    equity: list[EquityPoint] = field(default_factory=list)
    days: list[DayRecord] = field(default_factory=list)
    repeated: int = 0


def book(
    events: Iterable[LedgerEvent], *, initial_cash: Decimal = _ZERO, fx: Decimal = _ONE
) -> VirtualBalance:
    """Book events that are in their order (`ledger_lines.in_order`).

    Args:
        events: trades, cash flows and prices.
        initial_cash: in the ledger's currency.
        fx: units of the ledger's currency per unit of prices.

    Raises:
        InvariantError: ``E_FINOPS_LEDGER_IDENTITY``, a defect of ours.
    """
    with localcontext(prec=_PRECISION):
        ledger = _Ledger(initial_cash=initial_cash, fx=fx)
        for ts_ms, group in groupby(events, key=lambda event: event.ts_ms):
            ledger.at(ts_ms, group)
        ledger.end()
        return ledger.balance


@dataclass(slots=True, kw_only=True)
class _Ledger:
    initial_cash: Decimal
    fx: Decimal
    balance: VirtualBalance = field(default_factory=VirtualBalance)
    _account: Account = field(default_factory=Account)
    _mids: dict[str, Decimal] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _sums: _Sums = field(default_factory=_Sums)
    _before: _Sums = field(default_factory=_Sums)
    _day: int | None = None

    def at(self, ts_ms: Decimal, events: Iterator[LedgerEvent]) -> None:
        """Book all events of one time."""
        day = int(ts_ms // _MS_PER_DAY)
        for closed in range(day if self._day is None else self._day, day):
            self._close(closed)
        self._day = day
        for event in events:
            if isinstance(event, Trade):
                self._trade(event)
            elif isinstance(event, CashFlow):
                self._flow(event)
            else:
                self._mids[event.symbol] = event.mid * self.fx
        self._mark()
        self._check()
        self.balance.equity.append(EquityPoint(ts_ms, self._equity(self._sums)))

    def end(self) -> None:
        """Close the last day."""
        if self._day is not None:
            self._close(self._day)

    def _trade(self, trade: Trade) -> None:
        if trade.exec_id is not None:
            if trade.exec_id in self._seen:
                self.balance.repeated += 1
                return
            self._seen.add(trade.exec_id)
        price = trade.price * self.fx
        notional = price * trade.qty
        fee = notional * max(trade.fee_bps, _ZERO) * _BPS
        rebate = notional * (max(-trade.fee_bps, _ZERO) + trade.maker_rebate_bps) * _BPS
        holding = self._account.holding(trade.symbol, _ONE)
        holding.book(buys=trade.buys, price=price, qty=trade.qty, fee=fee - rebate)
        self._sums.fees += fee
        self._sums.rebates += rebate
        self._sums.turnover += notional
        self._sums.fills += 1

    def _flow(self, flow: CashFlow) -> None:
        if flow.is_funding:
            self._sums.funding += flow.amount
        else:
            self._sums.transfers += flow.amount

    def _mark(self) -> None:
        holdings = self._account.holdings.items()
        self._sums.realized = sum((held.realized for _, held in holdings), _ZERO)
        marked = (held.unrealized(self._mids.get(symbol)) for symbol, held in holdings)
        self._sums.unrealized = sum(marked, _ZERO)

    def _equity(self, sums: _Sums) -> Decimal:
        result = sums.realized + sums.unrealized - sums.fees + sums.rebates
        return self.initial_cash + result + sums.funding + sums.transfers

    def _check(self) -> None:
        worth = self.initial_cash + self._sums.funding + self._sums.transfers
        for symbol, held in self._account.holdings.items():
            mark = self._mids.get(symbol, held.last_price) or _ZERO
            worth += held.cash + held.qty * mark
        equity = self._equity(self._sums)
        if abs(equity - worth) > _TOLERANCE * max(_ONE, self._sums.turnover):
            message = f"equity {equity} is not {worth}"
            raise InvariantError("E_FINOPS_LEDGER_IDENTITY", "ledger", message)

    def _close(self, day: int) -> None:
        now, before = self._sums, self._before
        trading_pnl = now.realized + now.unrealized - before.realized - before.unrealized
        fees, rebates = now.fees - before.fees, now.rebates - before.rebates
        funding = now.funding - before.funding
        self.balance.days.append(
            DayRecord(
                date=format_utc(day * NS_PER_DAY)[:10],
                equity=self._equity(now),
                fees=fees,
                fills=now.fills - before.fills,
                funding=funding,
                pnl=trading_pnl - fees + rebates + funding,
                realized=now.realized - before.realized,
                rebates=rebates,
                trading_pnl=trading_pnl,
                transfers=now.transfers - before.transfers,
                turnover=now.turnover - before.turnover,
                unrealized=now.unrealized,
            )
        )
        self._before = _Sums(**{name: getattr(now, name) for name in _Sums.__slots__})
