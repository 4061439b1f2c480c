"""Pure steps between the statistics of an hour and the content of its file: build and merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mmbot.config.operations import RecorderConfig
from mmbot.errors import ConfigError, MarketDataError
from mmbot.market.summaries.accumulator import HourStats, nearest_rank
from mmbot.market.summaries.schema import (
    BINS_MAX_BPS_DEFAULT,
    PERCENTILES_DEFAULT,
    SCHEMA_VERSION,
    upgrade_summary,
)
from mmbot.units import NS_PER_HOUR, format_utc

__all__ = ["LockMode", "SummaryOptions", "SummaryOrigin", "build_summary", "merge_summaries"]

LockMode = Literal["none", "lockfile", "o_excl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryOptions:
    """How summaries are made and kept; the defaults are those of section `recorder`.

    Raises:
        ConfigError: ``E_CFG_CONFLICT`` for a merge without a lock that makes it safe.
    """

    bins_max_bps: int = BINS_MAX_BPS_DEFAULT
    percentiles: Sequence[float] = PERCENTILES_DEFAULT
    overwrite_existing_hour: bool = True
    merge_strategy: Literal["sum_bins"] | None = None
    lock_mode: LockMode = "lockfile"
    retention_days: int | None = 14
    keep_last: int | None = None

    def __post_init__(self) -> None:
        if self.merge_strategy is not None and self.lock_mode != "lockfile":
            raise ConfigError(
                "E_CFG_CONFLICT", "recorder.merge_strategy", "needs recorder.lock_mode lockfile"
            )

    @classmethod
    def from_config(cls, config: RecorderConfig) -> SummaryOptions:
        """The options of section `recorder`."""
        return cls(
            bins_max_bps=config.bins_max_bps,
            percentiles=tuple(config.percentiles),
            overwrite_existing_hour=config.overwrite_existing_hour,
            merge_strategy=config.merge_strategy,
            lock_mode=config.lock_mode,
            retention_days=config.retention_days,
            keep_last=config.keep_last,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryOrigin:
    """Who made a summary: `segment` is the id of the writing session."""

    git_sha: str
    cfg_hash: str
    segment: str | None = None


def build_summary(
    symbol: str,
    stats: HourStats,
    *,
    origin: SummaryOrigin,
    options: SummaryOptions,
    generated_at_ns: int,
) -> dict[str, Any]:
    """Content of the file of one hour, schema e1.1."""
    hour = format_utc(stats.hour_ns)
    counts = {"orders": stats.orders, "quotes": stats.quotes, "fills": stats.fills}
    if stats.maker_fills is not None:
        counts["maker_fills"] = stats.maker_fills
    metadata: dict[str, Any] = {"git_sha": origin.git_sha, "cfg_hash": origin.cfg_hash}
    if origin.segment is not None:
        metadata["segments"] = [origin.segment]
    return {
        "schema_version": SCHEMA_VERSION,
        "symbol": symbol.upper(),
        "hour_utc": hour,
        "counts": counts,
        "hit_rate_by_bin": {
            str(k): {"count": entry.count, "fills": entry.fills} for k, entry in stats.bins.items()
        },
        "queue_wait_cdf_ms": nearest_rank(stats.waits_ms, options.percentiles),
        "metadata": metadata,
        "generated_at_utc": format_utc(generated_at_ns),
        "window_utc": {
            "hour_start": hour,
            "hour_end": format_utc(stats.hour_ns + NS_PER_HOUR),
        },
        "bins_max_bps": options.bins_max_bps,
        "percentiles_used": list(options.percentiles),
    }


def merge_summaries(existing: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    """Add `new` to `existing` of the same hour (`sum_bins`); None if all of it is in there already.

    Counts and bins are summed; queue waits and metadata are the new ones; `maker_fills` stays only
    where both know it. Where the last bins differ, the nearer one becomes the last of the result,
    since what lies beyond it can't be told apart any more. Both must be valid summaries.

    Raises:
        MarketDataError: ``E_SUM_INVALID`` when symbol or hour differ, or when only a part of the
        new segments is in the existing file.
    """
    old = upgrade_summary(existing)
    merged = upgrade_summary(new)
    for key in ("symbol", "hour_utc"):
        if old[key] != merged[key]:
            raise MarketDataError("E_SUM_INVALID", key, f"differs: {old[key]} and {merged[key]}")
    known: list[str] = old["metadata"].get("segments") or []
    added: list[str] = merged["metadata"].get("segments") or []
    if added and set(added) <= set(known):
        return None
    if set(added) & set(known):
        raise MarketDataError("E_SUM_INVALID", "metadata.segments", "are in the file in part")
    last = min(old["bins_max_bps"], merged["bins_max_bps"])
    merged["counts"] = _sum_counts(old["counts"], merged["counts"])
    merged["hit_rate_by_bin"] = _sum_bins(
        old["hit_rate_by_bin"], merged["hit_rate_by_bin"], last=last
    )
    merged["bins_max_bps"] = last
    if known or added:
        merged["metadata"]["segments"] = sorted({*known, *added})
    return merged


def _sum_counts(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    names = ["orders", "quotes", "fills"]
    if "maker_fills" in a and "maker_fills" in b:
        names.append("maker_fills")
    return {name: a[name] + b[name] for name in names}


def _sum_bins(
    a: Mapping[str, Mapping[str, int]], b: Mapping[str, Mapping[str, int]], *, last: int
) -> dict[str, dict[str, int]]:
    sums: dict[int, dict[str, int]] = {}
    for bins in (a, b):
        for name, entry in bins.items():
            total = sums.setdefault(min(int(name), last), {"count": 0, "fills": 0})
            total["count"] += entry["count"]
            total["fills"] += entry["fills"]
    return {str(k): sums[k] for k in sorted(sums)}
