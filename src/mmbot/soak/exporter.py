"""Prometheus text of a soak run that goes on: the newest iteration, and what was counted so far.

What cannot be read keeps its last value: a directory that is being rotated is no news.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["DRIVERS", "Exported", "Found", "exporter_text"]

DRIVERS: Final = ("slippage_bps", "adverse_bps", "block_minint", "concurrency")
_STOPS: Final = {"drift_guard_stops_total": "DRIFT_STOP", "reg_guard_stops_total": "REG_GUARD_STOP"}
_HELP: Final = {
    "soak_exporter_up": "1 when an iteration summary was read",
    "soak_iteration": "number of the newest iteration",
    "soak_net_bps": "net edge of the newest iteration, bps",
    "soak_risk_ratio": "share of risk blocks in the newest iteration",
    "soak_fallback_applied_total": "conservative fallbacks that came into force",
    "soak_driver_adjustments_total": "steps of drivers of a negative edge that were taken",
    "soak_artifacts_size_mb": "size of the soak artifacts",
    "drift_guard_stops_total": "new drift stops seen",
    "reg_guard_stops_total": "new regression stops seen",
    "region_net_bps": "net edge of a region, bps",
    "region_order_age_p95_ms": "p95 of order age in a region",
    "region_winner": "1 for the region that was chosen",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one look found.

    Attributes:
        summaries: readable iteration records of the run, ascending.
        size_mb: size of the soak tree.
        stops: the stop documents there are, by the name of their file without its ending.
        regions: ``REGION_COMPARE.json``, if there is one.
    """

    summaries: Sequence[Mapping[str, Any]]
    size_mb: float
    stops: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    regions: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Exported:
    """What is shown: the newest look, over what earlier ones found."""

    found: Found | None = None
    _seen: dict[str, str] = field(default_factory=dict)
    _stops: Counter[str] = field(default_factory=Counter)

    def take(self, found: Found) -> None:
        """Look again; a run without a readable record keeps the one that was shown."""
        for metric, name in _STOPS.items():
            document = found.stops.get(name)
            stamp = "" if document is None else str(document.get("ts") or document)
            if stamp and self._seen.get(metric) != stamp:
                self._seen[metric] = stamp
                self._stops[metric] += 1
        if found.summaries or self.found is None:
            self.found = found
            return
        self.found = Found(
            summaries=self.found.summaries,
            size_mb=found.size_mb,
            stops=found.stops,
            regions=found.regions or self.found.regions,
        )

    def text(self) -> str:
        """The metrics as they are now."""
        return exporter_text(self.found, self._stops)


def exporter_text(found: Found | None, stops: Mapping[str, int]) -> str:
    """Prometheus text; gauges of iterations are absent while there is none."""
    summaries = () if found is None else found.summaries
    samples: dict[str, list[tuple[str, float | None]]] = {
        "soak_exporter_up": [("", float(bool(summaries)))]
    }
    if summaries:
        newest = max(summaries, key=lambda s: int(s["iteration"]))
        drivers = _drivers(summaries)
        samples |= {
            "soak_iteration": [("", float(newest["iteration"]))],
            "soak_net_bps": [("", newest["summary"].get("net_bps"))],
            "soak_risk_ratio": [("", newest["summary"].get("risk_ratio"))],
            "soak_fallback_applied_total": [("", float(_fallbacks(summaries)))],
            "soak_driver_adjustments_total": [
                (f'{{driver="{name}"}}', float(drivers[name])) for name in DRIVERS
            ],
        }
    if found is not None:
        samples["soak_artifacts_size_mb"] = [("", found.size_mb)]
        samples |= _regions(found.regions)
    samples |= {name: [("", float(stops.get(name, 0)))] for name in _STOPS}
    return "".join(_metric(name, values) for name, values in samples.items())


def _fallbacks(summaries: Sequence[Mapping[str, Any]]) -> int:
    tunings = [s["tuning"] for s in summaries]
    return sum(t.get("mode") == "fallback" and bool(t.get("applied")) for t in tunings)


def _drivers(summaries: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Accepted steps by driver; two steps of one rule in one iteration are one adjustment."""
    counts: Counter[str] = Counter()
    for summary in summaries:
        changes = summary["tuning"].get("changes") or ()
        taken = {str(c["rule"]) for c in changes if c.get("accepted")}
        counts.update(r.removeprefix("DRIVER:") for r in taken if r.startswith("DRIVER:"))
    return counts


def _regions(document: Mapping[str, Any] | None) -> dict[str, list[tuple[str, float | None]]]:
    """Gauges of a comparison of regions; none while nothing was compared."""
    regions = dict((document or {}).get("regions") or {})
    if not regions:
        return {}
    winner = dict((document or {}).get("winner") or {}).get("region")
    rows = [(f'{{region="{name}"}}', name, dict(regions[name])) for name in sorted(regions)]
    return {
        "region_net_bps": [(label, row.get("net_bps")) for label, _, row in rows],
        "region_order_age_p95_ms": [(label, row.get("order_age_p95_ms")) for label, _, row in rows],
        "region_winner": [(label, float(name == winner)) for label, name, _ in rows],
    }


def _metric(name: str, samples: Sequence[tuple[str, float | None]]) -> str:
    kind = "counter" if name.endswith("_total") else "gauge"
    lines = [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{labels} {value:.6g}" for labels, value in samples if value is not None]
    return "\n".join(lines) + "\n"
