"""Hourly summaries of a session against a count of its rows, hour by hour."""

import json
import math
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.trading.made_session_rows import TICK, fill, order_event, taken

from mmbot.market.summaries import SummaryOptions, SummaryOrigin, validate_summary_payload
from mmbot.trading.summarising import HOLD_NS, SummaryCompanion, SummarySymbol
from mmbot.units import NS_PER_HOUR, NS_PER_SEC

ENGINE: Any = None
START = 1_767_225_600 * NS_PER_SEC
ORIGIN = SummaryOrigin(git_sha="abc", cfg_hash="def", segment="s1")


class Session:
    """Steps through a session, with whatever it brings."""

    def __init__(self, directory, symbols=("BTCUSDT",), start_ns=START):
        self.directory = directory
        self.lines: list[str] = []
        self.companion = SummaryCompanion(
            directory,
            SummaryOptions(bins_max_bps=5),
            ORIGIN,
            [SummarySymbol(symbol, TICK) for symbol in symbols],
            log=self.lines.append,
        )
        self.companion.begin(ENGINE, start_ns)

    def step(self, market_ns, *steps):
        self.companion.step(ENGINE, market_ns, steps)

    def end(self, market_ns, *steps):
        self.companion.close(ENGINE, market_ns, steps)
        return self.files()

    def files(self):
        found = {}
        for path in sorted(self.directory.rglob("*.json")):
            body = json.loads(path.read_text("ascii"))
            assert validate_summary_payload(body) == (True, [])
            found[path.name] = body
        return found

    def settle(self):
        """Wait until the thread has taken every step."""
        while not self.companion._steps.empty() and self.companion._thread.is_alive():
            pass


@pytest.mark.spec("01-10.1")
def test_a_fill_that_is_told_after_its_orders_end_still_counts(tmp_path):
    session = Session(tmp_path)
    session.step(
        START + 3 * NS_PER_SEC,
        taken(
            [
                order_event(START + NS_PER_SEC, 1, "intent_place", px=499_900),
                order_event(START + NS_PER_SEC, 1, "ack", px=499_900),
                order_event(START + 3 * NS_PER_SEC, 1, "canceled", px=499_900),
            ]
        ),
    )
    files = session.end(
        START + 60 * NS_PER_SEC, taken([], [fill(START + 2 * NS_PER_SEC, 1, wait_ms=12.345)])
    )
    (body,) = files.values()
    assert body["counts"] == {"orders": 1, "quotes": 1, "fills": 1, "maker_fills": 1}
    assert body["hit_rate_by_bin"] == {"2": {"count": 1, "fills": 1}}
    assert {entry["v"] for entry in body["queue_wait_cdf_ms"]} == {round(12.345, 2)}
    assert body["metadata"]["segments"] == ["s1"]


@pytest.mark.spec("01-10", "01-10.3")
def test_an_hour_is_written_a_minute_after_its_end_and_the_open_one_at_the_end(tmp_path):
    session = Session(tmp_path)
    end_ns = START + NS_PER_HOUR
    session.step(START + 1, taken([order_event(START + 1, 1, "ack")]))
    session.step(end_ns + HOLD_NS - 1, taken([order_event(end_ns + 1, 2, "ack")]))
    # A step that changes nothing proves that the one before has been taken.
    session.step(end_ns + HOLD_NS - 1, taken())
    session.step(end_ns + HOLD_NS - 1, taken())
    session.settle()
    early = session.files()
    session.step(end_ns + HOLD_NS, taken())
    files = session.end(end_ns + HOLD_NS, taken())
    assert early == {}
    assert list(files) == ["BTCUSDT_2026-01-01_00.json", "BTCUSDT_2026-01-01_01.json"]
    counters = session.companion.counters()["BTCUSDT"]
    assert (counters.written, counters.errors, counters.late) == (2, 0, 0)
    assert session.lines == []


def test_hours_of_long_ago_are_kept_by_the_time_of_the_market(tmp_path):
    session = Session(tmp_path)
    for hour in range(4):
        at_ns = START + hour * NS_PER_HOUR
        session.step(at_ns + HOLD_NS, taken([order_event(at_ns + 1, hour, "ack")]))
    assert len(session.end(START + 4 * NS_PER_HOUR, taken())) == 4


def test_a_directory_that_takes_nothing_is_said_and_counted(tmp_path):
    (tmp_path / "BTCUSDT").write_text("in the way")
    session = Session(tmp_path)
    session.step(START + 1, taken([order_event(START + 1, 1, "ack")]))
    session.end(START + 2, taken())
    assert session.companion.counters()["BTCUSDT"].errors == 1
    assert session.lines[0].startswith("| summaries | ERROR | E_STORE_DISK")


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 3 * 3600),  # second of the first event
        st.integers(0, 200),  # ticks from the mid, times ten
        st.integers(0, 2),  # amends
        st.integers(0, 2),  # fills after the last quote
        st.integers(1, 40),  # seconds between events
        st.booleans(),  # cancelled at the end
        st.integers(0, 60),  # seconds until a fill is told
    ),
    min_size=1,
    max_size=12,
)


def happenings(orders):
    """(time told, symbol rows): order events at their time, fills later."""
    events, fills = [], []
    for number, (second, ticks, amends, count, gap, cancelled, delay) in enumerate(orders):
        cid, at = number << 8, START + second * NS_PER_SEC
        # Each order has times of its own, so that the order of events has no ties.
        at += number
        for amend in range(amends + 1):
            px = 500_000 - 10 * (ticks + amend)
            kind = "amended" if amend else "ack"
            events.append(order_event(at, cid, kind, px=px))
            at += gap * NS_PER_SEC
        for _ in range(count):
            fills.append((at + delay * NS_PER_SEC, fill(at, cid, wait_ms=float(gap))))
            at += gap * NS_PER_SEC
        if cancelled:
            events.append(order_event(at, cid, "canceled"))
    return events, fills


def counted(events, fills):
    """Hour by hour, straight from the rows."""
    quotes: Counter[tuple[int, int]] = Counter()
    hits: Counter[tuple[int, int]] = Counter()
    orders: Counter[int] = Counter()
    fill_counts: Counter[int] = Counter()
    waits: dict[int, list[float]] = {}
    for ts_ns, _, kind, _, px, *_, mid in events:
        if kind not in {"ack", "amended"}:
            continue
        hour = ts_ns // NS_PER_HOUR
        orders[hour] += kind == "ack"
        quotes[hour, min(5, math.floor(round(abs(px * TICK - mid) / mid * 1e4, 9)))] += 1
    for cid in {row[1] for row in events}:
        own = [row for row in events if row[1] == cid and row[2] in {"ack", "amended"}]
        done = [row for _, row in fills if row[1] == cid]
        for at, row in enumerate(done):
            fill_counts[row[0] // NS_PER_HOUR] += 1
            if at:
                continue
            waits.setdefault(row[0] // NS_PER_HOUR, []).append(row[6])
            quote = max((q for q in own if q[0] <= row[0]), key=lambda q: q[0])
            if quote[0] // NS_PER_HOUR == row[0] // NS_PER_HOUR:
                distance = round(abs(quote[4] * TICK - quote[9]) / quote[9] * 1e4, 9)
                hits[row[0] // NS_PER_HOUR, min(5, math.floor(distance))] += 1
    return quotes, orders, hits, waits, fill_counts


@pytest.mark.spec("01-10.1")
@settings(max_examples=60)
@given(orders=EVENTS, step_sec=st.sampled_from([1, 7, 60, 600]))
def test_hit_rates_and_waits_are_those_of_a_count_over_all_rows(tmp_path_factory, orders, step_sec):
    events, fills = happenings(orders)
    session = Session(tmp_path_factory.mktemp("summaries"))
    told = sorted(
        [(row[0], 0, row) for row in events] + [(at, 1, row) for at, row in fills],
        key=lambda item: item[:2],
    )
    now = START
    while told:
        now = max(now + step_sec * NS_PER_SEC, told[0][0])
        due = [item for item in told if item[0] <= now]
        told = told[len(due) :]
        session.step(
            now,
            taken([row for _, kind, row in due if not kind], [row for _, kind, row in due if kind]),
        )
    files = session.end(now + 1, taken())
    quotes, made, hits, waits, fill_counts = counted(events, fills)
    hours = {hour for hour, _ in quotes} | set(fill_counts)
    assert len(files) == len(hours)
    for body, hour in zip(files.values(), sorted(hours), strict=True):
        bins = {
            int(k): (entry["count"], entry["fills"]) for k, entry in body["hit_rate_by_bin"].items()
        }
        assert bins == {k: (n, hits[hour, k]) for (at, k), n in quotes.items() if at == hour}
        assert body["counts"]["orders"] == made[hour]
        assert body["counts"]["quotes"] == sum(n for (at, _), n in quotes.items() if at == hour)
        assert body["counts"]["fills"] == body["counts"]["maker_fills"] == fill_counts[hour]
        waited = sorted(waits.get(hour, []))
        expected = [
            round(waited[max(1, math.ceil(round(e["p"] * len(waited), 9))) - 1], 2)
            for e in body["queue_wait_cdf_ms"]
        ]
        assert [entry["v"] for entry in body["queue_wait_cdf_ms"]] == expected
        assert bool(waited) == bool(body["queue_wait_cdf_ms"])
    assert session.companion.counters()["BTCUSDT"].late == 0
