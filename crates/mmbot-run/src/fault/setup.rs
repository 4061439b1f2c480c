//! Random parameters within their ranges, with all guards on and so quick that their pauses begin
//! and end within a run of a minute.

use crate::lane::LaneSpec;
use mmbot_sim::{QueueModel, ResponseLatency, SimConfig};
use mmbot_types::{
    CircuitParams, FeeRate, GuardThresholds, Params, ReplaceMode, SessionParams, StreamRng,
};

/// Largest budget of a session.
const BUDGET_USD_MAX: f64 = 8_000.0;

/// What a run trades with.
#[derive(Debug)]
pub(super) struct Setup {
    seed: u64,
    draws: u64,
    /// Limits so tight that they often forbid what the target wants: a symbol may not quote at all
    /// then. Otherwise a symbol that no guard holds can quote.
    pub tight: bool,
    /// See [`super::FaultPlan::steady`].
    steady: bool,
}

impl Setup {
    pub(super) fn new(seed: u64, steady: bool) -> Self {
        Self {
            seed,
            draws: 0,
            tight: !steady && StreamRng::new(seed, "fault_setup").below(2) == 0,
            steady,
        }
    }

    fn rng(&mut self, purpose: &str) -> StreamRng {
        self.draws += 1;
        StreamRng::new(
            mmbot_types::sub_seed(self.seed, purpose, self.draws, 0),
            "setup",
        )
    }

    /// Parameters of a symbol and its exchange.
    pub(super) fn lane(&mut self) -> LaneSpec {
        let mut rng = self.rng("fault_lane");
        let sim = SimConfig {
            queue: QueueModel::Power { n: 2.0 },
            latency_ms_mean: between(&mut rng, 0.5, 60.0),
            latency_ms_std: between(&mut rng, 0.0, 20.0),
            amend_latency_ms: between(&mut rng, 0.5, 60.0),
            cancel_latency_ms: between(&mut rng, 0.5, 60.0),
            response: ResponseLatency::ConstantNs(1 + whole(&mut rng, 40_000_000)),
            toxic_sweep_prob: between(&mut rng, 0.0, 0.2),
            extra_slippage_bps: between(&mut rng, 0.0, 0.5),
            maker_fee: FeeRate::from_bps(-0.5).unwrap_or_default(),
            taker_fee: FeeRate::from_bps(4.0).unwrap_or_default(),
            seed: rng.bits(),
            ..SimConfig::default()
        };
        let params = self.params();
        LaneSpec { params, sim }
    }

    /// Parameters of a symbol.
    #[allow(clippy::cast_possible_truncation)] // small numbers
    pub(super) fn params(&mut self) -> Params {
        let (tight, steady) = (self.tight, self.steady);
        let rng = &mut self.rng("fault_params");
        let mut p = Params::default();
        if steady {
            // always two sides in the book, whatever the market does and however much fills
            (p.quote.k_vola_spread, p.quote.enable_adverse_guard) = (0.0, false);
            p.quote.base_spread_bps = 0.05;
            (p.risk.max_position_usd, p.anti_stale.order_ttl_ms) = (1e6, 10_000);
            return p;
        }
        p.quote.base_spread_bps = between(rng, 0.0, 0.6);
        p.quote.k_vola_spread = between(rng, 0.0, 0.2);
        p.quote.levels_per_side = 1 + rng.below(4) as u32;
        p.quote.skew_coeff = between(rng, 0.0, 1.0);
        p.quote.imbalance_cutoff = between(rng, 0.6, 1.0);
        p.replace.mode = match rng.below(3) {
            0 => ReplaceMode::CancelThenPlace,
            1 => ReplaceMode::CancelAndPlace,
            _ => ReplaceMode::Amend,
        };
        p.replace.max_concurrent = between(rng, 0.5, 6.0);
        p.replace.min_interval_ms = whole(rng, 200);
        p.replace.replace_rate_per_min = 20 + rng.below(600) as u32;
        p.replace.min_time_in_book_ms = whole(rng, 600);
        p.replace.replace_threshold_bps = between(rng, 0.0, 2.0);
        p.tail.tail_age_ms = 300 + whole(rng, 2000);
        p.tail.jitter_ms = whole(rng, 200);
        p.anti_stale.order_ttl_ms = 500 + whole(rng, 4000);
        p.anti_stale.price_drift_bps = between(rng, 0.5, 5.0);
        // of the largest budget
        let scale = if tight { 0.2 } else { 1.1 };
        let usd = |rng: &mut StreamRng, lots: f64| between(rng, scale, 2.0) * lots * BUDGET_USD_MAX;
        p.risk.max_position_usd = usd(rng, 1.0);
        p.risk.max_active_per_side = 1 + rng.below(5) as u32;
        p.risk.max_order_notional_usd = either(rng, 0.0, |rng| usd(rng, 1.0));
        p.risk.max_gross_exposure_usd = either(rng, 0.0, |rng| usd(rng, 6.0));
        p.signals.vola_min_samples = 3;
        p.seed = rng.bits();
        p
    }

    /// Parameters of a session.
    #[allow(clippy::cast_possible_truncation)] // small numbers
    pub(super) fn session(&mut self) -> SessionParams {
        let steady = self.steady;
        let rng = &mut self.rng("fault_session");
        let mut s = SessionParams::default();
        if steady {
            s.runtime_guard.thresholds = GuardThresholds::OFF;
            (s.circuit.err_rate_open, s.throttle.error_rate_trigger) = (1.0, 1.0);
            s.portfolio.budget_usd = BUDGET_USD_MAX;
            (s.circuit.http_5xx_rate_open, s.circuit.http_429_rate_open) = (1.0, 1.0);
            return s;
        }
        let t = &mut s.throttle;
        t.window_sec = 1 + rng.below(4) as u32;
        t.max_creates_per_sec = between(rng, 1.0, 12.0);
        t.max_amends_per_sec = between(rng, 1.0, 20.0);
        t.max_cancels_per_sec = between(rng, 1.0, 25.0);
        t.session_creates_per_sec = between(rng, 1.0, 12.0);
        t.session_cancels_per_sec = between(rng, 1.0, 25.0);
        t.backoff_base_ms = 20 + rng.below(200) as u32;
        t.backoff_cap_ms = 500 + rng.below(2000) as u32;
        t.error_rate_trigger = between(rng, 0.05, 1.0);
        s.circuit = CircuitParams {
            window_sec: between(rng, 2.0, 8.0),
            err_rate_open: between(rng, 0.2, 0.9),
            open_duration_sec: between(rng, 0.5, 3.0),
            half_open_probes: 1 + rng.below(4) as u32,
            cooldown_sec: between(rng, 0.0, 0.5),
            ..CircuitParams::default()
        };
        s.autopolicy.cooldown_minutes = between(rng, 0.01, 0.1);
        s.autopolicy.trigger_events_total = 5 + rng.below(60) as u32;
        let guard = &mut s.runtime_guard;
        guard.window_sec = 3 + rng.below(7) as u32;
        guard.recovery_minutes = between(rng, 0.01, 0.08);
        guard.thresholds = GuardThresholds {
            rest_error_rate_max: between(rng, 0.2, 1.0),
            pnl_slope_min_usd_per_min: -between(rng, 50.0, 2_000.0),
            max_position_notional_usd: either(rng, 0.0, |rng| between(rng, 1_000.0, 9_000.0)),
            order_reject_rate_max: between(rng, 0.2, 0.9),
            ..GuardThresholds::default()
        };
        s.risk.risk_pause_threshold = between(rng, 0.0005, 0.03);
        s.risk.max_drawdown_pct = s.risk.risk_pause_threshold * between(rng, 1.0, 4.0);
        s.risk.recovery_minutes = between(rng, 0.01, 0.08);
        s.risk.grades.min_stay_sec = between(rng, 0.2, 3.0);
        s.pos_skew.per_symbol_abs_limit_usd = either(rng, 0.0, |rng| between(rng, 300.0, 5_000.0));
        s.pos_skew.per_color_abs_limit_usd = either(rng, 0.0, |rng| between(rng, 300.0, 5_000.0));
        s.caps.daily_turnover_cap_usd = either(rng, 0.0, |rng| between(rng, 5_000.0, 200_000.0));
        s.rollout.traffic_split_pct = (rng.below(5) * 25) as u8;
        s.portfolio.budget_usd = between(rng, 1_000.0, BUDGET_USD_MAX);
        s
    }
}

fn between(rng: &mut StreamRng, from: f64, to: f64) -> f64 {
    from + (to - from) * rng.uniform()
}

/// A whole number in [0, n).
fn whole(rng: &mut StreamRng, n: u64) -> i64 {
    i64::try_from(rng.below(n)).unwrap_or(0)
}

/// `other`, or half of the time what `draw` gives.
fn either(rng: &mut StreamRng, other: f64, draw: impl Fn(&mut StreamRng) -> f64) -> f64 {
    let drawn = draw(rng);
    if rng.below(2) == 0 { drawn } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drawn_set_is_within_its_ranges() {
        for seed in 0..200 {
            let mut setup = Setup::new(seed, seed % 5 == 0);
            let lane = setup.lane();
            assert_eq!(lane.params.validate(), Ok(()));
            assert_eq!(lane.sim.validate(), Ok(()));
            assert_eq!(setup.session().validate(), Ok(()));
            assert!(
                seed % 5 == 0 || setup.params() != setup.params(),
                "a reload changes something"
            );
        }
    }
}
