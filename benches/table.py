"""The one table of a run, as Markdown, so that it can be pasted into a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benches.baseline import Baseline
from benches.measure import Row, good_rows
from benches.ratios import GOALS, Check

_CASE_KEYS = (
    ("events_per_s", "M events/s", 1e6, 2),
    ("lane_events_per_s", "M events x sets/s", 1e6, 2),
    ("us_per_frame", "us/frame", 1.0, 3),
    ("wall_s", "s", 1.0, 3),
    ("peak_rss_mb", "peak MB", 1.0, 0),
)


def render(
    rows: Mapping[str, Sequence[Row]],
    ratios: Mapping[str, float | None],
    checks: Sequence[Check],
    baseline: Baseline | None,
) -> str:
    """Cases as `median (min..max)`, then ratios with goal and baseline, then checks."""
    parts = [_case_table(rows), _ratio_table(ratios, baseline), _check_table(checks)]
    return "\n\n".join(parts)


def _case_table(rows: Mapping[str, Sequence[Row]]) -> str:
    head = ["case", "runs", *(title for _, title, _, _ in _CASE_KEYS), "orders", "cancels", "fills"]
    body = []
    for name, found in rows.items():
        good = good_rows(found)
        failed = len(found) - len(good)
        cells = [name, f"{len(good)}" + (f", {failed} FAILED" if failed else "")]
        cells += [_spread(good, key, scale, digits) for key, _, scale, digits in _CASE_KEYS]
        cells += [_count(good, keys) for keys in (("orders", "submits"), ("cancels",), ("fills",))]
        body.append(cells)
    return _markdown(head, body)


def _ratio_table(ratios: Mapping[str, float | None], baseline: Baseline | None) -> str:
    body = []
    for name, goal in GOALS.items():
        value = ratios.get(name)
        sign = ">=" if goal.more_is_better else "<="
        then = baseline.ratios.get(name) if baseline else None
        verdict = "not measured" if value is None else ("met" if goal.met(value) else "MISSED")
        body.append([name, _number(value), f"{sign} {goal.bound:g}", _number(then), verdict])
    return _markdown(["ratio", "now", "goal", "baseline", "goal met"], body)


def _check_table(checks: Sequence[Check]) -> str:
    words = {True: "yes", False: "NO", None: "-"}
    body = [[check.name, words[check.ok], check.note] for check in checks]
    return _markdown(["same work", "same", "what was compared"], body)


def _spread(rows: Sequence[Row], key: str, scale: float, digits: int) -> str:
    values = sorted(float(row[key]) / scale for row in rows if key in row)
    if not values:
        return "-"
    middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
    return f"{middle:.{digits}f} ({values[0]:.{digits}f}..{values[-1]:.{digits}f})"


def _count(rows: Sequence[Row], keys: tuple[str, ...]) -> str:
    found = {row[key] for row in rows for key in keys if key in row}
    return " | ".join(str(value) for value in sorted(found)).replace("|", "or") or "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in (head, *body)) for i in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in (head, *body)
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
