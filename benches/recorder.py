"""What recording the wire costs: `python -m benches.recorder CAPTURE...`.

`CAPTURE` is a file of the formats `<receive time> <frame>` a line or one JSON object a line, packed
or not. For each: messages recorded a second of processor time, all threads together (the loop that
queues, the thread that writes), while they come at 200,000 a second; how much smaller the files are
than the frames; what queueing a frame takes; messages read back a second.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmbot.clock import monotonic_ns, sleep_ns
from mmbot.market.frames import CaptureHead, CaptureReader, FrameRecorder
from mmbot.market.importers.sources import blocks
from mmbot.units import NS_PER_MS, NS_PER_SEC

MESSAGES = 400_000
# 200,000 messages a second, a thousand at a time.
BURST = 1_000
BURST_NS = 5 * NS_PER_MS


@dataclass(frozen=True, slots=True)
class Received:
    """A frame as a connector hands it on."""

    recv_ns: int
    data: bytes


def main(paths: list[str]) -> None:
    """Measure and print."""
    print("| capture | messages | a second and core | smaller | queued in, p50 / p99 | read |")
    print("|---|---|---|---|---|---|")
    for path in paths:
        found = frames_of(path)
        with tempfile.TemporaryDirectory() as directory:
            print(_line(Path(path).name, found, Path(directory)))


def frames_of(path: str) -> list[Received]:
    """The frames of a capture, once."""
    text = b"".join(blocks(path))
    found = []
    for line in text.splitlines():
        if line.startswith(b"{"):
            record = json.loads(line)
            if record.get("t") == "recv":
                recv_ns = round(record["ts"] * NS_PER_SEC)
                found.append(Received(recv_ns, record["data"].encode()))
        else:
            stamp, _, data = line.partition(b" ")
            found.append(Received(int(stamp), data))
    return found


def _line(name: str, frames: list[Received], directory: Path) -> str:
    once = directory / "once"
    recorder = FrameRecorder(once, HEAD, queue_bytes=1 << 31)
    for frame in frames:
        recorder.on_frame(frame)
    recorder.close()
    size = sum(path.stat().st_size for path in once.glob("*.mmf"))
    ratio = sum(len(frame.data) for frame in frames) / size
    rounds = -(-MESSAGES // len(frames))
    took, cpu_sec = _recorded(frames, rounds, directory / "many")
    count = rounds * len(frames)
    begin = monotonic_ns()
    read = sum(1 for _ in CaptureReader(directory / "many").wire())
    assert read == count
    read_sec = (monotonic_ns() - begin) / NS_PER_SEC
    p50, p99 = (np.percentile(took, q) for q in (50, 99))
    return (
        f"| {name} | {len(frames):,} | {count / cpu_sec:,.0f} | {ratio:.1f} times "
        f"| {p50:,.0f} / {p99:,.0f} ns | {count / read_sec:,.0f}/s |"
    )


def _recorded(frames: list[Received], rounds: int, directory: Path) -> tuple[list[float], float]:
    """Time of a frame in the queueing loop, burst by burst; processor time of everything."""
    took = []
    begin = time.process_time_ns()
    due_ns = monotonic_ns()
    # room for all: what a busy machine leaves undone for a while must not end the measurement
    recorder = FrameRecorder(directory, HEAD, queue_bytes=1 << 31)
    for _ in range(rounds):
        for at in range(0, len(frames), BURST):
            burst = frames[at : at + BURST]
            start = monotonic_ns()
            for frame in burst:
                recorder.on_frame(frame)
            took.append((monotonic_ns() - start) / len(burst))
            due_ns += BURST_NS
            sleep_ns(max(0, due_ns - monotonic_ns()))
    recorder.close()
    counters = recorder.counters()
    assert counters.lost == 0
    return took, (time.process_time_ns() - begin) / NS_PER_SEC


HEAD = CaptureHead(exchange="binance", market="usdm", url="wss://fstream.binance.com")

if __name__ == "__main__":
    main(sys.argv[1:])
