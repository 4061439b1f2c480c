"""Feeding an engine from one source per symbol, whichever is behind in time first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from mmbot import core
from mmbot.config import AppConfig
from mmbot.config.session import session_params
from mmbot.errors import MarketDataError
from mmbot.research.digest import RowDigest
from mmbot.research.fill_export import FillExport
from mmbot.research.models import BacktestRequest, Progress, SymbolRun
from mmbot.research.sources import MarketSource
from mmbot.research.thinning import Thinned
from mmbot.trading.engine import EngineSpec, build_engine
from mmbot.trading.schedule import OpenHours
from mmbot.units import NS_PER_MIN, NS_PER_SEC

__all__ = ["MarketFeed"]

_CURVE_NS: Final = NS_PER_SEC


class MarketFeed:
    """One engine over the data of all symbols of a request."""

    def __init__(
        self,
        request: BacktestRequest,
        sources: Sequence[MarketSource],
        config: AppConfig,
        simulator: Mapping[str, Any],
    ) -> None:
        self._request = request
        self._sources = tuple(sources)
        self._config = config
        self._simulator = simulator
        self._hours = OpenHours()
        self._digests = [RowDigest(source.instrument) for source in sources]

    def digests(self) -> list[str]:
        """Fingerprints of the data fed so far, one per symbol."""
        return [digest.hexdigest() for digest in self._digests]

    def run(self, progress: Progress, export: FillExport | None) -> list[SymbolRun]:
        """Feed everything and end the run.

        Raises:
            MarketDataError: ``E_BT_NO_DATA`` for a symbol without a row.
        """
        keep = self._request.detail or export is not None
        engine = self._engine(record=keep)
        kept = [_Kept(source.symbol, engine, at, export) for at, source in enumerate(self._sources)]
        chunks = [source.chunks() for source in self._sources]
        name = ",".join(source.symbol for source in self._sources)
        progress.begin(name, *self._period())
        while (at := engine.hungriest()) is not None:
            chunk = _next_rows(chunks[at])
            if chunk is None:
                engine.end(at)
                continue
            self._open_hours(engine, chunk.first_ts_ns)
            engine.feed(chunk, at)
            self._digests[at].update(chunk)
            progress.advance(len(chunk), chunk.last_ts_ns)
            if keep:
                for one in kept:
                    one.take()
        engine.finish()
        return [self._ended(engine, at, kept[at], keep=keep) for at in range(len(self._sources))]

    def _engine(self, *, record: bool) -> core.Backtest:
        request = self._request
        return build_engine(
            EngineSpec(
                instruments=[source.instrument for source in self._sources],
                configs=[self._config],
                simulator=self._simulator,
                seed=request.seed,
                bar_ns=request.bar_minutes * NS_PER_MIN,
                record=record,
                curve_ns=_CURVE_NS,
            )
        )

    def _open_hours(self, engine: core.Backtest, market_ns: int) -> None:
        scheduler = self._config.scheduler
        if self._hours.due(scheduler, market_ns):
            symbols = [source.symbol for source in self._sources]
            open_ns = self._hours.around(scheduler, market_ns)
            engine.apply_session(0, session_params(self._config, symbols, open_ns=open_ns))

    def _period(self) -> tuple[int | None, int | None]:
        starts = [source.period[0] for source in self._sources]
        ends = [source.period[1] for source in self._sources]
        known_starts = [start for start in starts if start is not None]
        known_ends = [end for end in ends if end is not None]
        return (
            min(known_starts) if len(known_starts) == len(starts) else None,
            max(known_ends) if len(known_ends) == len(ends) else None,
        )

    def _ended(self, engine: core.Backtest, at: int, kept: _Kept, *, keep: bool) -> SymbolRun:
        source, result = self._sources[at], engine.result(0, at)
        if not result["rows"]:
            raise MarketDataError(
                "E_BT_NO_DATA", f"symbol={source.symbol}", "has no row in the range"
            )
        if keep:
            kept.take()
            kept.end(result)
        return SymbolRun(
            symbol=source.symbol,
            result=result,
            tick_size=source.instrument.tick_size,
            curve=kept.curve.columns() if keep else None,
            fills=kept.fills.columns() if keep else None,
        )


def _next_rows(chunks: Iterator[core.EventChunk]) -> core.EventChunk | None:
    """The next chunk with rows."""
    return next((chunk for chunk in chunks if len(chunk)), None)


class _Kept:
    """Fills and samples of one symbol: to the export whole, for pictures thinned."""

    def __init__(
        self, symbol: str, engine: core.Backtest, at: int, export: FillExport | None
    ) -> None:
        self.curve = Thinned()
        self.fills = Thinned()
        self._symbol = symbol
        self._engine = engine
        self._at = at
        self._export = export

    def take(self) -> None:
        curve = self._engine.take_curve(0, self._at)
        fills = self._engine.take_fills(0, self._at)
        self._engine.take_order_events(0, self._at)
        self.curve.add(curve)
        self.fills.add(fills)
        if self._export is not None:
            self._export.curve(self._symbol, curve)
            self._export.fills(self._symbol, fills)

    def end(self, result: dict[str, Any]) -> None:
        if self._export is not None:
            self._export.end(self._symbol, result)
