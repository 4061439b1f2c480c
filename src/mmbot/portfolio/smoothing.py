"""How a move of stage 10 is told: the trace line and the audit event (03 section 6)."""

from __future__ import annotations

from mmbot.core import SmoothingStep

__all__ = ["audit_event", "trace_line"]


def trace_line(symbol: str, step: SmoothingStep, *, ts_sec: float) -> str:
    """The ``ALLOC_MICRO`` line; the cap of a cold start is the move itself."""
    cap = abs(step.delta_capped_usd) if step.cap_usd is None else step.cap_usd
    return (
        f"ALLOC_MICRO ts={int(ts_sec)} symbol={symbol} current={step.current_usd:.6f} "
        f"desired={step.desired_usd:.6f} delta_raw={step.delta_raw_usd:.6f} cap={cap:.6f} "
        f"backoff_level={step.backoff_level} delta_capped={step.delta_capped_usd:.6f} "
        f"next={step.next_usd:.6f}"
    )


def audit_event(step: SmoothingStep) -> dict[str, float | int | None] | None:
    """Body of the audit event ``ALLOC``, when the cap bound or the level changed."""
    if not (step.bound or step.level_changed):
        return None
    return {
        "backoff_level": step.backoff_level,
        "cap": step.cap_usd,
        "delta_capped": step.delta_capped_usd,
        "delta_raw": step.delta_raw_usd,
        "next": step.next_usd,
    }
