"""Did the parameters of each window follow from the changes decided before it?

For two iterations in a row, the values beneath the warm-up overlay must be those of the first plus
what was applied after it. A record without ``base`` (values beneath the overlay) is judged by what
was in force.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

from mmbot.research.report_markdown import markdown_table

__all__ = ["Pair", "Verification", "verification_markdown", "verify_deltas"]

PairClass = Literal["full", "partial_ok", "signature_stuck", "fail"]
TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One judged pair: iteration i with proposed changes, its class, fields that did not move."""

    iteration: int
    kind: PairClass
    missing: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """All judged pairs of a run."""

    pairs: tuple[Pair, ...]

    def count(self, kind: PairClass) -> int:
        """Pairs of one class."""
        return sum(pair.kind == kind for pair in self.pairs)

    @property
    def ratio(self) -> float:
        """Share of pairs that are as they should be; 1 without a pair."""
        if not self.pairs:
            return 1.0
        return (self.count("full") + self.count("partial_ok")) / len(self.pairs)

    def passes(self, threshold: float, *, strict: bool) -> bool:
        """Whether the share reaches the threshold; strictly, nothing may be stuck."""
        stuck = strict and self.count("signature_stuck") > 0
        return self.ratio >= threshold and not stuck

    def document(self) -> dict[str, Any]:
        """The content of ``DELTA_VERIFY_REPORT.json``."""
        return {
            "full_apply_ratio": self.ratio,
            "full_apply_count": self.count("full"),
            "partial_ok_count": self.count("partial_ok"),
            "fail_count": self.count("fail") + self.count("signature_stuck"),
            "signature_stuck_count": self.count("signature_stuck"),
            "proposed_count": len(self.pairs),
            "pairs": [
                {
                    "iteration": pair.iteration,
                    "class": pair.kind,
                    "missing": list(pair.missing),
                    "reason": pair.reason,
                }
                for pair in self.pairs
            ],
        }


def verify_deltas(summaries: Sequence[Mapping[str, Any]]) -> Verification:
    """Judge every pair of consecutive iterations whose first one proposed changes."""
    ordered = sorted(summaries, key=lambda s: int(s["iteration"]))
    return Verification(
        tuple(
            _judge(first, second)
            for first, second in pairwise(ordered)
            if second["iteration"] == first["iteration"] + 1 and first["tuning"].get("deltas")
        )
    )


def verification_markdown(found: Verification, *, threshold: float, strict: bool) -> str:
    """The report for people."""
    rows = [[str(p.iteration), p.kind, ", ".join(p.missing) or "-", p.reason] for p in found.pairs]
    passed = found.passes(threshold, strict=strict)
    return (
        "# Delta verification\n\n"
        f"Verdict: {'PASS' if passed else 'FAIL'}\n\n"
        f"- full_apply_ratio: {found.ratio:.6f} (threshold {threshold:.6f}, "
        f"{'strict' if strict else 'not strict'})\n"
        f"- pairs: {len(found.pairs)}, full {found.count('full')}, "
        f"partial {found.count('partial_ok')}, stuck {found.count('signature_stuck')}, "
        f"failed {found.count('fail')}\n\n"
        + markdown_table(["iter", "class", "fields not moved", "why"], rows)
    )


def _judge(first: Mapping[str, Any], second: Mapping[str, Any]) -> Pair:
    tuning = first["tuning"]
    proposed: Mapping[str, float] = tuning["deltas"]
    applied: Mapping[str, float] = tuning.get("applied_deltas") or {}
    before, after = _values(first), _values(second)
    expected = {name: before[name] + applied.get(name, 0.0) for name in before}
    strange = [n for n in expected if abs(after.get(n, before[n]) - expected[n]) > TOLERANCE]
    missing = tuple(
        sorted(
            name
            for name, delta in proposed.items()
            if abs(after.get(name, 0.0) - before.get(name, 0.0) - delta) > TOLERANCE
        )
    )
    kind, reason = _class(tuning, strange, missing)
    return Pair(iteration=int(first["iteration"]), kind=kind, missing=missing, reason=reason)


def _class(
    tuning: Mapping[str, Any], strange: Sequence[str], missing: Sequence[str]
) -> tuple[PairClass, str]:
    if tuning.get("applied") and _is_stuck(tuning):
        return "signature_stuck", "applied, but the file is the same"
    if strange:
        return "fail", f"unexpected value of {', '.join(sorted(strange))}"
    if not missing:
        return ("full", "as decided") if tuning.get("applied") else ("fail", "moved unapplied")
    skipped = tuning.get("skipped_reason")
    if not tuning.get("applied") and skipped:
        return "partial_ok", str(skipped)
    removed = dict(tuning.get("removed") or {})
    explained = {name for names in removed.values() for name in names}
    if set(missing) <= explained:
        return "partial_ok", "; ".join(f"removed by {rail}" for rail, n in removed.items() if n)
    return "fail", f"no reason for {', '.join(n for n in missing if n not in explained)}"


def _is_stuck(tuning: Mapping[str, Any]) -> bool:
    before, after = tuning.get("state_hash_before"), tuning.get("state_hash")
    return before is not None and before == after


def _values(summary: Mapping[str, Any]) -> Mapping[str, float]:
    values: Mapping[str, float] = summary.get("base") or summary.get("overrides") or {}
    return values
