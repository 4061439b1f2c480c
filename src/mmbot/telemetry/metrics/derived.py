"""Samples that need more than a path: one function per metric, named after it.

Each gives label values and a value; None is no sample. `Context` has what they look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from mmbot.units import NS_PER_SEC

__all__ = ["DERIVED", "Context", "Pair"]

Pair = tuple[tuple[str, ...], float | None]

_HORIZONS: Final = ("200", "500")
_TINY_USD: Final = 1e-9
_STAGES: Final = ("md", "rest", "ws")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is known at one reading.

    `queue_shares` are the shares ahead of 60 s ago by symbol and side, `last_volas` the last valid
    volatilities, `sharpe` that of the bars so far.
    """

    state: Mapping[str, Any]
    env: str
    service: str
    exchange: str
    fx_usd_to_base: float
    queue_shares: Mapping[tuple[str, str], float] = field(default_factory=dict)
    last_volas: Mapping[str, float] = field(default_factory=dict)
    sharpe: float = 0.0

    def symbols(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Symbols with their part of the state."""
        yield from self.state["by_symbol"].items()


def vola_ewma(of: Context) -> Iterator[Pair]:
    """Keeps the last valid value."""
    for symbol, vola in of.last_volas.items():
        yield (symbol,), vola


def vola_1m(of: Context) -> Iterator[Pair]:
    """The same in bps."""
    for symbol, vola in of.last_volas.items():
        yield (symbol,), 1e4 * vola


def micro_bias_strength(of: Context) -> Iterator[Pair]:
    """01 section 8.5."""
    for symbol, part in of.symbols():
        moved = part["allocation"]
        raw_usd = max(abs(moved["delta_raw_usd"]), _TINY_USD)
        yield (symbol,), abs(moved["bias_usd"]) / raw_usd


def inventory_abs(of: Context) -> Iterator[Pair]:
    """02 section 5.5."""
    for symbol, part in of.symbols():
        yield (symbol,), abs(part["orders"]["position_usd"])


def hit_rate(of: Context) -> Iterator[Pair]:
    """Share of profitable trades since the start; 0 without trades."""
    for symbol, part in of.symbols():
        trips = part["orders"]["round_trips"]
        yield (symbol,), trips["profitable"] / trips["closed"] if trips["closed"] else 0.0


def net_pnl(of: Context) -> Iterator[Pair]:
    """In the base currency."""
    for symbol, part in of.symbols():
        yield (symbol,), part["orders"]["net_usd"] * of.fx_usd_to_base


def sharpe_ratio(of: Context) -> Iterator[Pair]:
    """Of 60-minute bars."""
    yield (), of.sharpe


def rest_error_rate(of: Context) -> Iterator[Pair]:
    """A session trades on one exchange."""
    yield (of.exchange,), of.state["throttle"]["rest_error_rate"]


def queue_pos_delta(of: Context) -> Iterator[Pair]:
    """Share of the level ahead 60 s ago minus now; 0 where either is not known."""
    for symbol, part in of.symbols():
        for side, share in part["orders"]["queue_ahead_share"].items():
            before = of.queue_shares.get((symbol, side))
            known = before is not None and share is not None
            yield (symbol, side), before - share if known else 0.0


def latency_ms(of: Context) -> Iterator[Pair]:
    """Cumulative counts by ``le``, then sum and count; summed over symbols."""
    parts = [part["orders"]["latency_ms"] for _, part in of.symbols()]
    bounds = parts[0]["rest"]["le_ms"] if parts else []
    for stage in _STAGES:
        seen = [part[stage] for part in parts if stage in part]
        for at, bound in enumerate(bounds):
            yield (stage, str(bound)), sum(one["counts"][at] for one in seen)
        count = sum(one["count"] for one in seen)
        yield (stage, "+Inf"), count
        yield (stage, "sum"), sum(one["sum_ms"] for one in seen)
        yield (stage, "count"), count


def order_illegal_transitions_total(of: Context) -> Iterator[Pair]:
    """Over all symbols."""
    yield (), sum(part["orders"]["illegal_transitions_total"] for _, part in of.symbols())


def blocks_total(of: Context) -> Iterator[Pair]:
    """Over all symbols."""
    total: dict[tuple[str, str], float] = {}
    for _, part in of.symbols():
        for reason, details in part["orders"]["blocks"].items():
            for detail, count in details.items():
                total[reason, detail] = total.get((reason, detail), 0) + count
    yield from total.items()


def order_idem_hits_total(of: Context) -> Iterator[Pair]:
    """By operation."""
    for op, count in of.state["idempotency_hits"].items():
        yield (of.env, of.service, op), count


def stale_cancels_total(of: Context) -> Iterator[Pair]:
    """By reason."""
    for symbol, part in of.symbols():
        yield (symbol, "ttl_expired"), part["orders"]["ttl_cancels_total"]
        yield (symbol, "price_drift"), part["orders"]["drift_cancels_total"]


def refresh_amends_total(of: Context) -> Iterator[Pair]:
    """An order that is too old is cancelled, never refreshed."""
    for symbol, part in of.symbols():
        yield (symbol, "ttl_expired"), 0
        yield (symbol, "price_drift"), part["orders"]["drift_refreshes_total"]


def _markouts(of: Context, value: Callable[[Mapping[str, Any]], float]) -> Iterator[Pair]:
    for symbol, part in of.symbols():
        for horizon, colors in part["orders"]["markouts"].items():
            for color, seen in colors.items():
                yield (horizon, color, symbol), value(seen)


def markout_up_total(of: Context) -> Iterator[Pair]:
    """02 section 15."""
    yield from _markouts(of, lambda seen: seen["up"])


def markout_down_total(of: Context) -> Iterator[Pair]:
    """02 section 15."""
    yield from _markouts(of, lambda seen: seen["down"])


def markout_avg_bps(of: Context) -> Iterator[Pair]:
    """02 section 15; 0 without samples."""
    yield from _markouts(
        of,
        lambda seen: (
            round(seen["sum_bps_int"] / (seen["count"] * 10_000), 6) if seen["count"] else 0.0
        ),
    )


def markout_samples_total(of: Context) -> Iterator[Pair]:
    """Over symbols."""
    total: dict[tuple[str, ...], float] = {}
    for labels, count in _markouts(of, lambda seen: seen["count"]):
        total[labels[:2]] = total.get(labels[:2], 0) + (count or 0)
    yield from total.items()


def markout_skipped_total(of: Context) -> Iterator[Pair]:
    """Over symbols and colours."""
    total: dict[tuple[str, ...], float] = {(horizon,): 0 for horizon in _HORIZONS}
    for labels, count in _markouts(of, lambda seen: seen["skipped"]):
        total[labels[:1]] += count or 0
    yield from total.items()


def strategy_weight(of: Context) -> Iterator[Pair]:
    """The "label" becomes part of the name."""
    for name, weight in of.state["mux"]["weights"].items():
        yield (name.lower(),), weight


def circuit_state(of: Context) -> Iterator[Pair]:
    """One-hot."""
    circuit = of.state["circuit"]
    for state in circuit["transitions_total"]:
        yield (state,), float(state == circuit["state"])


def intraday_caps_pnl(of: Context) -> Iterator[Pair]:
    """In the base currency, as its limit is."""
    yield (), of.state["intraday_caps"]["pnl_usd"] * of.fx_usd_to_base


def portfolio_active_usd(of: Context) -> Iterator[Pair]:
    """Both sides."""
    for symbol, part in of.symbols():
        yield (symbol,), sum(part["orders"]["active_usd"].values())


def allocator_last_update_ts(of: Context) -> Iterator[Pair]:
    """The allocator ticks with every second of market time."""
    ts_ns = of.state["ts_ns"]
    yield (), ts_ns // NS_PER_SEC if of.state["allocation"]["has_targets"] else None


def allocator_sizing_delta_ratio(of: Context) -> Iterator[Pair]:
    """03 section 9."""
    for symbol, part in of.symbols():
        moved = part["allocation"]
        yield (symbol,), abs(moved["delta_capped_usd"]) / max(1.0, abs(moved["current_usd"]))


DERIVED: Final[Mapping[str, Callable[[Context], Iterator[Pair]]]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            vola_ewma,
            vola_1m,
            micro_bias_strength,
            inventory_abs,
            hit_rate,
            net_pnl,
            sharpe_ratio,
            rest_error_rate,
            queue_pos_delta,
            latency_ms,
            order_illegal_transitions_total,
            blocks_total,
            order_idem_hits_total,
            stale_cancels_total,
            refresh_amends_total,
            markout_up_total,
            markout_down_total,
            markout_avg_bps,
            markout_samples_total,
            markout_skipped_total,
            strategy_weight,
            circuit_state,
            intraday_caps_pnl,
            portfolio_active_usd,
            allocator_last_update_ts,
            allocator_sizing_delta_ratio,
        )
    }
)
