"""A session's recording is opened beside it: nothing is lost unseen, and nothing waits for it."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from mmbot.errors import StoreError
from mmbot.market.frames import CaptureHead, CaptureReader, FrameKind
from mmbot.market.venue_recording import VenueRecording
from mmbot.trading.live.recording import SessionRecording
from mmbot.venues.ports import GapReason, PublicFrame, PublicGap

HEAD = CaptureHead(exchange="bybit", market="linear", grids={"BTCUSDT": ("0.1", "0.001")})


def frame(number):
    return PublicFrame(1_000 + number, b'{"n":%d}' % number)


def recorded(tmp_path):
    return list(CaptureReader(tmp_path / "frames" / "venue=bybit-linear").frames())


def told(tmp_path):
    return [(one.recv_ns, one.kind, one.data) for one in recorded(tmp_path)]


def run(tmp_path, story, **options):
    """Tell a story to a recording that opens when the story says so; the lines that it logs."""
    lines: list[str] = []
    gate = threading.Event()

    def opener():
        gate.wait(10)
        return VenueRecording(str(tmp_path), HEAD, lines.append)

    async def tell():
        recording = SessionRecording(opener, lines.append, **options)
        recording.begin()
        await asyncio.sleep(0)
        await story(recording, gate)
        gate.set()
        await recording.close()

    asyncio.run(tell())
    return lines


@pytest.mark.spec("01-9.1")
def test_frames_that_come_before_it_is_open_are_recorded_in_their_order(tmp_path):
    async def story(recording, gate):
        recording.on_frame(frame(0))
        recording.on_gap(PublicGap(1_001, ("BTCUSDT",), GapReason.DISCONNECTED))
        recording.on_frame(frame(2))
        gate.set()
        while recording._recording is None:
            await asyncio.sleep(0.001)
        recording.on_frame(frame(3))

    lines = run(tmp_path, story)
    found = told(tmp_path)
    assert [one[0] for one in found] == [1_000, 1_001, 1_002, 1_003]
    assert [one[1] for one in found] == [
        FrameKind.RECEIVED,
        FrameKind.GAP,
        *[FrameKind.RECEIVED] * 2,
    ]
    assert lines[-1].startswith("| recorder | CLOSED | frames=4 ")


@pytest.mark.spec("01-9.1")
def test_what_finds_no_room_meanwhile_is_counted_and_marked(tmp_path):
    async def story(recording, _gate):
        for number in range(10):
            recording.on_frame(frame(number))

    run(tmp_path, story, waiting_bytes=3 * len(frame(0).data))
    found = told(tmp_path)
    assert [one[0] for one in found[:3]] == [1_000, 1_001, 1_002]
    assert found[3][1] is FrameKind.GAP
    mark = {"reason": "overflow", "lost": 7, "since_ns": 1_003}
    assert json.loads(found[3][2]) == mark
    assert len(found) == 4


def test_a_recording_that_cannot_be_had_is_one_line(tmp_path):
    lines: list[str] = []

    def opener():
        raise StoreError("E_REC_WRITE", "file=x", "somebody else records there")

    async def tell():
        recording = SessionRecording(opener, lines.append)
        recording.begin()
        recording.on_frame(frame(0))
        await asyncio.sleep(0.05)
        recording.on_frame(frame(1))
        await recording.close()

    asyncio.run(tell())
    (line,) = lines
    assert line.startswith("| recorder | WARN | the market is not recorded: E_REC_WRITE")


def test_one_that_was_never_begun_is_closed_without_a_word():
    lines: list[str] = []

    def opener():
        raise AssertionError("is not opened")

    asyncio.run(SessionRecording(opener, lines.append).close())
    assert lines == []
