"""Metrics of orders, throttling and statistics of fills (02 sections 3 to 9, 14, 15)."""

from __future__ import annotations

from typing import Final

from mmbot.telemetry.metrics.models import Metric

__all__ = ["EXECUTION"]

_SYMBOL: Final = ("symbol",)
_SIDE: Final = ("symbol", "side")
_REASON: Final = ("symbol", "reason")
_NONE: Final[tuple[str, ...]] = ()

ORDERS: Final = (
    Metric("orders_active", "gauge", _SIDE, "live orders", "symbol:orders.active"),
    Metric("creates_total", "counter", _SYMBOL, "orders created", "symbol:orders.creates_total"),
    Metric("cancels_total", "counter", _SYMBOL, "cancels sent", "symbol:orders.cancels_total"),
    Metric("replaces_total", "counter", _SYMBOL, "replaces sent", "symbol:orders.replaces_total"),
    Metric(
        "quotes_placed_total",
        "counter",
        _SYMBOL,
        "order-levels placed or amended",
        "symbol:orders.quotes_placed_total",
    ),
    Metric("create_rate", "gauge", _SYMBOL, "per s, last 10 s", "symbol:throttle.creates_per_sec"),
    Metric("cancel_rate", "gauge", _SYMBOL, "per s, last 10 s", "symbol:throttle.cancels_per_sec"),
    Metric(
        "amend_attempts_total",
        "counter",
        _SIDE,
        "amends tried",
        "symbol:orders.amend_attempts_total",
    ),
    Metric(
        "amend_success_total",
        "counter",
        _SIDE,
        "amends that took effect",
        "symbol:orders.amend_success_total",
    ),
    Metric("position_usd", "gauge", _SYMBOL, "signed position", "symbol:orders.position_usd"),
    Metric("inventory_abs", "gauge", _SYMBOL, "abs(position), USD", "derived"),
    Metric("hit_rate", "gauge", _SYMBOL, "share of profitable trades", "derived"),
    Metric(
        "order_reject_rate",
        "gauge",
        _SYMBOL,
        "rejects / sends, guard window",
        "symbol:throttle.order_reject_rate",
    ),
    Metric(
        "cancel_latency_p95_ms",
        "gauge",
        _SYMBOL,
        "cancel latency, guard window",
        "symbol:throttle.cancel_latency_p95_ms",
    ),
    Metric("net_pnl", "gauge", _SYMBOL, "net PnL since start, base currency", "derived"),
    Metric(
        "maker_pnl",
        "gauge",
        _SYMBOL,
        "PnL of maker fills before fees, USD",
        "symbol:orders.maker_pnl_usd",
    ),
    Metric(
        "taker_fees", "gauge", _SYMBOL, "fees of taker fills, USD", "symbol:orders.taker_fees_usd"
    ),
    Metric(
        "net_pnl_total_usd", "gauge", _NONE, "net PnL since start, USD", "state:account.net_usd"
    ),
    Metric("sharpe_ratio", "gauge", _NONE, "of 60-minute bars", "derived"),
    Metric(
        "hit_rate_proxy",
        "gauge",
        _NONE,
        "orders with a fill / orders ended, last 3600 s",
        "state:order_hit_rate",
    ),
    Metric(
        "cancel_rate_per_sec",
        "gauge",
        _NONE,
        "cancels per second, all symbols",
        "state:throttle.cancels_per_sec",
    ),
    Metric("rest_error_rate", "gauge", ("exchange",), "failed / all calls, last 60 s", "derived"),
    Metric("backoff_seconds_sum", "counter", _NONE, "time in retry backoff", "given"),
    Metric("reconcile_actions_total", "counter", ("action",), "corrections", "given"),
    Metric("cfg_max_create_per_sec", "gauge", _NONE, "limit", "config:limits.max_create_per_sec"),
    Metric("cfg_max_cancel_per_sec", "gauge", _NONE, "limit", "config:limits.max_cancel_per_sec"),
    Metric("queue_pos_delta", "gauge", _SIDE, "queue change over 60 s, > 0 better", "derived"),
    Metric("latency_ms", "histogram", ("stage",), "latency by stage", "derived"),
    Metric("order_illegal_transitions_total", "counter", _NONE, "illegal reports", "derived"),
    Metric("blocks_total", "counter", ("reason", "detail"), "refusals", "derived"),
    Metric(
        "order_idem_hits_total",
        "counter",
        ("env", "service", "op"),
        "duplicate operations suppressed",
        "derived",
    ),
)

THROTTLING: Final = (
    Metric(
        "replace_rate_per_min",
        "gauge",
        _SYMBOL,
        "replaces in the last 60 s",
        "symbol:orders.replaces_per_min",
    ),
    Metric(
        "cancel_batch_events_total",
        "counter",
        _SYMBOL,
        "tail batch cancels",
        "symbol:orders.cancel_batches_total",
    ),
    *(
        Metric(
            f"order_age_{rank}_ms",
            "gauge",
            _SYMBOL,
            "order age, last 300 s",
            f"symbol:orders.order_age_{rank}_ms",
        )
        for rank in ("p50", "p95", "p99")
    ),
    Metric(
        "throttle_backoff_ms", "gauge", _SYMBOL, "current backoff", "symbol:throttle.backoff_ms"
    ),
    Metric(
        "throttle_backoff_ms_max",
        "gauge",
        _NONE,
        "largest current backoff",
        "state:throttle.backoff_ms_max",
    ),
    Metric(
        "throttle_backoff_ms_max_observed",
        "gauge",
        _NONE,
        "largest backoff of the run",
        "state:throttle.backoff_ms_max_observed",
    ),
    Metric(
        "throttle_events_in_window",
        "gauge",
        ("op", "symbol"),
        "requests in the window",
        "symbol:throttle.events_in_window",
    ),
    Metric(
        "throttle_events_in_window_total",
        "gauge",
        _NONE,
        "sum over ops and symbols",
        "state:throttle.events_in_window_total",
    ),
    Metric(
        "throttle_backoffs_total",
        "counter",
        _NONE,
        "backoffs applied",
        "state:throttle.backoffs_total",
    ),
    *(
        Metric(f"throttle_snapshot_{what}_total", "counter", _NONE, "snapshots", "given")
        for what in ("writes", "writes_failed", "loads", "loads_failed")
    ),
    Metric("throttle_snapshot_mtime_seconds", "gauge", ("op",), "unix time", "given"),
    Metric(
        "order_age_ms_bucket_total",
        "counter",
        ("symbol", "bucket"),
        "age of orders found stale",
        "symbol:orders.stale_ages_total",
    ),
    Metric("stale_cancels_total", "counter", _REASON, "anti-stale cancels", "derived"),
    Metric("refresh_amends_total", "counter", _REASON, "anti-stale refreshes", "derived"),
)

_COLORED: Final = ("horizon_ms", "color", "symbol")

STATISTICS: Final = (
    Metric(
        "shadow_orders_total", "counter", _SYMBOL, "shadow orders", "symbol:shadow.orders_total"
    ),
    *(
        Metric(f"shadow_{what}", "gauge", _SYMBOL, "against the touch", f"symbol:shadow.{what}")
        for what in (
            "price_diff_bps_last",
            "price_diff_bps_avg",
            "size_diff_pct_last",
            "size_diff_pct_avg",
        )
    ),
    Metric("markout_up_total", "counter", _COLORED, "markouts > 0", "derived"),
    Metric("markout_down_total", "counter", _COLORED, "markouts < 0", "derived"),
    Metric("markout_avg_bps", "gauge", _COLORED, "average", "derived"),
    Metric("markout_samples_total", "gauge", ("horizon_ms", "color"), "samples", "derived"),
    Metric("markout_skipped_total", "counter", ("horizon_ms",), "without a fresh mid", "derived"),
)

EXECUTION: Final = (*ORDERS, *THROTTLING, *STATISTICS)
