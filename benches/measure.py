"""Cases, each run in a fresh interpreter, alternating inside a round.

A round runs every case once, so a noisy minute hits peers and project alike; every second round
goes backwards, so a drift of the machine does not always hit the same side last.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

# The longest case takes about a minute on two cores; one that takes half an hour hangs.
CASE_TIMEOUT_S = 1800.0

Row = dict[str, Any]


class SetupError(Exception):
    """Peers or feeds cannot be prepared; the message says why."""


@dataclass(frozen=True)
class Case:
    """One command that prints one JSON object as its last line.

    `rounds_max` limits how often a slow case takes part; None means every round.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    rounds_max: int | None = None


def run_rounds(cases: Sequence[Case], *, runs: int) -> dict[str, list[Row]]:
    """Rows by case name in the order of `cases`; a failed run is a row with the key `error`."""
    rows: dict[str, list[Row]] = {case.name: [] for case in cases}
    for number in range(runs):
        order = cases if number % 2 == 0 else tuple(reversed(cases))
        for case in order:
            if case.rounds_max is not None and number >= case.rounds_max:
                continue
            row = run_case(case)
            rows[case.name].append(row)
            print(f"  round {number + 1}/{runs}  {case.name}: {_brief(row)}", file=sys.stderr)
    return rows


def run_case(case: Case) -> Row:
    """Run `case` once and return its row, with `process_wall_s` of the whole process added."""
    start = time.perf_counter()
    try:
        done = subprocess.run(
            case.command,
            cwd=ROOT,
            env=os.environ | dict(case.env),
            capture_output=True,
            text=True,
            timeout=CASE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no result within {CASE_TIMEOUT_S:.0f} s"}
    if done.returncode != 0:
        return {"error": _last_line(done.stderr or done.stdout), "exit_code": done.returncode}
    row = parse_row(done.stdout)
    row["process_wall_s"] = round(time.perf_counter() - start, 3)
    return row


def parse_row(output: str) -> Row:
    """Return the JSON object on the last line that holds one, or an error row."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            row: Row = json.loads(line)
            return row
    return {"error": "no result line"}


def good_rows(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if "error" not in row]


def median(rows: Sequence[Row], key: str) -> float | None:
    """Median of `key` over the runs that succeeded; None without any."""
    values = [float(row[key]) for row in good_rows(rows) if key in row]
    return statistics.median(values) if values else None


def _brief(row: Row) -> str:
    if "error" in row:
        return f"FAILED: {row['error']}"
    keys = ("events_per_s", "wall_s", "us_per_frame", "peak_rss_mb", "orders", "submits", "fills")
    return "  ".join(f"{key}={row[key]}" for key in keys if key in row)


def _last_line(text: str) -> str:
    """The line that names the error: a trace above it would carry paths of this machine."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300].encode("ascii", "replace").decode() if lines else "no output"
