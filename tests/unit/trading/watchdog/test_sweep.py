import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.trading.watchdog.venue import CODES, DONE, KEY, RATE, MemoryVenue, order

from mmbot.trading.watchdog.sweep import Sweep
from mmbot.venues.failures import ErrorClass

OWN, OTHER = "mmbot1sess0001-", "mmbot1sess0002-"


def swept(venue, *, batch_max=20, prefix=OWN):
    waits, troubles = [], []

    async def pause(seconds):
        waits.append(seconds)
        assert len(waits) < 500

    sweep = Sweep(
        venue,
        CODES,
        batch_max=batch_max,
        draws=random.Random(1),
        on_trouble=lambda line, found: troubles.append(found),
        pause=pause,
    )
    report = asyncio.run(sweep.until_none_is_left(prefix))
    return report, waits, troubles


def venue_with(*cids, **more) -> MemoryVenue:
    return MemoryVenue({cid: order(cid, sym) for cid, sym in cids}, **more)


@pytest.mark.spec("09-1")
def test_own_orders_go_and_foreign_ones_and_those_of_other_sessions_stay():
    foreign = [("", "BTCUSDT"), ("manual-7", "BTCUSDT"), (f"{OTHER}1", "BTCUSDT"), ("mm", "X")]
    venue = venue_with((f"{OWN}1", "BTCUSDT"), (f"{OWN}2", "ETHUSDT"), *foreign)
    report, _, troubles = swept(venue)
    assert set(venue.orders) == {cid for cid, _ in foreign}
    assert report.cancelled == {f"{OWN}1", f"{OWN}2"}
    assert (report.left, report.foreign, report.failures) == (0, 4, 0)
    assert troubles == []


def test_nothing_to_do_is_proved_by_one_list():
    venue = venue_with(("x", "BTCUSDT"))
    report, waits, _ = swept(venue)
    assert (venue.lists, venue.asked, waits, report.cancelled) == (1, [], [], set())


def test_the_proof_is_a_list_after_the_last_cancel():
    venue = venue_with((f"{OWN}1", "BTCUSDT"))
    swept(venue)
    assert venue.lists == 2


def test_batches_hold_one_symbol_and_no_more_than_the_venue_takes():
    cids = [(f"{OWN}{n}", "BTCUSDT" if n % 3 else "ETHUSDT") for n in range(10)]
    venue = venue_with(*cids)
    symbol_of = dict(cids)
    swept(venue, batch_max=4)
    assert all(len(batch) <= 4 for batch in venue.asked)
    assert all(len({symbol_of[cid] for cid in batch}) == 1 for batch in venue.asked)
    assert len(venue.asked) == 3


def test_an_order_that_is_done_already_is_done():
    venue = venue_with((f"{OWN}1", "BTCUSDT"))
    venue.cancel_faults.append(DONE)
    report, _, troubles = swept(venue)
    assert (report.failures, troubles, report.left) == (0, [], 0)


@pytest.mark.spec("02-12")
def test_failures_of_every_kind_are_tried_again_until_the_list_is_empty():
    venue = venue_with((f"{OWN}1", "BTCUSDT"), (f"{OWN}2", "BTCUSDT"))
    venue.list_faults.extend([None, RATE, KEY, "ok", None])
    venue.cancel_faults.extend([RATE, None])
    report, waits, troubles = swept(venue)
    assert (venue.orders, report.left) == ({}, 0)
    assert troubles == [
        ErrorClass.TRANSIENT,
        ErrorClass.TRANSIENT,
        ErrorClass.FATAL_SESSION,
        ErrorClass.TRANSIENT,
        ErrorClass.TRANSIENT,
        ErrorClass.TRANSIENT,
    ]
    assert report.failures == 6
    assert max(waits) <= 3.15


def test_a_list_that_could_not_be_fetched_is_no_empty_list():
    venue = venue_with((f"{OWN}1", "BTCUSDT"))
    venue.list_faults.extend([None] * 20)
    report, waits, _ = swept(venue)
    assert report.cancelled == {f"{OWN}1"}
    assert len(waits) >= 20


FAULTS = st.lists(st.sampled_from([None, RATE, DONE, KEY, "ok"]), max_size=12)
CIDS = st.sets(st.sampled_from([f"{OWN}{n}" for n in range(8)] + ["a", "", f"{OTHER}1"]))


@given(CIDS, FAULTS, FAULTS, st.integers(1, 5))
def test_whatever_fails_own_orders_are_gone_and_others_untouched(cids, lists, cancels, batch_max):
    venue = venue_with(*((cid, "BTCUSDT") for cid in cids))
    venue.list_faults.extend(fault for fault in lists if fault != DONE)
    venue.cancel_faults.extend(cancels)
    report, _, _ = swept(venue, batch_max=batch_max)
    assert set(venue.orders) == {cid for cid in cids if not cid.startswith(OWN)}
    assert report.left == 0
    assert all(cid.startswith(OWN) for batch in venue.asked for cid in batch)
