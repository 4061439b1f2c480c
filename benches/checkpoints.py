"""What checkpoints cost: `python -m benches.checkpoints [SYMBOLS]`.

Runs the same generated session with and without them, one a second so that they weigh enough to be
told apart from noise, and prints processor time and bytes of one.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import Final

from mmbot import core
from mmbot.config import ConfigRequest, load_config, sim_params
from mmbot.trading.engine import EngineSpec, build_engine
from mmbot.trading.identity import SessionIdentity
from mmbot.trading.journaling import journal_header
from mmbot.units import NS_PER_MIN, NS_PER_SEC, NS_PER_US

SECONDS: Final = 300
ROUNDS: Final = 7
GRID: Final = ("0.1", "0.001")
PX: Final = 50_000.0


@dataclass(slots=True)
class Cost:
    """Of one session; the time is the engine's and the journal's, not the generator's."""

    cpu_ns: int = 0
    count: int = 0
    size_bytes: int = 0


def main(count: int) -> None:
    """Measure and print."""
    symbols = tuple(f"S{n}USDT" for n in range(count))
    costs = []
    for _ in range(ROUNDS):
        without, taken = (_session(symbols, checkpoints=on) for on in (False, True))
        costs.append((taken.cpu_ns - without.cpu_ns) / taken.count / NS_PER_US)
    print(f"{count} symbols: {median(costs):.0f} us, {taken.size_bytes / taken.count:,.0f} bytes")


def _session(symbols: tuple[str, ...], *, checkpoints: bool) -> Cost:
    loaded = load_config(ConfigRequest(symbols=symbols, sets=("journal.snapshot_interval_s=1",)))
    identity = SessionIdentity("bench", "mmbench-", "0" * 8, symbols)
    header = journal_header(loaded, identity, mode="paper", seed=5)
    engine = build_engine(
        EngineSpec(
            instruments=[core.Instrument(symbol, *GRID) for symbol in symbols],
            configs=[loaded.config],
            simulator=sim_params(loaded.config),
            seed=5,
            bar_ns=NS_PER_MIN,
            record=False,
            journal={**header, "checkpoints": checkpoints},
        )
    )
    markets = [core.MarketGenerator(5 + n, "mixed", PX, *GRID, 0) for n in range(len(symbols))]
    cost = Cost()
    for until_ns in range(NS_PER_SEC, SECONDS * NS_PER_SEC, NS_PER_SEC):
        while (at := _wanting(engine, until_ns, cost)) is not None:
            chunk = markets[at].next_chunk(5_000)
            started_ns = time.process_time_ns()
            engine.advance(chunk, until_ns - NS_PER_SEC, at)
            cost.cpu_ns += time.process_time_ns() - started_ns
    return cost


def _wanting(engine: core.Backtest, until_ns: int, cost: Cost) -> int | None:
    """Goes on as far as the data allow; the instrument that needs more of them."""
    started_ns = time.process_time_ns()
    at = engine.hungriest() if engine.advance(None, until_ns) else None
    engine.take_journal()
    for checkpoint in engine.take_checkpoints():
        cost.count += 1
        cost.size_bytes += len(checkpoint.state) + len(checkpoint.head(file=0, offset=0))
    cost.cpu_ns += time.process_time_ns() - started_ns
    return at


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
