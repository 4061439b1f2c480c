"""The public stream goes into the core first, then into the record; deafness is both's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mmbot.trading.live.fault_kinds import ALL_SYMBOLS
from mmbot.trading.live.hearing import MarketEar
from mmbot.venues.ports import GapReason, PublicFrame, PublicGap

SYMBOLS = ("BTCUSDT", "ETHUSDT")


class Stage:
    """A core, a sender and a record that write down in which order they are told."""

    def __init__(self, requests=0, fails=False):
        self.told: list[tuple[object, ...]] = []
        self.requests, self.fails = requests, fails
        self.broken: list[str] = []
        desk = cast("Any", SimpleNamespace(core=self, clock=lambda: 77))
        tap = SimpleNamespace(
            on_frame=lambda frame: self.told.append(("record", frame.data)),
            on_gap=lambda gap: self.told.append(("mark", gap.reason, gap.recv_ns)),
        )
        self.ear = MarketEar(
            desk,
            cast("Any", SimpleNamespace(resubscribe=tuple)),
            SYMBOLS,
            pump=lambda: self.told.append(("pump",)),
            spawn=self.spawn,
            log=lambda line: self.told.append(("log", line)),
            tap=cast("Any", tap),
        )

    def on_frame(self, data, recv_ns):
        self.told.append(("core", data, recv_ns))
        if self.fails:
            raise ValueError("a strategy")
        return self.requests

    def on_gap(self, symbol, recv_ns):
        self.told.append(("gap", symbol, recv_ns))

    def take_resubscribes(self):
        return self.broken

    def spawn(self, work, name):
        self.told.append((name, work))


def frame(data=b"{}"):
    return PublicFrame(5, data)


@pytest.mark.spec("01-9.1")
def test_what_the_core_asks_for_leaves_before_the_frame_is_recorded():
    stage = Stage(requests=2)
    stage.ear.hear(frame())
    assert stage.told == [("core", b"{}", 5), ("pump",), ("record", b"{}")]
    quiet = Stage()
    quiet.ear.hear(frame())
    assert quiet.told == [("core", b"{}", 5), ("record", b"{}")]


def test_a_frame_at_which_the_core_fails_is_recorded_all_the_same():
    stage = Stage(fails=True)
    with pytest.raises(ValueError, match="a strategy"):
        stage.ear.hear(frame())
    assert stage.told[-1] == ("record", b"{}")


def test_a_gap_breaks_its_books_and_is_marked():
    stage = Stage()
    stage.ear.hear(PublicGap(9, ("ETHUSDT",), GapReason.LAGGING))
    assert stage.told == [
        ("gap", "ETHUSDT", 9),
        ("pump",),
        ("mark", GapReason.LAGGING, 9),
        ("log", "| market | GAP | lagging ETHUSDT |"),
    ]


@pytest.mark.spec("08-5.4")
def test_where_nothing_can_be_written_nothing_is_heard_and_the_recording_says_so():
    stage = Stage()
    assert not stage.ear.set_deaf(is_deaf=True)
    assert not stage.ear.set_deaf(is_deaf=True)
    stage.ear.hear(frame())
    marks = [("gap", "BTCUSDT", 77), ("gap", "ETHUSDT", 77), ("pump",)]
    assert stage.told == [*marks, ("mark", GapReason.STORAGE, 77)]
    assert stage.ear.set_deaf(is_deaf=False), "the books have to be subscribed anew"
    stage.ear.hear(frame())
    assert stage.told[-1] == ("record", b"{}")


def test_books_that_nobody_told_of_are_asked_for_anew():
    stage = Stage()
    stage.broken = ["B", SYMBOLS[0]]
    stage.ear.hear(PublicGap(9, SYMBOLS[:1], GapReason.LAGGING))
    assert ("resubscribe", ("B",)) in stage.told, "whoever tells of a gap asks for its own"


def test_gaps_are_counted_by_reason_once_for_all_symbols():
    stage = Stage()
    for symbols in (SYMBOLS, SYMBOLS[::-1], SYMBOLS[:1]):
        stage.ear.hear(PublicGap(5, symbols, GapReason.LAGGING))
    stage.ear.set_deaf(is_deaf=True)
    assert stage.ear.gaps == {
        (GapReason.LAGGING, ALL_SYMBOLS): 2,
        (GapReason.LAGGING, SYMBOLS[0]): 1,
        (GapReason.STORAGE, ALL_SYMBOLS): 1,
    }
