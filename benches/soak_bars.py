"""`python -m benches.soak_bars`: what the rule tuner is worth on the real engine.

On held-back seeds of the synthetic market in mixed regimes:

- ``tuned``: a run of 24 windows of 5 market-minutes with the rule tuner, from a start that loses;
- ``static``: profile S1 in the same windows of the same markets, nothing tuned;
- ``start``: the losing start, nothing tuned.

Printed: net edge (by turnover) of the first and the last eight windows, share of windows that pass
the soft gate, and paired comparisons by seed: Wilcoxon signed-rank after F. Wilcoxon (1945),
two-sided, normal approximation with ties; sign test. `--sweep` trades all 64 corners of the hard
ranges, and the named profiles, as lanes of one engine: the best that any constant setting reaches.

The market is never fitted to the tuner: generator and exchange are those of `mmbot run`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbot.cli.markets import MarketChoice, open_markets
from mmbot.cli.soak_source import make_source
from mmbot.config.profiles import SOAK_DEFAULTS, SOAK_PROFILES
from mmbot.config.sources import ConfigRequest, read_sources
from mmbot.research.calibration import live_sim_params
from mmbot.research.paired import paired_test
from mmbot.research.report_markdown import markdown_table
from mmbot.soak.engine_config import EngineConfig
from mmbot.soak.kpi import soft_gate
from mmbot.soak.launch import LaunchOptions, SourceRequest, launch
from mmbot.soak.measurement import figures_of
from mmbot.soak.models import Phase
from mmbot.soak.parameters import TUNABLES, Values, effective
from mmbot.soak.paths import SoakPaths
from mmbot.soak.source import EngineParameters, IterationSource, WindowRequest
from mmbot.trading.drive import Drive, Feed
from mmbot.trading.engine import EngineSpec, build_engine
from mmbot.units import NS_PER_MIN, NS_PER_SEC

FIRST_SEED = 9001
WINDOWS, WINDOW_SEC, TAIL = 24, 300.0, 8
# Tight, fast and impatient: among the worst corners of the hard ranges on seeds 1 and 2.
LOSING: Mapping[str, float] = {
    "min_interval_ms": 40,
    "replace_rate_per_min": 360,
    "base_spread_bps_delta": 0.0,
    "impact_cap_ratio": 0.12,
    "max_delta_ratio": 0.20,
    "tail_age_ms": 400,
}
FROZEN = {"MM_FREEZE_UTC_ISO": "2026-01-01T00:00:00Z"}


class _Silent:
    def line(self, text: str) -> None:
        """Only figures count."""

    def finished(self, outcome: object) -> None:
        """Only figures count."""


def main() -> int:
    """Run what was asked for and print it."""
    parser = argparse.ArgumentParser(description="The rule tuner against constant settings.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--regime", default="mixed")
    parser.add_argument("--sweep", type=int, default=0, metavar="SEEDS")
    parser.add_argument("--data", help="catalog of recorded data instead; one run, seed 42")
    parser.add_argument("--symbol", default="BTCUSDT")
    parser.add_argument("--window-sec", type=float, default=WINDOW_SEC)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    market = {"data": given.data, "symbol": given.symbol, "regime": given.regime}
    found: dict[str, Any] = {}
    if given.sweep:
        found["sweep"] = sweep(range(given.first_seed, given.first_seed + given.sweep), market)
    if given.seeds:
        count = 1 if given.data else given.seeds
        rows = [
            one_seed(seed, market, given.window_sec)
            for seed in range(given.first_seed, given.first_seed + count)
        ]
        found |= {"seeds": rows, "summary": summary(rows)}
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    return 0


def one_seed(seed: int, market: Mapping[str, Any], window_sec: float) -> dict[str, Any]:
    """The three runs of one seed."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        tuned = _tuned(Path(name), seed, market, window_sec)
    took = time.perf_counter() - began
    static = list(_constant(seed, market, window_sec, profile="S1"))
    start = list(_constant(seed, market, window_sec, values=LOSING))
    row = {
        "seed": seed,
        "tuned_wall_sec": round(took, 2),
        "tuned": _figures(tuned),
        "static": _figures(static),
        "start": _figures(start),
    }
    print(json.dumps(row, sort_keys=True), flush=True)
    return row


def _options(
    root: Path,
    seed: int,
    market: Mapping[str, Any],
    window_sec: float,
    *,
    profile: str | None = None,
    sets: tuple[str, ...] = (),
) -> LaunchOptions:
    return LaunchOptions(
        paths=SoakPaths(root, root / "soak" / "latest"),
        env=dict(FROZEN),
        iterations=WINDOWS,
        window_sec=window_sec,
        seed=seed,
        market=market,
        auto_tune=bool(sets),
        profile=profile,
        sets=sets,
    )


def _source(request: SourceRequest) -> IterationSource:
    return make_source(request, None)


def _tuned(
    root: Path, seed: int, market: Mapping[str, Any], window_sec: float
) -> list[Mapping[str, Any]]:
    sets = tuple(f"{name}={value}" for name, value in LOSING.items())
    done = launch(_options(root, seed, market, window_sec, sets=sets), _source, _Silent())
    return [s["summary"] for s in done.summaries if not s["partial"]]


def _constant(
    seed: int,
    market: Mapping[str, Any],
    window_sec: float,
    *,
    profile: str | None = None,
    values: Values | None = None,
) -> Iterator[Mapping[str, Any]]:
    """The windows of a setting that never moves, judged by the same gate."""
    with tempfile.TemporaryDirectory() as name:
        options = _options(Path(name), seed, market, window_sec, profile=profile)
        source = _source(SourceRequest(options=options, start_ns=0, run_id="", say=print))
        named = _named(options) if values is None else values
        parameters = EngineParameters(effective(named))
        for number in range(1, WINDOWS + 1):
            source.apply(parameters)
            window = source.trade(
                WindowRequest(iteration=number, seconds=window_sec, parameters=parameters)
            )
            if window.partial or window.report is None:
                break
            figures = figures_of(window.report["totals"])
            low = (figures.fills or 0) < 20
            gate = soft_gate(figures, phase=Phase.STEADY, low_sample=low)
            yield {**window.report["totals"], "kpi_verdict": gate.verdict}
        source.halt()


def _named(options: LaunchOptions) -> Values:
    config = _engine_config(options.profile)
    return config.in_force(config.start)


def _engine_config(profile: str | None) -> EngineConfig:
    request = ConfigRequest(profile=profile, env=dict(FROZEN), soak=True, symbols=("BTCUSDT",))
    return EngineConfig(read_sources(request))


def _figures(windows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "first8": net_bps(windows[:TAIL]),
        "last8": net_bps(windows[-TAIL:]),
        "all": net_bps(windows),
        "last8_median": round(statistics.median(w["net_bps"] for w in windows[-TAIL:]), 4),
        "pass_share": sum(w["kpi_verdict"] == "PASS" for w in windows) / len(windows),
        "risk": round(statistics.fmean(float(w["risk_ratio"]) for w in windows), 4),
        "windows": len(windows),
    }


def net_bps(windows: Sequence[Mapping[str, Any]]) -> float:
    """Net edge of several windows, weighted by turnover as in the gate of a run."""
    turnover = math.fsum(float(w["turnover_usd"]) for w in windows)
    net = math.fsum(float(w["net_bps"]) * float(w["turnover_usd"]) for w in windows)
    return round(net / turnover, 4) if turnover else 0.0


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over seeds and the paired comparisons, printed as they are found."""
    arms = ("tuned", "static", "start")
    names = ("first8", "last8", "all", "last8_median", "pass_share", "risk")
    means = {arm: {n: statistics.fmean(r[arm][n] for r in rows) for n in names} for arm in arms}
    table = [[arm, *(f"{means[arm][n]:.3f}" for n in names)] for arm in arms]
    print(markdown_table(["arm", *names], table))
    pairs = {
        "tuned - static, last8": [r["tuned"]["last8"] - r["static"]["last8"] for r in rows],
        "tuned - static, all": [r["tuned"]["all"] - r["static"]["all"] for r in rows],
        "tuned - start, last8": [r["tuned"]["last8"] - r["start"]["last8"] for r in rows],
        "tuned last8 - first8": [r["tuned"]["last8"] - r["tuned"]["first8"] for r in rows],
    }
    tests = {name: paired_test(values).document() for name, values in pairs.items()}
    for name, test in tests.items():
        print(name, json.dumps(test, sort_keys=True))
    wall = [r["tuned_wall_sec"] for r in rows]
    print(f"wall seconds of a tuned run: median {statistics.median(wall)}, max {max(wall)}")
    return {"means": means, "tests": tests, "wall_sec_max": max(wall)}


def sweep(seeds: Sequence[int], market: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Constant settings as lanes of one engine, pooled over seeds; best first."""
    settings = {
        "default": SOAK_DEFAULTS,
        **SOAK_PROFILES,
        "losing start": LOSING,
        **{f"corner {i:02d}": corner for i, corner in enumerate(_corners())},
    }
    base, s1 = _engine_config(None), _engine_config("S1")
    configs = [base.under(EngineParameters(effective(v))) for v in settings.values()]
    names = [*settings, "S1"]
    values = [*settings.values(), s1.in_force(s1.start)]
    totals = [{"net": 0.0, "turnover": 0.0, "risk": 0, "blocks": 0} for _ in names]
    for seed in seeds:
        for at, result in enumerate(lanes([*configs, s1.start], seed, market)):
            totals[at]["net"] += result["edge"]["net_usd"]
            totals[at]["turnover"] += result["turnover_usd"]
            totals[at]["risk"] += result["block_counts"]["risk"]
            totals[at]["blocks"] += sum(result["block_counts"].values())
    rows: list[dict[str, Any]] = [
        {
            "name": name,
            "net_bps": 1e4 * t["net"] / t["turnover"],
            "risk_ratio": t["risk"] / t["blocks"],
            "turnover_usd": t["turnover"],
            **{k: v for k, v in value.items() if k in TUNABLES},
        }
        for name, value, t in zip(names, values, totals, strict=True)
    ]
    rows.sort(key=lambda row: -row["net_bps"])
    shown = [r for r in rows if not r["name"].startswith("corner")] + rows[:5] + rows[-5:]
    columns = ["name", "net_bps", "risk_ratio", "turnover_usd", *TUNABLES]
    print(markdown_table(columns, [[_text(r[c]) for c in columns] for r in shown]))
    return rows


def _corners() -> list[Values]:
    ends = [(t.low, t.high) for t in TUNABLES.values()]
    return [dict(zip(TUNABLES, corner, strict=True)) for corner in itertools.product(*ends)]


def lanes(configs: Sequence[Any], seed: int, market: Mapping[str, Any]) -> list[dict[str, Any]]:
    choice = MarketChoice(data=market["data"], venue=None, regime=market["regime"], seed=seed)
    one = open_markets(choice, [market["symbol"]])[0]
    engine = build_engine(
        EngineSpec(
            instruments=[one.instrument],
            configs=configs,
            simulator=live_sim_params(configs[0], None),
            seed=seed,
            bar_ns=NS_PER_MIN,
        )
    )
    drive = Drive(engine, [Feed(market["symbol"], one.chunks)])
    drive.open()
    drive.begin()
    drive.advance(drive.start_ns + int(WINDOWS * WINDOW_SEC) * NS_PER_SEC)
    drive.drain()
    engine.finish()
    return [engine.result(lane) for lane in range(len(configs))]


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"{value:.3f}"


if __name__ == "__main__":
    sys.exit(main())
