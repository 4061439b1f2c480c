"""A valid summary, and clocks that tests move by hand."""

from __future__ import annotations

import copy
from typing import Any

from mmbot.units import parse_utc_ns

HOUR_NS = parse_utc_ns("2024-08-09T12:00:00Z")

VALID: dict[str, Any] = {
    "schema_version": "e1.1",
    "symbol": "BTCUSDT",
    "hour_utc": "2024-08-09T12:00:00Z",
    "counts": {"orders": 10, "quotes": 12, "fills": 3, "maker_fills": 2},
    "hit_rate_by_bin": {"0": {"count": 5, "fills": 2}, "50": {"count": 7, "fills": 1}},
    "queue_wait_cdf_ms": [{"p": 0.1, "v": 1.25}, {"p": 0.5, "v": 9.0}],
    "metadata": {"git_sha": "abc", "cfg_hash": "def", "segments": ["s1"]},
    "generated_at_utc": "2024-08-09T13:01:00Z",
    "window_utc": {"hour_start": "2024-08-09T12:00:00Z", "hour_end": "2024-08-09T13:00:00Z"},
    "bins_max_bps": 50,
    "percentiles_used": [0.1, 0.5],
}


def valid(**changes: Any) -> dict[str, Any]:
    """A valid summary; `a__b` sets a nested key."""
    out = copy.deepcopy(VALID)
    for name, value in changes.items():
        *path, last = name.split("__")
        target = out
        for part in path:
            target = target[part]
        target[last] = value
    return out


def without(*names: str) -> dict[str, Any]:
    return {key: value for key, value in copy.deepcopy(VALID).items() if key not in names}
