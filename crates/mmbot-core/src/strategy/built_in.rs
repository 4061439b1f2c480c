//! The built-in quoter: spread from volatility, centre moved against the inventory, levels outward.

use super::targets::{Target, Targets};
use crate::guard::fits_venue;
use crate::market::MarketView;
use crate::trace::{Steps, Value, count, maybe, number};
use mmbot_types::{Instrument, Params, PriceTick, QtyLot, Side};

/// Most levels that a side can have (`strategy.levels_per_side`).
const LEVELS_MAX: usize = 10;
/// A price so near to a tick, in ticks, is that tick: it missed it by rounding errors.
const TICK_NOISE: f64 = 1e-6;

/// What the quoter reads beside the market.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuoterInput {
    /// Position marked at the mid, USD.
    pub position_usd: f64,
    /// Notional of bids and of asks, USD.
    pub side_usd: [f64; 2],
    /// Expected slippage, bps (0 where nothing is known).
    pub slippage_ewma_bps: f64,
    /// Factor of the spread.
    pub spread_mult: f64,
    /// Levels per side at most.
    pub levels_max: u32,
}

/// Targets of both sides; none on a side whose levels cannot reach the venue's minimum.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap)] // levels are at most ten
pub fn targets(
    params: &Params,
    view: &MarketView,
    instrument: &Instrument,
    input: &QuoterInput,
    steps: &mut impl Steps,
) -> Targets {
    let quote = &params.quote;
    let mut targets = Targets::default();
    let spread_bps = spread_bps(params, view, input, steps);
    if !spread_bps.is_finite() || !input.position_usd.is_finite() {
        return targets;
    }
    let skew_bps = skew_bps(params, spread_bps, input.position_usd, steps);
    let center = view.mid.ticks_f64() * (1.0 - skew_bps / 1e4);
    steps.note("center", (None, None), || {
        [
            ("mid", Value::RawPx(view.mid.ticks_f64())),
            ("skew_bps", number(skew_bps)),
            ("center", Value::RawPx(center)),
        ]
    });
    if !center.is_finite() || center <= 0.0 {
        return targets;
    }
    let wanted = quote.levels_per_side.min(params.risk.max_active_per_side);
    let levels = (wanted.min(input.levels_max) as usize).min(LEVELS_MAX);
    steps.note("levels", (None, None), || {
        [
            ("levels_per_side", count(quote.levels_per_side)),
            (
                "max_active_per_side",
                count(params.risk.max_active_per_side),
            ),
            ("levels_allowed", count(input.levels_max)),
            ("levels", Value::Count(levels as i64)),
        ]
    });
    let around = Around {
        center,
        spread_bps,
        spacing: quote.level_spacing_coeff,
    };
    for side in Side::BOTH {
        let side_usd = input.side_usd[side.index()];
        side_targets(
            side,
            side_usd,
            levels,
            &around,
            instrument,
            steps,
            &mut targets,
        );
    }
    targets
}

/// Where levels stand: around the centre, outward by shares of the spread.
#[derive(Debug, Clone, Copy)]
struct Around {
    /// Ticks.
    center: f64,
    spread_bps: f64,
    /// Share of the spread between two levels.
    spacing: f64,
}

impl Around {
    fn offset_bps(&self, level: f64) -> f64 {
        self.spread_bps * (0.5 + self.spacing * level)
    }

    /// Price of a level before rounding, ticks.
    fn px(&self, side: Side, level: f64) -> f64 {
        self.center * (1.0 - sign(side) * self.offset_bps(level) / 1e4)
    }
}

/// Adds the targets of one side that `side_usd` pays for, at most `levels`.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap)] // levels are at most ten
fn side_targets(
    side: Side,
    side_usd: f64,
    levels: usize,
    around: &Around,
    instrument: &Instrument,
    steps: &mut impl Steps,
    targets: &mut Targets,
) {
    let mut ladder = [Rung::default(); LEVELS_MAX];
    for (level, rung) in ladder[..levels].iter_mut().enumerate() {
        let px = around.px(side, level as f64);
        rung.px = tick_outward(side, px + sign(side) * TICK_NOISE);
        rung.lot_usd = instrument.notional_usd(rung.px, QtyLot::new(1));
    }
    let qty_of = |n: usize, rung: &Rung| QtyLot::new(floor(side_usd / (n as f64 * rung.lot_usd)));
    let fits = |n: &usize| {
        let fits_level = |rung: &Rung| fits_venue(instrument, rung.px, qty_of(*n, rung));
        ladder[..*n].iter().all(fits_level)
    };
    let n = (1..=levels).rev().find(fits).unwrap_or(0);
    steps.note("side", (Some(side), None), || {
        [
            ("side_usd", number(side_usd)),
            ("levels_wanted", Value::Count(levels as i64)),
            ("levels_that_fit", Value::Count(n as i64)),
        ]
    });
    for (level, rung) in (0u8..).zip(&ladder[..n]) {
        let (px, qty) = (rung.px, qty_of(n, rung));
        steps.note("level", (Some(side), Some(level)), || {
            let level = f64::from(level);
            [
                ("offset_bps", number(around.offset_bps(level))),
                ("px_raw", Value::RawPx(around.px(side, level))),
                ("px", Value::Px(px)),
                ("lot_usd", number(rung.lot_usd)),
                ("qty", Value::Qty(qty)),
            ]
        });
        targets.of_mut(side).insert(side, Target { px, qty });
    }
}

/// A level before its size is known.
#[derive(Debug, Clone, Copy, Default)]
struct Rung {
    px: PriceTick,
    /// USD of one lot at this price.
    lot_usd: f64,
}

fn spread_bps(
    params: &Params,
    view: &MarketView,
    input: &QuoterInput,
    steps: &mut impl Steps,
) -> f64 {
    let quote = &params.quote;
    let volatility = match view.vola_1m_bps {
        Some(vola) if quote.enable_dynamic_spread => quote.k_vola_spread * vola,
        _ => 0.0,
    };
    let slippage = quote.slippage_penalty_coef * input.slippage_ewma_bps;
    let spread_bps = (quote.base_spread_bps + volatility + slippage) * input.spread_mult;
    steps.note("spread", (None, None), || {
        [
            ("base_spread_bps", number(quote.base_spread_bps)),
            ("k_vola_spread", number(quote.k_vola_spread)),
            ("vola_1m_bps", maybe(view.vola_1m_bps)),
            ("volatility_term_bps", number(volatility)),
            ("slippage_penalty_coef", number(quote.slippage_penalty_coef)),
            ("slippage_ewma_bps", number(input.slippage_ewma_bps)),
            ("slippage_term_bps", number(slippage)),
            ("spread_mult", number(input.spread_mult)),
            ("spread_bps", number(spread_bps)),
        ]
    });
    spread_bps
}

fn skew_bps(params: &Params, spread_bps: f64, position_usd: f64, steps: &mut impl Steps) -> f64 {
    let (quote, limit_usd) = (&params.quote, params.risk.max_position_usd);
    if !quote.enable_inventory_skew || limit_usd == 0.0 {
        return 0.0;
    }
    let inventory = (position_usd / limit_usd).clamp(-1.0, 1.0);
    let cap = quote.inventory_tilt_cap_ratio * spread_bps;
    let skew_bps = (quote.skew_coeff * inventory * spread_bps).clamp(-cap, cap);
    steps.note("skew", (None, None), || {
        [
            ("position_usd", number(position_usd)),
            ("max_position_usd", number(limit_usd)),
            ("inventory_ratio", number(inventory)),
            ("skew_coeff", number(quote.skew_coeff)),
            ("cap_bps", number(cap)),
            ("skew_bps", number(skew_bps)),
        ]
    });
    skew_bps
}

fn sign(side: Side) -> f64 {
    match side {
        Side::Buy => 1.0,
        Side::Sell => -1.0,
    }
}

/// The tick at `x` or next to it, away from the market: down for a bid, up for an ask.
#[inline]
#[must_use]
pub fn tick_outward(side: Side, x: f64) -> PriceTick {
    match side {
        Side::Buy => PriceTick::new(floor(x)),
        Side::Sell => PriceTick::new(-floor(-x)),
    }
}

/// Largest integer not above `x`. A float cast saturates, NaN gives 0; cheaper than `f64::floor` on
/// targets without a rounding instruction.
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn floor(x: f64) -> i64 {
    let truncated = x as i64;
    truncated.saturating_sub(i64::from(truncated as f64 > x))
}
