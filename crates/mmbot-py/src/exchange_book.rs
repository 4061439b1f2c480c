//! `ExchangeBook`: the simulated exchange of one instrument, open to outside accounts.

// Frozen classes own their state behind a lock: calls from several Python threads take turns.
#![allow(clippy::disallowed_types)]

use crate::chunk::EventChunk;
use crate::error::core_error;
use crate::sim_keys::read_sim;
use mmbot_sim::{
    RequestLatency, SharedEvent, SharedExchange, SharedOrder, SharedTif, SimConfigError,
};
use mmbot_types::{
    Action, Cid, EventColumns, NewOrder, PriceTick, QtyLot, ReportKind, Side, TimeInForce, TsNs,
};
use pyo3::prelude::*;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Adds the classes of this file to the module.
pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<ExchangeEvent>()?;
    m.add_class::<ExchangeBook>()
}

/// A level: price in ticks, size in lots.
type Level = (i64, i64);

/// Something that happened; fields that its kind does not have are zero or empty.
#[pyclass(module = "mmbot._core", frozen, eq, get_all)]
#[derive(Debug, Clone, PartialEq, Eq)]
struct ExchangeEvent {
    /// print, accepted, rejected, amended, amend_rejected, cancelled, cancel_rejected or filled.
    kind: &'static str,
    ts_ns: i64,
    cid: u64,
    is_buy: bool,
    px: i64,
    qty: i64,
    cum_qty: i64,
    is_maker: bool,
    reason: &'static str,
}

#[pymethods]
impl ExchangeEvent {
    fn __repr__(&self) -> String {
        format!("{self:?}")
    }
}

impl ExchangeEvent {
    const fn blank(kind: &'static str, ts: TsNs, cid: u64) -> Self {
        Self {
            kind,
            ts_ns: ts.get(),
            cid,
            is_buy: false,
            px: 0,
            qty: 0,
            cum_qty: 0,
            is_maker: false,
            reason: "",
        }
    }

    fn of(event: &SharedEvent) -> Self {
        let report = match *event {
            SharedEvent::Print { side, px, qty, ts } => {
                return Self {
                    is_buy: side == Side::Buy,
                    px: px.get(),
                    qty: qty.get(),
                    ..Self::blank("print", ts, 0)
                };
            }
            SharedEvent::Report(report) => report,
        };
        let blank = |kind| Self::blank(kind, report.ts_exch, report.cid.get());
        match report.kind {
            ReportKind::Accepted => blank("accepted"),
            ReportKind::Cancelled => blank("cancelled"),
            ReportKind::Rejected(reason) => Self {
                reason: reason.name(),
                ..blank("rejected")
            },
            ReportKind::AmendRejected(reason) => Self {
                reason: reason.name(),
                ..blank("amend_rejected")
            },
            ReportKind::CancelRejected(reason) => Self {
                reason: reason.name(),
                ..blank("cancel_rejected")
            },
            ReportKind::Amended { px, open_qty } => Self {
                px: px.get(),
                qty: open_qty.get(),
                ..blank("amended")
            },
            ReportKind::Filled {
                px,
                qty,
                cum_qty,
                liquidity,
                ..
            } => Self {
                px: px.get() / mmbot_types::PRICE_SCALE,
                qty: qty.get(),
                cum_qty: cum_qty.get(),
                is_maker: liquidity == mmbot_types::Liquidity::Maker,
                ..blank("filled")
            },
        }
    }
}

#[derive(Debug)]
struct State {
    exchange: SharedExchange,
    latency: RequestLatency,
    draws: u64,
    chunks: VecDeque<Arc<EventColumns>>,
    /// Next row of the first chunk.
    at: usize,
    fed_until_ns: i64,
}

impl State {
    /// Applies the rows up to `until_ns`.
    fn advance(&mut self, until_ns: i64, out: &mut Vec<SharedEvent>) {
        while let Some(chunk) = self.chunks.front() {
            while self.at < chunk.len() && chunk.ts_exch[self.at] <= until_ns {
                self.exchange.market(&chunk.row(self.at), out);
                self.at += 1;
            }
            if self.at < chunk.len() {
                return;
            }
            self.chunks.pop_front();
            self.at = 0;
        }
    }
}

/// One instrument's matching against the market that it is fed.
#[pyclass(module = "mmbot._core", frozen)]
struct ExchangeBook {
    inner: Mutex<State>,
}

impl ExchangeBook {
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, act: impl FnOnce(&mut State, &mut Vec<SharedEvent>)) -> Vec<ExchangeEvent> {
        let mut out = Vec::new();
        act(&mut self.state(), &mut out);
        out.iter().map(ExchangeEvent::of).collect()
    }
}

#[pymethods]
impl ExchangeBook {
    #[new]
    #[pyo3(signature = (sim = None, seed = 42))]
    fn new(sim: Option<&Bound<'_, PyAny>>, seed: u64) -> PyResult<Self> {
        let config = read_sim(sim, seed)?;
        let exchange = SharedExchange::new(&config).map_err(sim_error)?;
        let state = State {
            exchange,
            latency: RequestLatency::new(&config),
            draws: 0,
            chunks: VecDeque::new(),
            at: 0,
            fed_until_ns: 0,
        };
        Ok(Self {
            inner: Mutex::new(state),
        })
    }

    fn push(&self, chunk: &EventChunk) {
        let mut state = self.state();
        if let Some(&last) = chunk.columns.ts_exch.last() {
            state.fed_until_ns = last;
            state.chunks.push_back(Arc::clone(&chunk.columns));
        }
    }

    #[getter]
    fn fed_until_ns(&self) -> i64 {
        self.state().fed_until_ns
    }

    #[getter]
    fn seq(&self) -> u64 {
        self.state().exchange.seq()
    }

    #[getter]
    fn is_live(&self) -> bool {
        self.state().exchange.is_live()
    }

    #[getter]
    fn position(&self) -> i64 {
        self.state().exchange.position().get()
    }

    fn advance(&self, py: Python<'_>, until_ns: i64) -> Vec<ExchangeEvent> {
        py.detach(|| self.run(|state, out| state.advance(until_ns, out)))
    }

    #[pyo3(signature = (cid, *, is_buy, px, qty, time_in_force, now_ns))]
    fn place(
        &self,
        cid: u64,
        is_buy: bool,
        px: i64,
        qty: i64,
        time_in_force: &str,
        now_ns: i64,
    ) -> PyResult<Vec<ExchangeEvent>> {
        let order = SharedOrder {
            cid: Cid::new(cid),
            side: if is_buy { Side::Buy } else { Side::Sell },
            px: PriceTick::new(px),
            qty: QtyLot::new(qty),
            tif: time_in_force_of(time_in_force)?,
        };
        Ok(self.run(|state, out| state.exchange.place(order, TsNs::new(now_ns), out)))
    }

    #[pyo3(signature = (cid, *, px, total_qty, post_only, now_ns))]
    fn amend(
        &self,
        cid: u64,
        px: i64,
        total_qty: i64,
        post_only: bool,
        now_ns: i64,
    ) -> Vec<ExchangeEvent> {
        let (px, total) = (PriceTick::new(px), QtyLot::new(total_qty));
        let (cid, now) = (Cid::new(cid), TsNs::new(now_ns));
        self.run(|state, out| state.exchange.amend(cid, px, total, post_only, now, out))
    }

    fn cancel(&self, cid: u64, now_ns: i64) -> Vec<ExchangeEvent> {
        self.run(|state, out| {
            state.exchange.cancel(Cid::new(cid), TsNs::new(now_ns), out);
        })
    }

    fn levels(&self, depth: usize) -> (Vec<Level>, Vec<Level>) {
        let state = self.state();
        let side = |side| {
            let levels = state.exchange.levels(side, depth).into_iter();
            levels.map(|(px, qty)| (px.get(), qty.get())).collect()
        };
        (side(Side::Buy), side(Side::Sell))
    }

    fn queue_ahead(&self, cid: u64) -> Option<i64> {
        let ahead = self.state().exchange.queue_ahead(Cid::new(cid));
        ahead.map(QtyLot::get)
    }

    fn request_latency_ns(&self, op: &str) -> PyResult<i64> {
        let cid = Cid::new(0);
        let (px, qty) = (PriceTick::new(1), QtyLot::new(1));
        let action = match op {
            "create" => Action::Place(NewOrder {
                cid,
                side: Side::Buy,
                px,
                qty,
                tif: TimeInForce::GoodTilCancel,
            }),
            "amend" => Action::Amend {
                cid,
                px,
                total_qty: qty,
            },
            "cancel" => Action::Cancel { cid },
            _ => {
                return Err(core_error(
                    "E_CFG_TYPE",
                    "op",
                    "must be create, amend or cancel",
                ));
            }
        };
        let mut state = self.state();
        state.draws += 1;
        let draw = state.draws;
        Ok(state.latency.of(&action, draw))
    }
}

fn time_in_force_of(name: &str) -> PyResult<SharedTif> {
    match name {
        "GTC" => Ok(SharedTif::GoodTilCancel),
        "PostOnly" => Ok(SharedTif::PostOnly),
        "IOC" => Ok(SharedTif::ImmediateOrCancel),
        "FOK" => Ok(SharedTif::FillOrKill),
        _ => {
            let rule = "must be GTC, PostOnly, IOC or FOK";
            Err(core_error("E_CFG_TYPE", "time_in_force", rule))
        }
    }
}

fn sim_error(error: SimConfigError) -> PyErr {
    let range = format!("must be in [{},{}]", error.lo, error.hi);
    core_error("E_CALIB_RANGE", error.key, &range)
}
