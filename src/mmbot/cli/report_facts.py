"""What the reports of a session say beside the numbers, and where they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ReportPlace", "SessionFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """What the reports say beside the numbers."""

    tick_sizes: Mapping[str, str]
    mode: str
    market: str
    strategy: str
    seed: int


@dataclass(frozen=True, slots=True)
class ReportPlace:
    """The directory of the reports, the file for the last frame, and whether nobody looks."""

    out: Path
    picture: Path | None
    headless: bool
