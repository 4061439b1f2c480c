"""The queue before the disk: never waits, counts and marks what finds no room."""

import json
import threading
from dataclasses import dataclass

import pytest

from mmbot.errors import StoreError
from mmbot.market.frames import CaptureHead, CaptureReader, FrameKind, FrameRecorder
from mmbot.market.frames.writer import CaptureWriter

HEAD = CaptureHead(exchange="bybit", market="linear")


@dataclass(frozen=True)
class Received:
    recv_ns: int
    data: bytes


@dataclass(frozen=True)
class Broken:
    recv_ns: int
    symbols: tuple[str, ...]
    reason: str


def recorder(directory, **options):
    return FrameRecorder(directory, HEAD, now_ns=lambda: 1, **options)


@pytest.mark.spec("01-9.1")
def test_frames_and_gaps_are_on_the_disk_when_it_closes(tmp_path):
    one = recorder(tmp_path)
    given_in = [Received(n, b'{"n":%d}' % n) for n in range(5000)]
    for frame in given_in:
        one.on_frame(frame)
    one.on_gap(Broken(5000, ("BTCUSDT",), "disconnected"))
    one.close()
    *found, gap = CaptureReader(tmp_path).frames()
    assert [Received(frame.recv_ns, frame.data) for frame in found] == given_in
    assert gap.kind is FrameKind.GAP
    assert json.loads(gap.data) == {"reason": "disconnected", "symbols": ["BTCUSDT"]}
    counters = one.counters()
    assert (counters.frames, counters.lost, counters.errors) == (5001, 0, 0)


@pytest.mark.spec("01-9.1")
def test_what_finds_no_room_is_counted_and_marked_and_nobody_waits(tmp_path, monkeypatch):
    gate = threading.Event()
    entered = threading.Event()
    append = CaptureWriter.append

    def slow(self, frames):
        entered.set()
        gate.wait(30)
        append(self, frames)

    monkeypatch.setattr(CaptureWriter, "append", slow)
    one = recorder(tmp_path, queue_bytes=1000)
    one.on_frame(Received(0, b"x" * 300))
    assert entered.wait(30)
    for n in range(1, 11):
        one.on_frame(Received(n, b"y" * 300))
    gate.set()
    while one.counters().frames < 2:
        threading.Event().wait(0.01)
    one.on_frame(Received(11, b"z"))
    one.close()
    found = list(CaptureReader(tmp_path).frames())
    kinds = [frame.kind for frame in found]
    assert (
        kinds
        == [FrameKind.RECEIVED, FrameKind.RECEIVED, FrameKind.GAP, FrameKind.RECEIVED][
            4 - len(kinds) :
        ]
    )
    mark = next(json.loads(frame.data) for frame in found if frame.kind is FrameKind.GAP)
    received = sum(frame.kind is FrameKind.RECEIVED for frame in found)
    assert mark["reason"] == "overflow"
    assert received + mark["lost"] == 12
    assert one.counters().lost == mark["lost"]


def test_a_disk_that_refuses_is_tried_again_and_nothing_is_lost(tmp_path, monkeypatch):
    append = CaptureWriter.append
    refusals = iter([True, True])

    def refusing(self, frames):
        if next(refusals, False):
            raise StoreError("E_REC_WRITE", "file=x", "No space left on device")
        append(self, frames)

    monkeypatch.setattr(CaptureWriter, "append", refusing)
    one = recorder(tmp_path)
    one.on_frame(Received(1, b"a"))
    while one.counters().errors < 2:
        threading.Event().wait(0.01)
    one.close()
    assert list(CaptureReader(tmp_path).wire()) == [b"a"]
    assert one.counters().errors == 2


def test_frames_that_the_disk_refuses_to_the_end_are_an_error(tmp_path, monkeypatch):
    def refusing(self, frames):
        raise StoreError("E_REC_WRITE", "file=x", "No space left on device")

    monkeypatch.setattr(CaptureWriter, "append", refusing)
    one = recorder(tmp_path)
    one.on_frame(Received(1, b"a"))
    with pytest.raises(StoreError, match="E_REC_WRITE"):
        one.close()


def test_a_sink_is_told_of_what_is_on_the_disk(tmp_path):
    told = []

    class Sink:
        def on_frames(self, frames):
            told.extend(frames)
            on_disk = {frame.data for frame in CaptureReader(tmp_path).frames()}
            assert {data for _, _, data in frames} <= on_disk

    one = recorder(tmp_path, sink=Sink())
    for n in range(3):
        one.on_frame(Received(n, b"%d" % n))
    one.close()
    assert told == [(n, 0, b"%d" % n) for n in range(3)]
