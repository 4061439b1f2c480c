//! What leaves a live session.

use super::LiveSession;
use mmbot_types::{Action, Cause, InstrumentIdx, TsNs};

/// An order request that is written down and may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveRequest {
    /// Which instrument.
    pub instrument: InstrumentIdx,
    /// When it was decided.
    pub ts: TsNs,
    /// What is asked.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// Number of the order in the session: the part of its client order id behind the prefix.
    pub full_cid: u64,
    /// A new order that may only make the position smaller: the venue is to see to it, too.
    pub reduce_only: bool,
}

impl LiveSession {
    /// Writes down what the last event of the engine asked for.
    pub(super) fn write_intents(&mut self, ts: TsNs) {
        for request in &self.asked {
            let trader = self.engine.trader(request.instrument);
            let full_cid = trader.map_or(0, |trader| trader.session_seq(request.action.cid()));
            let reducing = trader.is_some_and(|one| one.permit().holds.reduce_only().is_some());
            let asked = (request.action, request.cause);
            self.tap.intent(request.instrument, ts, asked, full_cid);
            self.requests.push(LiveRequest {
                instrument: request.instrument,
                ts,
                action: request.action,
                cause: request.cause,
                full_cid,
                reduce_only: reducing && matches!(request.action, Action::Place(_)),
            });
        }
    }
}
