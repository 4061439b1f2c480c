"""What all guards of a session cost the comparison strategy: the same feed, with and without.

    python -m benches.guarded FEED.parquet [ROUNDS]

FEED is the feed that the benchmark makes (`.bench/data/feed_10m.parquet`). Guards are on and far
enough away that they watch and never act, so both sides send the same orders; that is checked.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benches.cases import REFERENCE_HALF_TICKS, REFERENCE_SKEW_TICKS
from benches.project import LOT_SIZE, SIM, SYMBOL, TICK_SIZE, read_chunks, reference_lane
from benches.sessions import CAPS, FAR, START_NS

from mmbot import core
from mmbot.config import AppConfig
from mmbot.config.session import session_params


def timed(
    chunks: Sequence[core.EventChunk], guards: Mapping[str, Any] | None
) -> tuple[float, tuple[int, int, int]]:
    """Seconds of one run, and its orders, cancels and fills."""
    lane = reference_lane(half_ticks=REFERENCE_HALF_TICKS, skew_ticks=REFERENCE_SKEW_TICKS)
    instrument = core.Instrument(SYMBOL, TICK_SIZE, LOT_SIZE)
    start = time.perf_counter()
    backtest = core.Backtest([instrument], [[lane]], sim=SIM, session=guards)
    for chunk in chunks:
        backtest.feed(chunk)
    backtest.finish()
    wall_s = time.perf_counter() - start
    found = backtest.result(0)
    return wall_s, (int(found["orders"]), int(found["cancels"]), int(found["fills_total"]))


def session() -> dict[str, Any]:
    """All guards of a session, far away."""
    config = AppConfig.model_validate(
        {"portfolio": {"budget_usd": FAR}, "trading": {"symbols": [SYMBOL]}}
    )
    return session_params(config, [SYMBOL], open_ns=[(0, 2 * START_NS)]) | dict(CAPS)


def main(feed: str, rounds: int = 5) -> int:
    guards = session()
    chunks = list(read_chunks(Path(feed)))
    events = sum(len(chunk) for chunk in chunks)
    walls: dict[str, list[float]] = {"plain": [], "guarded": []}
    did = set()
    for _ in range(rounds):
        for name, given in (("plain", None), ("guarded", guards)):
            wall_s, what = timed(chunks, given)
            walls[name].append(wall_s)
            did.add(what)
    if len(did) != 1:
        print(f"not the same work: {sorted(did)}")
        return 1
    median = {name: statistics.median(values) for name, values in walls.items()}
    for name, wall_s in median.items():
        print(f"{name:8} {wall_s:.3f} s  {events / wall_s / 1e6:.1f} M events/s")
    print(f"guarded over plain {median['guarded'] / median['plain']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *(int(value) for value in sys.argv[2:3])))
