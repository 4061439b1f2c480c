"""Which slots of the day look best: pure scores of recorded spread, volatility and volume."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from mmbot.config.scheduling import TradingWindow

__all__ = [
    "MODES",
    "SLOTS",
    "SLOT_HOURS",
    "MinuteSample",
    "SlotStats",
    "SuggestMode",
    "SuggestRequest",
    "Suggestion",
    "Weights",
    "rank_slots",
    "score",
    "slot_stats",
    "windows_of",
]

SLOT_HOURS: Final = 2
SLOTS: Final = 24 // SLOT_HOURS
_SPREAD_SCALE_BPS: Final = 50.0
_VOLA_SCALE_BPS: Final = 100.0
_DECIMALS: Final = 6

SuggestMode = Literal["conservative", "neutral", "aggressive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Weights of the score; they sum to 1."""

    spread: float
    vola: float
    volume: float


MODES: Final[Mapping[SuggestMode, Weights]] = {
    "conservative": Weights(spread=0.5, vola=0.3, volume=0.2),
    "neutral": Weights(spread=0.35, vola=0.25, volume=0.40),
    "aggressive": Weights(spread=0.2, vola=0.2, volume=0.6),
}


@dataclass(frozen=True, slots=True)
class MinuteSample:
    """A recorded minute of one symbol: how it ended, and what was traded in it.

    `minute` counts minutes since 1970 UTC, `notional` is in quote currency.
    """

    minute: int
    spread_bps: float
    vola_1m_bps: float
    notional: float

    @property
    def slot(self) -> int:
        """Slot of the day."""
        return self.minute // 60 // SLOT_HOURS % SLOTS


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotStats:
    """A slot of the day over all days and symbols.

    `volume_norm` is the traded notional per sampled minute over that of the busiest slot, 0..1.
    """

    slot: int
    median_spread_bps: float
    vola_1m_bps: float
    volume_norm: float
    sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestRequest:
    """How to rank: weights, how many windows, and how many samples a slot needs."""

    mode: SuggestMode
    top_k: int
    min_sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A suggested window of UTC, ``HH:MM``; the last slot of the day ends at ``00:00``."""

    start: str
    end: str
    score: float


def slot_stats(samples: Iterable[MinuteSample]) -> tuple[SlotStats, ...]:
    """Statistics of the slots that have samples, by slot.

    The notional is a mean over sampled minutes, so that a slot recorded on fewer days is not called
    quiet for it.
    """
    by_slot: defaultdict[int, list[MinuteSample]] = defaultdict(list)
    for sample in samples:
        by_slot[sample.slot].append(sample)
    rates = {slot: statistics.fmean(row.notional for row in rows) for slot, rows in by_slot.items()}
    busiest = max(rates.values(), default=0.0)
    return tuple(
        SlotStats(
            slot=slot,
            median_spread_bps=statistics.median(row.spread_bps for row in by_slot[slot]),
            vola_1m_bps=statistics.fmean(row.vola_1m_bps for row in by_slot[slot]),
            volume_norm=rate / busiest if busiest > 0.0 else 0.0,
            sample=len(by_slot[slot]),
        )
        for slot, rate in sorted(rates.items())
    )


def score(stats: SlotStats, weights: Weights) -> float:
    """Narrow spread, low volatility and high volume score high; 0..1, six decimals."""
    spread = 1.0 - min(1.0, stats.median_spread_bps / _SPREAD_SCALE_BPS)
    vola = 1.0 - min(1.0, stats.vola_1m_bps / _VOLA_SCALE_BPS)
    volume = min(1.0, stats.volume_norm)
    total = weights.spread * spread + weights.vola * vola + weights.volume * volume
    return round(total, _DECIMALS)


def rank_slots(slots: Sequence[SlotStats], request: SuggestRequest) -> tuple[Suggestion, ...]:
    """The best slots: score descending, then start ascending; slots with few samples are out."""
    weights = MODES[request.mode]
    known = (stats for stats in slots if stats.sample >= request.min_sample)
    ranked = sorted((-score(stats, weights), stats.slot) for stats in known)
    return tuple(
        Suggestion(start=_time(slot), end=_time(slot + 1), score=-negative + 0.0)
        for negative, slot in ranked[: request.top_k]
    )


def windows_of(times: Sequence[tuple[str, str]]) -> tuple[TradingWindow, ...]:
    """Windows ``win0`` .. of all days from pairs of start and end; they are checked."""
    return tuple(
        TradingWindow(name=f"win{number}", start=start, end=end)
        for number, (start, end) in enumerate(times)
    )


def _time(slot: int) -> str:
    return f"{slot % SLOTS * SLOT_HOURS:02d}:00"
