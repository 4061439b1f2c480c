//! Size of the quotes: the target moves toward what is wanted by a bounded share per decision, and
//! signals may bend the move by a bounded share of it.

use crate::market::MarketView;
use mmbot_types::{Instrument, SizingParams};

/// The target after this decision, USD per side. `current_usd` is the one before (0 at the start:
/// then the wanted target is taken at once).
#[must_use]
pub fn next_target_usd(
    current_usd: f64,
    params: &SizingParams,
    view: &MarketView,
    instrument: &Instrument,
) -> f64 {
    let wanted = params.target_usd;
    let delta_raw = wanted - current_usd;
    let bend = delta_raw.abs() * params.impact_cap_ratio;
    let adjust = (bias(params, view) * delta_raw.abs()).clamp(-bend, bend);
    let mid_usd = instrument.tick_lot_usd() / instrument.lot_f64() * view.mid.ticks_f64();
    let absolute = params.max_delta_abs_base_units * mid_usd;
    let moved = wanted + adjust - current_usd;
    let cold = current_usd == 0.0 && absolute == 0.0;
    let moved = if cold {
        moved
    } else {
        let cap = (current_usd.abs() * params.max_delta_ratio).max(absolute);
        moved.clamp(-cap, cap)
    };
    // signals bend the way to the target, they do not raise it: the budget is the wanted target
    (current_usd + moved).clamp(0.0, wanted.max(current_usd))
}

/// Combined signal in [-1, 1].
fn bias(params: &SizingParams, view: &MarketView) -> f64 {
    let [low_below, mid_below] = params.sigma_band_edges;
    let [low, mid, high] = params.regime_bias;
    let regime = match view.sigma {
        sigma if sigma < low_below => low,
        sigma if sigma < mid_below => mid,
        _ => high,
    };
    let bias = params.w_imbalance * view.imbalance
        + params.w_micro_tilt * view.micro_tilt
        + params.w_sigma_regime * regime;
    bias.clamp(-1.0, 1.0)
}
