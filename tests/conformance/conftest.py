"""A running `mmbot exchange serve` for third-party clients."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

MMBOT = [sys.executable, "-c", "from mmbot.cli.app import main; main()"]
READY_S = 60
LINES_BEFORE_ACCOUNTS = 5


@dataclass(frozen=True)
class Venue:
    """Where the exchange listens and who may trade there."""

    address: str
    keys: list[tuple[str, str]]

    @property
    def rest(self) -> str:
        return f"http://{self.address}"

    def socket(self, path: str) -> str:
        return f"ws://{self.address}/v5/{path}"


@contextmanager
def serving(tmp_path, *args: str, accounts: int = 2) -> Iterator[Venue]:
    """A server process of its own on a free port; ended by SIGINT, and it must end well."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MM_")}
    process = subprocess.Popen(
        [*MMBOT, "exchange", "serve", "--port", "0", "--accounts", str(accounts), *args],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(READY_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(LINES_BEFORE_ACCOUNTS + accounts)]
        watchdog.cancel()
        assert "Bybit v5" in lines[0], lines
        address = lines[1].split("http://")[1].strip()
        words = [dict(w.split("=") for w in line.split() if "=" in w) for line in lines[5:]]
        yield Venue(address, [(w["key"], w["secret"]) for w in words])
    finally:
        watchdog.cancel()
        if sys.platform == "win32":
            process.terminate()
        else:
            process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=READY_S)
    if sys.platform == "win32":
        return
    assert process.returncode == 0, rest
    assert rest.endswith("stopped\n"), rest


@pytest.fixture(scope="module")
def venue(tmp_path_factory) -> Iterator[Venue]:
    directory = tmp_path_factory.mktemp("venue")
    # pybit loses an answer that comes before it has returned from sending, and a busy machine may
    # keep it from that for long
    faults = directory / "faults.yaml"
    delay = "- {{at_ms: 0, kind: delay, delay_ms: 300, stream: {}}}\n"
    text = "".join(delay.format(stream) for stream in ("public", "private", "trade"))
    faults.write_text(text, encoding="ascii")
    options = ("--symbols", "BTCUSDT,ETHUSDT", "--regime", "calm", "--faults", str(faults))
    with serving(directory, *options) as running:
        yield running
