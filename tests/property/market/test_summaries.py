"""Merging and upgrading, over generated summaries."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mmbot.market.summaries import merge_summaries, upgrade_summary, validate_summary_payload
from mmbot.units import NS_PER_HOUR, format_utc

COUNT = st.integers(0, 10_000)


@st.composite
def summaries(draw, *, segment=None, hour=None):
    last = draw(st.integers(1, 60))
    bins = {}
    for number in draw(st.sets(st.integers(0, last), max_size=6)):
        count = draw(COUNT)
        bins[str(number)] = {"count": count, "fills": draw(st.integers(0, count))}
    fills = draw(COUNT)
    counts = {"orders": draw(COUNT), "quotes": draw(COUNT), "fills": fills}
    if draw(st.booleans()):
        counts["maker_fills"] = draw(st.integers(0, fills))
    waits = sorted(draw(st.lists(st.floats(0, 1e6), max_size=5))) if fills else []
    hour_ns = NS_PER_HOUR * (hour if hour is not None else draw(st.integers(0, 900_000)))
    name = segment or draw(st.text("abc", min_size=1, max_size=3))
    out: dict[str, Any] = {
        "schema_version": "e1.1",
        "symbol": "BTCUSDT",
        "hour_utc": format_utc(hour_ns),
        "counts": counts,
        "hit_rate_by_bin": bins,
        "queue_wait_cdf_ms": [{"p": (i + 1) / 8, "v": v} for i, v in enumerate(waits)],
        "metadata": {"git_sha": "g", "cfg_hash": "c", "segments": [name]},
        "generated_at_utc": format_utc(hour_ns + NS_PER_HOUR),
        "window_utc": {
            "hour_start": format_utc(hour_ns),
            "hour_end": format_utc(hour_ns + NS_PER_HOUR),
        },
        "bins_max_bps": last,
        "percentiles_used": [0.1, 0.5],
    }
    return out


def counted(summary):
    assert summary is not None
    keys = ("counts", "hit_rate_by_bin", "bins_max_bps")
    return {key: summary[key] for key in keys} | {"segments": summary["metadata"]["segments"]}


@given(summaries(segment="x", hour=5), summaries(segment="y", hour=5))
def test_merge_is_commutative_on_counts(a, b):
    ab, ba = merge_summaries(a, b), merge_summaries(b, a)
    assert counted(ab) == counted(ba)
    total = sum(entry["count"] for s in (a, b) for entry in s["hit_rate_by_bin"].values())
    assert ab is not None
    assert sum(entry["count"] for entry in ab["hit_rate_by_bin"].values()) == total


@given(
    summaries(segment="x", hour=5), summaries(segment="y", hour=5), summaries(segment="z", hour=5)
)
def test_merge_is_associative_on_counts(a, b, c):
    ab, bc = merge_summaries(a, b), merge_summaries(b, c)
    assert ab is not None
    assert bc is not None
    assert counted(merge_summaries(ab, c)) == counted(merge_summaries(a, bc))


@given(summaries(segment="x", hour=5), summaries(segment="y", hour=5))
def test_a_segment_is_never_added_twice(a, b):
    ab = merge_summaries(a, b)
    assert ab is not None
    assert merge_summaries(ab, a) is None
    assert merge_summaries(ab, b) is None


@given(summaries(), st.booleans())
def test_what_is_upgraded_holds(summary, drop_version):
    late = ("generated_at_utc", "window_utc", "percentiles_used", "bins_max_bps")
    old = {key: value for key, value in summary.items() if key not in late}
    old["hit_rate_by_bin"] = {k: v for k, v in old["hit_rate_by_bin"].items() if int(k) <= 50}
    old["schema_version"] = "e1.0"
    if drop_version:
        del old["schema_version"]
    new = upgrade_summary(old)
    assert validate_summary_payload(new) == (True, [])
    assert upgrade_summary(new) == new


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "counts",
                        "fills",
                        "hit_rate_by_bin",
                        "0",
                        "queue_wait_cdf_ms",
                        "p",
                        "v",
                        "window_utc",
                        "hour_start",
                        "hour_utc",
                        "bins_max_bps",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_payload_makes_the_check_raise(payload):
    ok, errors = validate_summary_payload(payload)
    assert not ok
    assert errors
