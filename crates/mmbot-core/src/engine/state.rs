//! The whole state of an engine as bytes, and an engine made of them again: what it does then is
//! what the first one would have done, bit for bit.
//!
//! Left out is what nobody decides by: traces, logs of orders, fills and events for readers, the
//! last illegal report, buffers. The bytes have no description of themselves (postcard), so they
//! are for the build that wrote them alone: [`STATE_BUILD`] has to be kept beside them. Whether
//! they are whole is for a checksum to say.

use super::{Engine, Seat};
use crate::market::Market;
use crate::session::Session;
use crate::trader::Trader;
use mmbot_types::{ActionBuf, InstrumentIdx, TsNs};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Which build this is: a hash of the sources of types, book and decision.
pub const STATE_BUILD: u64 = match u64::from_str_radix(env!("MMBOT_STATE_BUILD"), 16) {
    Ok(build) => build,
    Err(_) => 0,
};

/// Bytes that are no state of this build.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("is no state of this build: {0}")]
pub struct StateError(String);

#[derive(Serialize)]
struct Borrowed<'a> {
    now: TsNs,
    session: &'a Session,
    seats: Vec<(&'a Market, &'a Trader)>,
}

#[derive(Deserialize)]
struct Owned {
    now: TsNs,
    session: Session,
    seats: Vec<(Market, Trader)>,
}

/// The state at `now` of a session with its markets and traders, in the order of their instruments;
/// appended to `out`.
///
/// # Errors
/// [`StateError`]: a defect of ours.
pub fn write_state<'a>(
    now: TsNs,
    session: &'a Session,
    seats: impl Iterator<Item = (&'a Market, &'a Trader)>,
    out: Vec<u8>,
) -> Result<Vec<u8>, StateError> {
    let state = Borrowed {
        now,
        session,
        seats: seats.collect(),
    };
    postcard::to_extend(&state, out).map_err(StateError::of)
}

impl Engine {
    /// The state after the last event, see [`write_state`].
    ///
    /// # Errors
    /// [`StateError`]: a defect of ours.
    pub fn state(&self) -> Result<Vec<u8>, StateError> {
        let seats = self.seats.iter().map(|seat| (&seat.market, &seat.trader));
        let now = self.now.unwrap_or_default();
        write_state(now, &self.session, seats, Vec::new())
    }

    /// A driven engine as it was when `state` was written.
    ///
    /// # Errors
    /// [`StateError`] for anything that [`write_state`] of this build has not written.
    pub fn restored(state: &[u8]) -> Result<Self, StateError> {
        let (owned, rest) = postcard::take_from_bytes::<Owned>(state).map_err(StateError::of)?;
        let symbols = owned.session.symbols().len();
        if !rest.is_empty() || owned.seats.len() != symbols {
            return Err(StateError("another length".to_owned()));
        }
        let seats = (0u16..).zip(owned.seats).map(|(at, (market, trader))| {
            let mut seat = Seat {
                instrument: InstrumentIdx(at),
                market,
                trader,
                asking: false,
                tightened: false,
            };
            seat.market.keep_long_history();
            seat
        });
        Ok(Self {
            seats: seats.collect(),
            session: owned.session,
            now: Some(owned.now),
            is_driven: true,
            actions: ActionBuf::new(),
        })
    }
}

impl StateError {
    fn of(error: postcard::Error) -> Self {
        Self(error.to_string())
    }
}
