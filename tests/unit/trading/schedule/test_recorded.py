"""Suggestions from a catalog whose spreads, jumps and volumes are known."""

import math

import pytest
from tests.unit.market.catalogs import MIDNIGHT_NS, SYMBOL, level, write_catalog

from mmbot.market.catalog import find_symbol
from mmbot.market.schema import BookKind
from mmbot.trading.schedule import SuggestRequest
from mmbot.trading.schedule.recorded import SPAN_NS, minute_samples, suggest_windows
from mmbot.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN, NS_PER_SEC

REQUEST = SuggestRequest(mode="neutral", top_k=6, min_sample=5)
MID = 10_000
# Slot of the day -> (half spread in ticks, lots traded a minute).
QUIET, BUSY = 3, 7
SLOTS = {QUIET: (1, 10), BUSY: (4, 40)}


def market(minutes: int = 30, *, days: int = 1, start_ns: int = MIDNIGHT_NS):
    """A mid that goes one tick up and down every second; one trade a minute."""
    book, trades, update = [], [], 0
    for day in range(days):
        for slot, (half, lots) in SLOTS.items():
            begin = start_ns + day * NS_PER_DAY + slot * 2 * NS_PER_HOUR
            for step in range(minutes * 60):
                ts_ns, mid = begin + step * NS_PER_SEC, MID + step % 2
                update += 1
                kind = BookKind.SNAPSHOT
                book += [
                    level(ts_ns, ts_ns, update, kind, 0, mid - half, 5),
                    level(ts_ns, ts_ns, update, kind, 1, mid + half, 5),
                ]
                if step % 60 == 31:
                    trades.append((ts_ns, ts_ns, str(update), 0, mid, lots))
    return book, trades


@pytest.fixture
def catalog(tmp_path):
    book, trades = market()
    write_catalog(tmp_path, book, trades, batch_rows=997)
    return tmp_path


def suggest(root, now_ns=MIDNIGHT_NS + NS_PER_DAY, request=REQUEST, symbols=(SYMBOL,)):
    return suggest_windows(root, symbols, now_ns=now_ns, request=request)


@pytest.mark.spec("02-4")
def test_minutes_end_with_the_spread_and_volatility_that_the_bot_would_have_seen(catalog):
    info = find_symbol(catalog, symbol=SYMBOL)
    end_ns = MIDNIGHT_NS + NS_PER_DAY
    samples = list(minute_samples(catalog, info, start_ns=MIDNIGHT_NS, end_ns=end_ns))
    by_slot = {slot: [s for s in samples if s.slot == slot] for slot in SLOTS}
    assert sum(len(rows) for rows in by_slot.values()) == len(samples)
    for slot, (half, _) in SLOTS.items():
        # The volatility needs ticks over half its half-life before it counts.
        assert 20 <= len(by_slot[slot]) <= 30
        # The last step of a minute is odd: the mid stands one tick up.
        expected = 2 * half / (MID + 1) * 1e4
        assert all(s.spread_bps == pytest.approx(expected) for s in by_slot[slot])
    # One tick a second: the variance over a minute is 60 times (1/MID)^2.
    steady = by_slot[QUIET][-1].vola_1m_bps
    assert steady == pytest.approx(1e4 * math.sqrt(60) / MID, rel=0.02)


@pytest.mark.spec("02-4")
def test_slots_are_scored_by_spread_volatility_and_volume(catalog):
    found = suggest(catalog)
    assert [(s.start, s.end) for s in found] == [("14:00", "16:00"), ("06:00", "08:00")]
    info = find_symbol(catalog, symbol=SYMBOL)
    end_ns = MIDNIGHT_NS + NS_PER_DAY
    samples = list(minute_samples(catalog, info, start_ns=MIDNIGHT_NS, end_ns=end_ns))
    for row, slot in zip(found, (BUSY, QUIET), strict=True):
        half, lots = SLOTS[slot]
        rows = [s for s in samples if s.slot == slot]
        spread = 2 * half / (MID + 1) * 1e4
        vola = sum(s.vola_1m_bps for s in rows) / len(rows)
        # One trade a minute, at the higher mid.
        traded = (MID + 1) * 0.1 * lots * 0.001
        assert all(s.notional == pytest.approx(traded) for s in rows)
        volume = lots / SLOTS[BUSY][1]
        expected = 0.35 * (1 - spread / 50) + 0.25 * (1 - vola / 100) + 0.40 * volume
        assert row.score == pytest.approx(expected, abs=2e-6)
        assert row.score == round(row.score, 6)


@pytest.mark.spec("02-4")
def test_only_the_last_14_days_count(tmp_path):
    book, trades = market(minutes=12)
    write_catalog(tmp_path, book, trades)
    last_ns = MIDNIGHT_NS + 24 * NS_PER_HOUR
    assert len(suggest(tmp_path, now_ns=last_ns + SPAN_NS - NS_PER_DAY)) == 2
    busy_only = suggest(tmp_path, now_ns=MIDNIGHT_NS + 10 * NS_PER_HOUR + SPAN_NS)
    assert [s.start for s in busy_only] == ["14:00"]
    assert suggest(tmp_path, now_ns=last_ns + SPAN_NS) == ()
    # What comes after now has not happened yet.
    assert [s.start for s in suggest(tmp_path, now_ns=MIDNIGHT_NS + 8 * NS_PER_HOUR)] == ["06:00"]


@pytest.mark.spec("02-4")
def test_without_data_there_is_no_suggestion(tmp_path, catalog):
    assert suggest(tmp_path / "nothing") == ()
    assert suggest(catalog, symbols=("XYZ",)) == ()
    assert suggest(catalog, symbols=()) == ()
    few = SuggestRequest(mode="neutral", top_k=6, min_sample=31)
    assert suggest(catalog, request=few) == ()


@pytest.mark.spec("02-4")
def test_symbols_are_pooled_and_days_add_up(tmp_path):
    book, trades = market(days=2)
    write_catalog(tmp_path, book, trades)
    write_catalog(tmp_path, book, trades, symbol="XYZ", source="b" * 64)
    now_ns = MIDNIGHT_NS + 2 * NS_PER_DAY
    enough = SuggestRequest(mode="neutral", top_k=6, min_sample=90)
    assert suggest(tmp_path, now_ns=now_ns, request=enough) == ()
    both = suggest(tmp_path, now_ns=now_ns, request=enough, symbols=(SYMBOL, "XYZ", SYMBOL))
    assert [s.start for s in both] == ["14:00", "06:00"]
    assert both == suggest(tmp_path, now_ns=now_ns, request=enough, symbols=("XYZ", SYMBOL))


@pytest.mark.spec("02-4")
def test_a_minute_without_an_update_is_no_sample(tmp_path):
    book, _ = market(minutes=20)
    cut = MIDNIGHT_NS + 6 * NS_PER_HOUR + 15 * NS_PER_MIN
    quiet = [row for row in book if not cut <= row[0] < cut + 3 * NS_PER_MIN]
    write_catalog(tmp_path, quiet)
    info = find_symbol(tmp_path, symbol=SYMBOL)
    end_ns = MIDNIGHT_NS + NS_PER_DAY
    samples = list(minute_samples(tmp_path, info, start_ns=MIDNIGHT_NS, end_ns=end_ns))
    write_catalog(tmp_path / "whole", book)
    info = find_symbol(tmp_path / "whole", symbol=SYMBOL)
    whole = list(minute_samples(tmp_path / "whole", info, start_ns=MIDNIGHT_NS, end_ns=end_ns))
    assert len(samples) == len(whole) - 3


@pytest.mark.spec("01-8.1", "02-4")
def test_a_minute_that_ends_with_a_stale_book_is_no_sample(tmp_path):
    book, _ = market(minutes=20)
    seconds = {row[0]: row[0] // NS_PER_SEC % 60 for row in book}
    write_catalog(tmp_path, [row for row in book if seconds[row[0]] < 50])
    info = find_symbol(tmp_path, symbol=SYMBOL)
    end_ns = MIDNIGHT_NS + NS_PER_DAY
    assert list(minute_samples(tmp_path, info, start_ns=MIDNIGHT_NS, end_ns=end_ns)) == []
