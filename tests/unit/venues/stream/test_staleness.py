"""What the ages of frames say about their streams."""

from __future__ import annotations

import pytest

from mmbot.units import NS_PER_MS, NS_PER_SEC
from mmbot.venues.stream.staleness import MARKET_DATA, Finding, Sight, SightKind, StalenessJudge

START_NS = 1_700_000_000 * NS_PER_SEC


def at(ms: int) -> int:
    return START_NS + ms * NS_PER_MS


def sight(kind: SightKind, ms: int, symbol: str = "BTCUSDT") -> Sight:
    return Sight(kind, symbol, at(ms))


@pytest.mark.parametrize("kind", [SightKind.BOOK, SightKind.TRADE])
@pytest.mark.parametrize(("age_ms", "expected"), [(0, None), (1000, None), (1001, Finding.LAGGING)])
def test_a_frame_is_late_by_the_venues_clock(kind, age_ms, expected):
    assert StalenessJudge().saw(sight(kind, 0), at(age_ms)) is expected


def test_a_snapshot_may_be_as_old_as_the_books_last_change():
    assert StalenessJudge().saw(sight(SightKind.SNAPSHOT, 0), at(60_000)) is None


def test_without_the_venues_clock_no_frame_is_late():
    judge = StalenessJudge()
    assert judge.saw(sight(SightKind.BOOK, 0), None) is None
    assert not judge.is_suspect(None)


def test_trades_that_move_on_while_the_book_stands_still_are_a_finding():
    judge = StalenessJudge()
    judge.saw(sight(SightKind.BOOK, 0), at(0))
    assert judge.saw(sight(SightKind.TRADE, 100), at(100)) is None
    assert judge.saw(sight(SightKind.TRADE, 599), at(599)) is None
    assert judge.saw(sight(SightKind.TRADE, 600), at(600)) is Finding.BOOK_STUCK
    # told once; the book begins anew
    assert judge.saw(sight(SightKind.TRADE, 1500), at(1500)) is None


def test_a_book_that_moves_explains_the_trades_before_it():
    judge = StalenessJudge()
    for ms in range(0, 5000, 100):
        assert judge.saw(sight(SightKind.TRADE, ms), at(ms)) is None
        assert judge.saw(sight(SightKind.BOOK, ms), at(ms)) is None


def test_books_of_other_symbols_explain_nothing():
    judge = StalenessJudge()
    judge.saw(sight(SightKind.BOOK, 0), at(0))
    found = []
    for ms in range(100, 1000, 100):
        found.append(judge.saw(sight(SightKind.BOOK, ms, "ETHUSDT"), at(ms)))
        found.append(judge.saw(sight(SightKind.TRADE, ms), at(ms)))
    assert found.count(Finding.BOOK_STUCK) == 1


def test_trades_without_a_book_are_no_finding():
    judge = StalenessJudge()
    assert {judge.saw(sight(SightKind.TRADE, ms), at(ms)) for ms in range(0, 3000, 100)} == {None}


def test_suspicion_follows_the_newest_time_of_all_streams():
    judge = StalenessJudge()
    judge.saw(sight(SightKind.BOOK, 0), at(0))
    limit_ms = MARKET_DATA.suspect_after_ns // NS_PER_MS
    assert not judge.is_suspect(at(limit_ms))
    assert judge.is_suspect(at(limit_ms + 1))
    judge.saw(sight(SightKind.TRADE, 300, "ETHUSDT"), at(300))
    assert not judge.is_suspect(at(limit_ms + 1))
    assert judge.age_ns(at(1000)) == 700 * NS_PER_MS


def test_a_book_that_does_not_begin_is_a_finding_until_its_snapshot():
    judge = StalenessJudge()
    judge.asked(["BTCUSDT", "ETHUSDT"], 0)
    patience_ns = MARKET_DATA.snapshot_within_ns
    assert judge.without_snapshot(patience_ns) == ()
    judge.saw(sight(SightKind.SNAPSHOT, 0), at(0))
    # changes without a beginning are no beginning
    judge.saw(sight(SightKind.BOOK, 0, "ETHUSDT"), at(0))
    assert judge.without_snapshot(patience_ns + 1) == ("ETHUSDT",)
    judge.asked(["ETHUSDT"], patience_ns + 1)
    assert judge.without_snapshot(patience_ns + 2) == ()
