"""What a session leaves: the edge report, a page with its pictures, a table on the screen."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from mmbot.cli.report_facts import ReportPlace, SessionFacts
from mmbot.config import AppConfig, cfg_hash
from mmbot.research.edge_report import build_edge_report, write_edge_report
from mmbot.research.models import SymbolRun
from mmbot.research.report_html import PageFacts, run_html
from mmbot.research.thinning import Thinned
from mmbot.store.artifacts import write_text
from mmbot.store.runtime import version
from mmbot.trading.readout import Columns, Readout
from mmbot.trading.screen.labels import Labels
from mmbot.trading.screen.layout import Frame
from mmbot.trading.screen.style import UNICODE
from mmbot.trading.session import SessionEnd
from mmbot.trading.summary import summary_table

__all__ = ["BAR_MINUTES", "tell_end"]

_PICTURE_SIZE: Final = (100, 30)
_FONT_FACE: Final = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)

# A session lasts minutes, a backtest days: equity is observed every minute.
BAR_MINUTES = 1


def tell_end(
    end: SessionEnd,
    config: AppConfig,
    facts: SessionFacts,
    labels: Labels,
    place: ReportPlace,
) -> None:
    """Write the reports, print the summary.

    Raises:
        StoreError: ``E_STORE_DISK`` when a report cannot be written.
    """
    paths = _write_reports(place.out, end, config, facts)
    if place.picture is not None:
        _draw(place.picture, end.last, labels)
        paths.append(place.picture)
    plain = place.headless or not sys.stdout.isatty()
    console = Console(width=_PICTURE_SIZE[0], color_system=None) if plain else Console()
    console.print(summary_table(end, ascii_only=plain))
    for path in paths:
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)


def _draw(path: Path, readout: Readout, labels: Labels) -> None:
    """The last frame as SVG; characters beyond ASCII become entities."""
    width, height = _PICTURE_SIZE
    console = Console(
        width=width, height=height, record=True, force_terminal=True, file=io.StringIO()
    )
    console.print(Frame(readout, labels, UNICODE), height=height)
    svg = console.export_svg(title="mmbot run", unique_id="mmbot-run")
    # A picture fetches nothing: the reader's own monospace font does.
    svg = _FONT_FACE.sub("", svg)
    write_text(path, svg.encode("ascii", "xmlcharrefreplace").decode("ascii"))


def _write_reports(
    out: Path, end: SessionEnd, config: AppConfig, facts: SessionFacts
) -> list[Path]:
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
