"""`python -m benches.soak_frontier`: what the six parameters can reach, desk by desk.

For desks with and without the adverse guard and with several base spreads, constant settings are
traded as lanes of one engine: the corners of four hard ranges (with one symbol there is nothing to
allocate, so that ``impact_cap_ratio`` and ``max_delta_ratio`` move nothing). Two hours of the
synthetic market per seed, regime `mixed`, pooled over seeds; net edge in bps of turnover.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benches.soak_bars import FROZEN, lanes

from mmbot.config import AppConfig
from mmbot.config.loader import build
from mmbot.config.quoting import PARAMETERS, QuotingLayer, resolve
from mmbot.config.sources import ConfigRequest, read_sources
from mmbot.config.tree import dotted
from mmbot.research.report_markdown import markdown_table
from mmbot.soak.parameters import DEFAULTS, TUNABLES, Values

BASES: Final = (0.0, 0.5, 1.0, 2.0, 4.0)
AXES: Final = ("min_interval_ms", "replace_rate_per_min", "base_spread_bps_delta", "tail_age_ms")
MARKET: Final = {"data": None, "symbol": "BTCUSDT", "regime": "mixed"}


@dataclass(slots=True)
class Setting:
    """A desk under one setting, and what it made so far."""

    base_bps: float
    guard: bool
    values: Values
    net_usd: float = 0.0
    turnover_usd: float = 0.0

    @property
    def net_bps(self) -> float:
        """Net edge over all seeds."""
        return 1e4 * self.net_usd / self.turnover_usd if self.turnover_usd else 0.0


def main() -> int:
    """Trade all settings on all seeds and print the best and the worst of each desk."""
    parser = argparse.ArgumentParser(description="What constant settings earn.")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first-seed", type=int, default=1)
    given = parser.parse_args()
    for guard in (True, False):
        settings = [Setting(base, guard, v) for base in BASES for v in _corners()]
        configs = [_config(one) for one in settings]
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            for one, result in zip(settings, lanes(configs, seed, MARKET), strict=True):
                one.net_usd += result["edge"]["net_usd"]
                one.turnover_usd += result["turnover_usd"]
        _show(settings, guard=guard)
    return 0


def _show(settings: Sequence[Setting], *, guard: bool) -> None:
    rows = []
    for base in BASES:
        desk = sorted((s for s in settings if s.base_bps == base), key=lambda s: s.net_bps)
        effects = [_effect(desk, name) for name in AXES]
        ends = [f"{desk[-1].net_bps:.2f}", _text(desk[-1]), f"{desk[0].net_bps:.2f}"]
        rows.append([f"{base:g}", *ends, _text(desk[0]), *(f"{e:+.2f}" for e in effects)])
    print(f"adverse guard {'on' if guard else 'off'}; settings: {', '.join(AXES)}")
    print(markdown_table(["base bps", "best", "at", "worst", "at", *AXES], rows), flush=True)


def _effect(desk: Sequence[Setting], name: str) -> float:
    """From the low to the high end of a range, mean over the others."""
    ends = [
        statistics.fmean(s.net_bps for s in desk if s.values[name] == end)
        for end in (TUNABLES[name].low, TUNABLES[name].high)
    ]
    return ends[1] - ends[0]


def _text(one: Setting) -> str:
    return "/".join(f"{one.values[name]:g}" for name in AXES)


def _corners() -> Iterator[Mapping[str, float]]:
    ends = [(TUNABLES[name].low, TUNABLES[name].high) for name in AXES]
    for corner in itertools.product(*ends):
        yield {**DEFAULTS, **dict(zip(AXES, corner, strict=True))}


def _config(one: Setting) -> AppConfig:
    sources = read_sources(ConfigRequest(env=dict(FROZEN), soak=True, symbols=("BTCUSDT",)))
    named = {**one.values, "base_spread_bps": one.base_bps}
    keys: dict[str, Any] = {
        dotted(PARAMETERS[name].path): found.value
        for name, found in resolve([QuotingLayer(0, "bench", named, "")]).items()
    }
    keys["strategy.enable_adverse_guard"] = one.guard
    # A setting that its drawdown stops early cannot be compared with one that trades on.
    keys |= {"risk.risk_pause_threshold": 1.0, "risk.max_drawdown_pct": 1.0}
    return build(sources, keys).config


if __name__ == "__main__":
    sys.exit(main())
