//! The decision: a pure state machine from market rows and execution reports to order requests. It
//! reads no clock, opens nothing, draws nothing that is not seeded; the same events and parameters
//! give the same requests, bit for bit, in a backtest, on paper and live.
//!
//! [`Market`] is what was received of one instrument and what follows from it alone; any number of
//! traders share it. [`Trader`] is one parameter set on one instrument: its orders, position,
//! guards and accounts. [`Engine`] joins both behind one entry point for live use.

pub mod edge;
pub mod engine;
pub mod guard;
pub mod market;
#[cfg(test)]
mod market_tests;
mod market_view;
pub mod order;
pub mod portfolio;
pub mod session;
pub mod signal;
pub mod strategy;
pub mod telemetry;
pub mod trace;
pub mod trader;

pub use edge::{EdgeTotals, FillRecord, IdentityError, MARKOUT_MS, Markout};
pub use engine::{
    Engine, EngineError, Event, Request, STATE_BUILD, StateError, session_hash, write_state,
};
pub use market::{Market, MarketActivity, MarketView};
pub use order::{IllegalTransition, OpenOrder, OrderState};
pub use portfolio::{Allocator, PortfolioTarget};
pub use session::{Permit, SYNC_NS, Session};
pub use strategy::{Quote, StrategyView};
pub use telemetry::{Blocks, Histogram, SignedHistogram, Telemetry};
pub use trace::{Step, Trace};
pub use trader::{OrderEventKind, OrderEventRow, SeatPlace, StaleNote, Trader};
