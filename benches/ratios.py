"""Ratios of medians, and whether both sides did the same work.

A speed ratio is the project's throughput over that of the fastest case of the peer, so more is
better. Costs, of which less is better: `lanes64_cost` (time of 64 lanes over the time of one),
`rss_growth_10x` (peak memory on a ten times longer feed over that on the shorter) and
`read_vs_simulation` (time of reading a catalog over that of one lane on its rows).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benches import cases, peers
from benches.measure import Row, good_rows, median

Rows = Mapping[str, Sequence[Row]]

# Every fresh process ends in the same state.
HASHED = (cases.ONE_LANE, cases.GUARDED, cases.LANES_64, cases.SWEEP, cases.STREAM)

# Orders and fills of two backtesters of the same strategy agree within a few percent, or the
# speed of one says nothing about the other.
COUNT_TOLERANCE = 0.05
TOUCH_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Goal:
    """What a ratio has to reach; `more_is_better` False marks a cost."""

    bound: float
    more_is_better: bool = True

    def met(self, value: float) -> bool:
        return value >= self.bound if self.more_is_better else value <= self.bound


GOALS: Mapping[str, Goal] = {
    "backtest_vs_hftbacktest": Goal(3.0),
    "guarded_vs_hftbacktest": Goal(3.0),
    "backtest_vs_nautilus": Goal(50.0),
    "lanes64_cost": Goal(10.0, more_is_better=False),
    "sweep_vs_hftbacktest": Goal(15.0),
    "rss_growth_10x": Goal(1.10, more_is_better=False),
    "read_vs_simulation": Goal(1.0, more_is_better=False),
    "bybit_frame_vs_msgspec": Goal(4.0),
}


@dataclass(frozen=True)
class Check:
    """One comparison of results; `ok` None means that a side was not measured."""

    name: str
    ok: bool | None
    note: str


def ratios(rows: Rows) -> dict[str, float | None]:
    """Every ratio of `GOALS`; None where a side was not measured."""

    def of(case: str, key: str) -> float | None:
        return median(rows.get(case, ()), key)

    def fastest(names: Iterable[str]) -> float | None:
        speeds = [speed for name in names if (speed := of(name, "events_per_s")) is not None]
        return max(speeds, default=None)

    return {
        "backtest_vs_hftbacktest": _over(
            of(cases.ONE_LANE, "events_per_s"), fastest(peers.HFTBACKTEST)
        ),
        "guarded_vs_hftbacktest": _over(
            of(cases.GUARDED, "events_per_s"), fastest(peers.HFTBACKTEST)
        ),
        "backtest_vs_nautilus": _over(
            of(cases.ONE_LANE_SMALL, "events_per_s"), fastest(peers.NAUTILUS)
        ),
        "lanes64_cost": _over(of(cases.LANES_64, "wall_s"), of(cases.ONE_LANE, "wall_s")),
        # Parameter sets times events a second. The peer replays the feed for each set, so its
        # number does not depend on how many there are; ours does.
        "sweep_vs_hftbacktest": _over(
            of(cases.SWEEP_64, "lane_events_per_s"), of(peers.HBT_SWEEP, "events_per_s")
        ),
        "rss_growth_10x": _over(
            of(cases.STREAM, "peak_rss_mb"), of(cases.STREAM_SMALL, "peak_rss_mb")
        ),
        "read_vs_simulation": _over(of(cases.READ, "wall_s"), of(cases.ONE_LANE, "wall_s")),
        "bybit_frame_vs_msgspec": _over(
            of(peers.MSGSPEC, "us_per_frame"), of(cases.FRAMES, "us_per_frame")
        ),
    }


def side_ratios(rows: Rows) -> dict[str, float | None]:
    """Ratios against single peer cases, and over the peer's own 16 sets: for the detail."""
    one = median(rows.get(cases.ONE_LANE, ()), "events_per_s")
    small = median(rows.get(cases.ONE_LANE_SMALL, ()), "events_per_s")
    sweep_16 = median(rows.get(cases.SWEEP, ()), "lane_events_per_s")
    found = {
        f"{cases.ONE_LANE} / {name}": _over(one, median(rows.get(name, ()), "events_per_s"))
        for name in peers.HFTBACKTEST
    }
    found |= {
        f"{cases.ONE_LANE_SMALL} / {name}": _over(small, median(rows.get(name, ()), "events_per_s"))
        for name in peers.NAUTILUS
    }
    found[f"{cases.SWEEP} / {peers.HBT_SWEEP}"] = _over(
        sweep_16, median(rows.get(peers.HBT_SWEEP, ()), "events_per_s")
    )
    return found


def medians(rows: Rows) -> dict[str, float | None]:
    """Absolute medians of the project: they belong to this machine and this day."""
    return {
        "bybit_frame_us": median(rows.get(cases.FRAMES, ()), "us_per_frame"),
        "events_per_s": median(rows.get(cases.ONE_LANE, ()), "events_per_s"),
    }


def checks(rows: Rows) -> list[Check]:
    """Both sides did the same work, and every run of a case the same as the first."""
    found = [
        _same_count(rows, cases.ONE_LANE, peers.HBT_ROI, ("orders", "submits")),
        _same_count(rows, cases.ONE_LANE, peers.HBT_ROI, ("cancels", "cancels")),
        _same_count(rows, cases.ONE_LANE, peers.HBT_ROI, ("fills", "fills")),
        _same_count(rows, cases.ONE_LANE_SMALL, peers.NAUTILUS_V2, ("orders", "submits")),
        _same_count(rows, cases.ONE_LANE_SMALL, peers.NAUTILUS_V2, ("fills", "fills")),
        _same_count(rows, cases.GUARDED, cases.ONE_LANE, ("orders", "orders")),
        _same_count(rows, cases.GUARDED, cases.ONE_LANE, ("fills", "fills")),
        _same_count(rows, cases.STREAM, cases.ONE_LANE, ("orders", "orders")),
        _same_count(rows, cases.STREAM, cases.ONE_LANE, ("fills", "fills")),
        _same_count(rows, cases.SWEEP, peers.HBT_SWEEP, ("fills", "fills")),
        _same_touch(rows),
    ]
    return found + [_same_hash(rows, case) for case in HASHED]


def failed_cases(rows: Rows) -> dict[str, str]:
    """Cases with a failed run, and the first error of each."""
    return {
        name: next(row["error"] for row in found if "error" in row)
        for name, found in rows.items()
        if any("error" in row for row in found)
    }


def _over(above: float | None, below: float | None) -> float | None:
    return None if above is None or not below else round(above / below, 4)


def _first(rows: Rows, case: str, key: str) -> float | None:
    return next((row[key] for row in good_rows(rows.get(case, ())) if key in row), None)


def _same_count(rows: Rows, ours: str, theirs: str, keys: tuple[str, str]) -> Check:
    name = f"{keys[0]}: {ours} against {theirs}"
    mine, peer = _first(rows, ours, keys[0]), _first(rows, theirs, keys[1])
    if mine is None or not peer:
        return Check(name, None, "not measured")
    off = mine / peer - 1.0
    return Check(name, abs(off) <= COUNT_TOLERANCE, f"{mine} and {peer} ({off:+.2%})")


def _same_touch(rows: Rows) -> Check:
    name = f"best prices: {cases.FRAMES} against {peers.MSGSPEC}"
    key = "touch_sum_per_read"
    mine, peer = _first(rows, cases.FRAMES, key), _first(rows, peers.MSGSPEC, key)
    reads = [_first(rows, case, "best_reads") for case in (cases.FRAMES, peers.MSGSPEC)]
    if mine is None or not peer:
        return Check(name, None, "not measured")
    same = abs(mine / peer - 1.0) <= TOUCH_TOLERANCE and reads[0] == reads[1]
    return Check(name, same, f"mean sum {mine} and {peer}, reads {reads[0]} and {reads[1]}")


def _same_hash(rows: Rows, case: str) -> Check:
    hashes = [row["state_hash"] for row in good_rows(rows.get(case, ())) if "state_hash" in row]
    label = f"one state hash: {case}"
    if len(hashes) < 2:
        return Check(label, None, "not measured twice")
    return Check(label, len(set(hashes)) == 1, f"{len(hashes)} runs, {len(set(hashes))} hash(es)")
