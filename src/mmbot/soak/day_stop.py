"""The shell of the guards over a day: reads reports, writes stop files and the alert."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mmbot import clock
from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.soak.day_guards import (
    DRIFT_LIMITS,
    DayFigures,
    Regression,
    day_figures,
    drift_reason,
    regression,
)
from mmbot.soak.paths import SoakPaths, read_object
from mmbot.store.artifacts import append_jsonl, write_json, write_text
from mmbot.units import NS_PER_DAY, NS_PER_SEC, format_utc

__all__ = [
    "RunDayGuard",
    "alerts_of_day",
    "daily_reports",
    "figures_of_report",
    "write_drift_stop",
    "write_regression_stop",
]

_REPORT: Final = re.compile(r"REPORT_SOAK_(\d{4})(\d{2})(\d{2})\.json")


@dataclass(slots=True)
class RunDayGuard:
    """Checks the day so far after an iteration, at most every `every_sec` of trading time."""

    paths: SoakPaths
    every_sec: float
    _checked_ns: int | None = field(default=None, init=False)

    def standing(self) -> str | None:
        """The reason of a stop that was written on the present UTC day: quoting waits for the next.

        Stops of simulated days do not hold.
        """
        today = clock.artifact_utc()[:10]
        for name in ("DRIFT_STOP.json", "REG_GUARD_STOP.json"):
            document = read_object(self.paths.root / name) or {}
            if str(document.get("ts", "")).startswith(today):
                return str(document.get("reason"))
        return None

    def check(self, summaries: list[dict[str, Any]], now_ns: int) -> str | None:
        """The reason to stop the day, or None; a reason is on disk before it is returned."""
        if self._checked_ns is not None and now_ns - self._checked_ns < self.every_sec * NS_PER_SEC:
            return None
        self._checked_ns = now_ns
        # A window that ends at midnight belongs to the day that it closes.
        day_start_ns = (now_ns - 1) - (now_ns - 1) % NS_PER_DAY
        today = day_figures(summaries, day_start_ns)
        reason = drift_reason(today)
        if reason != "NONE":
            write_drift_stop(self.paths.root, today, reason, ts=format_utc(now_ns))
            return reason
        day = format_utc(day_start_ns)[:10]
        earlier = [r for when, r in daily_reports(self.paths.root).items() if when < day]
        found = regression(today, earlier)
        if found.reason != "NONE":
            write_regression_stop(self.paths.root, today, found, ts=format_utc(now_ns))
            return found.reason
        return None


def write_drift_stop(root: Path, day: DayFigures, reason: str, *, ts: str) -> None:
    """Write ``DRIFT_STOP.json`` and ``.md``, and the alert."""
    document = {
        "reason": reason,
        "snapshot": day.document(),
        "ts": ts,
        "thresholds": dict(DRIFT_LIMITS),
    }
    rows = [
        [name, number_text(day.document()[name]), number_text(limit)]
        for name, limit in DRIFT_LIMITS.items()
    ]
    table = markdown_table(["figure", "value", "limit"], rows)
    write_json(root / "DRIFT_STOP.json", document)
    write_text(root / "DRIFT_STOP.md", f"# Drift stop\n\n{reason} at {ts}\n\n{table}\n")
    _alert(root, reason)


def write_regression_stop(root: Path, day: DayFigures, found: Regression, *, ts: str) -> None:
    """Write ``REG_GUARD_STOP.json`` and ``.md``, and the alert."""
    document = {
        "reason": found.reason,
        "baseline": dict(found.baseline),
        "today": day.document(),
        "ts": ts,
    }
    names = ("edge_med", "p95_med", "taker_med")
    today = (day.net_bps, day.order_age_p95_ms, day.taker_share_pct)
    rows = [
        [name, number_text(value), number_text(found.baseline.get(name))]
        for name, value in zip(names, today, strict=True)
    ]
    table = markdown_table(["figure", "today", "median of the last days"], rows)
    write_json(root / "REG_GUARD_STOP.json", document)
    write_text(root / "REG_GUARD_STOP.md", f"# Regression stop\n\n{found.reason}\n\n{table}\n")
    _alert(root, found.reason)


def daily_reports(directory: Path) -> dict[str, dict[str, Any]]:
    """Daily reports by date ``YYYY-MM-DD``, oldest first; damaged files are left out."""
    found = {}
    for path in sorted(directory.glob("REPORT_SOAK_*.json")):
        match = _REPORT.fullmatch(path.name)
        document = read_object(path) if match is not None and _is_date(match) else None
        if match is not None and document is not None:
            found["-".join(match.groups())] = document
    return found


def alerts_of_day(root: Path, day: str) -> list[dict[str, Any]]:
    """Lines of ``alerts.log`` of one day; lines that are no alert are left out."""
    try:
        lines = (root / "alerts.log").read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            alert = json.loads(line)
        except ValueError:
            continue
        if isinstance(alert, dict) and str(alert.get("ts", "")).startswith(day):
            found.append(alert)
    return found


def figures_of_report(totals: Mapping[str, Any]) -> DayFigures:
    """The day's figures from the totals of an edge report."""

    def number(name: str) -> float | None:
        value = totals.get(name)
        return float(value) if isinstance(value, int | float) else None

    return DayFigures(
        net_bps=number("net_bps"),
        order_age_p95_ms=number("order_age_p95_ms"),
        taker_share_pct=number("taker_share_pct"),
        fills=int(number("fills") or 0),
    )


def _alert(root: Path, reason: str) -> None:
    line = {"kind": "soak_stop", "payload": {"reason": reason}, "ts": clock.artifact_utc()}
    append_jsonl(root / "alerts.log", line)


def _is_date(match: re.Match[str]) -> bool:
    try:
        dt.date(*(int(part) for part in match.groups()))
    except ValueError:
        return False
    return True
