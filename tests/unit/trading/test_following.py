"""A venue's market as feeds: what comes, what is late, what breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from mmbot import clock, core
from mmbot.errors import MarketDataError, VenueError
from mmbot.trading.drive import Drive
from mmbot.trading.following import SETTLE_NS, FollowedMarket
from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.ports import GapReason, PublicFrame, PublicGap
from mmbot.venues.records import InstrumentRules

SYMBOL = "BTCUSDT"
RULES = InstrumentRules(
    symbol=SYMBOL, tick_size="0.1", lot_size="0.001", min_qty="0.001", min_notional="5", batch_max=1
)
GAP = 3


def frame(number: int, *, kind: str = "delta", bid: str = "30000.0", age_ms: int = 0) -> bytes:
    made_ms = clock.wall_ns() // NS_PER_MS - age_ms
    asks = [["30000.1", "3"]] if kind == "snapshot" else []
    data = {"s": SYMBOL, "b": [[bid, str(number)]], "a": asks, "u": number, "seq": number}
    told = {"topic": f"orderbook.50.{SYMBOL}", "type": kind, "ts": made_ms, "data": data}
    return json.dumps(told | {"cts": made_ms}, separators=(",", ":")).encode()


@dataclass
class Source:
    """Plays a story to whoever follows."""

    story: Callable[..., Any]
    ahead_ns: int = 0
    listed_after: int = 0
    name: str = "made-up"
    resubscribed: list[str] = field(default_factory=list)
    is_closed: bool = False
    faults: ConnectorFaults = field(default_factory=ConnectorFaults)

    async def instruments(self, symbols):
        self.listed_after -= 1
        return {SYMBOL: RULES} if self.listed_after < 0 else {}

    async def server_time_ns(self):
        return clock.wall_ns() + self.ahead_ns

    async def follow(self, symbols, *, depth, take):
        await self.story(self, lambda data: take(PublicFrame(0, data)), take)

    def public_frames(self, symbols, *, depth):
        raise AssertionError("is not asked for")

    async def resubscribe(self, symbols):
        self.resubscribed += symbols

    async def aclose(self):
        self.is_closed = True


def market(source: Source, log: list[str] | None = None) -> FollowedMarket:
    said: list[str] = [] if log is None else log
    return FollowedMarket(
        lambda: source,
        [SYMBOL],
        instrument_of=lambda rules: core.Instrument(
            rules.symbol, rules.tick_size, rules.lot_size, min_qty=rules.min_qty
        ),
        depth=50,
        log=said.append,
    )


async def for_ever():
    await asyncio.Event().wait()


async def quiet(_source, send, _take):
    send(frame(1, kind="snapshot"))
    await for_ever()


def rows_until(feed, holds, patience=2_000):
    """Columns of the chunks up to the first after which `holds`."""
    found: dict[str, list[int]] = {}
    for _ in range(patience):
        for name, column in next(feed.chunks).to_arrays().items():
            found.setdefault(name, []).extend(column.tolist())
        if holds(found):
            return found
    raise AssertionError(found)


def test_an_engine_goes_as_far_as_the_clock_though_nothing_happens():
    source = Source(quiet)
    with market(source) as followed:
        engine = core.Backtest(core.Instrument(SYMBOL, "0.1", "0.001"), [{}], record=True)
        drive = Drive(engine, followed.feeds())
        start_ns = drive.open()
        drive.begin()
        drive.advance(start_ns + 300 * NS_PER_MS)
        assert followed.now_ns() >= start_ns + 300 * NS_PER_MS + SETTLE_NS
        assert not engine.advance(None, start_ns + 300 * NS_PER_MS), "no more is needed"
        assert not drive.exhausted
    assert source.is_closed


def test_times_are_those_of_the_venues_clock():
    log: list[str] = []
    with market(Source(quiet, ahead_ns=100 * NS_PER_SEC), log) as followed:
        (feed,) = followed.feeds()
        rows = rows_until(feed, lambda found: found.get("ts_local"))
        off_ns = rows["ts_local"][0] - clock.wall_ns()
        assert 95 * NS_PER_SEC < off_ns <= 101 * NS_PER_SEC
    assert any("| clock | WARN | offset_ms=" in line for line in log)


def test_what_comes_late_counts_as_of_what_was_known():
    async def story(_source, send, _take):
        send(frame(1, kind="snapshot"))
        await asyncio.sleep(1.0)
        send(frame(2, age_ms=900))
        await for_ever()

    with market(Source(story)) as followed:
        (feed,) = followed.feeds()
        rows = rows_until(feed, lambda found: len(found.get("qty", ())) > 3)
        assert rows["ts_local"][-1] - rows["ts_exch"][-1] <= SETTLE_NS + 50 * NS_PER_MS
        assert rows["ts_exch"] == sorted(rows["ts_exch"])


def test_a_gap_is_in_the_rows_and_the_book_is_asked_for_anew():
    async def story(source, send, take):
        send(frame(1, kind="snapshot"))
        await asyncio.sleep(0.3)
        take(PublicGap(0, (SYMBOL,), GapReason.HALF_OPEN))
        while not source.resubscribed:
            await asyncio.sleep(0.01)
        send(frame(7, kind="snapshot"))
        await for_ever()

    source = Source(story)
    log: list[str] = []
    with market(source, log) as followed:
        (feed,) = followed.feeds()
        rows = rows_until(feed, lambda found: len(found.get("flags", ())) >= 7)
    kinds = [flags & 3 for flags in rows["flags"]]
    assert kinds.count(GAP) == 1
    assert source.resubscribed == [SYMBOL]
    assert log == [f"| market | GAP | half_open {SYMBOL} |"]


def test_a_stream_that_fails_or_ends_is_an_error():
    async def fails(_source, send, _take):
        send(frame(1, kind="snapshot"))
        await asyncio.sleep(0.05)
        raise VenueError("E_VENUE_CALL", "market", "refused")

    async def ends(_source, send, _take):
        send(frame(1, kind="snapshot"))

    for story, why in ((fails, "refused"), (ends, "has ended")):
        # one that ends before anybody reads is an error of the start
        with pytest.raises(VenueError, match=why), market(Source(story)) as followed:
            (feed,) = followed.feeds()
            for _ in range(2_000):
                next(feed.chunks)


def test_what_the_venue_refuses_at_the_start_is_raised_at_the_start():
    source = Source(quiet)

    async def refuse(_symbols):
        raise VenueError("E_VENUE_CALL", "instruments", "is down")

    source.instruments = refuse  # type: ignore[method-assign]
    with pytest.raises(VenueError, match="is down"), market(source):
        pass
    assert source.is_closed


def test_it_waits_until_its_symbols_are_traded():
    log: list[str] = []
    with market(Source(quiet, listed_after=1), log) as followed:
        assert followed.rules == {SYMBOL: RULES}
    assert log == [f"| listing | WARN | not traded by the venue, waiting: {SYMBOL} |"]


def test_nobody_waits_for_a_first_row_once_the_session_is_to_end():
    async def silent(_source, _send, _take):
        await for_ever()

    with market(Source(silent)) as followed:
        drive = Drive(
            core.Backtest(core.Instrument(SYMBOL, "0.1", "0.001"), [{}]), followed.feeds()
        )
        asked = iter((False, False, True))
        with pytest.raises(MarketDataError, match="has no row"):
            drive.open(lambda: next(asked))
