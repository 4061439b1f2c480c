"""The project's cases: `python -m benches.cases NAME FILE` runs one and prints one JSON line."""

from __future__ import annotations

import importlib
import itertools
import json
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benches.measure import Case, Row

ONE_LANE = "mmbot mm"
ONE_LANE_SMALL = "mmbot mm, small feed"
GUARDED = "mmbot mm, all guards"
LANES_64 = "mmbot mm 64 lanes"
SWEEP = "mmbot sweep 16 x2 threads"
SWEEP_64 = "mmbot sweep 64 x2 threads"
STREAM = "mmbot mm from catalog"
STREAM_SMALL = "mmbot mm from catalog, small feed"
READ = "mmbot read catalog"
FRAMES = "mmbot frame"

REFERENCE_HALF_TICKS, REFERENCE_SKEW_TICKS = 5.0, 0.5
# The sets that the peers' sweep runs (bench_sweep.py), and a finer grid over the same ranges.
GRID_16 = tuple(itertools.product((2.0, 4.0, 6.0, 8.0), (0.0, 0.3, 0.6, 1.0)))
GRID_64 = tuple(itertools.product(range(2, 10), (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.0)))
FRAME_PASSES = 7

_PACKAGES = ("mmbot", "numpy", "pyarrow")


def cases(
    *, main_feed: Path, small_feed: Path, main_catalog: Path, small_catalog: Path, frames: Path
) -> dict[str, Case]:
    """The project's cases by name; feeds are the Parquet files, catalogs made from them."""
    files = {
        ONE_LANE: main_feed,
        GUARDED: main_feed,
        LANES_64: main_feed,
        SWEEP: main_feed,
        SWEEP_64: main_feed,
        STREAM: main_catalog,
        READ: main_catalog,
        ONE_LANE_SMALL: small_feed,
        STREAM_SMALL: small_catalog,
        FRAMES: frames,
    }
    return {name: Case(name, _command(name, path)) for name, path in files.items()}


def _command(name: str, path: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", "benches.cases", name, str(path))


def run_one(name: str, path: Path) -> Row:
    """Run one case in this process and return its row."""
    # Inside, so that the harness itself needs no extension to plan a run. In the order of the mmbot
    # command: its market package chooses the allocator of pyarrow, which `project` loads.
    importlib.import_module("mmbot.market")
    from benches import guarded, project  # noqa: PLC0415

    def lanes(grid: tuple[tuple[float, float], ...]) -> list[dict[str, Any]]:
        return [project.reference_lane(half_ticks=half, skew_ticks=skew) for half, skew in grid]

    reference = lanes(((REFERENCE_HALF_TICKS, REFERENCE_SKEW_TICKS),))
    runs: dict[str, Callable[[], Row]] = {
        ONE_LANE: lambda: project.run_reference_mm(path, reference, 1),
        ONE_LANE_SMALL: lambda: project.run_reference_mm(path, reference, 1),
        GUARDED: lambda: project.run_reference_mm(path, reference, 1, guarded.session()),
        LANES_64: lambda: project.run_reference_mm(path, lanes(GRID_64), 1),
        SWEEP: lambda: project.run_reference_mm(path, lanes(GRID_16), 2),
        SWEEP_64: lambda: project.run_reference_mm(path, lanes(GRID_64), 2),
        STREAM: lambda: project.stream_reference_mm(path, reference),
        STREAM_SMALL: lambda: project.stream_reference_mm(path, reference),
        READ: lambda: project.read_catalog(path),
        FRAMES: lambda: project.decode_frames(path.read_bytes().splitlines(), FRAME_PASSES),
    }
    row = runs[name]()
    peak = peak_rss_mb()
    if peak is not None:
        row["peak_rss_mb"] = round(peak, 1)
    return row | {"versions": _versions()}


def peak_rss_mb() -> float | None:
    """High-water mark of this process in MiB; None where the system does not tell.

    From VmHWM where there is one: `ru_maxrss` of a child starts from its parent's value.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415

    per_mib = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / per_mib


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


if __name__ == "__main__":
    print(json.dumps(run_one(sys.argv[1], Path(sys.argv[2]))))
