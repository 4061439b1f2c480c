"""Samples as Prometheus reads them (text format 0.0.4).

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from mmbot.telemetry.metrics.models import Metric, Sample
from mmbot.telemetry.metrics.registry import metric

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def exposition(samples: Iterable[Sample]) -> str:
    """The text of samples; those of one metric stand together, as `SessionMetrics` gives them."""
    parts = []
    for name, group in groupby(samples, key=_family):
        listed = list(group)
        entry = metric(listed[0].name)
        parts += [f"# HELP {name} {_escaped(entry.meaning)}", f"# TYPE {name} {entry.kind}"]
        parts += [f"{one.name}{_labels(entry, one)} {_number(one.value)}" for one in listed]
    return "".join(f"{part}\n" for part in parts)


def _family(sample: Sample) -> str:
    entry = metric(sample.name)
    return entry.name if entry.kind == "histogram" else sample.name


def _labels(entry: Metric, sample: Sample) -> str:
    names = (*entry.labels, "le") if sample.name.endswith("_bucket") else entry.labels
    pairs = zip(names, sample.labels, strict=False)
    text = ",".join(f'{name}="{_escaped(value, quote=True)}"' for name, value in pairs)
    return f"{{{text}}}" if text else ""


def _escaped(text: str, *, quote: bool = False) -> str:
    plain = text.replace("\\", "\\\\").replace("\n", "\\n")
    return plain.replace('"', '\\"') if quote else plain


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
