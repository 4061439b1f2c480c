//! Drivers in pure form: a backtest of many lanes over one pass of market data. Data come in as
//! chunks, time comes from the data, results go out as values. The only crate that spreads work
//! over threads.

pub mod backtest;
pub mod checkpoint;
mod control;
pub mod cursor;
mod desk;
pub mod error;
pub mod explain;
pub mod fault;
pub mod fleet;
pub mod follow;
pub mod invariant;
mod known;
pub mod lane;
pub mod live;
pub mod merge;
pub mod replay;
pub mod round_trip;
pub mod span;
mod taking;
mod tap;
pub mod timed;
mod wiring;
pub mod world;

pub use backtest::{Backtest, LaneSpec, SessionLane, Span};
pub use checkpoint::Checkpoint;
pub use desk::{Desk, RecentFill};
pub use error::RunError;
pub use explain::{Place, Question, Search, Sent};
pub use follow::{Follow, Told};
pub use lane::{Bars, Curve, Lane};
pub use live::{FrameChunks, LiveRequest, LiveSession, Resumption};
pub use merge::{BookBatch, StreamMerger, TradeBatch, Wants};
pub use replay::{Configs, Difference, Outcome, RecoveryError, Replay, ReplayError};
pub use tap::JournalStart;
pub use world::{External, NoStrategy, Sampling, WeightAnswer, WeightRequest, Wires, World};
