"""The resource monitor: one JSON line per interval about the machine and one process.

Figures come from the operating system's own files (``/proc`` on Linux); what a platform does not
tell is null. Nothing to install.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mmbot import clock
from mmbot.store.artifacts import append_jsonl
from mmbot.units import NS_PER_SEC, format_utc

__all__ = ["BackgroundMonitor", "ResourceMonitor", "monitor_for", "read_snapshots"]

_MB: Final = 1024 * 1024
_GB: Final = 1024 * _MB
_PROC: Final = Path("/proc")
_RSS_PAGES: Final = 23
_UTIME, _STIME, _THREADS = 13, 14, 19


@dataclass(slots=True)
class ResourceMonitor:
    """Takes snapshots of the machine and of process `pid`; percentages are since the last one."""

    pid: int = field(default_factory=os.getpid)
    _last_cpu: tuple[float, float] | None = field(default=None, init=False)
    _last_process: tuple[float, float] | None = field(default=None, init=False)

    def snapshot(self) -> dict[str, Any]:
        """One line of ``resources.jsonl``."""
        now_ns = clock.wall_ns()
        memory = _memory()
        disk = shutil.disk_usage(Path.cwd())
        sent, received = _network()
        process = self._process(memory["memory_total_mb"])
        return {
            "timestamp_utc": format_utc(now_ns - now_ns % NS_PER_SEC),
            "timestamp_unix": now_ns / NS_PER_SEC,
            "cpu_percent": self._cpu_percent(),
            "cpu_count": os.cpu_count(),
            **memory,
            "disk_total_gb": disk.total / _GB,
            "disk_used_gb": disk.used / _GB,
            "disk_free_gb": disk.free / _GB,
            "disk_percent": 100 * disk.used / disk.total if disk.total else None,
            "network_bytes_sent": sent,
            "network_bytes_recv": received,
            **process,
            "hostname": platform.node(),
            "platform": platform.system(),
            "python_version": platform.python_version(),
        }

    def _cpu_percent(self) -> float | None:
        text = _text(_PROC / "stat")
        if text is None:
            return None
        ticks = [float(value) for value in text.splitlines()[0].split()[1:]]
        total, idle = sum(ticks[:8]), ticks[3] + ticks[4]
        last, self._last_cpu = self._last_cpu, (total, idle)
        if last is None or total <= last[0]:
            return None
        return 100 * (1 - (idle - last[1]) / (total - last[0]))

    def _process(self, total_mb: float | None) -> dict[str, Any]:
        names = ("cpu_percent", "memory_mb", "memory_percent", "threads", "open_fds")
        blank: dict[str, Any] = {f"process_{name}": None for name in names}
        text = _text(_PROC / str(self.pid) / "stat")
        if text is None:
            return blank
        # The name of the program stands in brackets and may hold blanks.
        parts = ["", "", *text[text.rindex(")") + 2 :].split()]
        rss_mb = int(parts[_RSS_PAGES]) * os.sysconf("SC_PAGE_SIZE") / _MB
        return {
            "process_cpu_percent": self._process_percent(parts),
            "process_memory_mb": rss_mb,
            "process_memory_percent": 100 * rss_mb / total_mb if total_mb else None,
            "process_threads": int(parts[_THREADS]),
            "process_open_fds": _open_files(self.pid),
        }

    def _process_percent(self, parts: list[str]) -> float | None:
        used = (int(parts[_UTIME]) + int(parts[_STIME])) / os.sysconf("SC_CLK_TCK")
        now = clock.monotonic_ns() / NS_PER_SEC
        last, self._last_process = self._last_process, (now, used)
        if last is None or now <= last[0]:
            return None
        return 100 * (used - last[1]) / (now - last[0])


@dataclass(slots=True)
class BackgroundMonitor:
    """Appends a snapshot per interval from a thread; `failed` keeps why it stopped early."""

    path: Path
    interval_sec: float
    monitor: ResourceMonitor = field(default_factory=ResourceMonitor)
    failed: str | None = None
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; the first snapshot is taken at once."""
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End and wait for the last line."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        while True:
            try:
                append_jsonl(self.path, self.monitor.snapshot())
            except Exception as exc:  # noqa: BLE001 -- the outermost frame of a thread: kept
                self.failed = str(exc)
                return
            if self._ended.wait(self.interval_sec):
                return


def monitor_for(
    path: Path,
    *,
    interval_sec: float,
    duration_sec: float | None,
    pid: int | None,
    stop: Callable[[], bool],
) -> int:
    """Monitor in the foreground until the duration is over or a stop; return the line count."""
    monitor = ResourceMonitor() if pid is None else ResourceMonitor(pid)
    begun_ns, lines = clock.monotonic_ns(), 0
    while True:
        append_jsonl(path, monitor.snapshot())
        lines += 1
        spent_sec = (clock.monotonic_ns() - begun_ns) / NS_PER_SEC
        if duration_sec is not None and spent_sec + interval_sec > duration_sec:
            return lines
        wake_ns = clock.monotonic_ns() + int(interval_sec * NS_PER_SEC)
        while clock.monotonic_ns() < wake_ns:
            if stop():
                return lines
            clock.sleep_ns(min(NS_PER_SEC // 5, wake_ns - clock.monotonic_ns()))


def read_snapshots(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The lines of a file, and how many could not be used."""
    found, skipped = [], 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        usable = isinstance(document, dict) and isinstance(
            document.get("timestamp_unix"), int | float
        )
        if usable:
            found.append(document)
        else:
            skipped += 1
    return found, skipped


def _memory() -> dict[str, float | None]:
    text = _text(_PROC / "meminfo")
    names = ("total_mb", "available_mb", "used_mb", "percent")
    if text is None:
        return dict.fromkeys(f"memory_{name}" for name in names)
    sizes = {line.split(":")[0]: float(line.split()[1]) / 1024 for line in text.splitlines()}
    total, free = sizes["MemTotal"], sizes["MemAvailable"]
    return {
        "memory_total_mb": total,
        "memory_available_mb": free,
        "memory_used_mb": total - free,
        "memory_percent": 100 * (total - free) / total,
    }


def _network() -> tuple[int | None, int | None]:
    text = _text(_PROC / "net" / "dev")
    if text is None:
        return None, None
    sent = received = 0
    for line in text.splitlines()[2:]:
        fields = line.partition(":")[2].split()
        received += int(fields[0])
        sent += int(fields[8])
    return sent, received


def _open_files(pid: int) -> int | None:
    try:
        return sum(1 for _ in (_PROC / str(pid) / "fd").iterdir())
    except OSError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
