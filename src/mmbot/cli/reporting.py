"""What a session leaves on disk: the edge report, and a page with its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmbot.config import AppConfig, cfg_hash
from mmbot.research.edge_report import build_edge_report, write_edge_report
from mmbot.research.models import SymbolRun
from mmbot.research.report_html import PageFacts, run_html
from mmbot.research.thinning import Thinned
from mmbot.store.artifacts import write_text
from mmbot.store.runtime import version
from mmbot.trading.readout import Columns
from mmbot.trading.session import SessionEnd

__all__ = ["SessionFacts", "write_reports"]

# A session lasts minutes, a backtest days: equity is observed every minute.
BAR_MINUTES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """What the reports say beside the numbers."""

    tick_sizes: Mapping[str, str]
    mode: str
    market: str
    strategy: str
    seed: int


def write_reports(out: Path, end: SessionEnd, config: AppConfig, facts: SessionFacts) -> list[Path]:
    """Write ``EDGE_REPORT.json``, ``.md`` and ``RUN_REPORT.html`` below `out`; return the paths."""
    report = build_edge_report(
        {one.symbol: one.result for one in end.symbols},
        horizon_ms=config.edge.adverse_horizon_ms,
        mode=facts.mode,
    )
    paths = write_edge_report(report, out / "EDGE_REPORT.json")
    page = out / "RUN_REPORT.html"
    write_text(page, _page(end, config, facts))
    return [*paths, page]


def _page(end: SessionEnd, config: AppConfig, facts: SessionFacts) -> str:
    runs = [
        SymbolRun(
            symbol=one.symbol,
            result=one.result,
            tick_size=facts.tick_sizes[one.symbol],
            curve=_thinned(one.curve),
            fills=_thinned(one.fills),
        )
        for one in end.symbols
    ]
    said = {
        "mode": f"{facts.mode}, {facts.market}",
        "strategy": facts.strategy,
        "seed": str(facts.seed),
        "version": version(),
        "configuration": cfg_hash(config),
        "state hash": " ".join(str(run.result["state_hash"]) for run in runs),
    }
    return run_html(
        runs,
        PageFacts(
            title=f"Session {', '.join(run.symbol for run in runs)}",
            facts=said,
            budget_usd=config.portfolio.budget_usd,
            bar_minutes=BAR_MINUTES,
        ),
    )


def _thinned(columns: Columns) -> Columns | None:
    if not columns:
        return None
    sample = Thinned()
    sample.add(columns)
    return sample.columns()
