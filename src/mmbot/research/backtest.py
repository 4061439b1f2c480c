"""The backtest: market data through the trading core and the simulated exchange to a report.

`run_backtest` streams: memory does not grow with the length of the period. It writes nothing;
`write_reports` does, when everything is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from mmbot import core
from mmbot.config import ConfigRequest, LoadedConfig, cfg_hash, lane_params, load_config, sim_params
from mmbot.errors import MarketDataError
from mmbot.research.calibration import QUEUE_POWER_KEY, load_calibration
from mmbot.research.digest import RowDigest, combined_digest, params_digest
from mmbot.research.fill_export import FillExport
from mmbot.research.models import (
    BacktestReport,
    BacktestRequest,
    Progress,
    SilentProgress,
    SymbolRun,
)
from mmbot.research.param_file import ParameterFile, load_parameters
from mmbot.research.report import ReportFacts, build_report
from mmbot.research.report_markdown import report_markdown
from mmbot.research.sources import MarketSource, open_sources
from mmbot.research.thinning import Thinned
from mmbot.store.artifacts import write_json, write_text
from mmbot.store.runtime import git_sha, runtime_block
from mmbot.units import NS_PER_MIN, NS_PER_SEC

__all__ = ["load_run_config", "run_backtest", "simulator_params", "write_reports"]

_CURVE_NS: Final = NS_PER_SEC


def run_backtest(
    request: BacktestRequest,
    *,
    progress: Progress | None = None,
    export: FillExport | None = None,
) -> BacktestReport:
    """Run it; equal requests give equal reports.

    Args:
        request: what to run.
        progress: is told how far the run is.
        export: gets all fills and samples.

    Raises:
        MarketDataError: ``E_BT_SOURCE``, ``E_BT_LOADER``, ``E_BT_BAD_RANGE``, ``E_BT_NO_DATA``, and
            what the catalog raises for damaged files.
        ConfigError: ``E_CALIB_KEY``, ``E_CALIB_RANGE``, and what the configuration raises.
        CoreError: the core refuses parameters or data.
    """
    progress = progress or SilentProgress()
    calibration = load_calibration(request.calibration)
    parameters = load_parameters(request.params)
    sources = open_sources(request)
    loaded = load_run_config(request, parameters, [source.symbol for source in sources])
    simulator = simulator_params(request, loaded, {**calibration, **parameters.simulator})
    lanes = {source.symbol: lane_params(loaded.config, source.symbol) for source in sources}
    runs, digests = [], []
    for source in sources:
        run, digest = _run_symbol(
            request, source, lanes[source.symbol], simulator, progress=progress, export=export
        )
        runs.append(run)
        digests.append(digest)
    return build_report(
        runs,
        ReportFacts(
            runtime=runtime_block(mode="backtest"),
            metadata={
                "git_sha": git_sha(),
                "cfg_hash": cfg_hash(loaded.config),
                "seed": request.seed,
                "mode": request.mode,
                "queue_model": request.queue_model,
                "data_hash": combined_digest(digests),
                "params_hash": params_digest(lanes),
            },
            source=",".join(sorted({source.kind for source in sources})),
            bad_lines=sum(source.bad_lines() for source in sources),
            calibration={**calibration, **parameters.simulator},
            budget_usd=float(loaded.config.portfolio.budget_usd),
            bar_minutes=request.bar_minutes,
            thresholds=request.thresholds,
        ),
    )


def write_reports(report: BacktestReport, out: Path) -> list[Path]:
    """Write the JSON file and the Markdown beside it; return their paths."""
    beside = out.with_suffix(".md")
    text = report_markdown(report.document)
    write_json(out, report.document, nonfinite="null")
    write_text(beside, text)
    return [out, beside]


def load_run_config(
    request: BacktestRequest, parameters: ParameterFile, symbols: Sequence[str]
) -> LoadedConfig:
    """The configuration of a run: the file's parameters, then the assignments of the request."""
    return load_config(
        ConfigRequest(
            path=request.config,
            profile=request.profile,
            sets=(*parameters.sets, *request.sets),
            symbols=tuple(symbols),
            mode="sim",
        )
    )


def simulator_params(
    request: BacktestRequest, loaded: LoadedConfig, calibration: dict[str, float]
) -> dict[str, Any]:
    """What the simulated exchange takes; only queue model ``calibrated`` uses a calibrated n."""
    params: dict[str, Any] = {
        **sim_params(loaded.config),
        **{key: value for key, value in calibration.items() if key != QUEUE_POWER_KEY},
        "mode": request.mode,
        "queue_model": request.queue_model,
    }
    if request.queue_model == "calibrated":
        params[QUEUE_POWER_KEY] = calibration.get(QUEUE_POWER_KEY, 2.0)
    return params


def _run_symbol(
    request: BacktestRequest,
    source: MarketSource,
    lane: dict[str, object],
    simulator: dict[str, Any],
    *,
    progress: Progress,
    export: FillExport | None,
) -> tuple[SymbolRun, str]:
    """One engine over the data of one symbol; its result and the fingerprint of its data."""
    keep = request.detail or export is not None
    engine = core.Backtest(
        source.instrument,
        [lane],
        sim=simulator,
        seed=request.seed,
        bar_ns=request.bar_minutes * NS_PER_MIN,
        record=keep,
        curve_ns=_CURVE_NS,
    )
    digest = RowDigest(source.instrument)
    kept = _Kept(source.symbol, engine, export) if keep else None
    progress.begin(source.symbol, *source.period)
    for chunk in source.chunks():
        if not len(chunk):
            continue
        engine.feed(chunk)
        digest.update(chunk)
        progress.advance(len(chunk), chunk.last_ts_ns)
        if kept is not None:
            kept.take()
    engine.finish()
    result = engine.result(0)
    if not result["rows"]:
        raise MarketDataError("E_BT_NO_DATA", f"symbol={source.symbol}", "has no row in the range")
    if kept is not None:
        kept.take()
        kept.end(result)
    run = SymbolRun(
        symbol=source.symbol,
        result=result,
        tick_size=source.instrument.tick_size,
        curve=kept.curve.columns() if kept is not None else None,
        fills=kept.fills.columns() if kept is not None else None,
    )
    return run, digest.hexdigest()


class _Kept:
    """Fills and samples of a run: to the export whole, for pictures thinned."""

    def __init__(self, symbol: str, engine: core.Backtest, export: FillExport | None) -> None:
        self.curve = Thinned()
        self.fills = Thinned()
        self._symbol = symbol
        self._engine = engine
        self._export = export

    def take(self) -> None:
        curve, fills = self._engine.take_curve(0), self._engine.take_fills(0)
        self.curve.add(curve)
        self.fills.add(fills)
        if self._export is not None:
            self._export.curve(self._symbol, curve)
            self._export.fills(self._symbol, fills)

    def end(self, result: dict[str, Any]) -> None:
        if self._export is not None:
            self._export.end(self._symbol, result)
