"""A served exchange and live sessions on it, as processes of their own."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pybit.unified_trading import HTTP
from tests.conformance.conftest import Venue, serving
from tests.e2e.processes import ROOT, environment, free_port, mmbot, start

from mmbot.cli import journal_view
from mmbot.clock import monotonic_ns
from mmbot.store.journal import JournalReader
from mmbot.units import NS_PER_SEC

SYMBOL = "BTCUSDT"
# A machine that compiles beside it takes its time.
PATIENCE_S = 120.0


@dataclass
class World:
    """One exchange, one directory of a bot."""

    path: Path
    venue: Venue
    sets: tuple[str, ...] = ()
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    health_port: int = 0
    """Where the session that was started last answers for its health."""

    @property
    def env(self) -> dict[str, str]:
        key, secret = self.venue.keys[0]
        return {"BYBIT_API_KEY": key, "BYBIT_API_SECRET": secret}

    def args(self, *more: str) -> list[str]:
        # A market that is against us is not what these tests are about.
        self.health_port = free_port()
        ports = [f"monitoring.{name}_port={self.health_port}" for name in ("health", "metrics")]
        given = ("runtime_guard.enabled=false", *ports, *self.sets)
        sets = [word for one in given for word in ("--set", one)]
        return [
            *("--mode", "live", "--venue", "bybit", "--endpoint", self.venue.rest),
            *("--i-understand-live", "--symbol", SYMBOL, *sets, *more),
        ]

    def start(self, *more: str, **env: str) -> subprocess.Popen[str]:
        process = start(self.path, *self.args(*more), **(self.env | env))
        self.started.append(process)
        return process

    def start_quoting(self) -> subprocess.Popen[str]:
        """A session that trades and has orders at the venue."""
        process = self.start()
        until(lambda: self.is_trading(process))
        until(self.open_orders)
        return process

    def start_shadow(self) -> subprocess.Popen[str]:
        """A session without a key, which sends nothing."""
        words = [word for word in self.args() if word != "--i-understand-live"]
        words[words.index("live")] = "shadow"
        process = start(self.path, *words)
        self.started.append(process)
        return process

    def is_trading(self, process: subprocess.Popen[str]) -> bool:
        """Whether this very process has recovered and trades."""
        found = [one for one in self.states() if one["pid"] == process.pid]
        return bool(found) and found[0]["stage"] == "trading"

    def run(self, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
        return mmbot(self.path, "run", "--headless", *self.args(*more), **(self.env | env))

    def mmbot(self, *args: str) -> subprocess.CompletedProcess[str]:
        return mmbot(self.path, *args, **self.env)

    def client(self, account: int = 0) -> HTTP:
        key, secret = self.venue.keys[account]
        client = HTTP(testnet=False, api_key=key, api_secret=secret)
        client.endpoint = self.venue.rest
        return client

    def open_orders(self) -> list[str]:
        answer = self.client().get_open_orders(category="linear", symbol=SYMBOL)
        return [one["orderLinkId"] for one in answer["result"]["list"]]

    def position(self) -> float:
        answer = self.client().get_positions(category="linear", symbol=SYMBOL)
        signs = {"Buy": 1, "Sell": -1, "": 0}
        return sum(signs[one["side"]] * float(one["size"] or 0) for one in answer["result"]["list"])

    def journals(self) -> list[Path]:
        found = self.path.glob("data/journal/*/0.mmj")
        return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]

    def replays(self) -> list[str]:
        return [self.mmbot("replay", str(path)).stdout.strip() for path in self.journals()]

    def states(self) -> list[dict[str, Any]]:
        found = self.mmbot("status", "--all", "--json")
        sessions: list[dict[str, Any]] = json.loads(found.stdout)["sessions"]
        return sessions

    def records(self, path: Path, *kinds: str) -> list[dict[str, Any]]:
        # As `mmbot journal dump --json`, without a process for each look.
        prefix = journal_view.cid_prefix(path)
        found = JournalReader(path).records(kinds=kinds or None)
        return [json.loads(journal_view.json_line(record, prefix)) for record in found]

    def leaves(self, *names: str, session: int = 0) -> None:
        """Each fault has a counter in a session's state and a line in the audit."""
        counts = self.states()[session]["faults"]
        lines = (self.path / "artifacts" / "audit.jsonl").read_bytes().splitlines()
        faults = [one for one in map(json.loads, lines) if one["kind"] == "FAULT"]
        fields = [one["fields"] for one in faults if one["fields"]["event"] == "begin"]
        told = {".".join(filter(None, (one["name"], one["detail"]))) for one in fields}
        assert set(names) <= set(counts), counts
        assert set(names) <= told, told
        assert self.mmbot("audit", "verify").returncode == 0

    def recovery(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(
            (self.path / "artifacts" / "RECOVERY.json").read_bytes()
        )
        return report


@contextmanager
def world(path: Path, *serve: str, faults: str = "", sets: tuple[str, ...] = ()) -> Iterator[World]:
    shutil.copytree(ROOT / "config", path / "config")
    options = ["--symbols", SYMBOL, "--regime", "calm", *serve]
    if faults:
        (path / "faults.yaml").write_text(faults, encoding="ascii")
        options += ["--faults", str(path / "faults.yaml")]
    with serving(path, *options) as venue:
        one = World(path, venue, sets)
        try:
            yield one
        finally:
            for process in one.started:
                if process.poll() is None:
                    process.kill()
                    process.communicate()


def until(what: Any, patience_s: float = PATIENCE_S) -> Any:
    """Wait for what is awaited; return it."""
    deadline_ns = monotonic_ns() + int(patience_s * NS_PER_SEC)
    while monotonic_ns() < deadline_ns:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"did not happen in {patience_s} s: {what}")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a session's end."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGTERM)
    return ended(process)


def is_replay_ok(line: str) -> bool:
    return re.search(r"\| replay \| OK \| events=\d+ actions=\d+ hash=", line) is not None


__all__ = [
    "SYMBOL",
    "World",
    "ended",
    "environment",
    "interrupt",
    "is_replay_ok",
    "until",
    "world",
]
