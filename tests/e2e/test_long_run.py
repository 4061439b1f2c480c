"""A session over hours of market time: memory and file handles stay as they are after the start.

`--market-hours 72` is the whole proof (six minutes of a core, 4 GB of journal). A shorter one than
the warm-up says nothing about a slope: it is held to a bound. A live session runs by the clock; its
market can go ten times as fast (`--live-minutes 60`: ten hours of it).
"""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import linear_regression, median

import pytest
from tests.e2e.live_world import world
from tests.e2e.processes import PATIENCE_LONG_S, start

from mmbot.clock import monotonic_ns
from mmbot.units import NS_PER_SEC

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

EVERY_S = 0.1
MIB = 1 << 20
# Histories of signals, caches of the writers and the interpreter's own fill up meanwhile.
WARM_UP_HOURS = 6.0
SLOPE_MAX_MIB = 1.0
RESIDENT_MAX_MIB = 400.0
HANDLES_MAX = 24
# With its sockets.
LIVE_HANDLES_MAX = 40
LIVE_SPEED = 10
WARM_UP_MINUTES = 30.0


def resident_mib(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def handles(pid):
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def watched(process, journals):
    """Memory and handles of a process from its first journal on until it ends."""
    samples = []
    deadline_ns = monotonic_ns() + PATIENCE_LONG_S * NS_PER_SEC
    while process.poll() is None:
        assert monotonic_ns() < deadline_ns
        time.sleep(EVERY_S)
        if not any(journals.glob("*/0.mmj")):
            continue
        try:
            samples.append((resident_mib(process.pid), handles(process.pid)))
        except (FileNotFoundError, ProcessLookupError, IndexError):
            break
    return samples


def ended_in_order(process, journals):
    """Samples of a process that ends by itself, and what it printed."""
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(process.communicate)
        try:
            samples = watched(process, journals)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
        out, err = said.result()
    assert process.returncode == 0, err
    return samples, out


def judge(samples, hours, share, *, is_long, handles_max):
    """Hold what was seen behind the warm-up, a share of it, to the bounds; say what it was."""
    # The last samples are of the report.
    warm = samples[int(len(samples) * share) : int(len(samples) * 0.97)]
    assert len(warm) >= 5
    passed = [hours * at / len(samples) for at in range(len(warm))]
    slope, _ = linear_regression(passed, [memory for memory, _ in warm])
    # A writer holds a file or two more for a moment: what matters is whether one stays open.
    counts = [count for _, count in warm]
    half = len(counts) // 2
    facts = (
        f"rss_mib={warm[0][0]:.1f}..{warm[-1][0]:.1f} slope_mib_per_h={slope:.4f} "
        f"handles={median(counts[:half]):.0f}..{median(counts[half:]):.0f} max={max(counts)}"
    )
    if is_long:
        assert slope < SLOPE_MAX_MIB, facts
    assert warm[-1][0] < RESIDENT_MAX_MIB, facts
    assert median(counts[half:]) <= median(counts[:half]) + 1, facts
    assert max(counts) <= handles_max, facts
    return facts


def test_memory_and_file_handles_stay_flat_over_market_hours(tmp_path, request, record_property):
    hours = request.config.getoption("--market-hours")
    process = start(
        tmp_path, "--speed", "max", "--no-store", "--seed", "3", "--duration", f"{hours}h"
    )
    samples, out = ended_in_order(process, tmp_path / "data" / "journal")
    assert "RUN_REPORT.html" in out
    # Market time passes evenly at full speed.
    share = min(0.3, WARM_UP_HOURS / hours)
    is_long = hours > WARM_UP_HOURS
    facts = judge(samples, hours, share, is_long=is_long, handles_max=HANDLES_MAX)
    record_property("memory", facts)


def test_a_live_session_stays_flat_too(tmp_path, request, record_property):
    minutes = request.config.getoption("--live-minutes")
    with world(tmp_path, "--speed", f"{LIVE_SPEED}x", "--regime", "volatile") as one:
        process = one.start("--duration", f"{round(60 * minutes)}s")
        samples, _ = ended_in_order(process, tmp_path / "data" / "journal")
        assert one.open_orders() == []
    hours = LIVE_SPEED * minutes / 60
    is_long = minutes > WARM_UP_MINUTES
    facts = judge(samples, hours, 1 / 3, is_long=is_long, handles_max=LIVE_HANDLES_MAX)
    record_property("memory", facts)
