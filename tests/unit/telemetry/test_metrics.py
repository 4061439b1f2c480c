"""The registry against the tables of the specification, and samples of a session that trades."""

import math

import pytest
from tests.unit.core.sessions import START_NS, World, config_of

from mmbot.config.changes import key_values
from mmbot.telemetry.metrics import GIVEN, METRICS, Sample, SessionMetrics, metric
from mmbot.telemetry.metrics.derived import DERIVED

SYMBOLS = ("AUSDT", "BUSDT")
GIVEN_LABELS: dict[tuple[str, ...], list[tuple[str, ...]]] = {
    ("symbol",): [(symbol,) for symbol in SYMBOLS],
    (): [()],
    ("result",): [("ok",), ("failed",)],
    ("code",): [("I_POSITION",)],
    ("action",): [("close",)],
    ("name", "detail"): [("socket_lost", "public.half_open"), ("late_requests", "")],
    ("op",): [("write",), ("load",)],
    ("kind",): [("throttle",)],
    ("endpoint",): [("/readyz",)],
}

# name: (type, labels), by the tables
TABLES = """
01-8.5 gauge symbol: vola_ewma vola_1m spread_bps ob_imbalance liquidity_depth_usd sigma
01-8.5 gauge symbol: micro_bias_strength adverse_fill_rate ws_lag_ms
01-8.5 counter symbol: md_gaps_total md_resyncs_total md_frames_rejected_total
01-8.5 counter -: ws_reconnects_total
01-8.5 counter name,detail: faults_total
01-8.5 gauge -: cfg_levels_per_side cfg_min_time_in_book_ms cfg_k_vola_spread cfg_skew_coeff
01-8.5 gauge -: cfg_imbalance_cutoff
01-8.5 counter result: config_reload_total
01-8.5 counter code: invariant_violations_total
02-3 counter -: strategy_switch_total
02-4 gauge -: scheduler_open
02-4 counter -: scheduler_reload_total
02-5.5 gauge symbol,side: orders_active queue_pos_delta
02-5.5 counter symbol: creates_total cancels_total replaces_total quotes_placed_total
02-5.5 gauge symbol: create_rate cancel_rate position_usd inventory_abs hit_rate order_reject_rate
02-5.5 gauge symbol: cancel_latency_p95_ms net_pnl maker_pnl taker_fees
02-5.5 counter symbol,side: amend_attempts_total amend_success_total
02-5.5 gauge -: net_pnl_total_usd sharpe_ratio hit_rate_proxy cancel_rate_per_sec
02-5.5 gauge exchange: rest_error_rate
02-5.5 counter -: backoff_seconds_sum order_illegal_transitions_total
02-5.5 counter action: reconcile_actions_total
02-5.5 gauge -: cfg_max_create_per_sec cfg_max_cancel_per_sec
02-5.5 histogram stage: latency_ms
02-5.5 counter reason,detail: blocks_total
02-5.6 counter env,service,op: order_idem_hits_total
02-7.3 gauge symbol: replace_rate_per_min order_age_p50_ms order_age_p95_ms order_age_p99_ms
02-7.3 counter symbol: cancel_batch_events_total
02-8.3 gauge symbol: throttle_backoff_ms
02-8.3 gauge -: throttle_backoff_ms_max throttle_backoff_ms_max_observed
02-8.3 gauge op,symbol: throttle_events_in_window
02-8.3 gauge -: throttle_events_in_window_total
02-8.3 counter -: throttle_backoffs_total throttle_snapshot_writes_total
02-8.3 counter -: throttle_snapshot_writes_failed_total throttle_snapshot_loads_total
02-8.3 counter -: throttle_snapshot_loads_failed_total
02-8.3 gauge op: throttle_snapshot_mtime_seconds
02-9 counter symbol,bucket: order_age_ms_bucket_total
02-9 counter symbol,reason: stale_cancels_total refresh_amends_total
02-10.1 gauge state: circuit_state
02-10.1 gauge -: circuit_breaker_state
02-10.1 counter state: circuit_transitions_total
02-10.2 gauge -: autopolicy_level autopolicy_active autopolicy_last_change_ts
02-10.2 gauge -: autopolicy_min_time_in_book_ms_eff autopolicy_replace_threshold_bps_eff
02-10.2 gauge -: autopolicy_levels_per_side_max_eff levels_per_side_max_eff
02-10.2 counter -: autopolicy_steps_total
02-11.1 gauge -: risk_paused drawdown_day
02-11.1 counter -: risk_kills_total
02-11.2 gauge -: guard_paused guard_paused_effective guard_dry_run guard_manual_override
02-11.2 gauge -: guard_breach_streak guard_last_reason guard_last_change_ts
02-11.2 counter -: guard_pauses_total guard_cancels_total
02-11.3 counter -: pos_skew_breach_total
02-11.3 gauge -: pos_skew_symbol_breach_count pos_skew_color_breach pos_skew_last_ts
02-11.3 gauge -: pos_skew_abs_p95
02-11.4 gauge -: intraday_caps_pnl intraday_caps_turnover intraday_caps_vol
02-11.4 gauge -: intraday_caps_breached
02-11.4 counter -: intraday_caps_breach_total
02-14 counter symbol: shadow_orders_total
02-14 gauge symbol: shadow_price_diff_bps_last shadow_price_diff_bps_avg
02-14 gauge symbol: shadow_size_diff_pct_last shadow_size_diff_pct_avg
02-15 counter horizon_ms,color,symbol: markout_up_total markout_down_total
02-15 gauge horizon_ms,color,symbol: markout_avg_bps
02-15 gauge horizon_ms,color: markout_samples_total
02-15 counter horizon_ms: markout_skipped_total
03-9 gauge symbol: portfolio_weight portfolio_target_usd portfolio_active_usd
03-9 gauge symbol,side: portfolio_active_levels
03-9 gauge -: allocator_last_update_ts portfolio_budget_available_usd portfolio_drawdown_pct
03-9 gauge -: allocator_soft_factor allocator_hwm_equity_usd
03-9 gauge symbol: allocator_estimated_cost_bps allocator_cost_attenuation
03-9 gauge symbol: allocator_cost_inputs_spread_bps allocator_cost_inputs_volume_usd
03-9 gauge symbol: allocator_cost_slippage_bps
03-9 counter symbol: cost_calib_samples_total cost_fillrate_samples_total
03-9 gauge symbol: cost_calib_spread_ewma_bps cost_calib_volume_ewma_usd
03-9 gauge symbol: cost_calib_slippage_ewma_bps cost_calib_k_eff cost_calib_cap_eff_bps
03-9 gauge symbol: cost_fillrate_ewma allocator_fillrate_attenuation allocator_liquidity_factor
03-9 gauge symbol: turnover_usd allocator_turnover_factor allocator_backoff_level
03-9 gauge symbol: allocator_sizing_delta_ratio
03-9 counter symbol: allocator_delta_capped_total
03-9 counter -: allocator_bounds_relaxed_total allocator_snapshot_writes_total
03-9 counter -: allocator_snapshot_writes_failed_total allocator_snapshot_loads_total
03-9 counter -: allocator_snapshot_loads_failed_total cost_calib_snapshot_loads_total
03-9 counter -: cost_calib_snapshot_loads_failed_total
03-9 gauge op: allocator_snapshot_mtime_seconds
05-17 counter endpoint: http_requests_total
05-7 counter kind: snapshot_integrity_fail_total
03-7 gauge -: fee_tier_level fee_tier_expected_bps fee_tier_distance_usd effective_fee_bps_now
03-7 counter -: effective_fee_jump_alerts_total
"""


def of_tables():
    rows = {}
    for line in TABLES.strip().splitlines():
        head, names = line.split(": ")
        _, kind, labels = head.split(" ")
        for name in names.split():
            assert name not in rows, name
            rows[name] = (kind, () if labels == "-" else tuple(labels.split(",")))
    return rows


@pytest.mark.spec("01-8.5", "02-3", "02-4", "02-5.5", "02-7.3", "02-8.3", "02-9", "02-10.1")
@pytest.mark.spec("02-10.2", "02-11.1", "02-11.2", "02-11.3", "02-11.4", "02-14", "02-15", "03-7")
@pytest.mark.spec("03-9")
def test_the_registry_is_that_of_the_tables():
    rows = of_tables()
    assert set(METRICS) == {*rows, "strategy_weight"}
    for name, row in rows.items():
        assert (METRICS[name].kind, METRICS[name].labels) == row, name
    derived = {name for name, entry in METRICS.items() if entry.source == "derived"}
    assert derived == set(DERIVED)


class Trading:
    """A session that has done a bit of everything, and its samples."""

    def __init__(self):
        config = config_of(
            "mux.enabled=true",
            "shadow.enabled=true",
            "rollout.traffic_split_pct=50",
            "signals.vola_baseline_half_life_sec=20",
            "signals.vola_half_life_sec=5",
            symbols=SYMBOLS,
        )
        self.world = World(config)
        self.world.run(30)
        self.world.control.set_autopolicy_level(1)
        self.world.control.set_manual_pause(paused=True)
        self.world.run(2)
        self.world.control.set_manual_pause(paused=False)
        self.reader = SessionMetrics(
            env="test", service="mmbot", exchange="simulated", fx_usd_to_base=2.0
        )
        self.config = key_values(config)
        self.given = {
            name: dict.fromkeys(GIVEN_LABELS[METRICS[name].labels], 1.0) for name in GIVEN
        }
        for _ in range(14):
            self.state = self.world.run(5)
            self.samples = self.read()

    def read(self):
        return self.reader.samples(self.state, config=self.config, given=self.given)

    def value(self, name, *labels):
        found = [s.value for s in self.samples if s.name == name and s.labels == labels]
        assert len(found) == 1, (name, labels, found)
        return found[0]


@pytest.fixture(scope="module")
def trading():
    return Trading()


@pytest.mark.spec("01-8.5", "02-5.5", "03-9")
def test_every_metric_is_produced_with_its_labels_once(trading):
    names: dict[str, list[Sample]] = {}
    for sample in trading.samples:
        entry = metric(sample.name)
        names.setdefault(entry.name, []).append(sample)
        wanted = len(entry.labels) + sample.name.endswith("_bucket")
        assert len(sample.labels) == (0 if entry.name == "strategy_weight" else wanted)
        assert math.isfinite(sample.value)
        if "symbol" in entry.labels:
            assert sample.labels[entry.labels.index("symbol")] in SYMBOLS
        if "side" in entry.labels:
            assert sample.labels[entry.labels.index("side")] in {"buy", "sell"}
    # nothing was over a skew limit: there is no time of a last change
    assert set(METRICS) - set(names) == {"pos_skew_last_ts"}
    keys = [(sample.name, sample.labels) for sample in trading.samples]
    assert len(set(keys)) == len(keys)
    for entry in METRICS.values():
        if entry.labels == ("symbol",):
            assert len(names[entry.name]) == len(SYMBOLS), entry.name


def test_values_are_those_of_the_state(trading):
    state, value = trading.state, trading.value
    one = state["by_symbol"]["AUSDT"]
    assert value("vola_1m", "AUSDT") == pytest.approx(1e4 * value("vola_ewma", "AUSDT"))
    assert value("net_pnl", "AUSDT") == 2.0 * one["orders"]["net_usd"]
    assert value("net_pnl_total_usd") == state["account"]["net_usd"]
    assert value("orders_active", "AUSDT", "buy") == one["orders"]["active"]["buy"]
    assert (
        value("throttle_events_in_window", "amend", "AUSDT")
        == (one["throttle"]["events_in_window"]["amend"])
    )
    assert value("circuit_state", "closed") == 1
    assert value("circuit_state", "open") == 0
    assert value("autopolicy_level") == 1
    assert value("autopolicy_last_change_ts") == pytest.approx(START_NS / 1e9 + 30, abs=0.2)
    assert value("guard_manual_override") == 0
    assert value("cfg_max_create_per_sec") == trading.config["limits.max_create_per_sec"]
    assert value("strategy_weight_conservative") + value("strategy_weight_moderate") + (
        value("strategy_weight_aggressive")
    ) == pytest.approx(1)
    assert value("blocks_total", "risk", "guard_paused") == sum(
        state["by_symbol"][symbol]["orders"]["blocks"]["risk"]["guard_paused"] for symbol in SYMBOLS
    )
    assert (
        value("order_idem_hits_total", "test", "mmbot", "cancel")
        == (state["idempotency_hits"]["cancel"])
    )
    seen = one["orders"]["markouts"]["200"]["blue"]
    assert value("markout_avg_bps", "200", "blue", "AUSDT") == round(
        seen["sum_bps_int"] / (seen["count"] * 10_000), 6
    )
    counts = [value("latency_ms_bucket", "rest", str(le)) for le in (1, 2, 5, 10, 5000)]
    assert counts == sorted(counts)
    assert (
        counts[-1]
        == value("latency_ms_count", "rest")
        == value("latency_ms_bucket", "rest", "+Inf")
    )
    assert value("latency_ms_count", "ws") == 0


def test_what_is_counted_elsewhere_must_be_in_the_registry(trading):
    with pytest.raises(AssertionError, match="made_up_total"):
        trading.reader.samples(
            trading.state, config=trading.config, given={"made_up_total": {(): 1.0}}
        )


@pytest.mark.spec("02-5.5")
def test_the_queue_moves_over_sixty_seconds_and_volatility_keeps_its_last_value(trading):
    reader = SessionMetrics(env="e", service="s", exchange="x")

    def read(second, share, vola):
        part = trading.state["by_symbol"]["AUSDT"]
        one = {
            **part,
            "market": {**part["market"], "vola_1m": vola},
            "orders": {**part["orders"], "queue_ahead_share": {"buy": share, "sell": None}},
        }
        state = {
            **trading.state,
            "ts_ns": START_NS + second * 10**9,
            "by_symbol": {"AUSDT": one},
        }
        samples = reader.samples(state, config=trading.config, given={})
        found = {(s.name, s.labels): s.value for s in samples}
        return (
            found["queue_pos_delta", ("AUSDT", "buy")],
            found["queue_pos_delta", ("AUSDT", "sell")],
            found.get(("vola_ewma", ("AUSDT",))),
        )

    assert read(0, 0.75, None) == (0, 0, None)
    assert read(59, 0.5, 0.01) == (0, 0, 0.01)
    assert read(60, 0.25, None) == (0.5, 0, 0.01)
    assert read(119, 1.0, None) == (-0.5, 0, 0.01)
    assert read(121, None, 0.02) == (0, 0, 0.02)


@pytest.mark.spec("02-5.5")
def test_the_sharpe_ratio_is_that_of_hourly_changes(trading):
    reader = SessionMetrics(env="e", service="s", exchange="x")
    changes = [3.0, -1.0, 2.5, 0.5]
    net_usd, sharpe = 100.0, 0.0
    for hour, change in enumerate([0.0, *changes]):
        net_usd += change
        state = {
            **trading.state,
            "ts_ns": START_NS + hour * 3_600 * 10**9,
            "account": {**trading.state["account"], "net_usd": net_usd},
        }
        samples = reader.samples(state, config=trading.config, given={})
        sharpe = next(s.value for s in samples if s.name == "sharpe_ratio")
        if hour < 2:
            assert sharpe == 0
    mean = sum(changes) / 4
    deviation = math.sqrt(sum((change - mean) ** 2 for change in changes) / 3)
    assert sharpe == pytest.approx(mean / deviation * math.sqrt(525_600 / 60))
