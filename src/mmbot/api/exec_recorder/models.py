"""Bodies of ``/admin/execution/..``."""

from __future__ import annotations

from typing import Literal

from mmbot.api.bodies import Answer

__all__ = ["RecorderStatusAnswer", "ReplayAnswer", "ReplayCounts", "RotateAnswer"]


class RecorderStatusAnswer(Answer):
    """The file written last (empty if none) and the time of the last complete sync, seconds."""

    enabled: bool
    file: str
    last_write_ts: float


class RotateAnswer(Answer):
    """The file that events go to from now on."""

    file: str
    ok: Literal[True] = True


class ReplayCounts(Answer):
    """Accepted orders and rejects of a symbol."""

    fills: int
    rejects: int


class ReplayAnswer(Answer):
    """What was replayed."""

    by_symbol: dict[str, ReplayCounts]
    events_total: int
    fills: int
    rejects: int
