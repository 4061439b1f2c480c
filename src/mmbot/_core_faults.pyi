"""The fault world, a part of the stub of the extension."""

from collections.abc import Mapping
from typing import Any

def fault_catalog() -> dict[str, Any]:
    """What can go wrong: `faults` (name, per, ratio as ``n/m``, max_ms), `canaries` (names of
    defects that can be planted), `rules` (names of what is judged after every event).
    """

def fault_run(
    seed: int,
    *,
    safety_ms: int = 60_000,
    symbols: int | None = None,
    faults: Mapping[str, tuple[str, int | None]] | None = None,
    canary: str | None = None,
    shrink: bool = False,
) -> dict[str, Any]:
    """Plays a session on a synthetic market in the fault world; the GIL is released.

    Everything is drawn from `seed`: 1 to 3 instruments unless `symbols` says how many, half of the
    faults unless `faults` names them (ratio as ``n/m``, longest duration in ms). `safety_ms` of
    venue time with faults are followed by 25 s without, and by a stop. `canary` plants a defect.
    `shrink` cuts the faults of a run with violations down to those that matter (`minimised`).

    Keys: seed, symbols, faults, canary, safety_ms, violations (rule, ts_ms, symbol, detail; the
    first of each rule), broken and judged (counts by rule), happened (counts by fault), venue_ms,
    events, requests, fills, resumed and held (symbols that quoted, or that a guard held, at the
    end), dead (stopped or killed for good), orphans, state_hash, minimised.

    Raises:
        CoreError: a number out of range (``E_CFG_RANGE``), an unknown fault
            (``E_CFG_UNKNOWN_KEY``), a ratio that is none (``E_CFG_TYPE``).
    """

def kill_drill(seed: int, *, symbols: int = 1) -> dict[str, Any]:
    """Kills a session on a synthetic market amid faults and watches its orders go; the GIL is
    released. The first seed from `seed` on whose session has orders at the kill is taken.

    Keys: seed, symbols, passed, kill_at_ms, requests_before, resting_at_kill, under_way_at_kill,
    gate_closed_ms, cancels, last_cancel_ms, placed_after, healed_ms, gone_ms, confirmed_ms (times
    in ms after the kill, None if it did not come to that), resting_at_end, happened (counts by
    fault), violations.

    Raises:
        CoreError: ``E_CFG_RANGE``.
    """
