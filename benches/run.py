"""`make bench`: ratios between this project and its peers, measured in one sitting.

Every case runs in a fresh interpreter, peers and project alternate, medians count. Writes
``artifacts/BENCH.json`` and prints one table. Nothing else should run on the machine meanwhile.

Exit status: 0 fine; 1 a ratio fell by more than a fifth, a case failed, or both sides did not do
the same work; 2 nothing could be measured.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benches import baseline as baselines
from benches import cases as project_cases
from benches import feed as feeds
from benches import peers as peer_cases
from benches import ratios as rated
from benches import table
from benches.measure import ROOT, Case, Row, SetupError, run_rounds

from mmbot.store.artifacts import write_json
from mmbot.store.runtime import artifact_path, git_sha, runtime_block

EVENTS = 10_000_000
RUNS = 5
# Above this share of the cores somebody else is measured too.
BUSY_LOAD = 0.5

# Each peer stands beside what it is held against.
ORDER = (
    peer_cases.HBT_ROI,
    project_cases.ONE_LANE,
    project_cases.GUARDED,
    peer_cases.HBT_HASH,
    project_cases.LANES_64,
    peer_cases.HBT_SWEEP,
    project_cases.SWEEP,
    project_cases.SWEEP_64,
    peer_cases.NAUTILUS_V1,
    project_cases.ONE_LANE_SMALL,
    peer_cases.NAUTILUS_V2,
    project_cases.STREAM_SMALL,
    project_cases.STREAM,
    project_cases.READ,
    peer_cases.MSGSPEC,
    project_cases.FRAMES,
)


@dataclass(frozen=True)
class Plan:
    """What is measured: `cases` in their order, and what was left out and why."""

    cases: tuple[Case, ...]
    skipped: tuple[str, ...]


def main(argv: Sequence[str] | None = None) -> int:
    args = _parse(argv)
    _warn_if_busy()
    try:
        plan = _plan(args)
        baseline = baselines.load()
    except (SetupError, baselines.BaselineError) as exc:
        print(f"bench: {exc}", file=sys.stderr)
        return 2
    for line in plan.skipped:
        print(f"bench: SKIPPED: {line}", file=sys.stderr)
    if not plan.cases:
        print("bench: nothing to measure", file=sys.stderr)
        return 2
    rows = run_rounds(plan.cases, runs=args.runs)
    if baseline is not None and baseline.events != args.events:
        print(f"bench: the baseline is for {baseline.events} events: not compared", file=sys.stderr)
        baseline = None
    return _report(rows, plan=plan, baseline=baseline, args=args)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench BENCH_ARGS=...", description=__doc__)
    parser.add_argument("--runs", type=_positive, default=RUNS, help="rounds; medians need >= 5")
    parser.add_argument(
        "--nautilus-runs", type=_positive, help="rounds that nautilus takes part in"
    )
    parser.add_argument("--events", type=_ten_fold, default=EVENTS, help="rows of the main feed")
    parser.add_argument("--cache", type=Path, default=ROOT / ".bench", help="feeds and peers' venv")
    parser.add_argument("--only", choices=("all", "peers", "project"), default="all")
    parser.add_argument("--match", default="", help="only cases whose name contains this")
    parser.add_argument("--write-baseline", action="store_true", help="keep the ratios as baseline")
    return parser.parse_args(argv)


def _plan(args: argparse.Namespace) -> Plan:
    """Prepare peers and feeds and list the cases."""
    cache, data = args.cache.resolve(), args.cache.resolve() / "data"
    small_events = args.events // 10
    scripts = peer_cases.find_scripts()
    skipped = []
    theirs: dict[str, Case] = {}
    if scripts is None:
        skipped.append("all peers: no peer scripts in MMBOT_PEERS or ../shared/peers")
        main, small = feeds.feed_of(data, args.events), feeds.feed_of(data, small_events)
        frames = feeds.frames_path(data)
    else:
        peers = peer_cases.prepare(scripts, cache)
        main = feeds.ensure_feed(peers, data, args.events)
        small = feeds.ensure_feed(peers, data, small_events)
        frame_feed = feeds.ensure_feed(peers, data, feeds.FRAME_FEED_EVENTS)
        frames = feeds.ensure_frames(peers, data, frame_feed)
        theirs = peer_cases.cases(
            peers,
            main_feed=main.npz,
            small_feed=small.npz,
            frame_feed=frame_feed.npz,
            slow_rounds=args.nautilus_runs or args.runs,
        )
    ours = {}
    files = {"main_feed": main.parquet, "small_feed": small.parquet, "frames": frames}
    missing = sorted(path.name for path in files.values() if not path.is_file())
    if args.only == "peers":
        skipped.append("the project: --only peers")
    elif missing:
        skipped.append(f"the project: no {', '.join(missing)} and no peer script to make them")
    else:
        ours = project_cases.cases(
            **files,
            main_catalog=feeds.ensure_catalog(data, args.events),
            small_catalog=feeds.ensure_catalog(data, small_events),
        )
    chosen = {"all": ours | theirs, "peers": theirs, "project": ours}[args.only]
    ordered = [chosen[name] for name in ORDER if name in chosen and args.match in name]
    return Plan(tuple(ordered), tuple(skipped))


def _report(
    rows: Mapping[str, Sequence[Row]],
    *,
    plan: Plan,
    baseline: baselines.Baseline | None,
    args: argparse.Namespace,
) -> int:
    """Print the table, write the artifact, compare with the baseline; return the exit status."""
    found, checks = rated.ratios(rows), rated.checks(rows)
    print(table.render(rows, found, checks, baseline))
    write_json(
        artifact_path("BENCH.json"),
        {
            "ratios": found,
            "medians": rated.medians(rows),
            "detail": {
                "checks": [asdict(check) for check in checks],
                "events": args.events,
                "machine": _machine(),
                "rows": rows,
                "runs": args.runs,
                "runtime": runtime_block() | {"git_sha": git_sha()},
                "side_ratios": rated.side_ratios(rows),
                "skipped": plan.skipped,
            },
        },
    )
    unsound = [f"{name} failed: {error}" for name, error in rated.failed_cases(rows).items()]
    unsound += [f"not the same work: {c.name}: {c.note}" for c in checks if c.ok is False]
    if baseline is None:
        print("bench: no baseline to compare with", file=sys.stderr)
    worse = baselines.regressions(baseline, found) if baseline else []
    for line in (*unsound, *worse):
        print(f"bench: FAILED: {line}", file=sys.stderr)
    if args.write_baseline:
        # A regression does not stop a baseline that somebody asks for; an unsound run does.
        return _write_baseline(found, args.events, sound=not unsound)
    return 1 if unsound or worse else 0


def _write_baseline(found: Mapping[str, float | None], events: int, *, sound: bool) -> int:
    """Keep the ratios, unless one is missing or the run was not sound."""
    kept = {name: value for name, value in found.items() if value is not None}
    if not sound or len(kept) < len(rated.GOALS):
        print("bench: no baseline written: the run is not complete", file=sys.stderr)
        return 1
    baselines.save(baselines.Baseline(events, kept))
    return 0


def _machine() -> dict[str, str | int]:
    return {
        "cores": os.cpu_count() or 0,
        "machine": platform.machine(),
        "system": platform.system(),
    }


def _warn_if_busy() -> None:
    if not hasattr(os, "getloadavg"):
        return
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > BUSY_LOAD * cores:
        print(
            f"bench: WARNING: load {load:.1f} on {cores} cores: not a quiet machine",
            file=sys.stderr,
        )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _ten_fold(text: str) -> int:
    value = _positive(text)
    if value < 100_000 or value % 10:
        raise argparse.ArgumentTypeError("must be at least 100000 and divisible by 10")
    return value


if __name__ == "__main__":
    sys.exit(main())
