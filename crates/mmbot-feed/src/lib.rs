//! Venue frame decoders: bytes of one frame or line in, typed rows out. No IO, no clock, no
//! threads.
//!
//! - [`bybit`], [`binance`], [`okx`], [`tardis`], [`bybit_csv`]: one file per format, each one
//!   function that fills a reused [`Decoded`] or returns a row;
//! - [`sequence`]: continuity of a book stream, gaps and joins;
//! - [`bybit_orders`]: the way back, order requests to frames;
//! - [`bybit_sight`]: what a frame says about time, without decoding it;
//! - [`frame_book`]: the whole hot path for one Bybit stream;
//! - [`frames`]: frames as columns and back, byte for byte, for recordings of the wire;
//! - [`capture`]: recorded files of any block size into catalog columns, with counts and rejects.
//!
//! A refused frame is an error value with the offset of the offending byte ([`FrameError`]);
//! nothing in here panics on input.

pub mod binance;
pub mod bybit;
pub mod bybit_csv;
pub mod bybit_orders;
pub mod bybit_sight;
pub mod capture;
mod csv;
pub mod decoded;
pub mod error;
pub mod events;
mod fields;
pub mod frame_book;
pub mod frames;
pub mod grid;
mod levels;
pub mod okx;
mod scan;
pub mod sequence;
pub mod tardis;
pub mod time;
pub mod top;

pub use bybit_orders::{OrderEntry, OrderTerms, put_orders};
pub use bybit_sight::{Sight, SightKind, sight};
pub use decoded::{Decoded, FrameKind, Level, Quote, Span, Target, TradeRow, UpdateIds};
pub use error::{FrameError, FrameErrorKind};
pub use events::{RowSink, append_events};
pub use frame_book::{FrameBook, FrameCounts};
pub use grid::{Grid, Step};
pub use scan::MAX_FRAME_BYTES;
pub use sequence::{BookState, Rule, Sequence, Verdict};
pub use top::{BookSink, Top};
