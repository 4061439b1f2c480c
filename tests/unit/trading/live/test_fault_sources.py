"""Where faults are counted: every kind has a source, and what ends each of them."""

from collections import Counter
from types import SimpleNamespace

import pytest

from mmbot.trading.live.fault_kinds import ALL_SYMBOLS, Fault, FaultKind
from mmbot.trading.live.fault_sources import FaultSources, failure_kind
from mmbot.trading.live.holds import HoldReason, Holds
from mmbot.trading.live.shell_records import Heard
from mmbot.trading.reconcile import OrderState
from mmbot.venues.bybit.codes import BYBIT_CODES
from mmbot.venues.connector_faults import ConnectorFaults
from mmbot.venues.ports import GapReason

SYMBOLS = ("BTCUSDT", "ETHUSDT")
# Told where no session is: `mmbot.trading.live.start_failures`.
ELSEWHERE = {FaultKind.START_FAILED}


def feed(**counts):
    names = ("frames", "snapshots", "gaps", "duplicates", "waiting", "lost", "rejected", "others")
    return dict.fromkeys(names, 0) | counts


def everything(*, count=0):
    """A shell in which everything has gone wrong so many times."""
    failures = {("place", "10006"), ("cancel", "budget"), ("amend", "timeout")}
    failures |= {("place", "http_403"), ("cancel", "110001")}
    feeds = feed(snapshots=count + 1, gaps=count, duplicates=count, rejected=count, lost=3 * count)
    shell = SimpleNamespace(
        port=SimpleNamespace(
            faults=ConnectorFaults(
                lost={("public", "half_open"): count},
                reconnects={"public": count},
                unreadable={"private": count},
                overflows={"public": count},
                late_answers=count,
                hedged_cancels=count,
                clock_steps=count,
                clock_off=count,
                budget_waited_ns=count * 1_000_000,
            )
        ),
        plan=SimpleNamespace(symbols=SYMBOLS, codes=BYBIT_CODES),
        ear=SimpleNamespace(
            gaps=Counter(
                {
                    (GapReason.LAGGING, ALL_SYMBOLS): count,
                    (GapReason.BOOK_STUCK, SYMBOLS[1]): count,
                }
            )
        ),
        sender=SimpleNamespace(
            counters=SimpleNamespace(
                failures=Counter(dict.fromkeys(failures, count)),
                unclear=count,
                backoff=SimpleNamespace(waits=count),
            )
        ),
        gate=SimpleNamespace(late=count, gated=count),
        brake=SimpleNamespace(refusals={"110007": count}, trips=count),
        asker=SimpleNamespace(
            counters=SimpleNamespace(
                failures=Counter({"10016": count, "10003": count}),
                not_found=count,
                lost_orders=count,
                fills_healed=count,
                closed={f"c{at}" for at in range(count)},
            )
        ),
        source=SimpleNamespace(stale_updates=count, duplicate_executions=count),
        foreign=SimpleNamespace(seen={f"c{at}" for at in range(count)}),
        recovery=SimpleNamespace(adopted=count),
        holds=Holds(SYMBOLS),
        heard=Heard(stalls=count, longest_stall_ns=2_000_000_000, limit_cuts=count),
        opened=SimpleNamespace(
            writer=SimpleNamespace(metrics=SimpleNamespace(write_fail_total=count)),
            torn_records=count,
            damaged_checkpoints=count,
            is_resumed=count > 0,
        ),
        desk=SimpleNamespace(
            core=SimpleNamespace(feed_counts=lambda _symbol: feeds),
            ledger=SimpleNamespace(open_orders=[]),
            disk_error=None,
        ),
        is_ending=count > 0,
        reason="interrupted",
        fatal="10003" if count else None,
    )
    for _ in range(count):
        shell.holds.put(HoldReason.DISK, "no room")
        shell.holds.lift(HoldReason.DISK)
    return shell


def test_every_kind_has_a_source_and_nothing_is_counted_before_it_happens():
    assert FaultSources(everything()).counts() == {}
    counts = FaultSources(everything(count=2)).counts()
    assert {fault.kind for fault in counts} == set(FaultKind) - ELSEWHERE
    assert counts[Fault(FaultKind.HOLDS, "disk")] == 2
    assert counts[Fault(FaultKind.MARKET_GAPS, "lagging")] == 2
    assert counts[Fault(FaultKind.MARKET_GAPS, "book_stuck", "ETHUSDT")] == 2
    assert counts[Fault(FaultKind.BUDGET_REFUSED)] == 2
    assert counts[Fault(FaultKind.SESSION_ENDED, "interrupted")] == 1


def test_a_book_that_was_lost_without_a_gap_was_crossed():
    """Three times lost; of the gaps that were told two met one symbol and four the other."""
    counts = FaultSources(everything(count=2)).counts()
    assert counts[Fault(FaultKind.CROSSED_BOOKS, "", "BTCUSDT")] == 4
    assert counts[Fault(FaultKind.CROSSED_BOOKS, "", "ETHUSDT")] == 2


def test_an_order_that_stream_and_comparison_both_meet_is_one():
    assert FaultSources(everything(count=3)).counts()[Fault(FaultKind.FOREIGN_ORDERS)] == 3


def test_unknown_requests_are_resolved_when_no_order_is_unknown_any_more():
    shell = everything(count=3)
    shell.desk.ledger.open_orders = [
        SimpleNamespace(state=OrderState.UNKNOWN),
        SimpleNamespace(state=OrderState.LIVE),
    ]
    sources, unknown = FaultSources(shell), Fault(FaultKind.REQUESTS_UNKNOWN)
    counts = sources.counts()
    assert counts[unknown] == 3
    assert counts[Fault(FaultKind.REQUESTS_RESOLVED)] == 2
    assert sources.goes_on(unknown)
    shell.desk.ledger.open_orders = []
    assert sources.counts()[Fault(FaultKind.REQUESTS_RESOLVED)] == 3
    assert not sources.goes_on(unknown)


@pytest.mark.parametrize(
    ("operation", "label", "kind"),
    [
        ("place", "10006", FaultKind.RATE_LIMITED),
        ("query", "http_429", FaultKind.RATE_LIMITED),
        ("query", "http_403", FaultKind.BANS),
        ("cancel", "10003", FaultKind.KEY_REFUSED),
        ("query", "-2015", FaultKind.KEY_REFUSED),
        ("cancel", "110001", FaultKind.REQUEST_RACES),
        ("place", "110001", FaultKind.REQUESTS_FAILED),
        ("place", "budget", FaultKind.BUDGET_REFUSED),
        ("amend", "timeout", FaultKind.REQUESTS_FAILED),
        ("query", "timeout", FaultKind.QUERIES_FAILED),
        ("query", "http_503", FaultKind.QUERIES_FAILED),
        ("place", "http_", FaultKind.REQUESTS_FAILED),
    ],
)
def test_a_failed_call_has_one_kind(operation, label, kind):
    assert failure_kind(operation, label, BYBIT_CODES) is kind


def down(shell):
    shell.port.faults = ConnectorFaults(down=frozenset({"public"}))


def unsynced(shell):
    shell.desk.core.snapshot = lambda symbol: {"synced": symbol != "ETHUSDT"}


def hold(reason, symbols=None):
    return lambda shell: shell.holds.put(reason, "why", symbols)


def cut(shell):
    shell.heard.cut = "fewer"


def refusing(shell):
    shell.desk.disk_error = "full"


@pytest.mark.parametrize(
    ("fault", "make"),
    [
        (Fault(FaultKind.SOCKET_LOST, "public.half_open"), down),
        (Fault(FaultKind.MARKET_GAPS, "lagging"), unsynced),
        (Fault(FaultKind.SEQUENCE_GAPS, "", "ETHUSDT"), unsynced),
        (Fault(FaultKind.HOLDS, "listing", "ETHUSDT"), hold(HoldReason.LISTING, ["ETHUSDT"])),
        (Fault(FaultKind.HOLDS, "disk"), hold(HoldReason.DISK)),
        (Fault(FaultKind.CLOCK_OFF), hold(HoldReason.CLOCK)),
        (Fault(FaultKind.REJECT_TRIPS), hold(HoldReason.REJECTS, ["BTCUSDT"])),
        (Fault(FaultKind.JOURNAL_WRITE_FAILURES), refusing),
        (Fault(FaultKind.LIMITS_CUT), cut),
    ],
    ids=lambda one: one.name if isinstance(one, Fault) else "",
)
def test_a_fault_goes_on_as_long_as_its_cause(fault, make):
    shell = everything()
    shell.desk.core.snapshot = lambda _symbol: {"synced": True}
    sources = FaultSources(shell)
    assert not sources.goes_on(fault)
    make(shell)
    assert sources.goes_on(fault)
    other = fault._replace(symbol="BTCUSDT", detail="private.half_open")
    if fault.kind in {FaultKind.SOCKET_LOST, FaultKind.SEQUENCE_GAPS}:
        assert not sources.goes_on(other)


def test_what_there_is_to_say_is_said():
    shell = everything(count=1)
    shell.holds.put(HoldReason.DISK, "free_mb=1")
    sources = FaultSources(shell)
    assert sources.text(Fault(FaultKind.HOLDS, "disk")) == "free_mb=1"
    assert sources.text(Fault(FaultKind.SESSION_FATAL)) == "10003"
    assert sources.text(Fault(FaultKind.LOOP_STALLS)) == "longest_ms=2000"
    assert sources.text(Fault(FaultKind.RATE_LIMITED, "10006")) == ""
