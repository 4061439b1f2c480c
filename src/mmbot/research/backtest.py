"""The backtest: market data through the trading core and the simulated exchange to a report.

`run_backtest` streams: memory does not grow with the length of the period. It writes nothing;
`write_reports` does, when everything is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmbot.config import ConfigRequest, LoadedConfig, cfg_hash, lane_params, load_config, sim_params
from mmbot.research.calibration import QUEUE_POWER_KEY, load_calibration
from mmbot.research.digest import combined_digest, params_digest
from mmbot.research.fill_export import FillExport
from mmbot.research.market_feed import MarketFeed
from mmbot.research.models import BacktestReport, BacktestRequest, Progress, SilentProgress
from mmbot.research.param_file import ParameterFile, load_parameters
from mmbot.research.report import ReportFacts, build_report
from mmbot.research.report_markdown import report_markdown
from mmbot.research.sources import open_sources
from mmbot.store.artifacts import write_json, write_text
from mmbot.store.runtime import git_sha, runtime_block

__all__ = ["load_run_config", "run_backtest", "simulator_params", "write_reports"]


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
    feed = MarketFeed(request, sources, loaded.config, simulator)
    runs = feed.run(progress, export)
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
                "data_hash": combined_digest(feed.digests()),
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
