"""Feeds that peers and project replay, made once by the peers' `make_feed.py`.

A feed is deterministic for its length, and a shorter one is a prefix of a longer one. It exists as
`.npz` (hftbacktest's records) and `.parquet` (what the project streams). The venue frames are the
depth packets of a feed in Bybit's v5 shape, one frame a line, made by the function that the peers'
own frame benchmark uses, so both sides decode the same bytes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benches.measure import ROOT, SetupError
from benches.peers import Peers

FRAME_FEED_EVENTS = 200_000
# bench_json.py decodes that many frames of a feed; both sides have to.
FRAMES = 20_000

_WRITE_FRAMES = """
import sys, bench_json
frames = bench_json.read_feed(sys.argv[1], int(sys.argv[3]))
open(sys.argv[2], "wb").write(b"\\n".join(frames) + b"\\n")
"""


@dataclass(frozen=True)
class Feed:
    """One feed in both forms."""

    npz: Path
    parquet: Path


def feed_of(data: Path, events: int) -> Feed:
    """Where the feed of so many events lies; `label` follows make_feed.py."""
    stem = f"feed_{label(events)}"
    return Feed(data / f"{stem}.npz", data / f"{stem}.parquet")


def label(events: int) -> str:
    if events % 1_000_000 == 0:
        return f"{events // 1_000_000}m"
    return f"{events // 1000}k" if events % 1000 == 0 else str(events)


def ensure_feed(peers: Peers, data: Path, events: int) -> Feed:
    """Make the feed if it is not there yet, and check it event by event."""
    feed = feed_of(data, events)
    if feed.npz.is_file() and feed.parquet.is_file():
        return feed
    print(f"bench: making a feed of {events} events", file=sys.stderr)
    # A feed that an interruption cut short must not look like a whole one.
    partial = data / f"partial-{os.getpid()}"
    partial.mkdir(parents=True, exist_ok=True)
    try:
        peers.run("make_feed.py", "--out", str(partial), "--n", str(events), "--check")
        made = feed_of(partial, events)
        made.npz.replace(feed.npz)
        made.parquet.replace(feed.parquet)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return feed


def catalog_path(data: Path, events: int) -> Path:
    """Where the feed lies as a catalog of the project."""
    return data / f"catalog_{label(events)}"


def ensure_catalog(data: Path, events: int) -> Path:
    """Make the catalog of a feed in a process that ends with its memory.

    One that is there is kept, unless it was written before the catalog's writer changed.
    """
    path = catalog_path(data, events)
    written = [ROOT / "src" / "mmbot" / "market" / name for name in ("schema.py", "writer.py")]
    if path.is_dir():
        if path.stat().st_mtime > max(source.stat().st_mtime for source in written):
            return path
        shutil.rmtree(path)
    print(f"bench: making a catalog of {events} events", file=sys.stderr)
    feed = feed_of(data, events)
    done = subprocess.run(
        [sys.executable, "-m", "benches.catalog", str(feed.parquet), str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SetupError(f"no catalog was made: {done.stderr[-1500:]}")
    return path


def frames_path(data: Path) -> Path:
    """Where the venue frames lie."""
    return data / f"frames_{label(FRAME_FEED_EVENTS)}.jsonl"


def ensure_frames(peers: Peers, data: Path, feed: Feed) -> Path:
    """Make the file of venue frames if it is not there yet."""
    path = frames_path(data)
    if path.is_file():
        return path
    partial = path.with_suffix(".partial")
    done = subprocess.run(
        [str(peers.python), "-c", _WRITE_FRAMES, str(feed.npz), str(partial), str(FRAMES)],
        env=os.environ | peers.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SetupError(f"no frames were made: {done.stderr[-1500:]}")
    partial.replace(path)
    return path
