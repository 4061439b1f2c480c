"""The text that Prometheus reads, read back by the grammar of its format."""

import re

from mmbot.telemetry.exposition import exposition
from mmbot.telemetry.metrics import METRICS, Sample

LINE = re.compile(r'([A-Za-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)', re.ASCII)


def parsed(text):
    """Types by metric, values by name and labels."""
    types, values = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split(" ")
            assert name not in types
            types[name] = kind
        elif not line.startswith("#"):
            found = LINE.fullmatch(line)
            assert found, line
            name, labels, value = found.groups()
            values[name, labels or ""] = float(value)
    return types, values


def test_metrics_have_their_types_and_samples_their_labels():
    text = exposition(
        [
            Sample("md_gaps_total", ("BTCUSDT",), 3.0),
            Sample("md_gaps_total", ('odd"\\\n',), 0.125),
            Sample("ws_reconnects_total", (), 1e16),
            Sample("strategy_weight_Moderate", (), 0.5),
        ]
    )
    types, values = parsed(text)
    assert types == {
        "md_gaps_total": "counter",
        "ws_reconnects_total": "counter",
        "strategy_weight_Moderate": "gauge",
    }
    assert values == {
        ("md_gaps_total", 'symbol="BTCUSDT"'): 3.0,
        ("md_gaps_total", 'symbol="odd\\"\\\\\\n"'): 0.125,
        ("ws_reconnects_total", ""): 1e16,
        ("strategy_weight_Moderate", ""): 0.5,
    }


def test_a_histogram_is_one_metric_of_buckets_a_sum_and_a_count():
    (name, labels) = next(
        (one.name, one.labels) for one in METRICS.values() if one.kind == "histogram"
    )
    of = tuple("x" for _ in labels)
    text = exposition(
        [
            Sample(f"{name}_bucket", (*of, "5"), 1.0),
            Sample(f"{name}_bucket", (*of, "+Inf"), 2.0),
            Sample(f"{name}_sum", of, 9.5),
            Sample(f"{name}_count", of, 2.0),
        ]
    )
    types, values = parsed(text)
    assert types == {name: "histogram"}
    assert sorted(values.values()) == [1.0, 2.0, 2.0, 9.5]
    assert any('le="+Inf"' in labels for _, labels in values)


def test_no_sample_is_an_empty_text():
    assert exposition([]) == ""
