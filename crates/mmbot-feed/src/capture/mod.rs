//! Recorded files into catalog columns: blocks of any size in, book and trade rows out, every line
//! that was refused kept with its reason, everything counted.
//!
//! Rows of stream `book`: `kind` 0 is a snapshot row, 1 a delta row, 3 a gap mark (`px` and `qty`
//! 0; the book is unusable until the next snapshot row). A change of `update_id` ends a packet; a
//! first snapshot row after anything else, or with another `update_id` than the row before, empties
//! the book. `ts_ns` and `recv_ns` never go back: a frame or trade whose time does is counted and
//! takes the time of its predecessor. Only the prints of `bybit-trades-csv`, which need not be in
//! order of arrival, keep the order and times of the file (sort them by `ts_ns` if any is out of
//! order).

pub mod columns;
pub mod decoder;
pub mod envelope;
pub mod format;
mod pending;
mod route;
pub mod stats;
pub mod symbols;
mod track;

pub use columns::{BookColumns, KIND_DELTA, KIND_GAP, KIND_SNAPSHOT, Reject, TradeColumns};
pub use decoder::CaptureDecoder;
pub use format::{Envelope, Format, Venue};
pub use stats::Stats;
pub use symbols::{SymbolInfo, scan_symbols};
