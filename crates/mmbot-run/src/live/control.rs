//! What an operator and other parts of the program order, each a record of the journal.

use super::LiveSession;
use crate::error::RunError;
use crate::world::instrument_idx;
use mmbot_core::Event;
use mmbot_core::portfolio::FeeTilt;
use mmbot_types::journal::Control;
use mmbot_types::{Params, SessionParams, TsNs};

impl LiveSession {
    /// New parameters of an instrument; `config` is the flat configuration that they were read
    /// from.
    ///
    /// # Errors
    /// [`RunError::Lanes`] for an unknown instrument, the first parameter outside its range;
    /// nothing has changed then.
    pub fn set_params(
        &mut self,
        symbol: usize,
        now: TsNs,
        params: Params,
        config: Vec<u8>,
    ) -> Result<(), RunError> {
        let instrument = self.known(symbol)?;
        params.validate()?;
        let now = self.clock(now);
        self.tap.params(instrument, now, config);
        self.enter(now, &Event::Params(instrument, Box::new(params)))
    }

    /// New parameters of the session, as [`Self::set_params`].
    ///
    /// # Errors
    /// The first parameter outside its range; nothing has changed then.
    pub fn set_session(
        &mut self,
        now: TsNs,
        params: SessionParams,
        config: Vec<u8>,
    ) -> Result<(), RunError> {
        params.validate()?;
        let now = self.clock(now);
        self.tap.session_params(now, config);
        self.enter(now, &Event::Session(Box::new(params)))
    }

    /// New shares of the budget, one per instrument; they sum to 1.
    ///
    /// # Errors
    /// [`RunError::Strategy`] for weights that are none; nothing has changed then.
    pub fn set_weights(
        &mut self,
        now: TsNs,
        weights: &[f64],
        fee_tilt: FeeTilt,
    ) -> Result<(), RunError> {
        let now = self.clock(now);
        // refused weights must not stand in the journal
        let mut session = self.engine.session().clone();
        let taken = session.rebalance(weights, fee_tilt, now);
        taken.map_err(|error| RunError::Strategy(error.to_string()))?;
        self.tap.weights(now, weights, fee_tilt.improvement_bps());
        self.enter(now, &Event::Weights(weights.to_vec(), fee_tilt))
    }

    /// True if weights are to be computed anew.
    #[must_use]
    pub fn weights_are_due(&self) -> bool {
        self.engine.session().rebalance_due(self.now)
    }

    /// What is done to the session by hand or by another part of the program; what is about its
    /// orders acts at once, everything else at the next synchronisation. Returns the number of
    /// requests that wait.
    ///
    /// # Errors
    /// [`RunError::Control`] for a control that does not fit the session; nothing has changed then.
    pub fn control(&mut self, now: TsNs, control: Control) -> Result<usize, RunError> {
        let now = self.clock(now);
        if may_be_refused(&control) {
            // what is refused must not stand in the journal
            self.engine.session().clone().control(&control, now)?;
        }
        self.tap.control(now, control.clone());
        self.enter(now, &Event::Control(control))?;
        self.answer()
    }

    /// Something to know, for whoever reads the journal.
    pub fn note(&mut self, now: TsNs, text: &str) {
        let now = self.clock(now);
        self.tap.note_text(now, text);
    }

    /// The session ends in order: the last hash, and why.
    pub fn end(&mut self, now: TsNs, reason: &str) {
        let now = self.clock(now);
        self.write_state(now);
        self.tap.end(now, reason);
    }

    /// Volatility of one minute of every instrument, fraction, and notional of all fills, USD: what
    /// weights are computed from.
    #[must_use]
    pub fn weight_inputs(&self) -> (Vec<Option<f64>>, f64) {
        let seats = self.engine.session().seats();
        let volas = seats.iter().map(|seat| seat.market.vola).collect();
        (volas, seats.iter().map(|seat| seat.turnover_usd).sum())
    }

    /// Keeps a record of every fill and order event of every instrument from now on.
    pub fn keep_records(&mut self) {
        for at in 0..self.started.len() {
            if let Some(trader) = self.engine.trader_mut(instrument_idx(at)) {
                trader.enable_fill_log();
            }
        }
    }
}

const fn may_be_refused(control: &Control) -> bool {
    matches!(
        control,
        Control::ThrottleLoad(_) | Control::CostCalibration(_)
    )
}
