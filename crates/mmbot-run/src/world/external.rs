//! What a run asks for outside: targets of a strategy, weights of the allocator.

use super::Wires;
use crate::error::RunError;
use mmbot_core::portfolio::FeeTilt;
use mmbot_core::{Quote, StrategyView};
use mmbot_types::TsNs;

/// A strategy from outside the core: gets a view, gives targets.
pub trait External: Wires {
    /// Targets of `lane` for the instrument `symbol` at this decision.
    ///
    /// # Errors
    /// [`RunError::Strategy`] with the strategy's own message; the run stops.
    fn quotes(
        &mut self,
        symbol: usize,
        lane: usize,
        view: &StrategyView,
    ) -> Result<Vec<Quote>, RunError>;

    /// Weights of the symbols of `lane`'s session; `None` leaves them as they are.
    ///
    /// # Errors
    /// [`RunError::Strategy`] with a message; the run stops.
    fn weights(
        &mut self,
        _lane: usize,
        _request: &WeightRequest,
    ) -> Result<Option<WeightAnswer>, RunError> {
        Ok(None)
    }
}

/// What is known when weights are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightRequest {
    /// Time.
    pub now: TsNs,
    /// Volatility of one minute per symbol, fraction; `None` until known.
    pub volas: Vec<Option<f64>>,
    /// Notional of all fills so far, USD.
    pub turnover_usd: f64,
}

/// Weights, and what the account's fee tier says.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightAnswer {
    /// One per symbol; they sum to 1.
    pub weights: Vec<f64>,
    /// Whether a better fee tier is worth a tilt.
    pub fee_tilt: FeeTilt,
}

/// No strategy from outside: a lane that asks for one is an error.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStrategy;

impl Wires for NoStrategy {}

impl External for NoStrategy {
    fn quotes(
        &mut self,
        _symbol: usize,
        lane: usize,
        _view: &StrategyView,
    ) -> Result<Vec<Quote>, RunError> {
        Err(RunError::Strategy(format!(
            "lane {lane} has strategy.kind external but no strategy"
        )))
    }
}
