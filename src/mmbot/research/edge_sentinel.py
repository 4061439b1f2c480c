"""Where an edge goes, and which parameter answers that: the ``EDGE_SENTINEL`` document.

Made of the fields of edge reports, one set per symbol and bucket of time. Rankings go by money,
ties by name. An advice names one parameter and a direction; nothing acts on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.store.runtime import runtime_block
from mmbot.units import BPS_PER_UNIT

__all__ = ["BUCKET_MIN", "TOTAL", "SentinelBucket", "edge_sentinel"]

BUCKET_MIN: Final = 15
TOTAL: Final = "TOTAL"
_COSTS: Final = ("fees_eff_bps", "adverse_bps", "slippage_bps", "inventory_bps")
_COMPONENTS: Final = ("gross_bps", *_COSTS)
_KEPT: Final = 5
_BUSY_REPLACES: Final = 0.3
_HIGH_FEES: Final = 0.3

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SentinelBucket:
    """One symbol in one bucket; `label` is the bucket's start, ``YYYY-MM-DDTHH:MMZ``."""

    symbol: str
    label: str
    fields: Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    code: str
    component: str
    parameter: str | None
    direction: str | None
    text: str
    holds: Callable[[Fields], bool]


def edge_sentinel(
    buckets: Sequence[SentinelBucket], totals: Fields, *, bucket_min: int = BUCKET_MIN
) -> dict[str, Any]:
    """The document.

    Args:
        buckets: the fields of an edge report for each symbol and bucket that had fills.
        totals: those of everything together.
        bucket_min: length of the buckets, minutes.
    """
    symbols = {name: _merged(b for b in buckets if b.symbol == name) for name in _names(buckets)}
    rows = [{"symbol": b.symbol, "bucket": b.label, **_shown(b.fields)} for b in buckets]
    rows.sort(key=lambda row: (row["symbol"], row["bucket"]))
    by_symbol = [{"symbol": name, **fields} for name, fields in symbols.items()]
    return {
        "runtime": runtime_block(),
        "bucket_min": bucket_min,
        "summary": {
            "symbols": {name: _shown(fields) for name, fields in symbols.items()},
            "buckets": rows,
        },
        "top": {
            "top_symbols_by_net_drop": _ranked(by_symbol, "net_bps", worst_first=True),
            "top_buckets_by_net_drop": _ranked(rows, "net_bps", worst_first=True),
            "contributors_by_component": {
                cost: _ranked(by_symbol, cost, worst_first=False) for cost in _COSTS
            },
        },
        "advice": _advice(totals, symbols),
    }


def _advice(totals: Fields, symbols: Mapping[str, Fields]) -> list[dict[str, Any]]:
    """What holds for everything; for a symbol what holds for it and not for everything."""
    found = []
    for rule in _RULES:
        overall = rule.holds(totals)
        named = [TOTAL] if overall else [name for name in symbols if rule.holds(symbols[name])]
        found += [
            {
                "code": rule.code,
                "component": rule.component,
                "symbol": name,
                "text": rule.text,
                "parameter": rule.parameter,
                "direction": rule.direction,
            }
            for name in named
        ]
    return found


def _largest(name: str) -> Callable[[Fields], bool]:
    def holds(fields: Fields) -> bool:
        value = _number(fields, name)
        return value > 0 and all(value >= _number(fields, cost) for cost in _COSTS)

    return holds


def _slips_on_replaces(fields: Fields) -> bool:
    ratio = fields.get("replace_ratio")
    return _largest("slippage_bps")(fields) and (ratio is None or ratio >= _BUSY_REPLACES)


def _slips_otherwise(fields: Fields) -> bool:
    return _largest("slippage_bps")(fields) and not _slips_on_replaces(fields)


def _is_picked_off(fields: Fields) -> bool:
    adverse = _number(fields, "adverse_bps")
    return adverse > 0 and adverse > _number(fields, "slippage_bps")


def _pays_fees(fields: Fields) -> bool:
    gross = _number(fields, "gross_bps")
    return gross > 0 and _number(fields, "fees_eff_bps") > _HIGH_FEES * gross


def _is_well(fields: Fields) -> bool:
    return _number(fields, "net_bps") >= 0 and not any(r.holds(fields) for r in _RULES[:-1])


_RULES: Final = (
    _Rule(
        code="RAISE_MIN_INTERVAL",
        component="slippage_bps",
        parameter="min_interval_ms",
        direction="up",
        text="slippage costs most and quotes are replaced often: replace them less",
        holds=_slips_on_replaces,
    ),
    _Rule(
        code="WIDEN_SPREAD",
        component="slippage_bps",
        parameter="base_spread_bps_delta",
        direction="up",
        text="slippage costs most: quote wider",
        holds=_slips_otherwise,
    ),
    _Rule(
        code="LOWER_IMPACT_CAP",
        component="adverse_bps",
        parameter="impact_cap_ratio",
        direction="down",
        text="prices move against fills: lean less on signals",
        holds=_is_picked_off,
    ),
    _Rule(
        code="RAISE_VIP_TILT",
        component="fees_eff_bps",
        parameter="vip_tilt_cap",
        direction="up",
        text="fees take a large part of the gross edge: tilt to where they are low",
        holds=_pays_fees,
    ),
    _Rule(
        code="RAISE_INVENTORY_TILT",
        component="inventory_bps",
        parameter="inventory_tilt_cap",
        direction="up",
        text="carrying positions costs most: lean harder against them",
        holds=_largest("inventory_bps"),
    ),
    _Rule(
        code="HOLD",
        component="net_bps",
        parameter=None,
        direction=None,
        text="the edge is positive and no cost stands out",
        holds=_is_well,
    ),
)


def _names(buckets: Sequence[SentinelBucket]) -> list[str]:
    return sorted({bucket.symbol for bucket in buckets})


def _merged(buckets: Iterable[SentinelBucket]) -> dict[str, Any]:
    """Fields of several buckets of one symbol, by turnover."""
    parts = [bucket.fields for bucket in buckets]
    if len(parts) == 1:
        return dict(parts[0])
    turnover = math.fsum(_number(part, "turnover_usd") for part in parts)
    merged: dict[str, Any] = {
        name: math.fsum(_number(p, name) * _number(p, "turnover_usd") for p in parts) / turnover
        if turnover
        else 0.0
        for name in (*_COMPONENTS, "net_bps")
    }
    fills = sum(int(part.get("fills") or 0) for part in parts)
    return {**merged, "fills": fills, "turnover_usd": turnover}


def _shown(fields: Fields) -> dict[str, Any]:
    return {name: fields.get(name) for name in (*_COMPONENTS, "net_bps", "fills", "turnover_usd")}


def _ranked(
    rows: Sequence[Mapping[str, Any]], name: str, *, worst_first: bool
) -> list[dict[str, Any]]:
    """The rows with the lowest (or highest) amount of money, five at most."""
    amounts = [
        (_number(row, name) * _number(row, "turnover_usd") / BPS_PER_UNIT, row) for row in rows
    ]
    sign = 1 if worst_first else -1
    amounts.sort(key=lambda pair: (sign * pair[0], pair[1]["symbol"], pair[1].get("bucket", "")))
    key = name.replace("_bps", "_usd")
    return [
        {**{n: row[n] for n in ("symbol", "bucket") if n in row}, name: row.get(name), key: usd}
        for usd, row in amounts[:_KEPT]
    ]


def _number(fields: Fields, name: str) -> float:
    return float(fields.get(name) or 0.0)
