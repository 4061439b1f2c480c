"""Options of the backtest commands, and the parts of a request that they make up."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mmbot.research.models import Synthetic, Thresholds
from mmbot.units import NS_PER_MIN, parse_utc_ns


class Mode(StrEnum):
    """Fill logic."""

    QUEUE_AWARE = "queue_aware"
    CONSERVATIVE = "conservative"


class QueueModel(StrEnum):
    """Queue position models."""

    CONSERVATIVE = "conservative"
    POWER = "power"
    LOG = "log"
    CALIBRATED = "calibrated"


class OnBadLine(StrEnum):
    """What to do with a bad line."""

    FAIL = "fail"
    SKIP = "skip"


class Regime(StrEnum):
    """Regimes of the generated market."""

    CALM = "calm"
    VOLATILE = "volatile"
    SPIKE = "spike"
    MIXED = "mixed"
    FLASH_CRASH = "flash_crash"
    LIQUIDITY_GAP = "liquidity_gap"


Ticks = Annotated[Path | None, typer.Option("--ticks", metavar="FILE", help="Tick JSONL file.")]
Data = Annotated[str | None, typer.Option("--data", metavar="DIR", help="Catalog, with --symbol.")]
Symbols = Annotated[
    list[str] | None, typer.Option("--symbol", help="Symbol; repeat for one engine each.")
]
Venue = Annotated[
    str | None, typer.Option("--venue", help="Venue, when the catalog has the symbol twice.")
]
Params = Annotated[
    Path | None,
    typer.Option("--params", metavar="FILE", help="Strategy parameters, JSON: map or champion."),
]
Calibration = Annotated[
    Path | None,
    typer.Option("--calibration", metavar="FILE", help="Latencies and frictions, JSON."),
]
Start = Annotated[str | None, typer.Option("--start", metavar="UTC", help="First instant.")]
End = Annotated[str | None, typer.Option("--end", metavar="UTC", help="First instant left out.")]
ModeOption = Annotated[Mode, typer.Option("--mode", help="Fill logic.")]
QueueOption = Annotated[QueueModel, typer.Option("--queue-model", help="Queue position model.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of exchange and market.")]
BadLine = Annotated[OnBadLine, typer.Option("--on-bad-line", help="Bad line of a tick file.")]
NetGate = Annotated[float, typer.Option("--gate-net-bps", help="Net result at least, bps.")]
TakerGate = Annotated[float, typer.Option("--gate-taker-share-pct", help="Taker share at most.")]
AgeGate = Annotated[float, typer.Option("--gate-order-age-p95-ms", help="Order age at most.")]
Profile = Annotated[
    Path | None,
    typer.Option("--cprofile", metavar="FILE", help="Profile of this process, for pstats."),
]


UseSynthetic = Annotated[bool, typer.Option("--synthetic", help="Generated market, with --symbol.")]
SyntheticRegime = Annotated[Regime, typer.Option("--synthetic-regime", help="Its kind.")]
SyntheticPrice = Annotated[float, typer.Option("--synthetic-start-price", help="Its first mid.")]
SyntheticMinutes = Annotated[
    float, typer.Option("--synthetic-duration-min", help="Its length, minutes.")
]
BarMinutes = Annotated[
    int, typer.Option("--bar-minutes", min=1, help="Length of a PnL observation.")
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", show_default="artifacts/BACKTEST_REPORT.json"),
]
WindowsFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", show_default="artifacts/BACKTEST_WF.json")
]
HtmlFile = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Page with charts.")]
GateFlag = Annotated[bool, typer.Option("--gate", help="Exit 2 when a gate fails.")]
TradesFile = Annotated[
    Path | None,
    typer.Option("--trades-out", metavar="FILE", help="Fills, for mmbot edge audit --trades."),
]
QuotesFile = Annotated[
    Path | None,
    typer.Option("--quotes-out", metavar="FILE", help="Quotes, for mmbot edge audit --quotes."),
]
GridFile = Annotated[
    Path | None,
    typer.Option("--grid", metavar="FILE", help="Parameter sets to choose from, YAML."),
]


def synthetic_of(
    *, wanted: bool, regime: Regime, start_price: float, minutes: float
) -> Synthetic | None:
    """The generated market that the options describe, if one is wanted."""
    if not wanted:
        return None
    duration_ns = round(minutes * NS_PER_MIN)
    return Synthetic(regime=regime.value, start_price=start_price, duration_ns=duration_ns)


def thresholds_of(net_bps: float, taker_share_pct: float, order_age_p95_ms: float) -> Thresholds:
    """The limits of the gates."""
    return Thresholds(
        net_bps=net_bps, taker_share_pct=taker_share_pct, order_age_p95_ms=order_age_p95_ms
    )


def instant_ns(text: str | None, option: str) -> int | None:
    """An instant of UTC, or None."""
    return None if text is None else parse_utc_ns(text, key=option)
