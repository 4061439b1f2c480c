"""``artifacts/metrics.json`` of a session: written once a minute and at its end."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from mmbot import clock, core
from mmbot.config import AppConfig
from mmbot.errors import StoreError
from mmbot.portfolio.fees import effective_shares, fee_status
from mmbot.research.day_book import DayFigures, SymbolDay, pooled_p95
from mmbot.research.metrics import bps_of
from mmbot.research.window_edge import audited_fills
from mmbot.store.artifacts import write_json
from mmbot.store.runtime import artifact_path, git_sha, runtime_block
from mmbot.telemetry.metrics.sections import intraday_caps_section, position_skew_section
from mmbot.trading.session import Taken
from mmbot.units import NS_PER_DAY, NS_PER_SEC

__all__ = ["MetricsFile", "metrics_document", "write_metrics"]

_EVERY_NS: Final = 60 * NS_PER_SEC


def metrics_document(
    days: Mapping[str, DayFigures],
    state: Mapping[str, Any],
    config: AppConfig,
    *,
    mode: str,
    env: str,
    batches: Mapping[str, int],
) -> dict[str, Any]:
    """The document; `days` has the symbols with data, `batches` their tail cancels of the day."""
    total = DayFigures.total(list(days.values()))
    ages = {symbol: pooled_p95(day.ages_ms) for symbol, day in days.items()}
    age_p95 = {symbol: age for symbol, age in ages.items() if age is not None}
    age_total = pooled_p95(total.ages_ms) or 0.0
    replaces = {s: float(state["by_symbol"][s]["orders"]["replaces_per_min"]) for s in days}
    edges = {symbol: day.edge_bps for symbol, day in days.items()}
    return {
        "fees": _fees(days, total, config),
        "intraday_caps": intraday_caps_section(state, fx_usd_to_base=config.trading.fx_usd_to_base),
        "position_skew": position_skew_section(state),
        "runtime": {**runtime_block(mode=mode), "git_sha": git_sha(), "env": env},
        "pnl": {
            "usd": {symbol: day.net_usd for symbol, day in days.items()},
            "realized_usd": {symbol: day.realized_usd for symbol, day in days.items()},
            "net_bps": {symbol: edge["net_bps"] for symbol, edge in edges.items()},
            "taker_share_pct": {symbol: day.taker_share_pct for symbol, day in days.items()},
            "order_age_p95_ms": age_p95,
            "total_usd": total.net_usd,
            "total_net_bps": total.edge_bps["net_bps"],
            "total_taker_share_pct": total.taker_share_pct,
            "total_order_age_p95_ms": age_total,
        },
        "turnover": {
            "usd": {symbol: day.turnover_usd for symbol, day in days.items()},
            "total_usd": total.turnover_usd,
        },
        "latency": {
            "p95_ms": age_p95,
            "p95_ms_total": age_total,
            "replace_rate_per_min": replaces,
            "cancel_batch_events_total": dict(batches),
        },
        "edge": {
            name: {symbol: edge[name] for symbol, edge in edges.items()} for name in total.edge_bps
        }
        | {"total": total.edge_bps},
    }


def _fees(days: Mapping[str, DayFigures], total: DayFigures, config: AppConfig) -> dict[str, Any]:
    maker_usd = total.turnover_usd - total.taker_usd
    status = fee_status(
        config.fees.bybit,
        turnover_30d_usd=total.turnover_usd,
        maker_share=effective_shares(maker_usd=maker_usd, taker_usd=total.taker_usd),
    )
    return {
        "tier_level": status.tier_now.level,
        "maker_bps": status.tier_now.maker_bps,
        "distance_usd": status.distance_usd,
        "effective_fee_bps_now": status.effective_bps,
        "effective_bps": bps_of(total.fees_usd, total.turnover_usd),
        "per_symbol_bps": {s: bps_of(d.fees_usd, d.turnover_usd) for s, d in days.items()},
    }


class MetricsFile:
    """Keeps the day of a session and writes the file (`mmbot.trading.session.Companion`).

    A UTC day is one of market time. A file that cannot be written is one line; the next minute
    tries again.

    Args:
        symbols: in the engine's order.
        config: gives the configuration in force.
        mode: of the session.
        env: ``MM_ENV``.
        say: takes lines.
        path: the file; None is ``metrics.json`` of the artifacts.
        beside: whether it is written by a thread of its own, for sessions that wait for no disk.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        config: Callable[[], AppConfig],
        *,
        mode: str,
        env: str,
        say: Callable[[str], None],
        path: Path | None = None,
        beside: bool = False,
    ) -> None:
        self._symbols = tuple(symbols)
        self._config = config
        self._mode = mode
        self._env = env
        self._say = say
        self._path = path or artifact_path("metrics.json")
        self._day = 0
        self._days: list[SymbolDay] = []
        self._batches: list[int] = []
        self._due_ns = 0
        self._pool = ThreadPoolExecutor(1, "metrics") if beside else None

    def begin(self, engine: core.Backtest, market_ns: int) -> None:
        """The first day begins with nothing, of a session that goes on with what it has."""
        self._day = market_ns // NS_PER_DAY
        self._days = [_opening(engine.result(0, at)) for at in range(len(self._symbols))]
        self._batches = self._batch_counts(engine)
        self._due_ns = clock.monotonic_ns() + _EVERY_NS

    def on_chunk(self, symbol: int, chunk: core.EventChunk) -> None:
        """See `Companion`."""

    def step(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """Take in the fills; once a minute the file."""
        self._take(taken)
        if market_ns // NS_PER_DAY != self._day:
            self._turn_day(engine, market_ns)
        if clock.monotonic_ns() >= self._due_ns:
            self._due_ns = clock.monotonic_ns() + _EVERY_NS
            self._write(engine)

    def close(self, engine: core.Backtest, market_ns: int, taken: Sequence[Taken]) -> None:
        """The file at the end."""
        del market_ns
        self._take(taken)
        self._write(engine)
        if self._pool is not None:
            self._pool.shutdown()

    def _take(self, taken: Sequence[Taken]) -> None:
        for day, one in zip(self._days, taken, strict=True):
            for adopted in one.adopted:
                day.adopt(adopted.qty, adopted.price)
            for fill in audited_fills(one.symbol, one.fills):
                day.add(fill)

    def _turn_day(self, engine: core.Backtest, market_ns: int) -> None:
        self._day = market_ns // NS_PER_DAY
        batches = self._batch_counts(engine)
        for at in range(len(self._symbols)):
            snapshot = engine.snapshot(0, at)
            mid = _finite(snapshot["mid"])
            held = float(snapshot["position"])
            self._days[at] = SymbolDay(held, mid, engine.result(0, at))
            self._batches[at] = batches[at]

    def _batch_counts(self, engine: core.Backtest) -> list[int]:
        by_symbol = engine.session(0).state()["by_symbol"]
        return [int(by_symbol[s]["orders"]["cancel_batches_total"]) for s in self._symbols]

    def _write(self, engine: core.Backtest) -> None:
        days: dict[str, DayFigures] = {}
        batches: dict[str, int] = {}
        counts = self._batch_counts(engine)
        for at, symbol in enumerate(self._symbols):
            result = engine.result(0, at)
            # a session may end while its book is not known: then at the last mid
            mid = _finite(engine.snapshot(0, at)["mid"]) or _finite(result["final_mid"])
            if not mid:
                continue
            days[symbol] = self._days[at].figures(mid, result)
            batches[symbol] = counts[at] - self._batches[at]
        document = metrics_document(
            days,
            engine.session(0).state(),
            self._config(),
            mode=self._mode,
            env=self._env,
            batches=batches,
        )
        if self._pool is None:
            self._store(document)
        else:
            self._pool.submit(self._store, document)

    def _store(self, document: Mapping[str, Any]) -> None:
        try:
            write_metrics(self._path, document, self._say)
        except StoreError as exc:
            self._say(str(exc))


def _opening(result: Mapping[str, Any]) -> SymbolDay:
    held = float(result["final_position"])
    if not held and not result["fills_total"]:
        return SymbolDay(0.0, 0.0, {})
    return SymbolDay(held, float(result["final_mid"]), result)


def write_metrics(path: Path, document: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Write the document; a value that is not finite is 0, and a line.

    Raises:
        StoreError: ``E_STORE_DISK``.
    """
    write_json(path, _with_zeros(document, say))


def _with_zeros(value: object, say: Callable[[str], None], path: str = "metrics") -> object:
    """Values that are not finite are 0, with a warning."""
    if isinstance(value, Mapping):
        return {k: _with_zeros(v, say, f"{path}.{k}") for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        say(f"WARN artifacts: {path} is not finite, writing 0.0")
        return 0.0
    return value


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0
