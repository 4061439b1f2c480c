"""Several symbols as one result."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.research.made_results import MINUTE_NS, made_result

from mmbot.research.metrics import percentile
from mmbot.research.pooling import equity_on_grid, pool


def test_a_single_result_stays_as_it_is():
    result = made_result()
    assert pool([result], bar_ns=MINUTE_NS) == result


def test_counts_and_amounts_add_up_and_positions_are_left_out():
    pooled = pool([made_result(), made_result(fills_total=6)], bar_ns=5 * MINUTE_NS)
    assert pooled["fills_total"] == 10
    assert pooled["turnover_usd"] == 2000.0
    assert pooled["edge"]["gross_usd"] == 4.0
    assert pooled["block_counts"]["min_interval"] == 60
    assert "final_position" not in pooled
    assert pooled["gaps"] == [[MINUTE_NS, 2 * MINUTE_NS]] * 2


def test_age_percentiles_are_bounded_by_the_largest():
    older = made_result(order_age_ms={"p50": 90.0, "p95": 900.0, "p99": 901.0, "mean": 1.0})
    pooled = pool([made_result(), older], bar_ns=MINUTE_NS)
    assert pooled["order_age_ms"] == {"p50": 100.0, "p95": 900.0, "p99": 901.0}


@given(
    st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=30), min_size=2, max_size=4),
)
def test_queue_waits_pool_exactly(waits):
    results = []
    for values in waits:
        edges = sorted(set(values))
        wait = {
            "mean": sum(values) / len(values),
            **dict.fromkeys(("p50", "p95", "p99"), 0.0),
            "hist_edges_ms": np.array(edges, dtype=float),
            "hist_counts": np.array([values.count(edge) for edge in edges]),
        }
        results.append(made_result(queue_wait_ms=wait))
    found = pool(results, bar_ns=MINUTE_NS)["queue_wait_ms"]
    together = [float(value) for values in waits for value in values]
    assert found["mean"] == pytest.approx(sum(together) / len(together))
    for name, p in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert found[name] == percentile(together, p)
    assert int(found["hist_counts"].sum()) == len(together)


def test_queue_waits_without_fills():
    none = {
        "mean": 0.0,
        **dict.fromkeys(("p50", "p95", "p99"), 0.0),
        "hist_edges_ms": np.empty(0),
        "hist_counts": np.empty(0, dtype=np.int64),
    }
    pooled = pool([made_result(queue_wait_ms=none)] * 2, bar_ns=MINUTE_NS)
    assert pooled["queue_wait_ms"]["p95"] == 0.0


def test_markouts_are_weighted_by_fills():
    other = made_result(markouts=[{"horizon_ms": 1000, "mean_bps": 2.0, "count": 12}])
    pooled = pool([made_result(), other], bar_ns=MINUTE_NS)["markouts"]
    assert pooled == [
        {"horizon_ms": 1000, "count": 16, "mean_bps": 0.0},
        {"horizon_ms": 60_000, "count": 3, "mean_bps": 1.25},
    ]


def bars(ends_min, equity):
    return {
        "ts_ns": (np.array(ends_min) * MINUTE_NS).astype(np.int64),
        "equity_usd": np.array(equity),
    }


def test_equity_of_symbols_that_start_apart_lands_on_one_grid():
    # The second starts 12 s later; both end with a shorter bar.
    first = bars([1.0, 2.0, 2.4], [1.0, 2.0, 2.5])
    second = bars([1.2, 2.2, 2.4], [10.0, 20.0, 25.0])
    total = equity_on_grid([first, second], bar_ns=MINUTE_NS)
    assert total["equity_usd"].tolist() == [11.0, 22.0, 27.5]
    assert total["ts_ns"].tolist() == [MINUTE_NS, 2 * MINUTE_NS, 3 * MINUTE_NS]


def test_a_symbol_that_ends_early_keeps_its_equity():
    total = equity_on_grid(
        [bars([1, 2, 3, 4], [1, 2, 3, 4]), bars([1, 2], [5, 7])], bar_ns=MINUTE_NS
    )
    assert total["equity_usd"].tolist() == [6.0, 9.0, 10.0, 11.0]


def test_the_last_equity_is_the_sum_of_the_last_ones():
    total = equity_on_grid([bars([1, 1.3], [1, 5]), bars([3, 3.6], [2, 9])], bar_ns=MINUTE_NS)
    assert total["equity_usd"][-1] == 14.0
    assert equity_on_grid([bars([], [])], bar_ns=MINUTE_NS)["equity_usd"].tolist() == []
