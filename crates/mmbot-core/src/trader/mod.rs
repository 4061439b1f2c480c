//! One parameter set on one instrument.

use crate::edge::{EdgeTotals, FillRecord, IdentityError};
use crate::market::Market;
use crate::order::OpenOrder;
use crate::strategy::{Quote, StrategyView};
use crate::telemetry::Telemetry;
use mmbot_types::{
    ActionBuf, Cadence, Cid, ExecReport, Instrument, Money, ParamError, Params, QtyLot, QuoterKind,
    Side, TsNs,
};

/// See the module.
#[derive(Debug, Clone)]
pub struct Trader {
    due: TsNs,
    timer_due: TsNs,
    position: QtyLot,
    cash: Money,
    fees: Money,
    params: Params,
    telemetry: Telemetry,
}

impl Trader {
    /// A trader without orders.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new(_instrument: Instrument, params: Params) -> Result<Self, ParamError> {
        params.validate()?;
        Ok(Self {
            due: TsNs::NEVER,
            timer_due: TsNs::NEVER,
            position: QtyLot::ZERO,
            cash: Money::ZERO,
            fees: Money::ZERO,
            params,
            telemetry: Telemetry::default(),
        })
    }

    /// Time of the first local event.
    pub fn start(&mut self, ts_local: TsNs) {
        self.schedule(ts_local);
    }

    fn schedule(&mut self, now: TsNs) {
        match self.params.quote.cadence {
            Cadence::OnBook { refresh_ms } => {
                self.due = now.plus_ms(refresh_ms);
                self.timer_due = now.plus_ms(1000);
            }
            Cadence::FixedGrid { interval_ms } => {
                self.due = now.plus_ms(interval_ms);
                self.timer_due = self.due;
            }
        }
    }

    /// See the trait docs.
    #[must_use]
    pub const fn due(&self) -> TsNs {
        self.due
    }
    /// Timer.
    #[must_use]
    pub const fn timer_due(&self) -> TsNs {
        self.timer_due
    }
    /// A decision.
    pub fn decide(&mut self, now: TsNs, _market: &mut Market, _out: &mut ActionBuf) {
        self.schedule(now);
    }
    /// A report.
    pub fn on_report(&mut self, _: TsNs, _: &ExecReport, _: &mut Market, _: &mut ActionBuf) {}
    /// True for a strategy outside the core.
    #[must_use]
    pub fn wants_external(&self) -> bool {
        self.params.quote.kind == QuoterKind::External
    }
    /// A decision with targets from outside.
    pub fn decide_with(&mut self, now: TsNs, m: &mut Market, _q: &[Quote], o: &mut ActionBuf) {
        self.decide(now, m, o);
    }
    /// What a strategy sees.
    pub fn external_view(&self, now: TsNs, market: &mut Market) -> StrategyView {
        StrategyView {
            now,
            market: market.view(now),
            position: self.position,
            position_usd: 0.0,
            equity_usd: 0.0,
            target_usd: 0.0,
            max_position_usd: self.params.risk.max_position_usd,
            quote: self.params.quote,
        }
    }
    /// New parameters.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn apply_params(&mut self, _now: TsNs, params: Params) -> Result<(), ParamError> {
        params.validate()?;
        self.params = params;
        Ok(())
    }
    /// Cancel all.
    pub fn stop(&mut self, _now: TsNs, _out: &mut ActionBuf) {}
    /// Position.
    #[must_use]
    pub const fn position(&self) -> QtyLot {
        self.position
    }
    /// Cash.
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.cash
    }
    /// Fees.
    #[must_use]
    pub const fn fees(&self) -> Money {
        self.fees
    }
    /// Parameters.
    #[must_use]
    pub const fn params(&self) -> &Params {
        &self.params
    }
    /// Telemetry.
    #[must_use]
    pub const fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }
    /// Open orders.
    pub fn open_orders(&self) -> impl Iterator<Item = OpenOrder> + '_ {
        std::iter::empty()
    }
    /// Side of a known order.
    #[must_use]
    pub fn side_of(&self, _cid: Cid) -> Option<Side> {
        None
    }
    /// Ends the run.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn finish(&mut self, _market: &mut Market) -> Result<EdgeTotals, IdentityError> {
        Ok(EdgeTotals::default())
    }
    /// Keeps every fill.
    pub fn enable_fill_log(&mut self) {}
    /// Fills.
    pub fn take_fills(&mut self) -> Vec<FillRecord> {
        Vec::new()
    }
    /// State.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        0
    }
}
