"""What has to hold whenever a live session was killed, from the venue and from its files alone."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.e2e.live_world import SYMBOL, World

from mmbot import core
from mmbot.ids import base36
from mmbot.store.journal import JournalReader
from mmbot.store.journal.reader import Start
from mmbot.trading.live.opening import Opened, Wanted, open_session
from mmbot.units import NS_PER_MS, NS_PER_SEC

_PAGE = 100
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Executed:
    """One execution: signed lots, and when."""

    lots: int
    ts_ns: int


@dataclass(frozen=True, slots=True)
class Account:
    """What the venue has of the session: ids of open orders, position in lots, executions by id."""

    open_orders: list[str]
    position: int
    executions: dict[str, Executed]


@dataclass
class Judge:
    """Looks at one session again and again.

    Attributes:
        torn: incomplete records that kills have left.
        resting: open orders that a recovered session knew.
        unheard: executions that the killed session had not heard of.
    """

    world: World
    torn: int = 0
    resting: int = 0
    unheard: int = 0
    executions: dict[str, Executed] = field(default_factory=dict)
    _since_ms: int = 0

    def __post_init__(self) -> None:
        self._client = self.world.client()
        self._lot = Decimal("0.001")

    def keep(self, journal: Path, number: int) -> Path:
        """A copy of the files of the dead session, twice."""
        place = self.world.path / "kept" / str(number)
        for name in ("a", "b"):
            shutil.copytree(journal, place / name / journal.name)
        return place

    def ask(self) -> Account:
        """The account, at a moment at which nothing was filled."""
        for _ in range(_TRIES):
            before = dict(self._executed())
            answer = self._client.get_open_orders(category="linear", symbol=SYMBOL, limit=50)
            position = round(Decimal(str(self.world.position())) / self._lot)
            if self._executed() == before:
                links = [one["orderLinkId"] for one in answer["result"]["list"]]
                return Account(links, int(position), before)
        raise AssertionError("the market never rests")

    def judge(self, place: Path, account: Account) -> None:
        """The killed session comes back twice the same, and with everything that rests."""
        doubled = [cid for cid, count in Counter(account.open_orders).items() if count > 1]
        assert doubled == []
        assert account.position == sum(done.lots for done in account.executions.values())
        one, other = (_recovered(place / name) for name in ("a", "b"))
        try:
            assert one.is_resumed
            assert one.core.state_hash() == other.core.state_hash()
            assert one.core.take_journal() == other.core.take_journal()
            ledger = one.recalled.ledger
            known = {order.client_id for order in ledger.open_orders}
            assert set(account.open_orders) <= known
            in_core = {order["client_order_id"] for order in one.core.orders(SYMBOL)}
            assert set(account.open_orders) <= in_core
            unheard = _unheard(one, account)
            assert ledger.position_lots(SYMBOL) == one.core.position_lots(SYMBOL)
            assert ledger.position_lots(SYMBOL) + sum(unheard) == account.position
            self.torn += one.torn_records
            self.resting += len(account.open_orders)
            self.unheard += len(unheard)
        finally:
            one.writer.close()
            other.writer.close()
        shutil.rmtree(place)

    def _executed(self) -> dict[str, Executed]:
        """All executions by id."""
        cursor, rows = "", []
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = self._client.get_executions(
                category="linear", symbol=SYMBOL, limit=_PAGE, startTime=self._since_ms, **more
            )["result"]
            rows += answer["list"]
            cursor = answer.get("nextPageCursor", "")
            if not cursor or not answer["list"]:
                break
        for row in rows:
            sign, ts_ms = 1 if row["side"] == "Buy" else -1, int(row["execTime"])
            lots = sign * int(Decimal(row["execQty"]) / self._lot)
            self.executions[row["execId"]] = Executed(lots, ts_ms * NS_PER_MS)
            self._since_ms = max(self._since_ms, ts_ms - 1000)
        return dict(self.executions)


def _unheard(one: Opened, account: Account) -> list[int]:
    """Lots of the executions that a session which recovered so would ask for and did not know."""
    since_ns, ledger = one.recalled.since_ns, one.recalled.ledger
    return [
        done.lots
        for key, done in account.executions.items()
        if done.ts_ns >= since_ns and not ledger.is_booked(key)
    ]


def asked_once(path: Path, start: Start | None = None) -> int:
    """No order was asked for twice; how many were."""
    found = JournalReader(path).records(kinds=("intent",), start=start)
    places = Counter(base36(one["full_cid"]) for one in found if one["action"] == "place")
    assert all(count == 1 for count in places.values())
    return len(places)


def _recovered(directory: Path) -> Opened:
    (path,) = directory.iterdir()
    header = JournalReader(path).header()
    lines: list[str] = []

    def never() -> Any:
        raise AssertionError(lines)

    wanted = Wanted(
        journal_dir=directory,
        fsync_ms=0,
        bot_prefix=header["cid_prefix"][:2],
        mode="live",
        instruments=[
            core.Instrument(one["symbol"], one["tick_size"], one["lot_size"])
            for one in header["instruments"]
        ],
        hash_every_ns=NS_PER_SEC,
    )
    now_ns = int(header["ts_ns"]) + 86_400 * NS_PER_SEC
    return open_session(wanted, never, now_ns=now_ns, log=lines.append)
