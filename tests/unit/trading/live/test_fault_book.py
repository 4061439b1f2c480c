"""The book of faults: exact counts, and two lines an episode however many times it happened."""

import asyncio
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mmbot.store.audit_chain import AuditRecord
from mmbot.trading.live.fault_book import FAULTS_MAX, QUIET_NS, FaultBook, FaultWatch
from mmbot.trading.live.fault_kinds import COUNTED_ONLY, Fault, FaultKind

SEC = 1_000_000_000
LOST = Fault(FaultKind.SOCKET_LOST, "public.half_open")
GAP = Fault(FaultKind.SEQUENCE_GAPS, "", "BTCUSDT")
KINDS = sorted(FaultKind)


class Reader:
    """Counters that a test sets."""

    def __init__(self) -> None:
        self.found: dict[Fault, int] = {}
        self.going_on: set[Fault] = set()

    def counts(self) -> Mapping[Fault, int]:
        return self.found

    def goes_on(self, fault: Fault) -> bool:
        return fault in self.going_on

    def text(self, fault: Fault) -> str:
        return "why" if fault == LOST else ""


def events(lines: list[AuditRecord]) -> list[tuple[object, object]]:
    return [(line.fields["name"], line.fields["event"]) for line in lines]


def test_the_first_time_is_one_line_and_the_end_another():
    book, reader = FaultBook(), Reader()
    reader.found[LOST] = 1
    (begin,) = book.take(reader, 0)
    assert (begin.kind, begin.symbol, begin.ts_ns) == ("FAULT", "-", 0)
    assert begin.fields == {
        "name": "socket_lost",
        "detail": "public.half_open",
        "event": "begin",
        "count": 1,
        "total": 1,
        "text": "why",
    }
    assert book.take(reader, QUIET_NS - 1) == []
    (end,) = book.take(reader, QUIET_NS)
    assert end.fields == {
        "name": "socket_lost",
        "detail": "public.half_open",
        "event": "end",
        "count": 1,
        "total": 1,
        "duration_ms": 0,
    }
    assert book.totals == {"socket_lost.public.half_open": 1}
    assert book.going_on == {}


def test_a_storm_is_two_lines_with_its_exact_count():
    book, reader = FaultBook(), Reader()
    lines = []
    for second in range(1, 301):
        reader.found[GAP] = 1_000 * second
        lines += book.take(reader, second * SEC)
    assert events(lines) == [("sequence_gaps", "begin")]
    assert book.going_on == {"sequence_gaps": SEC}
    (end,) = book.take(reader, 300 * SEC + QUIET_NS)
    assert (end.fields["count"], end.fields["duration_ms"]) == (300_000, 299_000)
    assert end.symbol == "BTCUSDT"


def test_what_goes_on_does_not_end_and_at_the_sessions_end_is_unresolved():
    book, reader = FaultBook(), Reader()
    reader.found = {LOST: 1, GAP: 1}
    reader.going_on = {LOST}
    book.take(reader, 0)
    assert events(book.take(reader, 10 * QUIET_NS)) == [("sequence_gaps", "end")]
    reader.found[GAP] = 2
    book.take(reader, 11 * QUIET_NS)
    lines = book.close(reader, 11 * QUIET_NS)
    assert sorted(events(lines)) == [("sequence_gaps", "end"), ("socket_lost", "unresolved")]
    assert book.going_on == {}


def test_names_are_summed_over_symbols_and_the_oldest_tells_since_when():
    book, reader = FaultBook(), Reader()
    reader.found[GAP] = 2
    book.take(reader, 5)
    reader.found[GAP._replace(symbol="ETHUSDT")] = 3
    assert len(book.take(reader, 7)) == 1
    assert book.totals == {"sequence_gaps": 5}
    assert book.going_on == {"sequence_gaps": 5}


def test_what_is_only_counted_has_no_line():
    book, reader = FaultBook(), Reader()
    reader.found = {Fault(kind): 1 for kind in FaultKind}
    lines = book.take(reader, 0)
    assert {name for name, _ in events(lines)} == set(FaultKind) - COUNTED_ONLY
    assert set(book.totals) == set(FaultKind)


def test_there_is_a_bound_on_what_is_told():
    book, reader = FaultBook(), Reader()
    reader.found = {
        Fault(FaultKind.REQUESTS_FAILED, str(code)): 1 for code in range(FAULTS_MAX + 5)
    }
    assert len(book.take(reader, 0)) == FAULTS_MAX
    reader.found[Fault(FaultKind.REQUESTS_FAILED, "0")] = 7
    book.take(reader, 1)
    assert book.totals["requests_failed.0"] == 7


@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.integers(0, 3), st.integers(0, 30), st.booleans()),
        max_size=60,
    )
)
def test_counts_are_exact_and_every_begin_has_its_end(steps):
    book, reader = FaultBook(), Reader()
    now_ns, lines, truth = 0, [], dict.fromkeys(KINDS, 0)
    for kind, more, seconds, goes_on in steps:
        now_ns += seconds * SEC
        truth[kind] += more
        reader.found = {Fault(one): count for one, count in truth.items() if count}
        (reader.going_on.add if goes_on else reader.going_on.discard)(Fault(kind))
        lines += book.take(reader, now_ns)
    lines += book.close(reader, now_ns)
    assert book.totals == {str(kind): count for kind, count in truth.items() if count}
    open_now: set[object] = set()
    counted: dict[object, int] = {}
    for line in lines:
        name, event = line.fields["name"], line.fields["event"]
        assert (name in open_now) is (event != "begin")
        (open_now.add if event == "begin" else open_now.discard)(name)
        if event != "begin":
            counted[name] = counted.get(name, 0) + line.fields["count"]
    assert not open_now
    assert counted == {
        kind.value: count for kind, count in truth.items() if count and kind not in COUNTED_ONLY
    }


def test_the_watch_reads_one_shell_and_tells_the_rest_at_the_end():
    reader = Reader()
    lines: list[AuditRecord] = []
    shells: list[Any] = []

    def read(shell: Any) -> Reader:
        shells.append(shell)
        return reader

    watch = FaultWatch(lines.append, read)
    reader.found[LOST] = 1
    shell: Any = "shell"
    asyncio.run(watch.look(shell, 0))
    reader.found[GAP] = 1
    reader.going_on.add(LOST)
    asyncio.run(watch.look(shell, 1))
    assert len(lines) == 1
    watch.end(shell, 1)
    assert shells == [shell]
    assert events(lines) == [
        ("socket_lost", "begin"),
        ("sequence_gaps", "begin"),
        ("socket_lost", "unresolved"),
        ("sequence_gaps", "end"),
    ]
