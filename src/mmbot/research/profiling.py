"""A profile of the calling process, readable by `pstats`; no cost when it is off."""

from __future__ import annotations

import contextlib
import cProfile
import marshal
from collections.abc import Iterator
from pathlib import Path

from mmbot.store.artifacts import write_bytes

__all__ = ["profiled"]


@contextlib.contextmanager
def profiled(path: Path | None) -> Iterator[None]:
    """Profile the block and write the profile to `path`, also when the block fails."""
    if path is None:
        yield
        return
    profile = cProfile.Profile()
    try:
        with profile:
            yield
    finally:
        profile.create_stats()
        # The attribute is missing in the type stubs.
        stats: dict[tuple[str, int, str], tuple[object, ...]] = vars(profile)["stats"]
        write_bytes(path, marshal.dumps(stats))
