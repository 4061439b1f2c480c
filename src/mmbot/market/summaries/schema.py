"""What an hourly summary is: schema e1.x, its pure upgrade, and the check that names every fault.

A summary is untrusted text until `validate_summary_payload` has passed it: other programs write
these files too. Shapes and ranges are a pydantic model; rules between fields are evaluated on the
raw payload wherever both fields have the right type, so one fault never hides another.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from mmbot.errors import ConfigError, MarketDataError
from mmbot.units import NS_PER_HOUR, format_utc, parse_utc_ns

__all__ = [
    "BINS_MAX_BPS_DEFAULT",
    "PERCENTILES_DEFAULT",
    "SCHEMA_VERSION",
    "HourlySummary",
    "parse_hour_ns",
    "read_summary",
    "upgrade_summary",
    "validate_summary_payload",
]

SCHEMA_VERSION: Final = "e1.1"
BINS_MAX_BPS_DEFAULT: Final = 50
PERCENTILES_DEFAULT: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)

# A summary with all 1000 bins has 60 kB; what is larger by far is no summary.
_FILE_BYTES_MAX: Final = 4 << 20
_BINS_LIMIT: Final = 1000
_VERSION: Final = re.compile(r"e1\.(0|[1-9][0-9]{0,5})")
_HOUR: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:00:00Z")
_BIN: Final = re.compile(r"0|[1-9][0-9]{0,5}")


def parse_hour_ns(text: object) -> int | None:
    """Start of the hour ``YYYY-mm-ddTHH:00:00Z`` in nanoseconds; None for any other value."""
    if not isinstance(text, str) or _HOUR.fullmatch(text) is None:
        return None
    return _instant_ns(text)


def _instant_ns(text: object) -> int | None:
    if not isinstance(text, str) or not text.endswith("Z") or "T" not in text:
        return None
    try:
        return parse_utc_ns(text)
    except ConfigError:
        return None


def _hour(text: str) -> str:
    if parse_hour_ns(text) is None:
        raise ValueError("must be an hour of UTC such as 2024-08-09T12:00:00Z")
    return text


def _instant(text: str) -> str:
    if _instant_ns(text) is None:
        raise ValueError("must be an instant of UTC with Z such as 2024-08-09T12:00:00Z")
    return text


def _version(text: str) -> str:
    if _VERSION.fullmatch(text) is None:
        raise ValueError("must be e1.<int>")
    return text


def _upper(text: str) -> str:
    if text != text.upper():
        raise ValueError("must be upper case")
    return text


_Count = Annotated[int, Field(ge=0)]
_Text = Annotated[str, Field(min_length=1)]
_Hour = Annotated[str, AfterValidator(_hour)]
_Instant = Annotated[str, AfterValidator(_instant)]
_Fraction = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    """Unknown keys are kept out of the model but are no error: a later e1.x may add some."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


class SummaryCounts(_Part):
    """Totals of the hour; `maker_fills` is absent unless known for every execution."""

    orders: _Count
    quotes: _Count
    fills: _Count
    maker_fills: _Count | None = None


class SummaryBin(_Part):
    """Quotes at a distance from mid, and how many of them were filled."""

    count: _Count
    fills: _Count


class SummaryQuantile(_Part):
    """A point of the queue-wait distribution: `v` milliseconds at probability `p`."""

    p: _Fraction
    v: Annotated[float, Field(ge=0)]


class SummaryMetadata(_Part):
    """Where the numbers come from; `segments` are the writer sessions merged into the file."""

    git_sha: _Text
    cfg_hash: _Text
    segments: list[_Text] | None = None


class SummaryWindow(_Part):
    """The hour, as two instants."""

    hour_start: _Instant
    hour_end: _Instant


class HourlySummary(_Part):
    """An hourly summary of schema e1.1, for readers that want fields instead of a mapping."""

    schema_version: Annotated[str, AfterValidator(_version)]
    symbol: Annotated[_Text, AfterValidator(_upper)]
    hour_utc: _Hour
    counts: SummaryCounts
    hit_rate_by_bin: dict[str, SummaryBin]
    queue_wait_cdf_ms: list[SummaryQuantile]
    metadata: SummaryMetadata
    generated_at_utc: _Instant
    window_utc: SummaryWindow
    bins_max_bps: Annotated[int, Field(ge=1, le=_BINS_LIMIT)]
    percentiles_used: list[_Fraction]


def validate_summary_payload(payload: object) -> tuple[bool, list[str]]:
    """Check a summary of schema e1.1 or later; return whether it holds and every error found.

    An error is ``path: message``, paths as in ``hit_rate_by_bin.3.fills``. Nothing is raised.
    """
    if not isinstance(payload, Mapping):
        return False, ["$: must be an object"]
    errors = _shape_errors(payload)
    for rule in _RULES:
        errors.extend(rule(payload))
    return not errors, errors


def upgrade_summary(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy in schema e1.1: e1.0 gains its missing fields, e1.1 and later stay as they are.

    Fields that an e1.0 file already carries are kept. Time never comes from a clock.

    Raises:
        MarketDataError: ``E_SUM_VERSION`` for another version, ``E_SUM_WINDOW`` when neither
        ``window_utc`` nor a parsable ``hour_utc`` exists.
    """
    summary = copy.deepcopy(dict(payload))
    version = summary.get("schema_version", "e1.0")
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if match is None:
        raise MarketDataError("E_SUM_VERSION", "schema_version", f"is not known: {version!r:.40}")
    if version != "e1.0":
        return summary
    window = _window(summary)
    summary["schema_version"] = SCHEMA_VERSION
    summary.setdefault("window_utc", window)
    summary.setdefault("generated_at_utc", window.get("hour_end"))
    summary.setdefault("bins_max_bps", BINS_MAX_BPS_DEFAULT)
    summary.setdefault("percentiles_used", list(PERCENTILES_DEFAULT))
    return summary


def _window(summary: Mapping[str, Any]) -> dict[str, Any]:
    window = summary.get("window_utc")
    if isinstance(window, Mapping) and window.get("hour_end"):
        return dict(window)
    start_ns = parse_hour_ns(summary.get("hour_utc"))
    if start_ns is None:
        raise MarketDataError("E_SUM_WINDOW", "hour_utc", "and window_utc do not say the hour")
    return {"hour_start": format_utc(start_ns), "hour_end": format_utc(start_ns + NS_PER_HOUR)}


def read_summary(data: bytes) -> dict[str, Any]:
    """Parse, upgrade and check the bytes of a file.

    Raises:
        MarketDataError: ``E_SUM_INVALID`` with all errors, ``E_SUM_VERSION``, ``E_SUM_WINDOW``.
    """
    summary = upgrade_summary(parse_object(data))
    ok, errors = validate_summary_payload(summary)
    if not ok:
        raise MarketDataError("E_SUM_INVALID", "summary", "; ".join(errors))
    return summary


def parse_object(data: bytes) -> dict[str, Any]:
    """Parse strict JSON (no NaN, no key twice); ``E_SUM_INVALID`` unless it is one object."""
    if len(data) > _FILE_BYTES_MAX:
        raise MarketDataError("E_SUM_INVALID", "$", f"is larger than {_FILE_BYTES_MAX} bytes")
    try:
        value = json.loads(
            data.decode("ascii"), parse_constant=_no_constant, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as exc:
        raise MarketDataError("E_SUM_INVALID", "$", f"is not ASCII JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise MarketDataError("E_SUM_INVALID", "$", "must be an object")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key occurs twice")
    return out


def _shape_errors(payload: Mapping[str, Any]) -> list[str]:
    try:
        HourlySummary.model_validate(dict(payload))
    except ValidationError as exc:
        return [
            f"{'.'.join(str(part) for part in error['loc']) or '$'}: {_message(error['msg'])}"
            for error in exc.errors(include_url=False, include_input=False)
        ]
    return []


def _message(text: str) -> str:
    text = text.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _rule_counts(payload: Mapping[str, Any]) -> Iterator[str]:
    counts = _mapping(payload.get("counts"))
    fills, maker = _count(counts.get("fills")), _count(counts.get("maker_fills"))
    if "maker_fills" in counts and counts["maker_fills"] is None:
        yield "counts.maker_fills: must be left out when it is not known"
    if maker is not None and fills is not None and maker > fills:
        yield f"counts.maker_fills: must not exceed counts.fills: {maker} > {fills}"


def _rule_bins(payload: Mapping[str, Any]) -> Iterator[str]:
    last = _count(payload.get("bins_max_bps"))
    for name, entry in _mapping(payload.get("hit_rate_by_bin")).items():
        if _BIN.fullmatch(str(name)) is None:
            yield f"hit_rate_by_bin.{name}: must be an integer from 0"
        elif last is not None and int(name) > last:
            yield f"hit_rate_by_bin.{name}: must be in [0,{last}]"
        count, fills = (_count(_mapping(entry).get(key)) for key in ("count", "fills"))
        if count is not None and fills is not None and fills > count:
            yield f"hit_rate_by_bin.{name}.fills: must not exceed count: {fills} > {count}"


def _rule_cdf(payload: Mapping[str, Any]) -> Iterator[str]:
    points = payload.get("queue_wait_cdf_ms")
    if not isinstance(points, list):
        return
    if points and _count(_mapping(payload.get("counts")).get("fills")) == 0:
        yield "queue_wait_cdf_ms: must be empty when there are no fills"
    for i, (before, after) in enumerate(itertools.pairwise(points), 1):
        for key, wrong in (("p", "strictly increase"), ("v", "not decrease")):
            a, b = (_number(_mapping(point).get(key)) for point in (before, after))
            if a is None or b is None:
                continue
            if b < a or (key == "p" and a == b):
                yield f"queue_wait_cdf_ms.{i}.{key}: must {wrong}: {b} after {a}"


def _rule_window(payload: Mapping[str, Any]) -> Iterator[str]:
    window = _mapping(payload.get("window_utc"))
    start_ns, end_ns = (_instant_ns(window.get(key)) for key in ("hour_start", "hour_end"))
    hour_ns = parse_hour_ns(payload.get("hour_utc"))
    if start_ns is not None and end_ns is not None:
        if start_ns >= end_ns:
            yield "window_utc: hour_start must be before hour_end"
        elif end_ns - start_ns != NS_PER_HOUR:
            yield "window_utc: hour_end must be one hour after hour_start"
    if start_ns is not None and hour_ns is not None and start_ns != hour_ns:
        yield "window_utc.hour_start: must equal hour_utc"


_Rule = Callable[[Mapping[str, Any]], Iterator[str]]
_RULES: Final[tuple[_Rule, ...]] = (_rule_counts, _rule_bins, _rule_cdf, _rule_window)
