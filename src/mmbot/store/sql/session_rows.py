"""What a journal tells, as rows of the tables.

A pure function of the records: whoever reads a journal again, in other pieces, makes the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any, Final

from mmbot.ids import base36
from mmbot.store.accounts import Account
from mmbot.store.sql.amounts import EXACT
from mmbot.store.sql.venue_ids import VenueIds
from mmbot.units import NS_PER_DAY, format_utc

__all__ = ["Batch", "SessionRows", "account_venue", "quote_asset"]

Row = dict[str, Any]
Told = Mapping[str, Any]

_PRICE_SCALE: Final = 4
"""An execution price is in 10^-4 ticks, money in 10^-4 tick x lot."""
_BPS: Final = Decimal(10_000)
# The longest first: FDUSD ends in USD.
_QUOTES: Final = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD", "DAI", "EUR", "BTC", "ETH", "BNB")
_UNKNOWN: Final = "unknown"
_BUILT_IN: Final = "built_in"


@dataclass(slots=True)
class Batch:
    """Rows for one transaction; those of `orders` and `session` replace what is there."""

    session: Row | None = None
    config: Row | None = None
    orders: dict[str, Row] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)
    markouts: list[Row] = field(default_factory=list)
    ledger: list[Row] = field(default_factory=list)
    marks: list[Row] = field(default_factory=list)
    symbols: set[str] = field(default_factory=set)
    """Symbols whose position changed."""

    def __len__(self) -> int:
        """Rows that will be written."""
        lists = (self.events, self.fills, self.markouts, self.ledger, self.marks)
        return len(self.orders) + sum(map(len, lists))


@dataclass(frozen=True, slots=True)
class _Instrument:
    symbol: str
    tick: Decimal
    lot: Decimal
    quantum: Decimal
    asset: str
    usd_per_asset: Decimal

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> _Instrument:
        tick, lot = Decimal(facts["tick_size"]), Decimal(facts["lot_size"])
        return cls(
            symbol=facts["symbol"],
            tick=tick,
            lot=lot,
            quantum=(tick * lot).scaleb(-_PRICE_SCALE),
            asset=quote_asset(facts["symbol"]),
            usd_per_asset=Decimal(repr(facts["quote_usd"])),
        )

    def exec_price(self, px: int) -> Decimal:
        return (self.tick * px).scaleb(-_PRICE_SCALE)


def quote_asset(symbol: str) -> str:
    """The asset that prices of `symbol` are in, as far as its name says."""
    if "-" in symbol:
        return symbol.split("-")[1]
    return next((one for one in _QUOTES if symbol.endswith(one) and symbol != one), "QUOTE")


def account_venue(header: Told, about: Mapping[str, Any]) -> str:
    """The account that a session trades on.

    A live session trades on the one of its venue, which goes on with the next session. Any other
    has an account of its own, that begins with nothing and ends with it.
    """
    if header["mode"] == "live" and about.get("venue"):
        return str(about["venue"])
    return f"{header['mode']}:{header['session_id']}"


class SessionRows:
    """Makes rows of what a journal tells, from its header on.

    Args:
        header: the first record.
        open_account: the account of a venue before this session.
        from_seq: records before are in the tables already: they are booked, and leave no rows.
    """

    def __init__(
        self, header: Told, open_account: Callable[[str, int], Account], *, from_seq: int
    ) -> None:
        about = json.loads(header["config"] or b"{}")
        self.session_id: str = header["session_id"]
        self.created_ns: int = header["ts_ns"]
        self.venue = account_venue(header, about)
        self.is_own_account = self.venue == f"{header['mode']}:{header['session_id']}"
        self.next_event_seq = 0
        self.account = open_account(self.venue, self.created_ns)
        self._from_seq = from_seq
        self._prefix: str = header["cid_prefix"]
        self._instruments = [_Instrument.of(facts) for facts in header["instruments"]]
        self._strategies = [_BUILT_IN] * len(self._instruments)
        self._session = _session_row(header, about, self.venue)
        self._leader_epoch: int = self._session["leader_epoch"]
        self._config = _config_row(header, about)
        self._has_started = False
        self._day: int | None = None
        self._venue_ids = VenueIds()

    def add(self, told: Sequence[Told], batch: Batch) -> None:
        """Take in what was told next and add its rows to `batch`."""
        with localcontext(EXACT):
            for one in told:
                rows = batch if one["seq"] >= self._from_seq else Batch()
                _TAKERS[one["kind"]](self, one, rows)

    def position_row(self, symbol: str, updated_ns: int) -> Row:
        """The position of a symbol now."""
        held = self.account.holdings[symbol]
        return {
            "venue": self.venue,
            "symbol": symbol,
            "qty": held.qty,
            "avg_price": held.avg_price,
            "realized": held.realized,
            "updated_ns": updated_ns,
        }

    def _header(self, told: Told, batch: Batch) -> None:
        del told
        batch.session = dict(self._session)
        batch.config = self._config

    def _params(self, told: Told, batch: Batch) -> None:
        del batch
        kind = json.loads(told["config"]).get("strategy.kind")
        self._strategies[told["instrument"]] = str(kind or _BUILT_IN)

    def _start(self, told: Told, batch: Batch) -> None:
        if not self._has_started:
            self._has_started = True
            self._session["started_ns"] = told["ts_ns"]
            self._day = told["ts_ns"] // NS_PER_DAY
            batch.session = dict(self._session)

    def _session_end(self, told: Told, batch: Batch) -> None:
        self._session["ended_ns"] = told["ts_ns"]
        self._session["exit_reason"] = told["reason"]
        batch.session = dict(self._session)

    def _note(self, told: Told, batch: Batch) -> None:
        del batch
        self._venue_ids.note(told["seq"], told["text"])

    def _order(self, told: Told, batch: Batch) -> None:
        made = self._instruments[told["instrument"]]
        cid = self._prefix + base36(told["number"])
        seq = self.next_event_seq
        self.next_event_seq += 1
        fill, order = told.get("fill"), told.get("order")
        ticks, lots = told["px"], told["qty"]
        price = None if ticks is None else made.tick * ticks
        batch.events.append(
            {
                "session_id": self.session_id,
                "seq": seq,
                "venue": self.venue,
                "cid": cid,
                "kind": told["event"],
                "ts_ns": told["ts_ns"],
                "price": made.exec_price(fill["px"]) if fill else price,
                "qty": None if lots is None else made.lot * lots,
                "http_code": None,
                "ret_code": None,
                "cause": told["cause"],
                "latency_ns": told["latency_ns"],
            }
        )
        if order is not None:
            row = self._order_row(told, made, cid)
            batch.orders.pop(cid, None)
            batch.orders[cid] = row
            if fill:
                self._fill(told, made, cid, batch)

    def _order_row(self, told: Told, made: _Instrument, cid: str) -> Row:
        order = told["order"]
        filled = order["filled"]
        average = None
        if filled:
            average = made.exec_price(1) * Decimal(order["notional"]) / filled
        return {
            "venue": self.venue,
            "cid": cid,
            "session_id": self.session_id,
            "symbol": made.symbol,
            "side": order["side"],
            "color": order["color"],
            "strategy": self._strategies[told["instrument"]],
            "price": made.tick * order["px"],
            "qty": made.lot * order["total"],
            "post_only": order["post_only"],
            "reduce_only": False,
            "venue_order_id": self._venue_ids.order_id(cid),
            "state": order["state"],
            "filled_qty": made.lot * filled,
            "avg_price": average,
            "created_ns": order["created_ns"],
            "updated_ns": told["ts_ns"],
            "done_ns": order["done_ns"],
            "done_reason": order["done_reason"],
            "leader_epoch": self._leader_epoch,
        }

    def _fill(self, told: Told, made: _Instrument, cid: str, batch: Batch) -> None:
        fill, order = told["fill"], told["order"]
        price, qty = made.exec_price(fill["px"]), made.lot * fill["qty"]
        fee = made.quantum * fill["fee"]
        buys = order["side"] == "buy"
        holding = self.account.holding(made.symbol, made.usd_per_asset)
        holding.book(buys=buys, price=price, qty=qty, fee=fee)
        exec_id = self._venue_ids.booked(told["seq"], cid, fill["cum_qty"])
        mid = fill["mid"]
        batch.symbols.add(made.symbol)
        batch.fills.append(
            {
                "venue": self.venue,
                "exec_id": exec_id,
                "session_id": self.session_id,
                "event_seq": self.next_event_seq - 1,
                "cid": cid,
                "symbol": made.symbol,
                "side": order["side"],
                "price": price,
                "qty": qty,
                "fee": fee,
                "fee_asset": made.asset,
                "fee_bps": _BPS * fill["fee"] / (fill["px"] * fill["qty"]),
                "is_maker": fill["maker"],
                "color": order["color"],
                "ts_ns": fill["ts_exch_ns"],
                "mid_at_fill": None if mid is None else made.exec_price(mid),
                "usd_per_asset": made.usd_per_asset,
            }
        )
        signed = qty if buys else -qty
        entry = {"ts_ns": fill["ts_exch_ns"], "symbol": made.symbol, "asset": made.asset}
        trade = {"kind": "trade", "qty": signed, "amount": -signed * price, "ref": exec_id}
        batch.ledger.append(self._entry(entry | trade))
        if fee:
            kind = "fee" if fee > 0 else "rebate"
            paid = {"kind": kind, "qty": Decimal(0), "amount": -fee, "ref": exec_id}
            batch.ledger.append(self._entry(entry | paid))

    def _entry(self, entry: Row) -> Row:
        entry_id = f"{self.venue}/{entry['kind']}/{entry['ref']}"
        return entry | {"entry_id": entry_id, "venue": self.venue, "session_id": self.session_id}

    def _markout(self, told: Told, batch: Batch) -> None:
        made = self._instruments[told["instrument"]]
        cid = self._prefix + base36(told["number"])
        batch.markouts.append(
            {
                "venue": self.venue,
                "exec_id": self._venue_ids.exec_id(cid, told["cum_qty"]),
                "horizon_ms": told["horizon_ms"],
                "mid": made.exec_price(told["mid"]),
                "markout_bps": Decimal(told["bps_e4"]).scaleb(-4),
            }
        )

    def _mark(self, told: Told, batch: Batch) -> None:
        both = zip(self._instruments, told["mids"], strict=True)
        mids = {made.symbol: made.exec_price(mid) for made, mid in both if mid is not None}
        mark = self.account.mark(mids)
        day = told["ts_ns"] // NS_PER_DAY
        for closed in range(day if self._day is None else self._day, day):
            date = format_utc(closed * NS_PER_DAY)[:10]
            close = {"kind": "daily_close", "qty": Decimal(0), "amount": mark.equity, "ref": date}
            at = {"ts_ns": told["ts_ns"], "symbol": None, "asset": "USD"}
            batch.ledger.append(self._entry(at | close))
        self._day = day
        batch.marks.append(
            {
                "venue": self.venue,
                "ts_ns": told["ts_ns"],
                "session_id": self.session_id,
                "event_seq": self.next_event_seq,
                "equity": mark.equity,
                "realized": mark.realized,
                "unrealized": mark.unrealized,
                "cash": mark.cash,
            }
        )


_TAKERS: Final[Mapping[str, Callable[[SessionRows, Told, Batch], None]]] = {
    "header": SessionRows._header,  # noqa: SLF001 -- the class's own
    "params": SessionRows._params,  # noqa: SLF001
    "start": SessionRows._start,  # noqa: SLF001
    "note": SessionRows._note,  # noqa: SLF001
    "session_end": SessionRows._session_end,  # noqa: SLF001
    "order": SessionRows._order,  # noqa: SLF001
    "markout": SessionRows._markout,  # noqa: SLF001
    "mark": SessionRows._mark,  # noqa: SLF001
}


def _session_row(header: Told, about: Mapping[str, Any], venue: str) -> Row:
    def text(key: str) -> str:
        return str(about.get(key) or _UNKNOWN)

    return {
        "session_id": header["session_id"],
        "created_ns": header["ts_ns"],
        "started_ns": header["ts_ns"],
        "ended_ns": None,
        "exit_reason": None,
        "venue": venue,
        "mode": header["mode"],
        "env": text("env"),
        "instance": text("instance"),
        "region": text("region"),
        "version": text("version"),
        "git_sha": text("git_sha"),
        "cfg_hash": text("cfg_hash"),
        "leader_epoch": int(about.get("leader_epoch") or 0),
    }


def _config_row(header: Told, about: Mapping[str, Any]) -> Row | None:
    if "cfg_hash" not in about or "yaml" not in about:
        return None
    return {
        "cfg_hash": about["cfg_hash"],
        "first_seen_ns": header["ts_ns"],
        "yaml_sanitized": about["yaml"],
        "source_layers": json.dumps(about.get("sources", {}), sort_keys=True),
    }
