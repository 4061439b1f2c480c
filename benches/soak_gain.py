"""`python -m benches.soak_gain`: what each tuner is worth where parameters matter.

A desk that loses: spread too wide, quotes impatient, no adverse guard (`DESK`, `START`). On
held-back seeds of the synthetic market, regime `mixed`, 24 windows of `--window-sec` each:

- ``start``: nothing tuned; ``S1``: profile S1 in place of the desk's, nothing tuned;
- ``rules``: the rule tuner, gate limits as they are by default;
- ``rules, gate``: the rule tuner, gate limits that this market can hold (`GATE`);
- ``bayes, gate``: the model-based tuner with these limits, which has read the records of earlier
  runs of the desk (`--prior`, or made here): on each of `--markets` other seeds the start and four
  drawn settings, 24 windows of 5 minutes.

Paired by seed: Wilcoxon signed-rank and sign test (`mmbot.research.paired`). Generator and
exchange are those of `mmbot run`. The desk's spread was chosen by what `start` loses on the first
two held-back seeds, nothing else on any of them.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from benches.soak_bars import FROZEN, TAIL, WINDOW_SEC, WINDOWS, net_bps

from mmbot.cli.soak_source import make_source
from mmbot.research.paired import paired_test
from mmbot.research.report_markdown import markdown_table
from mmbot.soak.bayes import ENVELOPE
from mmbot.soak.launch import LaunchOptions, SourceRequest, launch
from mmbot.soak.parameters import TUNABLES, Values
from mmbot.soak.paths import SoakPaths
from mmbot.soak.source import IterationSource
from mmbot.store.artifacts import write_json

DESK: Final = (
    "strategy.enable_adverse_guard=false",
    # A run that its drawdown stops early cannot be compared with one that trades on.
    "risk.risk_pause_threshold=1",
    "risk.max_drawdown_pct=1",
)
# Four times the default: on this market wide quotes are met by who knows more.
BASE_BPS: Final = 2.0
START: Final[Values] = {
    "min_interval_ms": 300,
    "replace_rate_per_min": 120,
    "base_spread_bps_delta": 0.6,
    "impact_cap_ratio": 0.12,
    "max_delta_ratio": 0.20,
    "tail_age_ms": 400,
}
GATE: Final = ("soak.soft_gate.fail_net_bps=-6", "soak.soft_gate.fail_risk_ratio=0.95")
FIRST_HELD_BACK: Final = 9001
WORKERS: Final = 2
SETTINGS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """How a run is tuned, and where it begins."""

    tuner: str | None = None
    gate: bool = False
    profile: str = "desk"


ARMS: Final[Mapping[str, Arm]] = {
    "start": Arm(),
    "S1": Arm(profile="S1"),
    "rules": Arm(tuner="rules"),
    "rules, gate": Arm(tuner="rules", gate=True),
    "bayes, gate": Arm(tuner="bayes", gate=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run: where its files go, and what it differs in. `values` None: the losing start."""

    root: Path
    arm: str = "start"
    seed: int = 0
    prior: Path | None = None
    values: Values | None = None
    window_sec: float = WINDOW_SEC
    base_spread_bps: float = BASE_BPS


class _Silent:
    def line(self, text: str) -> None:
        """Only figures count."""

    def finished(self, outcome: object) -> None:
        """Only figures count."""


def main() -> int:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description="Tuners against a start that loses.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first-seed", type=int, default=FIRST_HELD_BACK)
    parser.add_argument("--markets", type=int, default=12, help="of earlier runs, if none given")
    parser.add_argument("--prior", type=Path, help="records of earlier runs")
    parser.add_argument("--window-sec", type=float, default=600.0)
    parser.add_argument("--arms", nargs="*", default=list(ARMS))
    parser.add_argument("--base-spread-bps", type=float, default=BASE_BPS, help="of the desk")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        prior = given.prior or work / "prior"
        base = Job(root=work / "runs", base_spread_bps=given.base_spread_bps)
        seeds = range(given.first_seed, given.first_seed + given.seeds)
        with ProcessPoolExecutor(WORKERS) as pool:
            if given.prior is None:
                list(pool.map(run, _prior_jobs(given.markets, replace(base, root=prior))))
            base = replace(base, prior=prior, window_sec=given.window_sec)
            jobs = [replace(base, arm=arm, seed=seed) for seed in seeds for arm in given.arms]
            rows = list(pool.map(run, jobs))
    found = summary(rows)
    if given.out is not None:
        write_json(given.out, {"rows": rows, **found})
    return 0


def run(job: Job) -> dict[str, Any]:
    """One soak run and its figures."""
    root = job.root / f"{job.arm.replace(', ', '_')}_{job.seed}"
    arm = ARMS.get(job.arm, ARMS["start"])
    values = START if job.values is None else job.values
    sets = () if arm.profile == "S1" else tuple(f"{n}={v}" for n, v in values.items())
    write_json(root / "soak" / "profiles" / "desk.json", {"base_spread_bps": job.base_spread_bps})
    options = LaunchOptions(
        paths=SoakPaths(root, root / "soak" / "latest"),
        env=dict(FROZEN),
        config=Path("config/app.yaml"),
        iterations=WINDOWS,
        window_sec=job.window_sec,
        auto_tune=arm.tuner is not None,
        tuner=arm.tuner or "rules",
        prior=job.prior if arm.tuner == "bayes" else None,
        profile=arm.profile,
        sets=(*sets, *DESK, *(GATE if arm.gate else ())),
        seed=job.seed,
        market={"data": None, "symbol": "BTCUSDT", "regime": "mixed"},
    )
    began = time.perf_counter()
    done = launch(options, _source, _Silent())
    row = _figures(job, done.summaries) | {"wall_sec": round(time.perf_counter() - began, 1)}
    print(json.dumps(row, sort_keys=True), flush=True)
    return row


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over seeds and paired comparisons, printed as they are found."""
    arms = list(dict.fromkeys(str(row["arm"]) for row in rows))
    by = {(row["arm"], row["seed"]): row for row in rows}
    seeds = sorted({int(row["seed"]) for row in rows})
    names = ("first8", "last8", "all", "risk", "pass_share", "applied", "panics", "fallbacks")
    means = {
        arm: {n: sum(by[arm, s][n] for s in seeds) / len(seeds) for n in names} for arm in arms
    }
    print(
        markdown_table(["arm", *names], [[a, *(f"{means[a][n]:.3f}" for n in names)] for a in arms])
    )
    tests = {}
    for arm in arms:
        for against in (name for name in ("start", "S1") if name in arms):
            for part in ("last8", "all"):
                if arm != against:
                    values = [by[arm, s][part] - by[against, s][part] for s in seeds]
                    tests[f"{arm} - {against}, {part}"] = paired_test(values).document()
    for name, test in tests.items():
        print(name, json.dumps(test, sort_keys=True))
    return {"means": means, "tests": tests, "ends": _ends(rows, arms)}


def _ends(rows: Sequence[Mapping[str, Any]], arms: Sequence[str]) -> dict[str, Any]:
    """Mean parameters in the last window of each arm."""
    ends = {}
    for arm in arms:
        mine = [row["end"] for row in rows if row["arm"] == arm]
        ends[arm] = {n: round(sum(e[n] for e in mine) / len(mine), 3) for n in TUNABLES}
        print("end of", arm, ends[arm])
    return ends


def _figures(job: Job, summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    windows = [s["summary"] for s in summaries if not s["partial"]]
    tunings = [s["tuning"] for s in summaries]
    return {
        "arm": job.arm,
        "seed": job.seed,
        "first8": net_bps(windows[:TAIL]),
        "last8": net_bps(windows[-TAIL:]),
        "all": net_bps(windows),
        "risk": sum(float(w["risk_ratio"]) for w in windows) / len(windows),
        "pass_share": sum(w["kpi_verdict"] in ("PASS", "WARN") for w in windows) / len(windows),
        "applied": sum(t["applied"] for t in tunings),
        "panics": sum(t["mode"] == "panic" for t in tunings),
        "fallbacks": sum(t["mode"] == "fallback" for t in tunings),
        "end": dict(summaries[-1]["overrides"]),
    }


def _prior_jobs(markets: int, base: Job) -> list[Job]:
    """Earlier runs of the desk: on each market (seeds from 1 on) the start and drawn settings."""
    draw = random.Random("soak_gain prior")
    jobs = []
    for seed in range(1, markets + 1):
        drawn = [
            {n: TUNABLES[n].rounded(draw.uniform(*ENVELOPE[n])) for n in TUNABLES}
            for _ in range(SETTINGS - 1)
        ]
        jobs += [
            replace(base, arm=f"earlier{at}", seed=seed, values=values)
            for at, values in enumerate([START, *drawn])
        ]
    return jobs


def _source(request: SourceRequest) -> IterationSource:
    return make_source(request, None)


if __name__ == "__main__":
    sys.exit(main())
