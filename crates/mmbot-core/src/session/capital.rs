//! The budget of a session over its symbols: feeds the allocator with what symbols report and turns
//! its targets into what a permit says.

use super::losses::Losses;
use super::permit::QuoteBudget;
use super::risk_grade::RiskGrade;
use super::seat::Seat;
use crate::market::Market;
use crate::portfolio::{AccountInputs, Allocator, FeeTilt, Observation, SymbolInputs, WeightError};
use crate::strategy::{CostlyFill, FillCosts};
use mmbot_types::{InstrumentIdx, ParamError, PortfolioParams, SessionParams, TsNs};

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Capital {
    allocator: Allocator,
    inputs: Vec<SymbolInputs>,
    /// Fills whose cost is not known yet, per symbol.
    waiting: Vec<FillCosts>,
}

impl Capital {
    /// A budget over `symbols`, in the order of their indices.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new(params: PortfolioParams, symbols: &[String]) -> Result<Self, ParamError> {
        Ok(Self {
            allocator: Allocator::new(params, symbols)?,
            inputs: vec![SymbolInputs::default(); symbols.len()],
            waiting: vec![FillCosts::default(); symbols.len()],
        })
    }

    /// New parameters.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn set_params(&mut self, params: PortfolioParams) -> Result<(), ParamError> {
        self.allocator.set_params(params)
    }

    /// Weights from now on.
    ///
    /// # Errors
    /// [`WeightError`].
    pub fn rebalance(&mut self, weights: &[f64], fee_tilt: FeeTilt) -> Result<(), WeightError> {
        self.allocator.rebalance(weights, fee_tilt)
    }

    /// Takes in what a symbol reported: ended orders, fills, and what earlier fills cost.
    #[allow(clippy::cast_precision_loss)] // milliseconds
    pub(super) fn observe(&mut self, at: usize, seat: &Seat, market: &Market) {
        let instrument = InstrumentIdx(u16::try_from(at).unwrap_or(u16::MAX));
        for end in &seat.ended {
            self.allocator.on_order_end(
                instrument,
                end.end,
                seat.min_time_in_book_ms as f64,
                end.ts,
            );
        }
        let (allocator, waiting) = (&mut self.allocator, &mut self.waiting[at]);
        for fill in &seat.fills {
            allocator.on_trade_notional(instrument, fill.notional_usd, fill.ts);
            waiting.on_fill(CostlyFill {
                ts: fill.ts_exch,
                side: fill.side,
                taken_at: fill.taken_at,
                notional_usd: fill.notional_usd,
                spread_bps: seat.market.spread_bps.unwrap_or(0.0),
                volume_usd: seat.market.volume_usd,
            });
        }
        waiting.resolve(market, |cost| allocator.on_cost(instrument, &cost));
    }

    /// The allocator's tick of a full second.
    pub(super) fn tick(
        &mut self,
        params: &SessionParams,
        seats: &[Seat],
        losses: &Losses,
        now: TsNs,
    ) {
        let skew = losses.skew();
        for (at, seat) in seats.iter().enumerate() {
            let instrument = InstrumentIdx(u16::try_from(at).unwrap_or(u16::MAX));
            let input = &mut self.inputs[at];
            let market = &seat.market;
            let seen = |value: Option<f64>, before: Option<Observation>| match value {
                Some(value) => Some(Observation { value, ts: now }),
                None => before,
            };
            input.spread_bps = seen(market.spread_bps, input.spread_bps);
            input.depth_usd = seen(market.depth_usd, input.depth_usd);
            input.volume_usd = Some(Observation {
                value: market.volume_usd,
                ts: now,
            });
            input.position_usd = seat.position_usd;
            input.skew_frozen = skew.is_frozen(instrument);
            input.color_breach = skew.is_breached(instrument) && !input.skew_frozen;
            input.mid_usd = market.mid_usd;
            input.imbalance = market.imbalance;
            input.micro_tilt = market.micro_tilt;
            input.sigma = market.sigma;
        }
        let account = AccountInputs {
            now,
            equity_usd: Some(losses.equity_usd()),
            foreign_margin_usd: 0.0,
            flow_usd: 0.0,
            intraday_breached: losses.caps().is_breached(),
            tilt_blocked: losses.guard().is_paused_effective(&params.runtime_guard)
                || losses.risk().grade() >= RiskGrade::Flat,
        };
        self.allocator.tick(&account, &self.inputs, &mut ());
    }

    /// What a symbol may quote; `None` without a target.
    #[must_use]
    pub fn budget(&self, instrument: InstrumentIdx) -> Option<QuoteBudget> {
        let target = self.allocator.target(instrument)?;
        Some(QuoteBudget {
            target_usd: target.target_usd,
            levels_max: target.max_levels,
            side_mult: [target.bid_mult, target.ask_mult],
        })
    }

    /// Expected slippage of a symbol's fills, bps.
    #[must_use]
    pub fn slippage_bps(&self, instrument: InstrumentIdx) -> f64 {
        self.allocator.slippage_ewma_bps(instrument)
    }

    /// The allocator.
    #[must_use]
    pub const fn allocator(&self) -> &Allocator {
        &self.allocator
    }

    /// The allocator, to load a snapshot or override a calibration.
    pub const fn allocator_mut(&mut self) -> &mut Allocator {
        &mut self.allocator
    }
}
