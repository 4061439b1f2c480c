"""Where the peers come from: their scripts, an interpreter that can run them, their own venv.

The scripts are looked for in ``$MMBOT_PEERS``, then in ``../shared/peers`` beside the checkout. The
peers live in a venv of their own below the cache directory, never in the project's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benches.measure import ROOT, Case, SetupError

REQUIREMENTS = Path(__file__).with_name("peers.txt")

# Tried in this order: the first that starts is taken. Older ones get an old nautilus_trader.
PYTHON_NAMES = ("python3.12", "python3.13", "python3.14")
PYTHON_MIN = (3, 12)

HBT_ROI = "hftbacktest mm roi"
HBT_HASH = "hftbacktest mm hash"
HBT_SWEEP = "hftbacktest sweep x2"
NAUTILUS_V1 = "nautilus v1 mm batched"
NAUTILUS_V2 = "nautilus v2 mm batched"
MSGSPEC = "msgspec+dict frame"

# What a comparison with this peer is made of, by the names above: the fastest is the opponent.
HFTBACKTEST = (HBT_ROI, HBT_HASH)
NAUTILUS = (NAUTILUS_V1, NAUTILUS_V2)


@dataclass(frozen=True)
class Peers:
    """Peer scripts and the interpreter of the venv that holds the peers' packages."""

    scripts: Path
    python: Path

    def command(self, script: str, *args: str) -> tuple[str, ...]:
        return (str(self.python), str(self.scripts / script), *args)

    def env(self) -> dict[str, str]:
        """The scripts import each other, and their directory may be read-only."""
        return {
            "PYTHONPATH": str(self.scripts),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore",
        }

    def run(self, script: str, *args: str) -> str:
        """Run a script for its side effect; return what it printed."""
        done = subprocess.run(
            self.command(script, *args),
            env=os.environ | self.env(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SetupError(f"{script} failed: {done.stderr[-1500:]}")
        return done.stdout

    def case(self, name: str, script: str, *args: str, rounds_max: int | None = None) -> Case:
        return Case(name, self.command(script, *args), self.env(), rounds_max)


def find_scripts() -> Path | None:
    """The directory of the peer scripts, or None where there is none."""
    given = os.environ.get("MMBOT_PEERS")
    candidates = [Path(given)] if given else [ROOT.parent / "shared" / "peers"]
    return next((path.resolve() for path in candidates if (path / "make_feed.py").is_file()), None)


def prepare(scripts: Path, cache: Path) -> Peers:
    """Create or reuse the venv of the peers below `cache`.

    Raises:
        SetupError: a package cannot be installed.
    """
    venv = cache / "peers"
    bin_dir = venv / ("Scripts" if os.name == "nt" else "bin")
    python = bin_dir / ("python.exe" if os.name == "nt" else "python")
    stamp = venv / ".stamp"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if python.exists() and stamp.is_file() and stamp.read_text() == wanted:
        return Peers(scripts, python)
    interpreter = _interpreter()
    print("bench: installing the peers once (about a minute)", file=sys.stderr)
    shutil.rmtree(venv, ignore_errors=True)
    _set_up([interpreter, "-m", "venv", str(venv)])
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _set_up([*pip, "-r", str(REQUIREMENTS)])
    stamp.write_text(wanted)
    return Peers(scripts, python)


def cases(
    peers: Peers, *, main_feed: Path, small_feed: Path, frame_feed: Path, slow_rounds: int
) -> dict[str, Case]:
    """The peer cases by name; NautilusTrader takes the small feed, in `slow_rounds` rounds."""
    hbt = ("hbt_one.py", "--feed", str(main_feed), "--mode", "mm", "--depth")
    sweep = ("bench_sweep.py", "--feed", str(main_feed), "--one", "roi", "2")
    nautilus = ("--feed", str(small_feed), "--mode", "mm", "--batch")
    msgspec = ("bench_json.py", "--feed", str(frame_feed), "--one", "msgspec+dict")
    found = (
        peers.case(HBT_ROI, *hbt, "roi"),
        peers.case(HBT_HASH, *hbt, "hash"),
        peers.case(HBT_SWEEP, *sweep),
        peers.case(NAUTILUS_V1, "nautilus_one.py", *nautilus, rounds_max=slow_rounds),
        peers.case(NAUTILUS_V2, "nautilus_v2_one.py", *nautilus, rounds_max=slow_rounds),
        peers.case(MSGSPEC, *msgspec),
    )
    return {case.name: case for case in found}


def _interpreter() -> str:
    for candidate in _candidates():
        if _version(candidate) >= PYTHON_MIN:
            return candidate
    print(
        "bench: WARNING: no Python 3.12 or newer found (MMBOT_PEER_PYTHON names one): the peers "
        "are installed with this older one and nautilus_trader will be an old release",
        file=sys.stderr,
    )
    return sys.executable


def _candidates() -> Iterator[str]:
    given = os.environ.get("MMBOT_PEER_PYTHON")
    if given:
        yield given
    yield sys.executable
    yield from PYTHON_NAMES
    # pyenv puts a name on the PATH that refuses to start until the version is activated.
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for name in PYTHON_NAMES:
        yield from sorted(str(path) for path in versions.glob(f"*/bin/{name}"))


def _version(interpreter: str) -> tuple[int, ...]:
    """Version of an interpreter; empty if it does not start."""
    ask = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([interpreter, "-c", ask], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    return tuple(int(part) for part in done.stdout.split())


def _set_up(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SetupError(f"the peers cannot be installed: {done.stderr[-1500:]}")
