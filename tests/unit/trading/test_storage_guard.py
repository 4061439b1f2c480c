"""When a session is held back because it cannot be written down, and when it goes on."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.trading.written_sessions import START_NS, identity_of, load

from mmbot import core
from mmbot.config import sim_params
from mmbot.config.operations import StorageConfig
from mmbot.errors import StoreError
from mmbot.store.journal import JournalReader, JournalWriter
from mmbot.trading.engine import EngineSpec, build_engine
from mmbot.trading.journaling import SessionJournal, journal_header
from mmbot.trading.replaying import replay_journal
from mmbot.trading.storage_guard import (
    StorageCompanion,
    StorageGuard,
    StorageHold,
    StorageLimits,
    StorageReading,
    free_mb,
    judge,
)
from mmbot.units import NS_PER_MIN, NS_PER_MS, NS_PER_SEC

LIMITS = StorageLimits(min_free_mb=500, max_lag_records=100)
REFUSED = StoreError("E_STORE_JOURNAL", "file=0.mmj", "cannot be synced")
FULL = StoreError("E_STORE_DISK", "file=0.mmj", "cannot be used: no space left")


def held_by(code):
    return StorageHold(code, "")


@pytest.mark.spec("08-5.4")
@pytest.mark.parametrize(
    ("reading", "before", "code"),
    [
        (StorageReading(), None, None),
        (StorageReading(free_mb=500.0, lag_records=100), None, None),
        (StorageReading(free_mb=499.9), None, "E_STORE_DISK"),
        (StorageReading(free_mb=549.0), None, None),
        (StorageReading(free_mb=549.0), held_by("E_STORE_DISK"), "E_STORE_DISK"),
        (StorageReading(free_mb=549.0), held_by("E_STORE_JOURNAL"), None),
        (StorageReading(free_mb=551.0), held_by("E_STORE_DISK"), None),
        (StorageReading(lag_records=101), None, "E_STORE_LAG"),
        (StorageReading(lag_records=100), held_by("E_STORE_LAG"), None),
        (StorageReading(refused=REFUSED), None, "E_STORE_JOURNAL"),
        (StorageReading(refused=FULL, free_mb=900.0), None, "E_STORE_DISK"),
        (StorageReading(refused=REFUSED, free_mb=1.0, lag_records=999), None, "E_STORE_JOURNAL"),
        (StorageReading(free_mb=1.0, lag_records=999), None, "E_STORE_DISK"),
    ],
)
def test_quoting_pauses_by_journal_then_disk_then_lag(reading, before, code):
    held = judge(LIMITS, reading, held=before)
    assert (None if held is None else held.code) == code
    if held is not None:
        assert held.line.startswith(f"{code}: ")
        assert held.line.isascii()


@pytest.mark.spec("08-5.2")
def test_the_limits_are_those_of_the_configuration():
    limits = StorageLimits.of(StorageConfig())
    assert (limits.min_free_mb, limits.max_lag_records) == (512, 100_000)


def test_a_limit_of_zero_is_off():
    limits = StorageLimits(min_free_mb=0, max_lag_records=1)
    assert judge(limits, StorageReading(free_mb=0.0), held=None) is None


def test_only_the_beginning_and_the_end_of_a_hold_are_changes():
    guard = StorageGuard(LIMITS)
    steps = [
        (StorageReading(free_mb=900.0), False, None),
        (StorageReading(free_mb=100.0), True, "E_STORE_DISK"),
        (StorageReading(free_mb=100.0), False, "E_STORE_DISK"),
        (StorageReading(refused=REFUSED), False, "E_STORE_JOURNAL"),
        (StorageReading(free_mb=900.0), True, None),
    ]
    for reading, changed, code in steps:
        assert guard.update(reading) is changed
        assert (None if guard.held is None else guard.held.code) == code


def test_the_room_of_a_directory_is_what_the_system_says(tmp_path):
    found = free_mb(tmp_path)
    assert found is not None
    assert found > 0
    assert free_mb(tmp_path / "no such place") is None


class FailingWriter(JournalWriter):
    """Refuses, as a full disk does, from one number of appends to another."""

    def __init__(self, directory: Path, refuse: range) -> None:
        super().__init__(directory, "s", fsync_ms=0)
        self.refuse = refuse
        self.appends = 0

    def append(self, frames: bytes, *, settled: bool = True) -> None:
        self.appends += 1
        if self.appends in self.refuse:
            segment, self._segment = self._segment, Full(self._segment)  # type: ignore[assignment]
            try:
                super().append(frames, settled=settled)
            finally:
                self._segment = segment
        else:
            super().append(frames, settled=settled)


class Full:
    """A segment without room."""

    def __init__(self, segment: Any) -> None:
        self.path, self.size = segment.path, segment.size

    def append(self, data: bytes) -> None:
        raise OSError(28, "No space left on device")


def play(directory, *, refuse=range(0), room=lambda _: 1e6, seconds=200):
    """Steps of 200 ms; what the session said, and its journal."""
    loaded = load(("BTCUSDT",), ("risk.grades.min_stay_sec=1",))
    header = journal_header(loaded, identity_of("s", ["BTCUSDT"]), mode="paper", seed=5)
    engine = build_engine(
        EngineSpec(
            instruments=[core.Instrument("BTCUSDT", "0.1", "0.001")],
            configs=[loaded.config],
            simulator=sim_params(loaded.config),
            seed=5,
            bar_ns=NS_PER_MIN,
            record=True,
            journal=header,
        )
    )
    market = core.MarketGenerator(5, "calm", 50_000.0, "0.1", "0.001", START_NS)
    writer = FailingWriter(directory, refuse)
    journal = SessionJournal(writer, "mmx-", goes_on=True)
    said: list[str] = []
    guard = StorageCompanion(StorageGuard(LIMITS), journal, said.append, room=room)
    companions: list[Any] = [guard, journal]
    for each in companions:
        each.begin(engine, START_NS)
    until_ns = START_NS
    while until_ns < START_NS + seconds * NS_PER_SEC:
        until_ns += 200 * NS_PER_MS
        while engine.advance(None, until_ns):
            engine.advance(market.next_chunk(1000), until_ns - 200 * NS_PER_MS, 0)
        for each in companions:
            each.step(engine, until_ns, ())
    engine.stop()
    engine.finish("duration")
    for each in companions:
        each.close(engine, until_ns, ())
    return said, writer.path


def intents(path, holds):
    """Requests by action, while the session was held back."""
    found: dict[str, int] = {}
    held = False
    for record in JournalReader(path).records(kinds=["control", "intent", "sync"]):
        if record["kind"] == "control" and record["control"] == "storage_hold":
            held = record["on"]
            holds.append(held)
            waits = held
        elif record["kind"] == "sync":
            waits = False
        elif held and not waits:
            found[record["action"]] = found.get(record["action"], 0) + 1
    return found


@pytest.mark.spec("08-5.4")
def test_while_the_journal_finds_no_room_nothing_is_quoted_and_afterwards_it_goes_on(tmp_path):
    said, path = play(tmp_path, refuse=range(100, 200), seconds=60)
    assert len(said) == 2
    assert said[0].startswith("E_STORE_DISK: ")
    assert said[0].endswith("; quoting pauses")
    assert said[1] == "storage: quoting resumes"
    holds: list[bool] = []
    assert set(intents(path, holds)) == {"cancel"}, "cancels stay allowed, nothing else goes out"
    assert holds == [True, False]
    last = list(JournalReader(path).records(kinds=["control", "intent"]))
    after = last[[r["kind"] == "control" and r.get("on") is False for r in last].index(True) :]
    assert any(r.get("action") == "place" for r in after), "it quotes again"
    found = replay_journal(path)
    assert found.diff_seq is None, "what was refused went in first, in order"


@pytest.mark.spec("08-5.4")
def test_a_nearly_full_disk_pauses_quoting_before_it_is_full(tmp_path, monkeypatch):
    ticks = iter(range(0, 10**12, NS_PER_SEC))
    monkeypatch.setattr("mmbot.trading.storage_guard.clock.monotonic_ns", lambda: next(ticks))
    readings = iter([900.0] * 50 + [400.0] * 50 + [520.0] * 50 + [600.0] * 10_000)
    said, path = play(tmp_path, room=lambda _: next(readings), seconds=60)
    assert said == [
        "E_STORE_DISK: storage.min_free_mb: 400 MiB are free, 500 are needed; quoting pauses",
        "storage: quoting resumes",
    ]
    holds: list[bool] = []
    assert set(intents(path, holds)) == {"cancel"}
    assert holds == [True, False]


@pytest.mark.spec("08-5.4")
def test_a_session_whose_journal_cannot_be_begun_does_not_start(tmp_path):
    with pytest.raises(StoreError, match="E_STORE_DISK"):
        play(tmp_path, refuse=range(1, 2))


def test_without_leave_to_go_on_a_refused_record_ends_the_session(tmp_path):
    writer = FailingWriter(tmp_path, range(1, 2))
    journal = SessionJournal(writer, "mmx-")
    framer = core.JournalFramer()
    framer.push({"kind": "note", "ts_ns": 0, "text": "x"})

    class Engine:
        def take_journal(self) -> bytes:
            return framer.take()

    engine: Any = Engine()
    with pytest.raises(StoreError, match="E_STORE_DISK"):
        journal.begin(engine, 0)
    writer.close()
