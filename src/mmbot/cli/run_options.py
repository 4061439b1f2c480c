"""The options of `mmbot run`, before anything is built of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["RunOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of `mmbot run`, checked for form only; `duration_ns` is market time.

    `throttle_snapshots` is the file of the request windows and the seconds between two writes;
    `follows` says that the market is that of a venue while it happens, at `endpoint` if given.
    """

    config: Path | None
    profile: str | None
    sets: tuple[str, ...]
    symbols: tuple[str, ...]
    mode: str
    data: str | None
    venue: str | None
    regime: str
    speed: str
    duration_ns: int | None
    headless: bool
    seed: int
    out: Path | None
    calibration: Path | None
    strategy: str | None
    picture: Path | None
    record: bool
    journal: bool
    store: bool
    throttle_snapshots: tuple[Path | None, float] = (None, 30.0)
    endpoint: str | None = None

    @property
    def follows(self) -> bool:
        """See the class."""
        is_told = self.venue is not None or self.endpoint is not None
        return self.mode == "paper" and self.data is None and is_told
