"""Anomaly radar: buckets of a day that stand out from the day.

Robust z after B. Iglewicz and D. Hoaglin (1993): ``(x - median) / (1.4826 MAD)``. Where the MAD is
0 the ordinary z with the sample's standard deviation is used; where that is 0, nothing stands out.
Only the bad side counts: edge that drops, order age and taker share that rise.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from mmbot.errors import InputError
from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.store.runtime import runtime_block

__all__ = ["Anomaly", "check_width", "find_anomalies", "radar_document", "radar_markdown"]

K: Final = 3.0
MAD_SCALE: Final = 1.4826
HINTS_MAX: Final = 3
_MINUTES_PER_DAY: Final = 1440
_SERIES: Final = (
    ("EDGE", "net_bps", -1),
    ("LAT", "order_age_p95_ms", 1),
    ("TAKER", "taker_share_pct", 1),
)
_HINTS: Final = {
    "EDGE": "edge dropped: compare adverse selection and slippage of the bucket",
    "LAT": "orders stood longer: look at connection and replace throttle",
    "TAKER": "more taker fills: look at sweeps and forced exits",
}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One bucket of one series that stands out."""

    bucket: str
    kind: str
    value: float
    med: float
    mad: float
    z: float


def find_anomalies(buckets: Sequence[Mapping[str, Any]]) -> list[Anomaly]:
    """Anomalies sorted by bucket, then EDGE, LAT, TAKER."""
    found: list[tuple[str, int, Anomaly]] = []
    for rank, (kind, name, bad) in enumerate(_SERIES):
        points = [(str(b["bucket"]), float(b[name])) for b in buckets if b.get(name) is not None]
        values = [value for _, value in points]
        if not values:
            continue
        med = statistics.median(values)
        mad = statistics.median(abs(value - med) for value in values)
        for bucket, value in points:
            z = _z(value, values, med=med, mad=mad)
            if bad * z > K:
                found.append((bucket, rank, Anomaly(bucket, kind, value, med, mad, z)))
    return [anomaly for _, _, anomaly in sorted(found, key=lambda item: item[:2])]


def check_width(buckets: Sequence[Mapping[str, Any]], bucket_min: int) -> None:
    """Check that buckets begin at multiples of their width.

    Raises:
        InputError: ``E_SOAK_RADAR_BUCKET``: they are of another width.
    """
    minutes = sorted(_minute(str(b["bucket"])) for b in buckets)
    steps = [b - a for a, b in pairwise(minutes)]
    regular = all(minute % bucket_min == 0 for minute in minutes)
    # A day that is covered needs steps of the width; single gaps are allowed, finer steps not.
    if not regular or (steps and min(steps) != bucket_min):
        raise InputError(
            "E_SOAK_RADAR_BUCKET", f"--bucket-min {bucket_min}", "the report has other buckets"
        )


def radar_document(anomalies: Sequence[Anomaly], bucket_min: int) -> dict[str, Any]:
    """The content of ``ANOMALY_RADAR.json``."""
    return {
        "anomalies": [
            {
                "bucket": a.bucket,
                "kind": a.kind,
                "value": a.value,
                "med": a.med,
                "mad": a.mad,
                "z": a.z,
            }
            for a in anomalies
        ],
        "bucket_minutes": bucket_min,
        "runtime": runtime_block(),
    }


def radar_markdown(document: Mapping[str, Any]) -> str:
    """Table and at most three hints."""
    rows = [
        [a["bucket"], a["kind"], *(number_text(float(a[k])) for k in ("value", "med", "mad", "z"))]
        for a in document["anomalies"]
    ]
    kinds = [kind for kind, _, _ in _SERIES if kind in {a["kind"] for a in document["anomalies"]}]
    hints = "".join(f"- {kind}: {_HINTS[kind]}\n" for kind in kinds[:HINTS_MAX])
    table = markdown_table(["bucket", "kind", "value", "median", "mad", "z"], rows)
    count = len(document["anomalies"])
    return f"# Anomaly radar\n\n{count} anomalies\n\n{table}\n\n{hints or '- none'}\n"


def _z(value: float, values: Sequence[float], *, med: float, mad: float) -> float:
    if mad > 0:
        return (value - med) / (MAD_SCALE * mad)
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return (value - statistics.fmean(values)) / deviation if deviation > 0 else 0.0


def _minute(bucket: str) -> int:
    hour, _, minute = bucket.partition(":")
    try:
        total = int(hour) * 60 + int(minute)
    except ValueError as exc:
        raise InputError("E_SOAK_RADAR_BUCKET", f"bucket {bucket!r}", "is not HH:MM") from exc
    if not 0 <= total < _MINUTES_PER_DAY:
        raise InputError("E_SOAK_RADAR_BUCKET", f"bucket {bucket!r}", "is not HH:MM")
    return total
