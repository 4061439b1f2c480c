"""Answers of ``/admin/allocator/..``; payloads are checked by `mmbot.portfolio`."""

from __future__ import annotations

from typing import Literal

from mmbot.api.bodies import Answer

__all__ = ["AllocatorLoaded", "CalibrationApplied", "CalibrationReport", "HighWaterMark"]


class HighWaterMark(Answer):
    """Payload of kind ``allocator``."""

    hwm_equity_usd: float
    version: Literal[1] = 1


class AllocatorLoaded(Answer):
    """The high-water mark is in force."""

    snapshot: HighWaterMark
    applied: Literal[True] = True
    status: Literal["ok"] = "ok"


class CalibrationReport(Answer):
    """By symbol, six decimals; `k_eff` and `cap_eff_bps` are those in force, if not configured."""

    cap_eff_bps: dict[str, float]
    k_eff: dict[str, float]
    samples: dict[str, int]
    slippage_ewma_bps: dict[str, float]
    spread_ewma_bps: dict[str, float]
    volume_ewma_usd: dict[str, float]


class CalibrationApplied(Answer):
    """Overrides in force of the symbols that the request named."""

    applied: dict[str, dict[str, float | None]]
    status: Literal["ok"] = "ok"
