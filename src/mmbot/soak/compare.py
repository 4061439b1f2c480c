"""Two tuners on the same seeds: what each earned, how often a gate failed, how much it moved."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmbot.research.paired import paired_test
from mmbot.research.report_markdown import markdown_table, number_text
from mmbot.soak.last8 import complete, last8_gate
from mmbot.soak.parameters import total_change
from mmbot.store.runtime import runtime_block

__all__ = ["TunerRun", "compare_document", "compare_markdown"]

_COLUMNS: Final = (
    "net_bps_mean",
    "net_bps_last8_median",
    "risk_ratio_mean",
    "kpi_fail",
    "applied",
    "fallbacks",
    "panics",
    "moved",
)


@dataclass(frozen=True, slots=True)
class TunerRun:
    """One run: tuner, seed, and the records of its iterations."""

    tuner: str
    seed: int
    summaries: Sequence[Mapping[str, Any]]


def compare_document(runs: Sequence[TunerRun]) -> dict[str, Any]:
    """The content of ``TUNER_COMPARE.json``.

    `delta_bps` is bayes minus rules of the mean net edge, seed by seed, with the tests of
    `mmbot.research.paired`; `same_measurements` says
    that a source gave both the same windows, as the scripted generator does: then nothing can be
    concluded about the edge.
    """
    rows = [{"tuner": run.tuner, "seed": run.seed, **_figures(run.summaries)} for run in runs]
    by_key = {(row["tuner"], row["seed"]): row for row in rows}
    seeds = sorted({run.seed for run in runs})
    deltas = [
        by_key["bayes", seed]["net_bps_mean"] - by_key["rules", seed]["net_bps_mean"]
        for seed in seeds
        if _comparable(by_key, seed)
    ]
    test = paired_test(deltas)
    return {
        "runs": rows,
        "seeds": seeds,
        "delta_bps": {
            "mean": math.fsum(deltas) / len(deltas) if deltas else None,
            "min": min(deltas, default=None),
            "max": max(deltas, default=None),
            "better": sum(delta > 0 for delta in deltas),
            "seeds": len(deltas),
            "p_wilcoxon": test.p_wilcoxon,
            "p_sign": test.p_sign,
        },
        "same_measurements": bool(deltas) and all(delta == 0 for delta in deltas),
        "runtime": runtime_block(),
    }


def compare_markdown(document: Mapping[str, Any]) -> str:
    """The comparison for people."""
    rows = [
        [row["tuner"], str(row["seed"]), *(number_text(row[name]) for name in _COLUMNS)]
        for row in document["runs"]
    ]
    delta = document["delta_bps"]
    note = (
        "\nBoth tuners saw the same windows: the source does not react to parameters.\n"
        if document["same_measurements"]
        else ""
    )
    return (
        "# Tuners compared\n\n"
        f"bayes minus rules, mean net edge: {number_text(delta['mean'])} bps, better on "
        f"{delta['better']} of {delta['seeds']} seeds (Wilcoxon p {delta['p_wilcoxon']:.3f}, "
        f"sign test p {delta['p_sign']:.3f})\n{note}\n"
        + markdown_table(["tuner", "seed", *_COLUMNS], rows)
    )


def _comparable(rows: Mapping[tuple[str, int], Mapping[str, Any]], seed: int) -> bool:
    both = [rows.get((tuner, seed)) for tuner in ("rules", "bayes")]
    return all(row is not None and row["net_bps_mean"] is not None for row in both)


def _figures(summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    windows = complete(summaries)
    tunings = [s["tuning"] for s in summaries]
    return {
        "net_bps_mean": _mean([s["summary"]["net_bps"] for s in windows]),
        "net_bps_last8_median": last8_gate(summaries).values["net_bps"],
        "risk_ratio_mean": _mean([s["summary"]["risk_ratio"] for s in windows]),
        "kpi_fail": sum(s["summary"]["kpi_verdict"] == "FAIL" for s in windows),
        "applied": sum(t["applied"] for t in tunings),
        "fallbacks": sum(t["mode"] == "fallback" for t in tunings),
        "panics": sum(t["mode"] == "panic" for t in tunings),
        "moved": math.fsum(total_change(t["applied_deltas"]) for t in tunings),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
