"""The live path over real sockets: `python -m benches.loopback [SECONDS]`.

A venue on this machine sends recorded frames (`MMBOT_REAL_DATA`) to `mmbot run --mode live`, a
process of its own with everything that belongs to it: books, signals, guards and strategy, the
journal on the disk, the private stream. What is timed is how long it takes from handing a frame to
the socket library until the library hands over the first order request that answers it. Between
every two frames the same is done with an echo, a third process that has nothing but the socket
library: what it takes is what sockets cost here, and the ratio is what mmbot adds. Frames that lead
to no request have no time of this kind.

`--busy-poll` measures a session that never sleeps (`runtime.busy_poll`).
`--profile=FILE` writes where the session spent its time (cProfile, which slows it down), `--loud`
shows what it says.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benches.live_path import CAPTURE, GRIDS, PERCENTILES, TIMES, Frame, recorded
from benches.loopback_venue import ECHO, PUBLIC, LoopbackVenue
from hdrh.histogram import HdrHistogram

ROOT: Final = Path(__file__).parents[1]
MMBOT: Final = Path(sys.executable).parent / "mmbot"
SECONDS: Final = 60
# Long enough for an answer, and for what follows from it to be over.
ANSWER_SEC: Final = 0.004
REST_SEC: Final = 0.002
WARM_UP: Final = 500
SETS: Final = (
    "runtime_guard.enabled=false",
    "portfolio.budget_usd=20000",
    "portfolio.levels_per_side_min=3",
    "bybit.environment=custom",
    # a session that may ask as often as it likes gives more samples of the same path
    "trading.quote_refresh_ms=10",
    "latency_boost.replace.min_interval_ms=0",
    "latency_boost.replace.replace_rate_per_min=1000000",
    "limits.max_gross_exposure_usd=1e12",
    "throttle.max_creates_per_sec=100000",
    "throttle.max_amends_per_sec=100000",
    "throttle.max_cancels_per_sec=100000",
    "autopolicy.enabled=false",
)


def histogram() -> HdrHistogram:
    """Nanoseconds up to ten seconds, to three digits."""
    return HdrHistogram(1, 10_000_000_000, 3)


@dataclass(slots=True)
class Trips:
    """Round trips of one kind, ns; one is under way at a time."""

    times: HdrHistogram = field(default_factory=histogram)
    count: int = 0
    back_ns: int | None = None
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def back(self, came_ns: int) -> None:
        """The first frame that comes back counts."""
        if self.back_ns is None:
            self.back_ns = came_ns
            self.came.set()

    async def take(self, venue: LoopbackVenue, path: str, frame: bytes, *, kept: bool) -> None:
        """Send a frame, wait for what comes back."""
        self.back_ns = None
        self.came.clear()
        began_ns = venue.send(path, frame)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SEC):
                await self.came.wait()
        if kept:
            self._keep(began_ns)

    def _keep(self, began_ns: int) -> None:
        if self.back_ns is not None:
            self.times.record_value(self.back_ns - began_ns)
            self.count += 1


async def measured(venue: LoopbackVenue, frames: Sequence[Frame], seconds: float) -> list[Trips]:
    """Frames and echoes in turn, for a time; round trips of both."""
    orders, echoes = Trips(), Trips()
    venue.on_order, venue.on_echo = orders.back, echoes.back
    number, until_ns = 0, time.monotonic_ns() + int(seconds * 1e9)
    while time.monotonic_ns() < until_ns:
        frame = frames[number % len(frames)][0]
        now_ms = time.time_ns() // 1_000_000
        frame = TIMES.sub(lambda found: b'"%s":%d' % (found[1], now_ms), frame)  # noqa: B023
        kept = number >= WARM_UP
        await echoes.take(venue, ECHO, frame, kept=kept)
        await asyncio.sleep(REST_SEC)
        await orders.take(venue, PUBLIC, frame, kept=kept)
        await asyncio.sleep(REST_SEC)
        number += 1
    venue.on_order = venue.on_echo = lambda _: None
    return [echoes, orders]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def session(
    place: Path, rest: str, streams: str, profile: str | None
) -> asyncio.subprocess.Process:
    """`mmbot run --mode live` in a directory of its own."""
    (place / "config").mkdir()
    (place / "config" / "app.yaml").write_text("{}\n", encoding="ascii")
    never_sleeps = "true" if "--busy-poll" in sys.argv else "false"
    sets = (
        *SETS,
        f"runtime.busy_poll={never_sleeps}",
        *(f"monitoring.{name}_port={free_port()}" for name in ("health", "metrics")),
        f"bybit.rest_url={rest}",
        f"bybit.stream_url={streams}",
    )
    tracing = () if profile is None else ("-m", "cProfile", "-o", profile)
    return await asyncio.create_subprocess_exec(
        *(sys.executable, *tracing, str(MMBOT), "run", "--mode", "live", "--venue", "bybit"),
        *("--headless", "--i-understand-live"),
        *(word for symbol in GRIDS for word in ("--symbol", symbol)),
        *(word for one in sets for word in ("--set", one)),
        cwd=place,
        env=os.environ | {"BYBIT_API_KEY": "loopback", "BYBIT_API_SECRET": "loopback"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=None if "--loud" in sys.argv else asyncio.subprocess.DEVNULL,
    )


async def echo(url: str) -> None:
    """What the third process does: send back what comes."""
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect  # noqa: PLC0415

    class Echo(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            transport.send(WSMsgType.TEXT, frame.get_payload_as_bytes())

    transport, _ = await ws_connect(Echo, url)
    await transport.wait_disconnected()


def table(trips: Sequence[Trips]) -> list[str]:
    """The printed table, us, and the ratio of the rows."""
    names = ("echo of the bare library", "frame to order request")
    rows = [[one.times.get_value_at_percentile(p) / 1e3 for p in PERCENTILES] for one in trips]
    lines = [
        "| round trip, us | samples | " + " | ".join(f"p{p:g}" for p in PERCENTILES) + " |",
        "|" + "---|" * (len(PERCENTILES) + 2),
    ]
    for name, one, row in zip(names, trips, rows, strict=True):
        lines.append(f"| {name} | {one.count:,} | " + " | ".join(f"{us:.0f}" for us in row) + " |")
    ratios = [ours / bare for bare, ours in zip(*rows, strict=True)]
    return [*lines, "| ratio | | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |"]


async def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["--echo"]:
        await echo(arguments[1])
        return
    seconds = next((float(one) for one in arguments if one.isdigit()), SECONDS)
    profile = next(
        (one.partition("=")[2] for one in arguments if one.startswith("--profile=")), None
    )
    frames = recorded(Path(os.environ["MMBOT_REAL_DATA"]) / CAPTURE)
    venue = LoopbackVenue(GRIDS)
    rest, streams = await venue.start()
    echoing = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benches.loopback", "--echo", f"{streams}{ECHO}", cwd=ROOT
    )
    with tempfile.TemporaryDirectory() as place:
        trading = await session(Path(place), rest, streams, profile)
        try:
            while not venue.is_ready():
                assert trading.returncode is None, "the session runs"
                await asyncio.sleep(0.05)
            print("\n".join(table(await measured(venue, frames, seconds))), flush=True)
            print(f"{venue.orders} orders", file=sys.stderr)
            trading.send_signal(signal.SIGTERM)
            await trading.wait()
        finally:
            for process in (trading, echoing):
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await venue.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
