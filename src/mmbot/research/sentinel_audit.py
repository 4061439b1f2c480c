"""The ``EDGE_SENTINEL`` document of recorded fills, and its page.

A fill whose line brings its components along counts as it says; the components of the others are
computed as in an edge audit, bucket by bucket, from the fills that do not bring their own.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from mmbot.errors import InputError
from mmbot.research.edge_accounts import components, turnover_usd
from mmbot.research.edge_audit import AuditInput, bucket_stretches
from mmbot.research.edge_lines import TradeLine
from mmbot.research.edge_sentinel import SentinelBucket, edge_sentinel
from mmbot.research.metrics import bps_of
from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.units import BPS_PER_UNIT, NS_PER_MIN, NS_PER_MS, format_utc_ns

__all__ = ["read_sentinel", "sentinel_markdown", "sentinel_of"]

_COSTS: Final = ("fees_usd", "slippage_usd", "adverse_usd", "inventory_usd")
_NAMES: Final = {
    "gross_usd": "gross_bps",
    "fees_usd": "fees_eff_bps",
    "slippage_usd": "slippage_bps",
    "adverse_usd": "adverse_bps",
    "inventory_usd": "inventory_bps",
}
_COLUMNS: Final = (
    "gross_bps",
    "fees_eff_bps",
    "adverse_bps",
    "slippage_bps",
    "inventory_bps",
    "net_bps",
    "fills",
    "turnover_usd",
)


@dataclass(slots=True)
class _Sum:
    """What fills brought and cost, USD."""

    usd: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_NAMES, 0.0))
    turnover: float = 0.0
    fills: int = 0

    def add(self, usd: Mapping[str, float], turnover: float, fills: int) -> None:
        for name in _NAMES:
            self.usd[name] += usd[name]
        self.turnover += turnover
        self.fills += fills

    def fields(self) -> dict[str, Any]:
        """Fields of an edge report; how often quotes were replaced is not known."""
        bps = {_NAMES[name]: bps_of(usd, self.turnover) for name, usd in self.usd.items()}
        net = self.usd["gross_usd"] - math.fsum(self.usd[name] for name in _COSTS)
        return {
            **bps,
            "net_bps": bps_of(net, self.turnover),
            "fills": self.fills,
            "turnover_usd": self.turnover,
            "replace_ratio": None,
        }


def sentinel_of(given: AuditInput, *, bucket_min: int) -> dict[str, Any]:
    """The document; a bucket begins at a multiple of `bucket_min` minutes since 1970.

    Raises:
        InvariantError: ``E_SIM_IDENTITY`` when components and ledger differ: a defect of ours.
    """
    sums: defaultdict[tuple[str, int], _Sum] = defaultdict(_Sum)
    for trade in given.trades:
        if trade.ready is not None:
            usd, turnover = _ready_usd(trade)
            start_ns = _bucket_ns(trade, bucket_min)
            sums[trade.symbol, start_ns].add(usd, turnover, 1)
    others = replace(given, trades=[trade for trade in given.trades if trade.ready is None])
    for one in bucket_stretches(others, bucket_min=bucket_min):
        fills = one.stretch.fills
        usd = components([one.stretch])
        sums[one.symbol, one.start_ns].add(usd, turnover_usd(fills), len(fills))
    buckets = [
        SentinelBucket(symbol, f"{format_utc_ns(start_ns)[:16]}Z", found.fields())
        for (symbol, start_ns), found in sorted(sums.items(), key=lambda pair: pair[0])
    ]
    return edge_sentinel(buckets, _total(sums.values()).fields(), bucket_min=bucket_min)


def _bucket_ns(trade: TradeLine, bucket_min: int) -> int:
    length_ns = bucket_min * NS_PER_MIN
    return round(trade.ts_ms * NS_PER_MS) // length_ns * length_ns


def _ready_usd(trade: TradeLine) -> tuple[dict[str, float], float]:
    """Components of a fill that brings its own, USD, and its notional."""
    assert trade.ready is not None
    notional = trade.price * trade.qty
    ready = {
        "gross_usd": trade.ready.gross_bps,
        "fees_usd": trade.ready.fee_bps,
        "slippage_usd": trade.ready.slippage_bps,
        "adverse_usd": trade.ready.adverse_bps,
        "inventory_usd": trade.ready.inventory_bps,
    }
    return {name: notional * bps / BPS_PER_UNIT for name, bps in ready.items()}, notional


def _total(sums: Iterable[_Sum]) -> _Sum:
    total = _Sum()
    for one in sums:
        total.add(one.usd, one.turnover, one.fills)
    return total


def read_sentinel(path: Path) -> dict[str, Any]:
    """A document that was written before.

    Raises:
        InputError: ``E_EDGE_IO`` when it is missing or no such document.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as exc:
        reason = exc.strerror or type(exc).__name__
        raise InputError("E_EDGE_IO", f"file={path}", f"cannot be read: {reason}") from exc
    except ValueError as exc:
        raise InputError("E_EDGE_IO", f"file={path}", "is no JSON") from exc
    if not isinstance(found, dict) or not {"summary", "top", "advice"} <= found.keys():
        raise InputError("E_EDGE_IO", f"file={path}", "is no edge sentinel")
    return found


def sentinel_markdown(document: Mapping[str, Any]) -> str:
    """``EDGE_SENTINEL.md``: symbols, the buckets that lost most, advice.

    Raises:
        InputError: ``E_EDGE_IO`` for a document that lacks a field.
    """
    try:
        return _markdown(document)
    except (KeyError, TypeError, AttributeError) as exc:
        raise InputError("E_EDGE_IO", "EDGE_SENTINEL", f"lacks a field: {exc}") from exc


def _markdown(document: Mapping[str, Any]) -> str:
    symbols = document["summary"]["symbols"]
    rows = [[name, *_texts(symbols[name], _COLUMNS)] for name in sorted(symbols)]
    top = document["top"]["top_buckets_by_net_drop"]
    worst = [[row["symbol"], row["bucket"], *_texts(row, ("net_bps", "net_usd"))] for row in top]
    advice = [f"- {_advice(one)}" for one in document["advice"]] or ["- none"]
    parts = (
        f"# Edge sentinel\n\nBuckets of {document['bucket_min']} minutes",
        markdown_table(["symbol", *_COLUMNS], rows),
        "## Buckets that lost most",
        markdown_table(["symbol", "bucket", "net_bps", "net_usd"], worst),
        "## Advice",
        "\n".join(advice),
    )
    return "\n\n".join(parts) + "\n"


def _texts(row: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [number_text(row[name]) for name in names]


def _advice(one: Mapping[str, Any]) -> str:
    what = "" if one["parameter"] is None else f": `{one['parameter']}` {one['direction']}"
    return f"{one['code']} ({one['symbol']}){what}; {one['text']}"
