"""Live sessions in one process: the core, its journal, and a venue that answers at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.unit.trading.live.made_orders import MS, RULES, SYMBOL, execution, order_record

from mmbot import core
from mmbot.config import ConfigRequest, lane_params, load_config
from mmbot.config.session import session_params
from mmbot.ids import bot_prefix, cid_prefix
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.journaling import journal_header
from mmbot.trading.live.desk import Desk
from mmbot.trading.live.opening import Beginning, Opened, Wanted, open_session
from mmbot.trading.live.reports import ReportSource
from mmbot.venues.records import OrderStatus, Side

START_NS = 1_767_225_600_000_000_000
BOT = bot_prefix(env="dev", lock_key="key")


@dataclass
class Clock:
    now_ns: int = START_NS

    def __call__(self) -> int:
        return self.now_ns


def wanted(directory: Path, tick: str = "0.1") -> Wanted:
    return Wanted(
        journal_dir=directory,
        fsync_ms=0,
        bot_prefix=BOT,
        mode="live",
        instruments=[core.Instrument(SYMBOL, tick, "0.001", min_qty="0.001")],
        hash_every_ns=10**9,
    )


def beginning(session: str = "s-1") -> Beginning:
    loaded = load_config(ConfigRequest(symbols=(SYMBOL,)))
    prefix = cid_prefix(env="dev", lock_key="key", session=session)
    identity = SessionIdentity(session, prefix, "0" * 8, (SYMBOL,), BOT)
    header = journal_header(loaded, identity, mode="live", seed=7) | {"ts_ns": START_NS}
    return Beginning(
        identity=identity,
        header=header,
        params=[lane_params(loaded.config, SYMBOL)],
        session=session_params(loaded.config, [SYMBOL], cid_prefix=prefix),
        seed=7,
    )


def opened(directory: Path, session: str = "s-1", now_ns: int = START_NS, **changes: Any) -> Opened:
    lines: list[str] = []
    return open_session(
        wanted(directory, **changes), lambda: beginning(session), now_ns=now_ns, log=lines.append
    )


@dataclass
class Venue:
    """Accepts everything; every third order fills by half at once."""

    source: ReportSource
    desk: Desk
    count: int = 0
    fills: int = 0
    resting: dict[str, Any] = field(default_factory=dict)

    def take(self, requests: list[core.OrderRequest]) -> None:
        for request in requests:
            now_ns = self.desk.clock()
            fields: dict[str, Any] = {"cid": request.client_order_id, "updated_ns": now_ns}
            if request.kind == "cancel":
                last = self.resting.pop(request.client_order_id)
                last |= {"status": OrderStatus.CANCELLED, "updated_ns": now_ns}
                self.desk.tell(self.source.on_order(order_record(**last)))
                continue
            if request.kind == "place":
                assert request.side is not None
                fields["side"] = Side(request.side)
            else:
                fields = self.resting[request.client_order_id] | fields
            fields |= {"price": request.price, "qty": request.qty}
            self.resting[request.client_order_id] = fields
            self.desk.tell(self.source.on_order(order_record(**fields)))
            self.count += 1
            if self.count % 3 == 0 and request.kind == "place":
                self._fill(request, fields, now_ns)

    def _fill(self, request: core.OrderRequest, fields: dict[str, Any], now_ns: int) -> None:
        self.fills += 1
        lots = max(1, (request.qty_lots or 2) // 2)
        record = execution(
            f"e{self.fills}",
            cid=request.client_order_id,
            side=fields["side"],
            price=request.price,
            qty=RULES.qty_text(lots),
            ts_ns=now_ns,
        )
        self.desk.tell(self.source.on_execution(record))


@dataclass
class Trading:
    """A session that trades; `step` takes a part of a second of the market."""

    one: Opened
    clock: Clock

    def __post_init__(self) -> None:
        ledger = self.one.recalled.ledger
        self.desk = Desk(self.one.core, self.one.writer, ledger, self.clock, self.one.checkpoints)
        self.source = ReportSource(ledger, {SYMBOL: RULES}, {SYMBOL: "USDT"})
        self.venue = Venue(self.source, self.desk)
        self.market = core.MarketGenerator(3, "calm", 50_000.0, "0.1", "0.001", self.clock.now_ns)
        self.sent: list[core.OrderRequest] = []

    def kill(self) -> None:
        """What was decided is written; nobody ends the session."""
        self.desk.write()
        self.one.checkpoints.close()
        self.one.writer.close()

    def step(self, rows: int = 400) -> None:
        chunk = self.market.next_chunk(rows)
        self.desk.core.on_events(SYMBOL, chunk)
        self.clock.now_ns = self.desk.core.now_ns + MS
        for _ in range(5):
            requests = self.flush()
            self.sent += requests
            self.venue.take(requests)

    def flush(self) -> list[core.OrderRequest]:
        """As a shell: what comes out has left."""
        requests = self.desk.flush()
        self.desk.sent(requests)
        self.desk.settle()
        return requests


def killed(directory: Path, steps: int) -> Trading:
    """A session that was killed after so many steps."""
    trading = Trading(opened(directory), Clock())
    for _ in range(steps):
        trading.step()
    trading.kill()
    return trading
