//! Takes checkpoints of a running session.

use crate::checkpoint::{At, Checkpoint, FileRange, Head, OrdersKnown};
use mmbot_core::order::OrderTable;
use mmbot_core::{Market, STATE_BUILD, Session, StateError, Trader, session_hash, write_state};
use mmbot_types::TsNs;

/// Checkpoints kept for whoever takes them; he comes many times between two of them.
const WAITING_MAX: usize = 4;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taking {
    next_number: u64,
    /// Records of parameters since the last checkpoint.
    params: Vec<At>,
    waiting: Vec<Checkpoint>,
    /// Why there is one too few: trading goes on without it.
    failed: Option<StateError>,
    /// Length of the last state: the next one is much alike.
    last_bytes: usize,
}

impl Taking {
    /// The first checkpoint gets the number `next_number`.
    pub(crate) fn from_number(next_number: u64) -> Self {
        Self {
            next_number,
            ..Self::default()
        }
    }

    /// Parameters are about to be written down.
    pub(crate) fn note_params(&mut self, at: At) {
        self.params.push(at);
    }

    /// The state of a session whose hash will be the record `at`. None is taken while nobody takes
    /// the ones before it.
    pub(crate) fn take<'a>(
        &mut self,
        at: At,
        ts: TsNs,
        session: &'a Session,
        seats: impl Iterator<Item = (&'a Market, &'a Trader)> + Clone,
    ) {
        if self.waiting.len() >= WAITING_MAX {
            return;
        }
        let traders = seats.clone().map(|(_, trader)| trader);
        let hash = session_hash(traders.clone().map(Trader::state_hash));
        let orders = traders.map(orders_known).collect();
        let room = Vec::with_capacity(self.last_bytes + self.last_bytes / 8);
        let state = match write_state(ts, session, seats, room) {
            Ok(state) => state,
            Err(error) => {
                self.failed = Some(error);
                return;
            }
        };
        self.last_bytes = state.len();
        let head = Head {
            number: self.next_number,
            build: STATE_BUILD,
            at,
            ts,
            hash,
            params: std::mem::take(&mut self.params),
            orders,
            state: FileRange {
                bytes: state.len() as u64,
                ..FileRange::default()
            },
            state_crc: crc32c::crc32c(&state),
        };
        self.next_number += 1;
        self.waiting.push(Checkpoint { head, state });
    }

    /// What nobody has taken yet.
    pub(crate) fn hand_over(&mut self) -> Result<Vec<Checkpoint>, StateError> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut self.waiting)),
        }
    }
}

fn orders_known(trader: &Trader) -> OrdersKnown {
    let open = trader
        .open_orders()
        .map(|order| OrderTable::seq_of(order.cid));
    OrdersKnown {
        next_seq: trader.next_order_seq(),
        open: open.collect(),
    }
}
