"""A real Redis server of the test's own, on a free port, that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from mmbot.clock import monotonic_ns

READY_S = 30
SERVER = shutil.which("redis-server")
REQUIRED = "MMBOT_REQUIRE_REDIS"


class RedisServer:
    """The process; `kill` leaves the port closed until `start`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        assert SERVER is not None
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "."]
        self._process = subprocess.Popen(
            [SERVER, *options], cwd=self._directory, stdout=subprocess.DEVNULL
        )
        deadline = monotonic_ns() + READY_S * 10**9
        with redis.Redis(port=self.port) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.exceptions.ConnectionError:
                    assert monotonic_ns() < deadline
                    time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server(directory: Path) -> Iterator[RedisServer]:
    if SERVER is None:
        assert not os.environ.get(REQUIRED), "redis-server is not installed"
        pytest.skip("redis-server is not installed: the shared budget is NOT tested here")
    server = RedisServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.kill()
