"""The data catalog: readable, and holding what is to be traded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmbot.errors import MmbotError
from mmbot.market.catalog import SymbolInfo, read_info
from mmbot.market.verify import VerifyReport, verify_catalog
from mmbot.ops.doctor.finding import Finding, bad, good, warning
from mmbot.units import NS_PER_DAY

__all__ = ["catalog", "look_at_catalog"]

_OLD_NS = 3 * NS_PER_DAY


def catalog(
    place: Path,
    infos: Sequence[SymbolInfo],
    report: VerifyReport | None,
    *,
    symbols: Sequence[str],
    now_ns: int,
) -> Finding:
    """Judge what the catalog holds; `report` is None when it was not read through."""
    name = "data_catalog"
    if report is not None and report.findings:
        text = f"{len(report.findings)} damages in {place}: {report.findings[0].line()}"
        return bad(name, text, f"mmbot data verify --data {place}; record or import it again")
    recorded = [info for info in infos if not info.synthetic]
    rows = sum(info.rows for info in infos)
    text = f"{len(infos)} symbols, {rows} rows at {place}"
    if not recorded:
        remedy = "mmbot record, or mmbot data import: nothing can be tuned without data"
        return warning(name, f"no recorded market at {place}", remedy)
    newest = max(stream.last_ts_ns for info in recorded for stream in info.streams.values())
    if now_ns - newest > _OLD_NS:
        days = (now_ns - newest) // NS_PER_DAY
        return warning(name, f"{text}, newest row {days} days old", "mmbot record")
    missing = [symbol for symbol in symbols if symbol not in {info.symbol for info in recorded}]
    if missing:
        return warning(name, f"{text}, none of {missing[0]}", "mmbot record")
    return good(name, text)


def look_at_catalog(
    place: Path, *, symbols: Sequence[str], now_ns: int, is_thorough: bool
) -> Finding:
    """Read the catalog's footers, with `is_thorough` every row, and judge."""
    try:
        infos = read_info(place)
        report = verify_catalog(place) if is_thorough and infos else None
    except MmbotError as exc:
        remedy = f"mmbot data verify --data {place}; record or import it again"
        return bad("data_catalog", str(exc), remedy)
    return catalog(place, infos, report, symbols=symbols, now_ns=now_ns)
