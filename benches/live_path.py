"""The live path inside one process: `python -m benches.live_path [FRAMES [ROUNDS]]`.

Bytes of a recorded Bybit feed (`MMBOT_REAL_DATA`, 42 s of linear BTCUSDT and SOLUSDT) go in one by
one, repeated with shifted times; bytes of order requests come out. What is timed is what has to
happen before a request may leave: the frame is decoded, books and signals follow, guards and
strategy decide, the records are written to the journal's file with write(2), and the requests are
encoded for the trade socket. A venue that does what it is asked for answers every request; taking
in its reports is timed apart.

Two sessions, each with every guard and cap on: the built-in quoter, and a strategy in Python.
Every round repeats the same frames, and a session does exactly the same with them. `wall` is the
time of a frame by the clock on the wall in all rounds; `quiet` is the least that a frame took of
the processor in any round, which is the frame's own work: what is more on a shared machine is
somebody else's. `offered` adds to `quiet` the time in the queue when frames come at 50,000 a
second, evenly spaced, and reports take their turn between them (Lindley's recursion, so that one
slow frame delays those behind it).
Snapshots of 200 levels a side come far oftener here than from a venue, once a repetition, and
stand apart. `--instructions` counts instructions a frame under valgrind, as the difference of two
lengths.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from benches.sessions import CAPS, FAR
from hdrh.histogram import HdrHistogram

from mmbot import core
from mmbot.config import AppConfig, lane_params
from mmbot.config.session import session_params
from mmbot.market.importers.sources import blocks

Strategy = Callable[[dict[str, Any]], Sequence[tuple[str, float, float]]]
Frame = tuple[bytes, int]

CAPTURE: Final = "bybit/bybit_v5_20260809_linear-BTCUSDT-SOLUSDT_spot-BTCUSDT.jsonl.zst"
LINEAR: Final = "BYBIT.ws.2"
GRIDS: Final = {"BTCUSDT": ("0.1", "0.001"), "SOLUSDT": ("0.01", "0.1")}
OFFERED_PER_S: Final = 50_000
FRAMES: Final = 50_000
ROUNDS: Final = 7
WARM_UP: Final = 2_000
REPEAT_NS: Final = 43_000_000_000
TIMES: Final = re.compile(rb'"(ts|cts|T)":(\d{13})')
VALGRIND: Final = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
COLLECTED: Final = re.compile(r"Collected : (\d+)")
PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9)


def recorded(path: Path) -> list[Frame]:
    """Book and trade frames of the linear connection with their times of receipt."""
    frames = []
    for line in b"".join(blocks(str(path))).splitlines():
        entry = json.loads(line)
        if entry["t"] != "recv" or entry["conn"] != LINEAR:
            continue
        if entry["data"].startswith(('{"topic":"orderbook.', '{"topic":"publicTrade.')):
            frames.append((entry["data"].encode(), round(entry["ts"] * 1e9)))
    assert len(frames) > 500, "the capture has frames"
    return frames


def repeated(frames: Sequence[Frame], count: int) -> Iterator[Frame]:
    """`count` frames: the recording again and again, each time later."""
    for number in range(count):
        frame, recv_ns = frames[number % len(frames)]
        shift_ns = number // len(frames) * REPEAT_NS
        yield TIMES.sub(_later(shift_ns // 1_000_000), frame), recv_ns + shift_ns


def _later(shift_ms: int) -> Callable[[re.Match[bytes]], bytes]:
    return lambda found: b'"%s":%d' % (found[1], int(found[2]) + shift_ms)


def quotes(view: dict[str, Any]) -> list[tuple[str, float, float]]:
    """A strategy in Python: three levels a side around the microprice."""
    if not view["synced"]:
        return []
    mid, tick = view["mid"], view["tick_size"]
    half = max(mid * 1.2e-4, tick)
    skew = half * 0.5 * view["micro_tilt"]
    size = view["target_usd"] / 3 / mid
    return [
        (side, mid + skew + sign * half * (1 + 0.5 * level), size)
        for side, sign in (("buy", -1), ("sell", 1))
        for level in range(3)
    ]


def session_of(strategy: Strategy | None, start_ns: int) -> core.LiveSession:
    """A session with every guard and cap on."""
    symbols = list(GRIDS)
    config = AppConfig.model_validate(
        {
            "portfolio": {"budget_usd": 20_000.0, "levels_per_side_min": 3},
            "trading": {"symbols": symbols},
        }
    )
    kind = {} if strategy is None else {"strategy.kind": "external"}
    limits = {"limits.max_gross_exposure_usd": FAR}
    day_ns = 86_400_000_000_000
    return core.LiveSession(
        [core.Instrument(name, *GRIDS[name], min_notional_usd=5.0) for name in symbols],
        [lane_params(config, name) | kind | limits for name in symbols],
        session_params(config, symbols, open_ns=[(0, start_ns + day_ns)]) | dict(CAPS),
        journal={
            "session_id": "bench",
            "mode": "live",
            "ts_ns": start_ns,
            "cid_prefix": "mm0bench-",
            "config": b"{}",
            "hash_every_ns": 60_000_000_000,
        },
        strategy=strategy,
    )


@dataclass(slots=True)
class Times:
    """Of one run, ns; `reports` is what taking in reports took after each frame."""

    wall: list[int] = field(default_factory=list)
    processor: list[int] = field(default_factory=list)
    reports: list[int] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    snapshots: list[bool] = field(default_factory=list)


def offered(processor: np.ndarray, reports: np.ndarray) -> np.ndarray:
    """Time from arrival to the end of the work, at the offered rate, ns."""
    gap_ns, free_ns = 1e9 / OFFERED_PER_S, 0.0
    out = np.empty(len(processor))
    for number, (service, after) in enumerate(zip(processor, reports, strict=True)):
        arrived = number * gap_ns
        free_ns = max(arrived, free_ns) + service
        out[number] = free_ns - arrived
        free_ns += after
    return out


def run(strategy: Strategy | None, frames: Sequence[Frame], journal: int) -> Times:
    """Time the path of every frame; `journal` is the file of the journal."""
    session = session_of(strategy, frames[0][1])
    times, req_id = Times(), 1
    clock, used = time.perf_counter_ns, time.thread_time_ns
    for frame, recv_ns in frames:
        used_before, started = used(), clock()
        waiting = session.on_frame(frame, recv_ns)
        os.write(journal, session.take_journal())
        requests: Sequence[core.OrderRequest] = ()
        if waiting:
            requests = session.take_requests()
            for _, alike in itertools.groupby(requests, key=lambda one: (one.kind, one.symbol)):
                core.bybit_order_frame(
                    list(alike), timestamp_ms=recv_ns // 1_000_000, req_id=f"bench-{req_id}"
                )
                req_id += 1
        ended, used_after = clock(), used()
        times.wall.append(ended - started)
        times.processor.append(used_after - used_before)
        times.requests.append(waiting)
        times.snapshots.append(b'"type":"snapshot","ts"' in frame and b"orderbook." in frame[:24])
        if waiting:
            assert len(requests) == waiting
            answer(session, requests, recv_ns + 400_000)
        times.reports.append(used() - used_after)
    return times


def answer(session: core.LiveSession, requests: Sequence[core.OrderRequest], recv_ns: int) -> None:
    """A venue that does what it is asked for."""
    for request in requests:
        ts_ns = recv_ns - 100_000
        match request.kind:
            case "place":
                session.on_report(
                    request.symbol, recv_ns, request.cid, "accepted", ts_exch_ns=ts_ns
                )
            case "cancel":
                session.on_report(
                    request.symbol, recv_ns, request.cid, "cancelled", ts_exch_ns=ts_ns
                )
            case _:
                session.on_report(
                    request.symbol,
                    recv_ns,
                    request.cid,
                    "amended",
                    ts_exch_ns=ts_ns,
                    px=request.price_ticks or 0,
                    open_qty=request.qty_lots or 0,
                )


def percentiles(values: np.ndarray) -> list[float]:
    """Those of `PERCENTILES`, in the unit of the values (us), from a histogram of nanoseconds."""
    histogram = HdrHistogram(1, 10_000_000_000, 3)
    for value in values:
        histogram.record_value(max(1, round(value * 1e3)))
    return [histogram.get_value_at_percentile(one) / 1e3 for one in PERCENTILES]


def table(name: str, rounds: Sequence[Times]) -> list[str]:
    """Rows of the printed table, us."""
    first = rounds[0]
    sent = np.array(first.requests[WARM_UP:]) > 0
    whole = np.array(first.snapshots[WARM_UP:])
    quiet = np.array([times.processor for times in rounds]).min(axis=0)
    reports = np.array([times.reports for times in rounds]).min(axis=0)
    kinds = {
        "wall": [np.array(times.wall[WARM_UP:]) / 1e3 for times in rounds],
        "quiet": [quiet[WARM_UP:] / 1e3],
        "offered": [offered(quiet, reports)[WARM_UP:] / 1e3],
    }
    parts = {"all": ~whole, "with requests": ~whole & sent, "snapshots": whole}
    rows = {
        f"{kind}, {what}": np.concatenate([one[chosen] for one in values])
        for what, chosen in parts.items()
        for kind, values in kinds.items()
    }
    return [
        f"| {name} | {what} | {len(values):,} | "
        + " | ".join(f"{value:.1f}" for value in percentiles(values))
        + f" | {values.max():.0f} |"
        for what, values in rows.items()
    ]


def measured(count: int, rounds: int) -> None:
    """Print the table of both sessions."""
    real = Path(os.environ["MMBOT_REAL_DATA"]) / CAPTURE
    frames = list(repeated(recorded(real), WARM_UP + count))
    print("| strategy | us | frames | " + " | ".join(f"p{p:g}" for p in PERCENTILES) + " | max |")
    print("|" + "---|" * (len(PERCENTILES) + 4))
    gc.collect()
    gc.freeze()
    for name, strategy in (("built-in", None), ("python", quotes)):
        done = []
        for _ in range(rounds):
            with tempfile.TemporaryFile() as file:
                done.append(run(strategy, frames, file.fileno()))
        assert len({tuple(times.requests) for times in done}) == 1, "every round does the same"
        print("\n".join(table(name, done)), flush=True)


def instructions(count: int) -> None:
    """Print instructions a frame, without those that make the feed."""
    feed = _instructions("feed", count)
    for name in ("built-in", "python"):
        print(f"{name}: {_instructions(name, count) - feed:,.0f} instructions a frame", flush=True)


def _instructions(name: str, count: int) -> float:
    """Instructions a frame of one kind of run, from two lengths."""
    counted = []
    for frames in (count, 2 * count):
        command = [sys.executable, "-m", "benches.live_path", str(frames), f"--only={name}"]
        done = subprocess.run([*VALGRIND, *command], capture_output=True, text=True, check=True)
        found = COLLECTED.search(done.stderr)
        assert found, done.stderr
        counted.append(int(found[1]))
    return (counted[1] - counted[0]) / count


def main(arguments: Sequence[str]) -> None:
    numbers = [int(one) for one in arguments if one.isdigit()]
    count = numbers[0] if numbers else FRAMES
    only = [one.removeprefix("--only=") for one in arguments if one.startswith("--only=")]
    if only:
        real = Path(os.environ["MMBOT_REAL_DATA"]) / CAPTURE
        frames = list(repeated(recorded(real), count))
        if only[0] != "feed":
            with tempfile.TemporaryFile() as file:
                run(quotes if only[0] == "python" else None, frames, file.fileno())
    elif "--instructions" in arguments:
        instructions(count)
    else:
        measured(count, numbers[1] if len(numbers) > 1 else ROUNDS)


if __name__ == "__main__":
    main(sys.argv[1:])
