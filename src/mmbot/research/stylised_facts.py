"""Stylised facts of a market, recorded or generated: what is measured, and how.

Everything is measured on what an L2 feed shows, so that recordings of different venues and
generated markets compare: the touch is read on a grid of 100 ms (feeds are conflated differently),
prints of one millisecond and one direction are one market order (venues print each match). The
facts are those of R. Cont, "Empirical properties of asset returns: stylized facts and statistical
issues" (2001), of F. Lillo, S. Mike, J. D. Farmer, "Theory for long memory in supply and demand"
(2005) for trade signs, and of J.-P. Bouchaud, Y. Gefen, M. Potters, M. Wyart, "Fluctuations and
response in financial markets" (2004) for the response of the price to trades.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbot import core
from mmbot.errors import MarketDataError
from mmbot.units import NS_PER_MS, NS_PER_SEC

__all__ = ["FACTS", "Fact", "Instrument", "MarketFacts", "measure", "read_tape"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_GRID_NS = 100 * NS_PER_MS
_PROFILE_TICKS = 200
_SIGN_LAGS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200)
_ABS_LAGS = tuple(range(1, 31))
_RESPONSE_SEC = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_ORDERS_MIN = 50
_SECONDS_MIN = 10.0


@dataclass(frozen=True, slots=True)
class Instrument:
    """Grid and value of what was traded.

    `usd_per_lot` is set for inverse contracts only, whose lots have a fixed value; else a lot is
    worth its price times `lot`.
    """

    tick: float
    lot: float
    usd_per_lot: float | None = None

    def usd(self, px_ticks: F64, lots: F64) -> F64:
        """Value of `lots` at prices in ticks, quote currency."""
        if self.usd_per_lot is not None:
            return lots * self.usd_per_lot
        return px_ticks * self.tick * lots * self.lot


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of the comparison table."""

    key: str
    label: str
    digits: int


FACTS: tuple[Fact, ...] = (
    Fact("span_sec", "length, s", 0),
    Fact("spread_ticks_mean", "spread, ticks, mean", 2),
    Fact("spread_one_tick_ratio", "spread is one tick, share of time", 3),
    Fact("spread_bps_mean", "spread, bps, mean", 3),
    Fact("mid_move_ratio", "mid moves within 100 ms, share", 3),
    Fact("mid_move_ticks_mean", "size of such a move, ticks, mean", 1),
    Fact("vol_1s_bps", "volatility over 1 s, bps", 2),
    Fact("vol_10s_bps", "volatility over 10 s, bps", 2),
    Fact("vol_60s_bps", "volatility over 60 s, bps", 2),
    Fact("kurtosis_1s", "kurtosis of 1 s returns", 1),
    Fact("return_acf_1s", "autocorrelation of 1 s returns, lag 1", 3),
    Fact("abs_return_acf_1s", "the same of their size, lag 1", 3),
    Fact("abs_return_acf_1s_mean10", "the same, mean of lags 1 to 10", 3),
    Fact("orders_per_sec", "market orders per second", 1),
    Fact("prints_per_order", "prints per market order", 2),
    Fact("order_gap_cv", "gaps between orders: std / mean", 2),
    Fact("order_count_fano", "orders per second: variance / mean", 1),
    Fact("sign_acf_1", "autocorrelation of order signs, lag 1", 3),
    Fact("sign_acf_10", "lag 10", 3),
    Fact("sign_acf_50", "lag 50", 3),
    Fact("order_usd_median", "market order, USD, median", 0),
    Fact("order_usd_mean", "market order, USD, mean", 0),
    Fact("order_usd_p99", "market order, USD, 99th percentile", 0),
    Fact("response_100ms_bps", "price response after 0.1 s, bps", 3),
    Fact("response_1s_bps", "after 1 s, bps", 3),
    Fact("response_10s_bps", "after 10 s, bps", 3),
    Fact("half_spread_bps", "half spread paid, bps", 3),
    Fact("touch_usd_median", "size at the best price, USD, median", 0),
    Fact("touch_usd_mean", "the same, mean", 0),
    Fact("depth_usd_1bps", "depth within 1 bps a side, USD", 0),
    Fact("depth_usd_2bps", "within 2 bps, USD", 0),
    Fact("level_ratio_1_10", "levels 1 to 10 ticks away that are populated", 2),
    Fact("level_ratio_50_100", "levels 50 to 100 ticks away that are populated", 2),
    Fact("depth_rows_per_print", "depth rows per print", 1),
)


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """Facts of one market: numbers by the keys of `FACTS`, and curves as (x, y) columns."""

    name: str
    synthetic: bool
    numbers: Mapping[str, float | None]
    curves: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]

    def as_json(self) -> dict[str, Any]:
        """Plain objects for an artifact."""
        curves = {key: {"x": list(x), "y": list(y)} for key, (x, y) in self.curves.items()}
        return {
            "name": self.name,
            "synthetic": self.synthetic,
            "facts": dict(self.numbers),
            "curves": curves,
        }


def read_tape(chunks: Iterable[core.EventChunk]) -> dict[str, Any]:
    """Touch changes, prints and the depth profile of a stream of chunks (see `core.TapeReader`)."""
    reader = core.TapeReader(1_000, _PROFILE_TICKS)
    for chunk in chunks:
        reader.push(chunk)
    return reader.to_arrays()


def measure(
    tape: Mapping[str, Any], instrument: Instrument, *, name: str, synthetic: bool
) -> MarketFacts:
    """Facts of a tape.

    Raises:
        MarketDataError: ``E_BT_NO_DATA`` when the tape is shorter than ten seconds or has fewer
        than fifty market orders.
    """
    touch_ts: I64 = tape["touch_ts"]
    span_sec = float(touch_ts[-1] - touch_ts[0]) / NS_PER_SEC if len(touch_ts) else 0.0
    if span_sec < _SECONDS_MIN:
        raise MarketDataError(
            "E_BT_NO_DATA", f"market={name}", f"has {span_sec:.1f} s of book, ten are needed"
        )
    orders = _orders(tape, instrument)
    if len(orders.sign) < _ORDERS_MIN:
        raise MarketDataError(
            "E_BT_NO_DATA", f"market={name}", f"has {len(orders.sign)} market orders, 50 are needed"
        )
    grid = np.arange(touch_ts[0], touch_ts[-1], _GRID_NS)
    at = np.searchsorted(touch_ts, grid, side="right") - 1
    bid, ask = tape["bid"][at].astype(np.float64), tape["ask"][at].astype(np.float64)
    returns, return_curves = _return_facts((bid + ask) / 2)
    flow, flow_curves = _order_facts(orders, span_sec)
    response, response_curve = _response(tape, orders)
    depth, depth_curve = _depth_facts(tape, at, (bid, ask), instrument)
    prints = int(tape["prints"])
    numbers: dict[str, float | None] = {
        "span_sec": span_sec,
        **_spread_facts(bid, ask),
        **returns,
        **flow,
        "prints_per_order": prints / len(orders.sign),
        "depth_rows_per_print": int(tape["depth_rows"]) / prints,
        **response,
        **depth,
    }
    curves = {**return_curves, **flow_curves, **response_curve, **depth_curve}
    return MarketFacts(name=name, synthetic=synthetic, numbers=numbers, curves=curves)


@dataclass(frozen=True, slots=True)
class _Orders:
    """Market orders: time, direction (+1 buys), value, and the touch before."""

    ts: I64
    sign: F64
    usd: F64
    touch: I64


def _orders(tape: Mapping[str, Any], instrument: Instrument) -> _Orders:
    ts, sign = tape["trade_ts"], tape["trade_sign"]
    if not len(ts):
        empty = np.zeros(0)
        return _Orders(ts=ts, sign=empty, usd=empty, touch=ts)
    new = np.ones(len(ts), dtype=bool)
    new[1:] = (np.diff(ts // NS_PER_MS) != 0) | (np.diff(sign) != 0)
    value = instrument.usd(
        tape["trade_px"].astype(np.float64), tape["trade_qty"].astype(np.float64)
    )
    return _Orders(
        ts=ts[new],
        sign=sign[new].astype(np.float64),
        usd=np.bincount(np.cumsum(new) - 1, weights=value).astype(np.float64),
        touch=tape["trade_touch"][new],
    )


def _spread_facts(bid: F64, ask: F64) -> dict[str, float | None]:
    spread, mid = ask - bid, (ask + bid) / 2
    move = np.abs(np.diff(mid))
    moved = move > 0
    return {
        "spread_ticks_mean": float(spread.mean()),
        "spread_one_tick_ratio": float((spread <= 1).mean()),
        "spread_bps_mean": float((spread / mid).mean() * 1e4),
        "mid_move_ratio": float(moved.mean()),
        "mid_move_ticks_mean": float(move[moved].mean()) if moved.any() else 0.0,
    }


def _return_facts(mid: F64) -> tuple[dict[str, float | None], dict[str, Any]]:
    numbers: dict[str, float | None] = {}
    for sec in (1, 10, 60):
        returns = np.diff(np.log(mid[:: sec * NS_PER_SEC // _GRID_NS])) * 1e4
        numbers[f"vol_{sec}s_bps"] = float(returns.std()) if len(returns) > 1 else None
    seconds = np.diff(np.log(mid[:: NS_PER_SEC // _GRID_NS])) * 1e4
    sizes = _acf(np.abs(seconds), _ABS_LAGS)
    spread = seconds - seconds.mean()
    variance = float((spread**2).mean())
    numbers["kurtosis_1s"] = float((spread**4).mean()) / variance**2 if variance > 0 else None
    numbers["return_acf_1s"] = _acf(seconds, (1,))[0]
    numbers["abs_return_acf_1s"] = sizes[0]
    known = [value for value in sizes[:10] if value is not None]
    numbers["abs_return_acf_1s_mean10"] = sum(known) / len(known) if len(known) == 10 else None
    return numbers, {"abs_return_acf": _curve(_ABS_LAGS, sizes)}


def _order_facts(
    orders: _Orders, span_sec: float
) -> tuple[dict[str, float | None], dict[str, Any]]:
    gaps = np.diff(orders.ts) / NS_PER_SEC
    counts = np.bincount((orders.ts - orders.ts[0]) // NS_PER_SEC)
    acf = dict(zip(_SIGN_LAGS, _acf(orders.sign, _SIGN_LAGS), strict=True))
    numbers: dict[str, float | None] = {
        "orders_per_sec": len(orders.ts) / span_sec,
        "order_gap_cv": float(gaps.std() / gaps.mean()) if gaps.mean() > 0 else None,
        "order_count_fano": float(counts.var() / counts.mean()),
        "sign_acf_1": acf[1],
        "sign_acf_10": acf[10],
        "sign_acf_50": acf[50],
        "order_usd_median": float(np.median(orders.usd)),
        "order_usd_mean": float(orders.usd.mean()),
        "order_usd_p99": float(np.quantile(orders.usd, 0.99)),
    }
    shares = np.linspace(0.02, 0.98, 49)
    return numbers, {
        "sign_acf": _curve(_SIGN_LAGS, tuple(acf.values())),
        "order_gap_sec": _curve(np.quantile(gaps, shares), 1 - shares),
        "order_usd": _curve(np.quantile(orders.usd, shares), 1 - shares),
    }


def _response(
    tape: Mapping[str, Any], orders: _Orders
) -> tuple[dict[str, float | None], dict[str, Any]]:
    """Mean move of the mid in the direction of a market order since just before it."""
    ts: I64 = tape["touch_ts"]
    mid = (tape["bid"] + tape["ask"]) / 2
    known = orders.touch >= 0
    before = mid[orders.touch.clip(0)]
    curve: list[float | None] = []
    for sec in _RESPONSE_SEC:
        until = orders.ts + int(sec * NS_PER_SEC)
        use = known & (until < ts[-1])
        after = mid[np.searchsorted(ts, until, side="right").clip(1) - 1]
        moves = orders.sign * (after / before - 1) * 1e4
        curve.append(float(moves[use].mean()) if use.any() else None)
    at = dict(zip(_RESPONSE_SEC, curve, strict=True))
    half = (tape["ask"] - tape["bid"])[orders.touch.clip(0)] / 2 / before * 1e4
    numbers = {
        "response_100ms_bps": at[0.1],
        "response_1s_bps": at[1.0],
        "response_10s_bps": at[10.0],
        "half_spread_bps": float(half[known].mean()) if known.any() else None,
    }
    return numbers, {"response_bps": _curve(_RESPONSE_SEC, curve)}


def _depth_facts(
    tape: Mapping[str, Any], at: I64, touch: tuple[F64, F64], instrument: Instrument
) -> tuple[dict[str, float | None], dict[str, Any]]:
    sizes = (tape["bid_qty"][at].astype(np.float64), tape["ask_qty"][at].astype(np.float64))
    usd = np.concatenate([instrument.usd(px, qty) for px, qty in zip(touch, sizes, strict=True)])
    samples = max(1, int(tape["samples"]))
    middle = np.array([float(np.mean(touch[0]))])
    within = dict(zip(tape["depth_bps"].tolist(), tape["depth_lots"] / samples, strict=True))
    populated = tape["profile_hits"] / samples
    profile = instrument.usd(middle, tape["profile_lots"] / samples)

    def depth(bps: float) -> float:
        return float(instrument.usd(middle, np.array([within[bps]]))[0])

    numbers: dict[str, float | None] = {
        "touch_usd_median": float(np.median(usd)),
        "touch_usd_mean": float(usd.mean()),
        "depth_usd_1bps": depth(1.0),
        "depth_usd_2bps": depth(2.0),
        "level_ratio_1_10": float(populated[1:11].mean()),
        "level_ratio_50_100": float(populated[50:101].mean()),
    }
    return numbers, {"depth_usd": _curve(range(_PROFILE_TICKS), profile)}


def _acf(x: F64, lags: Iterable[int]) -> list[float | None]:
    centred = x - x.mean()
    variance = float((centred**2).mean())
    enough = variance > 0
    return [
        float((centred[lag:] * centred[:-lag]).mean()) / variance
        if enough and len(x) > lag + 1
        else None
        for lag in lags
    ]


def _curve(
    x: Iterable[float], y: Iterable[float | None]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The points that are known."""
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if b is not None]
    return tuple(p[0] for p in points), tuple(p[1] for p in points)
