"""Lives of one live session: each is killed at a random moment, and the next begins at once.

What is measured is what an operator would see: from the start of the new process until it has said
that it is reconciled, and until the venue has confirmed a quote of it. Stalled is it while it could
run and the machine gives it no processor. Where a life is killed:

    start    at any moment of a start, before or within recovery
    trading  at any moment of some seconds of trading
    write    at the moment at which the journal has grown: what was decided has been written down,
             in part or whole, and its requests are about to leave
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.e2e.live_world import SYMBOL, World

from mmbot.clock import wall_ns
from mmbot.store.journal import JournalReader
from mmbot.store.journal.reader import Start
from mmbot.trading.live.remembering import remember
from mmbot.units import NS_PER_SEC

KINDS: Final = ("start", "trading", "write")
_WEIGHTS: Final = (3, 4, 3)
_LONGEST_SEC: Final = 1.5
_LOOK_SEC: Final = 0.02
_GLANCE_SEC: Final = 0.0002
# A machine that compiles beside it takes its time.
_PATIENCE_SEC: Final = 60.0

# Quotes are always wanted: neither a guard nor what random trading loses keeps them away.
ALWAYS_QUOTING: Final = (
    "strategy.enable_adverse_guard=false",
    "risk.max_drawdown_pct=1",
    "risk.risk_pause_threshold=1",
)


@dataclass
class Life:
    """One process of the session.

    Attributes:
        process: of it.
        spawned_ns: when it was started.
        journal: end of the journal then; None before there is one.
        reconciled_ns: when it had said that it is, None if it was killed before.
        recovery: what it did to be reconciled.
        quoting_ns: when it had heard that what it asked for stands; None if it was killed before.
        stalled_ns: how long it had waited for a processor by then.
    """

    process: subprocess.Popen[str]
    spawned_ns: int
    journal: Start | None
    reconciled_ns: int | None = None
    recovery: dict[str, Any] = field(default_factory=dict)
    quoting_ns: int | None = None
    stalled_ns: int = 0
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._has_recovered = threading.Event()
        self._readers = [
            threading.Thread(target=work, daemon=True) for work in (self._hear, self._drain)
        ]
        for one in self._readers:
            one.start()

    def wait_reconciled(self) -> None:
        assert self._has_recovered.wait(_PATIENCE_SEC), self.said
        assert self.reconciled_ns is not None, self.said

    def kill(self) -> int:
        """Kill it, if it did not end by itself; when it was gone."""
        assert self.process.poll() is None, self.said
        self.process.kill()
        self.leave()
        return wall_ns()

    def leave(self) -> None:
        """Wait until it is gone."""
        self.process.wait(_PATIENCE_SEC)
        for one in self._readers:
            one.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def _hear(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip())
            if line.startswith("| recovery | "):
                self.reconciled_ns = wall_ns()
                self.stalled_ns = _stalled_ns(self.process.pid)
                self._has_recovered.set()
        self._has_recovered.set()

    def _drain(self) -> None:
        assert self.process.stdout is not None
        for _ in self.process.stdout:
            pass


class Session:
    """A session and its lives; `world` runs the venue."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world = world
        self.rng = rng
        self.usual_sec = 1.0
        """What a start takes, about."""
        # as where it is installed: modules are compiled once
        bytecode = str(world.path / "bytecode")
        self._env = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": bytecode}

    @property
    def journal(self) -> Path:
        (found,) = self.world.journals()
        return found

    def begin(self) -> Life:
        """Start a process."""
        journals = self.world.journals()
        place = _end_of(journals[0]) if journals else None
        spawned_ns = wall_ns()
        return Life(self.world.start(**self._env), spawned_ns, place)

    def quote(self, life: Life) -> None:
        """Wait until it quotes."""
        life.wait_reconciled()
        deadline_ns = wall_ns() + int(_PATIENCE_SEC * NS_PER_SEC)
        while life.quoting_ns is None:
            assert life.process.poll() is None, life.said
            assert wall_ns() < deadline_ns, life.said
            stalled_ns = _stalled_ns(life.process.pid)
            life.quoting_ns = self._first_confirmed_ns(life)
            if life.quoting_ns is None:
                # later than this it may have quoted
                life.stalled_ns = stalled_ns
            time.sleep(_LOOK_SEC)
        life.recovery = self.world.recovery()
        took_sec = (life.quoting_ns - life.spawned_ns) / NS_PER_SEC
        self.usual_sec += 0.2 * (min(took_sec, 2 * self.usual_sec) - self.usual_sec)

    def live_and_die(self, life: Life) -> tuple[str, int]:
        """Kill it at a random moment; which kind of moment that was, and when."""
        (kind,) = self.rng.choices(KINDS, _WEIGHTS)
        if kind == "start":
            time.sleep(self.rng.uniform(0.0, 1.2 * self.usual_sec))
            return kind, life.kill()
        self.quote(life)
        time.sleep(self.rng.uniform(0.0, _LONGEST_SEC))
        if kind == "write":
            self._wait_for_growth()
        return kind, life.kill()

    def end(self, life: Life) -> tuple[int, list[str]]:
        """End it in order; its exit code, and what it said."""
        life.process.send_signal(signal.SIGTERM)
        life.leave()
        return life.process.returncode, life.said

    def position_lots(self) -> int:
        """As its journal has it."""
        return remember(self.journal).ledger.position_lots(SYMBOL)

    def _wait_for_growth(self) -> None:
        segment = max(self.journal.glob("*.mmj"), key=lambda path: int(path.stem))
        size = segment.stat().st_size
        deadline_ns = wall_ns() + NS_PER_SEC
        while segment.stat().st_size == size and wall_ns() < deadline_ns:
            time.sleep(_GLANCE_SEC)

    def _first_confirmed_ns(self, life: Life) -> int | None:
        """When an order that this life placed or changed was confirmed."""
        asked = set()
        found = JournalReader(self.journal).records(kinds=("intent", "report"), start=life.journal)
        for record in found:
            if record["kind"] == "intent":
                asked.add(record["cid"] if record["action"] != "cancel" else None)
            elif record["report"] in {"accepted", "amended"} and record["cid"] in asked:
                return int(record["ts_ns"])
        return None


def _stalled_ns(pid: int) -> int:
    """How long the process's main thread could run and had no processor; 0 where nobody says."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0


def _end_of(path: Path) -> Start:
    """Where the next record will stand: behind the last whole one."""
    reader = JournalReader(path)
    scan = reader.scan()
    last = len(reader.segments) - 1
    size = reader.segments[last].stat().st_size
    offset = size if scan.torn is None else scan.torn.offset
    return Start(seq=scan.next_seq, segment=last, offset=offset)


def percentiles(values_ns: list[int]) -> dict[str, float]:
    """p50, p90, p99 and the greatest, in seconds; each is a value that was measured."""
    ordered = sorted(values_ns)
    found = {
        f"p{share}": ordered[max(0, -(-share * len(ordered) // 100) - 1)] / NS_PER_SEC
        for share in (50, 90, 99)
    }
    return found | {"max": ordered[-1] / NS_PER_SEC}


def load_average() -> float:
    """How many processes wanted a processor in the last minute, about."""
    return os.getloadavg()[0]
