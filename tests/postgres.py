"""A PostgreSQL of the tests' own: a cluster in a temporary directory, on a port of its own.

The server refuses to run as root, so there it runs as another user. Its password is checked
(scram), so that tests go the way of a production store.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

__all__ = ["NO_POSTGRES", "Cluster", "binaries_missing"]

NO_POSTGRES = "initdb and pg_ctl are not on the PATH"
_USERS = ("postgres", "nobody")
_ROOM_BYTES = 4 << 30


def binaries_missing() -> bool:
    return shutil.which("initdb") is None or shutil.which("pg_ctl") is None


class Cluster:
    """Started by `start`, gone after `stop`; `url` of a new, empty database at each call."""

    def __init__(self) -> None:
        self.password = secrets.token_hex(16)
        self.directory = Path(tempfile.mkdtemp(prefix="mmbot-pg-", dir=_memory()))
        self._user = _server_user()
        self._databases = 0
        self.port = 0

    def start(self) -> None:
        pwfile = self.directory / "pw"
        pwfile.write_text(self.password)
        if self._user is not None:
            entry = pwd.getpwnam(self._user)
            for path in (self.directory, pwfile):
                os.chown(path, entry.pw_uid, entry.pw_gid)
        data = str(self.directory / "data")
        self._run(
            *("initdb", "-D", data, "-U", "mmbot", "--auth=scram-sha-256", f"--pwfile={pwfile}"),
            *("-E", "UTF8", "--no-locale", "--no-sync"),
        )
        # another process may take the port between our look and the server's: then look again
        for attempt in range(5):
            self.port = _free_port()
            options = (
                f"-p {self.port} -c listen_addresses=127.0.0.1 -c fsync=off "
                "-c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 "
                f"-c unix_socket_directories={self.directory}"
            )
            log = str(self.directory / "log")
            try:
                self._run("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
            except subprocess.CalledProcessError:
                if attempt == 4:
                    raise
            else:
                return

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.directory / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self) -> str:
        import psycopg  # noqa: PLC0415 -- only where there is a server

        self._databases += 1
        name = f"t{self._databases}"
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="mmbot",
            password=self.password,
            dbname="postgres",
            autocommit=True,
        ) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://mmbot@127.0.0.1:{self.port}/{name}"

    def _run(self, *command: str) -> None:
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            cwd=self.directory,
            user=self._user,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )


def _memory() -> str | None:
    """Where a database is quick to make and to throw away; None is the usual place."""
    shared = Path("/dev/shm")
    roomy = shared.is_dir() and shutil.disk_usage(shared).free > _ROOM_BYTES
    return str(shared) if roomy else None


def _server_user() -> str | None:
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(user for user in _USERS if user in known)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
