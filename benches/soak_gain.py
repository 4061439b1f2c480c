"""`python -m benches.soak_gain`: what each tuner is worth where parameters matter.

A desk that loses: half-spread too wide, quotes impatient, no adverse guard (`DESK`, `START`). On
held-back seeds of the synthetic market, regime `mixed`, 24 windows of 5 market-minutes each:

- ``start``: nothing tuned;  ``S1``: the desk with profile S1, nothing tuned;
- ``rules``: the rule tuner, gate limits as they are by default;
- ``rules, gate``: the rule tuner, gate limits that this market can hold (`GATE`);
- ``bayes, gate``: the model-based tuner with these limits. It has read the records of earlier runs
  of the desk (`--prior-runs`): other seeds, a constant setting each, drawn from the envelope.

Paired by seed: Wilcoxon signed-rank and sign test (`benches.soak_bars.paired`).
Nothing of generator or exchange is changed; no held-back seed was looked at before.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from benches.soak_bars import FROZEN, TAIL, WINDOW_SEC, WINDOWS, net_bps, paired
from mmbot.cli.soak_source import make_source
from mmbot.research.report_markdown import markdown_table
from mmbot.soak.bayes import ENVELOPE
from mmbot.soak.launch import LaunchOptions, SourceRequest, launch
from mmbot.soak.parameters import TUNABLES, Values
from mmbot.soak.paths import SoakPaths
from mmbot.soak.source import IterationSource
from mmbot.store.artifacts import write_json

DESK: Final = ("strategy.enable_adverse_guard=false",)
PROFILE: Final = {"base_spread_bps": 1.0}
START: Final[Values] = {
    "min_interval_ms": 300,
    "replace_rate_per_min": 120,
    "base_spread_bps_delta": 0.6,
    "impact_cap_ratio": 0.12,
    "max_delta_ratio": 0.20,
    "tail_age_ms": 400,
}
GATE: Final = ("soak.soft_gate.net_bps_fail=-6", "soak.soft_gate.risk_ratio_fail=0.95")
FIRST_HELD_BACK: Final = 9001
WORKERS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run: where its files go, and what it differs in."""

    arm: str
    seed: int
    root: Path
    config_dir: Path
    tuner: str | None = None
    gate: bool = False
    prior: Path | None = None
    values: Values | None = None
    profile: str = "desk"
    window_sec: float = WINDOW_SEC


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
    parser.add_argument("--prior-runs", type=int, default=40)
    parser.add_argument("--window-sec", type=float, default=WINDOW_SEC)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        config = _config_dir(work)
        prior = work / "prior"
        with ProcessPoolExecutor(WORKERS) as pool:
            list(pool.map(run, _prior_jobs(given.prior_runs, prior, config, given.window_sec)))
            jobs = _jobs(range(given.first_seed, given.first_seed + given.seeds), work, config)
            jobs = [replace(job, window_sec=given.window_sec) for job in jobs]
            rows = list(pool.map(run, [_with_prior(job, prior) for job in jobs]))
    found = summary(rows)
    if given.out is not None:
        write_json(given.out, {"rows": rows, **found})
    return 0


def run(job: Job) -> dict[str, Any]:
    """One soak run and its figures."""
    root = job.root / f"{job.arm.replace(', ', '_')}_{job.seed}"
    values = START if job.values is None else job.values
    sets = () if job.profile == "S1" else tuple(f"{n}={v}" for n, v in values.items())
    options = LaunchOptions(
        paths=SoakPaths(root, root / "soak" / "latest"),
        env=dict(FROZEN),
        config=job.config_dir / "app.yaml",
        config_dir=job.config_dir,
        iterations=WINDOWS,
        window_sec=job.window_sec,
        auto_tune=job.tuner is not None,
        tuner=job.tuner or "rules",
        prior=job.prior,
        profile=job.profile,
        sets=(*sets, *DESK, *(GATE if job.gate else ())),
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
        for against in ("start", "S1"):
            for part in ("last8", "all", "edge_all"):
                if arm != against:
                    values = [by[arm, s][part] - by[against, s][part] for s in seeds]
                    tests[f"{arm} - {against}, {part}"] = paired(values)
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
    before = [{**w, "net_bps": (w["net_bps"] or 0) + (w["inventory_bps"] or 0)} for w in windows]
    tunings = [s["tuning"] for s in summaries]
    return {
        "arm": job.arm,
        "seed": job.seed,
        "first8": net_bps(windows[:TAIL]),
        "last8": net_bps(windows[-TAIL:]),
        "all": net_bps(windows),
        "edge_all": net_bps(before),
        "risk": sum(float(w["risk_ratio"]) for w in windows) / len(windows),
        "pass_share": sum(w["kpi_verdict"] in ("PASS", "WARN") for w in windows) / len(windows),
        "applied": sum(t["applied"] for t in tunings),
        "panics": sum(t["mode"] == "panic" for t in tunings),
        "fallbacks": sum(t["mode"] == "fallback" for t in tunings),
        "end": dict(summaries[-1]["overrides"]),
    }


def _jobs(seeds: range, work: Path, config: Path) -> list[Job]:
    base = Job(arm="start", seed=0, root=work / "runs", config_dir=config)
    arms = (
        base,
        replace(base, arm="S1", profile="S1"),
        replace(base, arm="rules", tuner="rules"),
        replace(base, arm="rules, gate", tuner="rules", gate=True),
        replace(base, arm="bayes, gate", tuner="bayes", gate=True),
    )
    return [replace(arm, seed=seed) for seed in seeds for arm in arms]


def _with_prior(job: Job, prior: Path) -> Job:
    return replace(job, prior=prior) if job.tuner == "bayes" and prior.exists() else job


def _prior_jobs(count: int, root: Path, config: Path, window_sec: float) -> list[Job]:
    """Earlier runs of the desk: seeds from 1 on, one setting each."""
    draw = random.Random("soak_gain prior")  # noqa: S311 -- settings of a benchmark
    jobs = []
    for seed in range(1, count + 1):
        values = {n: TUNABLES[n].rounded(draw.uniform(*ENVELOPE[n])) for n in TUNABLES}
        jobs.append(
            Job(
                arm="prior",
                seed=seed,
                root=root,
                config_dir=config,
                values=values,
                window_sec=window_sec,
            )
        )
    return jobs


def _config_dir(work: Path) -> Path:
    """The configuration of this repository with the desk's profile beside S1."""
    target = work / "config"
    shutil.copytree("config", target)
    write_json(target / "profiles" / "market_maker_desk.json", PROFILE)
    return target


def _source(request: SourceRequest) -> IterationSource:
    return make_source(request, None)


if __name__ == "__main__":
    sys.exit(main())
