//! The allocator of a session: parameters, weights, flows, calibration and what ticks leave behind.
//!
//! A session tells it what happened (order ends, fills, their cost) as it happens and ticks it once
//! per second of event time, in a backtest as live; weights and the fee tier come from outside,
//! once per rebalance. Until then the weights are equal, which every pair of bounds allows.

use super::calibration::{Calibrated, CostObservation, SymbolCalibration};
use super::cost::SlippageOverride;
use super::fee_tilt::FeeTilt;
use super::flow::{FillRate, OrderEnd, Turnover, fill_sample};
use super::models::{AccountInputs, AllocatorState, PortfolioTarget, StageSink, SymbolInputs};
use super::tick::{Allocation, Weights, tick};
use mmbot_types::{CostParams, InstrumentIdx, ParamError, PortfolioParams, TsNs};
use thiserror::Error;

/// Slack of sums of weights.
const SUM_SLACK: f64 = 1e-9;

/// Weights that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WeightError {
    /// Not one per instrument.
    #[error("weights must be one per instrument")]
    Count,
    /// A weight outside [0, 1].
    #[error("weights must be in [0,1]")]
    Range,
    /// They do not sum to 1.
    #[error("weights must sum to 1")]
    Sum,
}

/// Flows and calibration of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Default, serde::Serialize, serde::Deserialize)]
struct Book {
    fill_rate: FillRate,
    turnover: Turnover,
    calibration: SymbolCalibration,
    set: SlippageOverride,
    /// Sum of the moves of the target that the cap bound, USD.
    delta_capped_usd: f64,
}

/// See the module.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Allocator {
    params: PortfolioParams,
    /// Instruments in lexicographic order of their symbols.
    order: Vec<InstrumentIdx>,
    weights: Vec<f64>,
    fee_tilt: FeeTilt,
    books: Vec<Book>,
    /// Observations that were refused.
    rejected: u64,
    state: AllocatorState,
    inputs: Vec<SymbolInputs>,
    allocation: Allocation,
}

impl Allocator {
    /// An allocator for the instruments of a session, in configuration order.
    ///
    /// # Errors
    /// The first parameter outside its range.
    pub fn new<S: AsRef<str>>(params: PortfolioParams, symbols: &[S]) -> Result<Self, ParamError> {
        params.validate()?;
        let count = symbols.len();
        Ok(Self {
            params,
            order: lexicographic(symbols),
            weights: equal_weights(count),
            fee_tilt: FeeTilt::Off,
            books: vec![Book::default(); count],
            rejected: 0,
            state: AllocatorState::default(),
            inputs: Vec::with_capacity(count),
            allocation: Allocation::default(),
        })
    }

    /// Replaces the parameters; weights, flows and calibration stay.
    ///
    /// # Errors
    /// The first parameter outside its range; the old ones stay.
    pub fn set_params(&mut self, params: PortfolioParams) -> Result<(), ParamError> {
        params.validate()?;
        self.params = params;
        Ok(())
    }

    /// Sets what a rebalance found: weights by instrument, and what the fee tier says.
    ///
    /// # Errors
    /// Weights that cannot be; the old ones stay.
    pub fn rebalance(&mut self, weights: &[f64], fee_tilt: FeeTilt) -> Result<(), WeightError> {
        if weights.len() != self.weights.len() {
            return Err(WeightError::Count);
        }
        if !weights.iter().all(|weight| (0.0..=1.0).contains(weight)) {
            return Err(WeightError::Range);
        }
        let sum: f64 = weights.iter().sum();
        if !weights.is_empty() && (sum - 1.0).abs() > SUM_SLACK {
            return Err(WeightError::Sum);
        }
        self.weights.copy_from_slice(weights);
        self.fee_tilt = fee_tilt;
        Ok(())
    }

    /// An order ended at `now`.
    pub fn on_order_end(
        &mut self,
        instrument: InstrumentIdx,
        end: OrderEnd,
        min_time_in_book_ms: f64,
        now: TsNs,
    ) {
        if let Some(filled) = fill_sample(end, min_time_in_book_ms) {
            let half_life_sec = self.params.cost_of(instrument).fill_rate_half_life_sec;
            let book = self.book_mut(instrument);
            book.fill_rate = book.fill_rate.after(filled, now, half_life_sec);
        }
    }

    /// A fill of `usd` at `now`; a notional that is negative or not finite is counted.
    pub fn on_trade_notional(&mut self, instrument: InstrumentIdx, usd: f64, now: TsNs) {
        let half_life_sec = self.params.cost_of(instrument).turnover_half_life_sec;
        let book = self.book_mut(instrument);
        match book.turnover.after(usd, now, half_life_sec) {
            Some(turnover) => book.turnover = turnover,
            None => self.rejected += 1,
        }
    }

    /// What a fill cost; an unusable observation is counted.
    pub fn on_cost(&mut self, instrument: InstrumentIdx, seen: &CostObservation) {
        let old = self.books[usize::from(instrument.0)].calibration;
        match old.after(seen, self.params.cost_of(instrument)) {
            Some(new) => self.book_mut(instrument).calibration = new,
            None => self.rejected += 1,
        }
    }

    /// Runs all stages for one second; `symbols` has one entry per instrument, of which the
    /// allocator itself fills in fill rate, turnover and calibrated slippage.
    pub fn tick(
        &mut self,
        account: &AccountInputs,
        symbols: &[SymbolInputs],
        sink: &mut impl StageSink,
    ) {
        self.inputs.clear();
        for (at, (seen, book)) in symbols.iter().zip(&self.books).enumerate() {
            let cost = self.params.cost_of(index(at));
            self.inputs.push(SymbolInputs {
                slippage: book.calibration.in_force(book.set, cost),
                fill_rate: book.fill_rate.rate,
                turnover_usd: book.turnover.at(account.now, cost.turnover_half_life_sec),
                ..*seen
            });
        }
        let weights = Weights {
            weights: &self.weights,
            order: &self.order,
            fee_tilt: self.fee_tilt,
        };
        tick(
            &self.params,
            weights,
            &mut self.state,
            account,
            &self.inputs,
            &mut self.allocation,
            sink,
        );
        self.count_capped();
    }

    /// Adds up the moves that the cap bound; a tick without targets moved nothing.
    fn count_capped(&mut self) {
        let moved = !self.allocation.targets.is_empty();
        let figures = self.allocation.figures.iter().filter(|_| moved);
        for (book, figures) in self.books.iter_mut().zip(figures) {
            if figures.step.bound {
                book.delta_capped_usd += figures.step.delta_capped_usd.abs();
            }
        }
    }

    /// What a symbol may quote since the latest tick; `None` before the first one and after a
    /// breach of the caps of the day: not quoted.
    #[must_use]
    pub fn target(&self, instrument: InstrumentIdx) -> Option<PortfolioTarget> {
        self.allocation
            .targets
            .get(usize::from(instrument.0))
            .copied()
    }

    /// The latest tick whole.
    #[must_use]
    pub const fn allocation(&self) -> &Allocation {
        &self.allocation
    }

    /// Expected slippage of fills, bps: widens the spread by `strategy.slippage_penalty_coef`.
    #[must_use]
    pub fn slippage_ewma_bps(&self, instrument: InstrumentIdx) -> f64 {
        let cost = self.params.cost_of(instrument);
        self.calibration(instrument).slippage_ewma_bps(cost)
    }

    /// Calibration of a symbol, to be kept in a snapshot.
    #[must_use]
    pub fn calibration(&self, instrument: InstrumentIdx) -> SymbolCalibration {
        self.books[usize::from(instrument.0)].calibration
    }

    /// Slope and cap set at run time.
    #[must_use]
    pub fn slippage_set(&self, instrument: InstrumentIdx) -> SlippageOverride {
        self.books[usize::from(instrument.0)].set
    }

    /// Takes a calibration from a snapshot.
    pub fn restore_calibration(&mut self, instrument: InstrumentIdx, state: SymbolCalibration) {
        self.book_mut(instrument).calibration = state;
    }

    /// Sets or clears slope and cap at run time.
    pub fn set_slippage(&mut self, instrument: InstrumentIdx, set: SlippageOverride) {
        self.book_mut(instrument).set = set;
    }

    /// Takes a high-water mark from a snapshot, USD.
    pub fn restore_hwm_usd(&mut self, hwm_equity_usd: f64) {
        self.state.hwm_equity_usd = hwm_equity_usd;
    }

    /// Sum of the moves that the cap bound, USD.
    #[must_use]
    pub fn delta_capped_total_usd(&self, instrument: InstrumentIdx) -> f64 {
        self.books[usize::from(instrument.0)].delta_capped_usd
    }

    /// What ticks left behind.
    #[must_use]
    pub const fn state(&self) -> &AllocatorState {
        &self.state
    }

    /// Decayed share of filled orders.
    #[must_use]
    pub fn fill_rate(&self, instrument: InstrumentIdx) -> FillRate {
        self.books[usize::from(instrument.0)].fill_rate
    }

    /// Traded notional decayed to `now`, USD.
    #[must_use]
    pub fn turnover_usd(&self, instrument: InstrumentIdx, now: TsNs) -> f64 {
        let half_life_sec = self.costs(instrument).turnover_half_life_sec;
        self.books[usize::from(instrument.0)]
            .turnover
            .at(now, half_life_sec)
    }

    /// Weights in force, by instrument.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Costs in force for a symbol.
    #[must_use]
    pub fn costs(&self, instrument: InstrumentIdx) -> &CostParams {
        self.params.cost_of(instrument)
    }

    /// Observations that were refused.
    #[must_use]
    pub const fn rejected(&self) -> u64 {
        self.rejected
    }

    fn book_mut(&mut self, instrument: InstrumentIdx) -> &mut Book {
        &mut self.books[usize::from(instrument.0)]
    }
}

/// Instruments in lexicographic order of their symbols.
#[must_use]
pub fn lexicographic<S: AsRef<str>>(symbols: &[S]) -> Vec<InstrumentIdx> {
    let mut order: Vec<InstrumentIdx> = (0..symbols.len()).map(index).collect();
    order.sort_by(|a, b| {
        let name = |at: &InstrumentIdx| symbols[usize::from(at.0)].as_ref();
        name(a).cmp(name(b))
    });
    order
}

/// Equal weights: within every pair of bounds, because bounds widen to 1/n.
#[must_use]
#[allow(clippy::cast_precision_loss)] // a count of instruments
pub fn equal_weights(count: usize) -> Vec<f64> {
    vec![1.0 / count.max(1) as f64; count]
}

/// Instruments beyond `u16` do not exist: a session's index type is that.
fn index(at: usize) -> InstrumentIdx {
    InstrumentIdx(u16::try_from(at).unwrap_or(u16::MAX))
}
