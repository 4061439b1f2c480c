//! The other side of the wire: an exchange that matches our orders against recorded or generated
//! market data (queue models, latency, fees, rejects), and a market generator. It knows nothing of
//! the engine: orders come in as [`mmbot_types::Action`], reports go out as
//! [`mmbot_types::ExecReport`].

pub mod config;
pub mod exchange;
pub mod market;
pub mod queue;
pub mod truth;

pub use config::{FillMode, RequestLatency, ResponseLatency, SimConfig, SimConfigError};
pub use exchange::{
    Account, Exchange, ReportSink, Reports, RestingOrder, SharedEvent, SharedExchange, SharedOrder,
    SharedTif,
};
pub use queue::{QueueModel, QueuePosition};
