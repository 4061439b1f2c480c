//! Orders of one trader: their states, where they are kept, how fills are booked, how often they
//! may be replaced, and which requests were just sent.

pub mod color;
pub mod fills;
pub mod idempotency;
#[cfg(test)]
mod idempotency_tests;
pub mod past;
pub mod state;
pub mod table;
pub mod throttle;
pub mod transition;
#[cfg(test)]
mod transition_tests;

pub use color::{SeqText, color_of_cid, color_of_seq, fallback_cid};
pub use fills::{Booking, EarlyFills};
pub use idempotency::{IDEMPOTENCY_TTL_MS, IdempotencyFilter, IdempotencyKey};
pub use past::PastOrders;
pub use state::{DoneReason, OpenOrder, Order, OrderState, Terms};
pub use table::{OrderTable, SLOTS, Slots};
pub use throttle::{ANSWER_TIMEOUT_NS, ReplaceThrottle};
pub use transition::{IllegalTransition, OrderEvent, transition};
