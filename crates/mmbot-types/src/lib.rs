//! The nouns of the trading core. This crate depends on nothing of ours: every other crate speaks
//! in these types, so that engine and simulator share words and never state.
//!
//! Units: prices are integer ticks, quantities integer lots, times integer nanoseconds UTC.
//! Execution prices have a finer grid (1/10,000 tick) because slippage models move them off the
//! tick grid, and money is an exact integer of that grid times lots, so that accounting identities
//! hold exactly and not to a rounding error.

pub mod action;
pub mod block;
pub mod boxed_array;
pub mod carried;
pub mod color;
pub mod columns;
pub mod decimal;
pub mod instrument;
pub mod intent;
pub mod journal;
pub mod kill_cause;
pub mod long_array;
pub mod money;
pub mod op;
pub mod params;
pub mod quote;
pub mod report;
pub mod risk_grade;
pub mod rng;
pub mod side;
pub mod units;

pub use action::{Action, ActionBuf, NewOrder, TimeInForce};
pub use block::{BlockDetail, BlockReason, Cause};
pub use carried::{DayTotals, RingParts, SlippageOverride, SymbolCalibration, ThrottleSnapshot};
pub use color::Color;
pub use columns::{ChunkError, EventColumns, EventRow, RowKind};
pub use decimal::{Decimal, DecimalError};
pub use instrument::{Instrument, InstrumentError, InstrumentIdx};
pub use intent::Intent;
pub use kill_cause::KillCause;
pub use money::{FeeRate, Money};
pub use op::Op;
pub use params::session::{
    AutopolicyParams, BiasBand, BiasParams, BudgetParams, CircuitParams, CostParams,
    GuardThresholds, IntradayCapsParams, MuxBand, MuxParams, MuxStrategy, OpenWindow,
    PortfolioParams, PosSkewParams, RiskGradeParams, RolloutParams, RuntimeGuardParams,
    ScheduleParams, SessionParams, SessionRiskParams, ShadowParams, SmoothingParams,
    ThrottleParams,
};
pub use params::{
    AntiStaleParams, Cadence, EdgeParams, ParamError, Params, QuoteParams, QuoterKind, ReplaceMode,
    ReplaceParams, RiskParams, SignalParams, SizingParams, TailParams,
};
pub use quote::Quote;
pub use report::{ExecReport, Liquidity, RejectReason, ReportKind};
pub use risk_grade::RiskGrade;
pub use rng::{CounterRng, StreamRng, sub_seed};
pub use side::Side;
pub use units::{Cid, ExecPrice, MidTick, PRICE_SCALE, PriceTick, QtyLot, TsNs};
