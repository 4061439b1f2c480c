"""``TUNING_STATE.json``: what the tuner remembers from one iteration to the next.

Frozen; every step returns a new one. Keys that a file lacks count as null or zero. `pending` holds
a change that was decided and is not yet known to be in force; `last_outcome` the summary of the
last finished iteration, so that a file lost between two writes can be written again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mmbot.soak.parameters import TUNABLES, Values

__all__ = ["HISTORY_SEC", "VALUE_HISTORY", "Moved", "TuningState", "from_document", "to_document"]

VERSION: Final = 1
HISTORY_SEC: Final = 3600.0
VALUE_HISTORY: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One applied change: soak time in seconds, iteration, field, net change."""

    t_sec: float
    iteration: int
    field: str
    delta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningState:
    """Streaks, limits in time, histories, and the hash of the overrides file last written."""

    run_id: str
    last_iter: int = 0
    last_applied_signature: str | None = None
    last_applied_iter: int | None = None
    last_applied_fields: tuple[str, ...] = ()
    frozen_until_iter: int | None = None
    freeze_reason: str | None = None
    stable_streak: int = 0
    cooldown_until_iter: int | None = None
    cooldown_loosened: bool = False
    neg_streak: int = 0
    kpi_fail_streak: int = 0
    fallback_applied_at_iter: int | None = None
    panic_count: int = 0
    sanity_failures: int = 0
    delta_history: tuple[Moved, ...] = ()
    value_history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    last_good: Values = field(default_factory=dict)
    state_hash: str | None = None
    pending: Mapping[str, Any] | None = None
    last_outcome: Mapping[str, Any] | None = None

    def with_values(self, values: Values) -> TuningState:
        """Remember the values in force (overlay excluded) at the end of the value history."""
        history = {
            name: (*self.value_history.get(name, ()), values[name])[-VALUE_HISTORY:]
            for name in TUNABLES
        }
        return replace(self, value_history=history)

    def moved_within_hour(self, name: str, now_sec: float) -> float:
        """Net applied change of a field in the last hour of soak time."""
        return math.fsum(
            moved.delta
            for moved in self.delta_history
            if moved.field == name and now_sec - moved.t_sec <= HISTORY_SEC
        )


def to_document(state: TuningState) -> dict[str, Any]:
    """The content of the file."""
    return {
        "version": VERSION,
        "run_id": state.run_id,
        "last_iter": state.last_iter,
        "last_applied_signature": state.last_applied_signature,
        "last_applied_iter": state.last_applied_iter,
        "last_applied_fields": list(state.last_applied_fields),
        "frozen_until_iter": state.frozen_until_iter,
        "freeze_reason": state.freeze_reason,
        "stable_streak": state.stable_streak,
        "cooldown_until_iter": state.cooldown_until_iter,
        "cooldown_loosened": state.cooldown_loosened,
        "neg_streak": state.neg_streak,
        "kpi_fail_streak": state.kpi_fail_streak,
        "fallback_applied_at_iter": state.fallback_applied_at_iter,
        "panic_count": state.panic_count,
        "sanity_failures": state.sanity_failures,
        "delta_history": [
            {"t": m.t_sec, "iter": m.iteration, "param": m.field, "delta": m.delta}
            for m in state.delta_history
        ],
        "value_history": {name: list(items) for name, items in state.value_history.items()},
        "last_good": dict(state.last_good),
        "state_hash": state.state_hash,
        "pending": None if state.pending is None else dict(state.pending),
        "last_outcome": None if state.last_outcome is None else dict(state.last_outcome),
    }


def from_document(document: Mapping[str, Any]) -> TuningState:
    """Read the file's content.

    Raises:
        ValueError: the content is not that of this file: the caller treats it as corrupt.
    """
    if document.get("version") != VERSION or not isinstance(document.get("run_id"), str):
        raise ValueError("no tuning state of version 1")
    read = _Reader(document)
    try:
        return TuningState(
            run_id=document["run_id"],
            last_iter=read.count("last_iter"),
            stable_streak=read.count("stable_streak"),
            neg_streak=read.count("neg_streak"),
            kpi_fail_streak=read.count("kpi_fail_streak"),
            panic_count=read.count("panic_count"),
            sanity_failures=read.count("sanity_failures"),
            last_applied_iter=read.iteration("last_applied_iter"),
            frozen_until_iter=read.iteration("frozen_until_iter"),
            cooldown_until_iter=read.iteration("cooldown_until_iter"),
            fallback_applied_at_iter=read.iteration("fallback_applied_at_iter"),
            last_applied_signature=read.text("last_applied_signature"),
            freeze_reason=read.text("freeze_reason"),
            state_hash=read.text("state_hash"),
            last_applied_fields=tuple(document.get("last_applied_fields") or ()),
            cooldown_loosened=bool(document.get("cooldown_loosened")),
            delta_history=tuple(_moved(item) for item in document.get("delta_history") or ()),
            value_history={
                name: tuple(TUNABLES[name].rounded(value) for value in items)
                for name, items in dict(document.get("value_history") or {}).items()
            },
            last_good=dict(document.get("last_good") or {}),
            pending=read.object("pending"),
            last_outcome=read.object("last_outcome"),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise ValueError(f"a key has the wrong form: {exc}") from exc


def _moved(item: Mapping[str, Any]) -> Moved:
    name = str(item["param"])
    return Moved(
        t_sec=float(item["t"]),
        iteration=int(item["iter"]),
        field=name,
        delta=TUNABLES[name].rounded(item["delta"]),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads keys of one form; a key of another form raises `ValueError`."""

    document: Mapping[str, Any]

    def iteration(self, key: str) -> int | None:
        value = self.document.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise ValueError(f"{key} is no iteration")

    def count(self, key: str) -> int:
        return self.iteration(key) or 0

    def text(self, key: str) -> str | None:
        value = self.document.get(key)
        if value is None or isinstance(value, str):
            return value
        raise ValueError(f"{key} is no text")

    def object(self, key: str) -> Mapping[str, Any] | None:
        value = self.document.get(key)
        if value is None or isinstance(value, Mapping):
            return value
        raise ValueError(f"{key} is no object")
